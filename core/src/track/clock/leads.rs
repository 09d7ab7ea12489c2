//! By how much the clock of each port's reports is ahead of the gateway's, and whether late reports carry the time of sending, which
//! depends on the gateway's version and not on the port.

use super::{
    Tick,
    ports::{PORTS, place_of},
};

/// The number of agreeing votes from which a lead is certain.
const CERTAIN: u8 = 5;

/// The maximum difference in seconds of a vote that agrees.
const AGREEMENT: u32 = 60;

/// The number of consecutive late reports with the time of sending after which reports are assumed to carry it.
const LATE: u8 = 16;

/// A quarter of an hour in seconds.
const QUARTER: u32 = 900;

/// What is known of a port's clock of reports.
#[derive(Clone, Copy, Debug)]
struct Lead {
    /// The lead in seconds, modulo 2^32, and since when it was the same.
    seconds: u32,
    since: Tick,
    /// The number of votes for it, less those against it.
    votes: u8,
}

/// The leads of the ports' clocks.
#[derive(Debug)]
pub(in crate::track) struct Leads {
    ports: [Lead; PORTS],
    /// The number of consecutive late reports that carried the time of sending.
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

    /// Returns the lead of a port's clock, modulo 2^32, as a multiple of a quarter of an hour, as of clocks of other time zones.
    pub(in crate::track) fn zone(&self, port: u8) -> u32 {
        let ahead = self.of(port).unwrap_or(0).wrapping_add(QUARTER / 2);
        ahead.wrapping_sub(ahead.cast_signed().rem_euclid(QUARTER.cast_signed()).cast_unsigned())
    }

    /// Returns the lead of the clock that is furthest behind, of a set of ports.
    pub(in crate::track) fn least(&self, ports: u32) -> Option<u32> {
        let known = (0..32).filter(|port| ports >> port & 1 == 1).filter_map(|port| self.of(port));
        known.min_by_key(|lead| lead.cast_signed())
    }

    /// Returns whether the leads of a set of ports are known.
    pub(in crate::track) fn are_known(&self, ports: u32) -> bool {
        (0..32).filter(|port| ports >> port & 1 == 1).all(|port| self.of(port).is_some())
    }

    /// Learns from a report that arrived soon after its message was sent, and carries a time later by these seconds.
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

    /// Returns whether a message was sent at a time, by the gateway's clock, by which a report carries the time of sending; `None`
    /// if that is not known.
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

    /// Learns whether a late report carries the time of sending. Returns whether it is now known, or no longer, that late reports do.
    pub(in crate::track) fn note_late(&mut self, is_sending: bool) -> bool {
        let before = self.carry_sending();
        self.late = if is_sending { self.late.saturating_add(1).min(LATE) } else { 0 };
        before != self.carry_sending()
    }

    /// Returns whether late reports carry the time of sending.
    pub(in crate::track) fn carry_sending(&self) -> bool {
        self.late == LATE
    }

    /// Restores whether late reports carry the time of sending.
    pub(in crate::track) fn restore_late(&mut self, carry_sending: bool) {
        self.late = if carry_sending { LATE } else { 0 };
    }

    /// Forgets the leads, since the gateway's clock jumped.
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
        // A vote against it suspends it.
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
