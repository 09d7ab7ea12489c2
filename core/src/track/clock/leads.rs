//! Leads: the seconds by which the clock of each port's reports is ahead of the gateway's clock.
//!
//! [`Leads`] also learns whether late reports carry their segment's send time. That depends on the gateway's version, not on the port.

use super::{
    Tick,
    ports::{PORTS, place_of},
};

/// The number of votes that make a lead certain. Each report that arrives soon after its message was sent is a vote.
const CERTAIN: u8 = 5;

/// The maximum difference in seconds between a lead and a vote for it.
const AGREEMENT: u32 = 60;

/// The number of consecutive late reports that must carry their segment's send time before all late reports are assumed to do so.
const LATE: u8 = 16;

/// A quarter of an hour in seconds.
const QUARTER: u32 = 900;

/// The lead of a port's clock of reports.
#[derive(Clone, Copy, Debug)]
struct Lead {
    /// The lead in seconds, modulo 2^32, and the tick at which it was learnt.
    seconds: u32,
    since: Tick,
    /// The number of votes for this lead minus the votes against it, at most [`CERTAIN`].
    votes: u8,
}

/// The leads of the ports' clocks.
#[derive(Debug)]
pub(in crate::track) struct Leads {
    ports: [Lead; PORTS],
    /// The number of consecutive late reports that carried their segment's send time.
    late: u8,
}

impl Leads {
    pub(in crate::track) const NEW: Self =
        Self { ports: [Lead { seconds: 0, since: Tick::ZERO, votes: 0 }; PORTS], late: 0 };

    fn known(&self, port: u8) -> Option<&Lead> {
        self.ports.get(place_of(port)).filter(|lead| lead.votes > 0)
    }

    /// Returns the lead of a port's clock, modulo 2^32, if it is known.
    pub(in crate::track) fn of(&self, port: u8) -> Option<u32> {
        self.known(port).map(|lead| lead.seconds)
    }

    /// Returns the lead of a port's clock, modulo 2^32, rounded to a quarter of an hour like time zones; 0 if it is not known.
    pub(in crate::track) fn zone(&self, port: u8) -> u32 {
        let ahead = self.of(port).unwrap_or(0).wrapping_add(QUARTER / 2);
        ahead.wrapping_sub(ahead.cast_signed().rem_euclid(QUARTER.cast_signed()).cast_unsigned())
    }

    /// Returns the smallest known lead in a set of ports, which is that of the clock furthest behind; `None` if no lead is known.
    pub(in crate::track) fn least(&self, ports: u32) -> Option<u32> {
        let known = (0..32).filter(|port| ports >> port & 1 == 1).filter_map(|port| self.of(port));
        known.min_by_key(|lead| lead.cast_signed())
    }

    /// Returns whether the leads of all ports in a set are known.
    pub(in crate::track) fn are_known(&self, ports: u32) -> bool {
        (0..32).filter(|port| ports >> port & 1 == 1).all(|port| self.of(port).is_some())
    }

    /// Learns from a report that arrived soon after its message was sent. The report's time is `seconds` seconds later than its segment's
    /// send time.
    pub(in crate::track) fn vote(&mut self, port: u8, seconds: u32, now: Tick) {
        let Some(lead) = self.ports.get_mut(place_of(port)) else { return };
        if lead.votes > 0 && is_near(seconds, lead.seconds, AGREEMENT) {
            lead.votes = lead.votes.saturating_add(1).min(CERTAIN);
        } else if lead.votes > 1 {
            lead.votes = lead.votes.saturating_sub(1);
        } else {
            *lead = Lead { seconds, since: now, votes: 1 };
        }
    }

    /// Returns whether a report's time, corrected by the port's lead, is within `within` seconds of the segment's send time `sent`. Returns
    /// `None` if the lead is not certain, or has changed since the message's reference became known at the tick `located`.
    pub(in crate::track) fn is_sending(
        &self,
        port: u8,
        (sent, located): (u32, Tick),
        time: u32,
        within: u32,
    ) -> Option<bool> {
        let lead = self.known(port).filter(|lead| lead.votes == CERTAIN && lead.since.is_due(located))?;
        Some(is_near(time.wrapping_sub(sent), lead.seconds, within))
    }

    /// Learns whether a late report carries its segment's send time. Returns whether this changed the result of
    /// [`carry_sending`](Self::carry_sending).
    pub(in crate::track) fn note_late(&mut self, is_sending: bool) -> bool {
        let before = self.carry_sending();
        self.late = if is_sending { self.late.saturating_add(1).min(LATE) } else { 0 };
        before != self.carry_sending()
    }

    /// Returns whether late reports carry their segment's send time.
    pub(in crate::track) fn carry_sending(&self) -> bool {
        self.late == LATE
    }

    /// Restores whether late reports carry their segment's send time.
    pub(in crate::track) fn restore_late(&mut self, carry_sending: bool) {
        self.late = if carry_sending { LATE } else { 0 };
    }

    /// Forgets the leads, because the gateway's clock jumped.
    pub(in crate::track) fn reset(&mut self) {
        *self = Self { late: self.late, ..Self::NEW };
    }
}

fn is_near(one: u32, other: u32, within: u32) -> bool {
    one.wrapping_sub(other).wrapping_add(within) <= within.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u32) -> Tick {
        Tick::new(second * 100)
    }

    #[test]
    fn a_lead_is_what_most_votes_agree_on() {
        let mut leads = Leads::NEW;
        assert_eq!((leads.of(3), leads.least(8), leads.are_known(8)), (None, None, false));
        let behind = 7_u32.wrapping_mul(3600).wrapping_neg();
        for seconds in [behind, behind.wrapping_add(60), 900, behind.wrapping_sub(60)] {
            leads.vote(3, seconds, at(1));
        }
        leads.vote(4, 5, at(1));
        assert_eq!(
            (leads.of(3), leads.least(0x18), leads.least(0x10)),
            (Some(behind), Some(behind), Some(5))
        );
        assert!(leads.are_known(0x18) && !leads.are_known(0x38));
        assert_eq!((leads.zone(3), leads.zone(4), leads.zone(5)), (behind, 0, 0));
        for (lead, zone) in
            [(449, 0), (450, 900), (u32::MAX - 449, 0), (u32::MAX - 450, 900_u32.wrapping_neg())]
        {
            leads.vote(6, lead, at(1));
            assert_eq!(leads.zone(6), zone, "{lead}");
            leads.ports[6].votes = 0;
        }
        for _ in 0..2 {
            leads.vote(3, 900, at(2));
        }
        assert_eq!(leads.of(3), Some(900));
        leads.vote(3, 961, at(2));
        assert_eq!(leads.of(3), Some(961));
    }

    #[test]
    fn a_lead_is_certain_after_five_votes_for_messages_sent_since_then() {
        let mut leads = Leads::NEW;
        let sending = |leads: &Leads, located, time| leads.is_sending(3, (1000, at(located)), time, 90);
        for _ in 0..4 {
            leads.vote(3, 20, at(5));
        }
        assert_eq!(sending(&leads, 5, 1020), None);
        leads.vote(3, 20, at(6));
        let of = |leads: &Leads, time| sending(leads, 5, time);
        assert_eq!(
            [929, 930, 1110, 1111].map(|time| of(&leads, time)),
            [Some(false), Some(true), Some(true), Some(false)]
        );
        assert_eq!(sending(&leads, 4, 1020), None, "sent before the lead was the same");
        // A vote against the lead makes it uncertain.
        leads.vote(3, 3620, at(7));
        assert_eq!(sending(&leads, 6, 1020), None);
        leads.vote(3, 20, at(8));
        assert_eq!(sending(&leads, 6, 1020), Some(true));
    }

    #[test]
    fn sixteen_late_reports_in_a_row_show_that_reports_carry_the_time_of_sending() {
        let mut leads = Leads::NEW;
        assert!((0..15).all(|_| !leads.note_late(true)) && !leads.carry_sending());
        assert!(leads.note_late(true) && !leads.note_late(true) && leads.carry_sending());
        assert!(leads.note_late(false) && !leads.carry_sending() && !leads.note_late(false));
        for _ in 0..16 {
            leads.note_late(true);
        }
        leads.vote(3, 20, at(5));
        leads.reset();
        assert!(leads.carry_sending() && leads.of(3).is_none());
    }
}
