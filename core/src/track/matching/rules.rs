//! The rules by which a report is assigned to a message.
//!
//! A report contains port, number and reference. Several messages may fit: references wrap around, phones are off for days, reports are
//! lost, and other programs may send through the same ports. The time in a report comes from another clock, which may be hours off. A time
//! difference therefore excludes no candidate. Only this client's own clock is certain: a report arrived after the last look that did not
//! show it, and before the first look that did. A candidate is excluded if it was sent, or had its final report, too long before the
//! report arrived. A report is assigned if one candidate is left, and one of these rules applies:
//!
//! 1. No other program can have sent the report's message. Either the caller says so, or the references show it: for as long as reports may
//!    be late, there was no gap in the references of this client's own messages, or in those of the gateway's list of results. Other
//!    programs' messages in that list are candidates too.
//! 2. The caller is not strict, and no report of another program's message to that number was seen lately. In addition, the report arrived
//!    soon after its message was sent, or before any program can have used the reference again.
//!
//! If reports carry exactly the message's send time, that time alone decides. If late reports carry their segment's send time by a clock
//! whose lead is known, the only candidate sent at that time owns the report. Otherwise the report is not assigned.

use super::{
    index::{Candidates, Unlocated},
    listed::Bounds,
    pending::{PendingReports, Sighting},
    report::RawReport,
};
use crate::track::{
    clock::{PER_SECOND, Sequence, Tick, seconds},
    message::{AMBIGUOUS, Outcome, Slot, State},
    plan::{Messages, View, Waits},
    table::SlotId,
};

/// The maximum number of messages without a known reference that are checked as owners of one report. If there are more, the report waits.
const MAX_LOOKS: u32 = 256;

/// An hour in ticks. At least one hour is added to the maximum lateness of reports as a margin.
const HOUR: u32 = 3600 * PER_SECOND;

/// The first of the two limits within which a report arrived *soon* after its message's result: the maximum ticks from the result to the
/// last look that did not show the report.
const SOON_ABSENT: u32 = 30 * PER_SECOND;
/// The second of these limits: the maximum ticks from the result to the first look that showed the report.
const SOON_SEEN: u32 = 60 * PER_SECOND;

/// The maximum seconds by which a report's time may precede its message's send time and still be near it.
const NEAR_BEFORE: u32 = 60;
/// The length in seconds of the span of near times, which begins [`NEAR_BEFORE`] before the send time.
const NEAR: u32 = 660;

/// The maximum ticks from a message's result to the first look that showed its report. The port's lead is learnt only from reports within
/// this limit.
const QUICK: u32 = 45 * PER_SECOND;

/// The minimum ticks from a message's result to the last look that did not show its report. From this limit on, the report is late.
const LATE: u32 = 300 * PER_SECOND;

/// The maximum difference in seconds between a late report's time, corrected by the port's lead, and its segment's send time. A report
/// within this limit is evidence that late reports carry the send time.
const HIT: u32 = 60;
/// The same maximum for assigning a report by its time, once late reports were found to carry the send time. It is less than half of the
/// shortest time after which a reference is reused (256 × 2 s).
const TIMED: u32 = 90;

/// The usual time in seconds that it takes to send a segment.
const SEGMENT: u32 = 4;

/// The decision about the message to which a report belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) enum Verdict {
    /// The report belongs to this segment of this message.
    Own { id: SlotId, segment: u8 },
    /// No message matches the report. If `is_foreign`, it cannot belong to a listed segment either, or to a message whose reference is not
    /// known.
    Unknown { is_foreign: bool },
    /// The report was assigned before, or all segments that may own it have a final report. `of` is the message that notes the report's
    /// time, if the report certainly belongs to that message.
    Repeated { of: Option<SlotId> },
    /// The report belongs to the only candidate, unless a different message turns out to own it. The result of `rival` may soon show that,
    /// or, if `wants_list`, a new list of results.
    Claimed { rival: Option<SlotId>, wants_list: bool },
    /// The report may belong to several messages, or to another program's message.
    Contested,
}

impl Verdict {
    /// Returns whether the report waits to be judged again.
    pub(in crate::track) fn is_open(self) -> bool {
        matches!(self, Self::Claimed { .. } | Self::Unknown { .. })
    }
}

/// A verdict, and the facts about clocks that the report's time shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct Judgement {
    pub(in crate::track) verdict: Verdict,
    /// The seconds, modulo 2^32, from the send time of the report's probable segment to the time in the report, and whether the report
    /// carries exactly the message's send time. `None` if the report was not seen soon after the result.
    pub(in crate::track) quick: Option<(u32, bool)>,
    /// Whether a late report carries its segment's send time. `None` if that is unknown, or if the report is not late.
    pub(in crate::track) late: Option<bool>,
}

/// The caller's settings for how certain an assignment must be.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::track) struct Strictness {
    /// No other program sends through the gateway.
    pub(in crate::track) is_exclusive: bool,
    /// Rule 2 in the documentation of the [module](self) is not used.
    pub(in crate::track) is_strict: bool,
}

/// The facts that the rules use.
pub(in crate::track) struct Evidence<'a, 'm> {
    pub(in crate::track) table: &'a Messages<'m>,
    pub(in crate::track) view: View<'a>,
    pub(in crate::track) waits: &'a Waits,
    pub(in crate::track) strictness: Strictness,
    /// The largest number of segments of any message so far.
    pub(in crate::track) longest: u8,
}

/// A message without a known reference that may own a report.
enum Rival {
    None,
    One(SlotId),
    /// There are too many such messages to check. The report waits until there are fewer.
    Many,
}

/// A summary of the candidates that are not excluded.
#[derive(Default)]
struct Tally<'a> {
    /// The number of possible candidates. A candidate is possible if the report repeats none of its reports, and the report's time does not
    /// contradict its send time.
    possible: u32,
    /// The number of possible candidates whose segment has no final report.
    open: u32,
    /// The last possible candidate.
    only: Option<(SlotId, u8)>,
    /// The candidate whose reference became known last, even if it is not possible, and the index of its segment.
    newest: Option<(&'a Slot, u8)>,
    /// The number of possible candidates whose segment was sent within [`TIMED`] of the report's time, and the last of them.
    timed: u32,
    only_timed: Option<(SlotId, u8)>,
    /// A candidate whose segment was sent within [`HIT`] of the report's time.
    hit: Option<&'a Slot>,
    is_repeated: bool,
    /// The number of listed segments of other programs that may own the report.
    strangers: usize,
}

impl Evidence<'_, '_> {
    /// Returns the limits beyond which a segment that the gateway lists for another program cannot own the report.
    fn bounds(&self, sighting: Sighting) -> Bounds {
        let Waits { late, doubled, .. } = *self.waits;
        Bounds { absent: sighting.absent, late: late.saturating_add(HOUR), doubled }
    }

    /// Returns the messages that match a report by port, number and reference.
    pub(in crate::track) fn candidates<'r>(&self, report: &'r RawReport) -> Candidates<'r> {
        Candidates::new(self.table, report.port, report.reference, &report.number, self.longest)
    }

    /// Judges a report.
    pub(super) fn judge(
        &self,
        pending: &mut PendingReports<'_>,
        report: &RawReport,
        sighting: Sighting,
    ) -> Judgement {
        // A kept report may be judged long after it was seen. If its message may be forgotten by now, `absent` proves nothing.
        let looks = &self.view.clock.looks;
        let sighting = Sighting { absent: sighting.absent.filter(|absent| looks.sees(*absent)), ..sighting };
        let mut tally = self.tally(report, sighting);
        tally.strangers = pending.count_strangers(report, self.bounds(sighting));
        Judgement {
            verdict: self.decide(pending, report, sighting, &tally),
            quick: tally.newest.and_then(|newest| quick_difference(newest, report, sighting)),
            late: self.is_late_sending(&tally, report, sighting),
        }
    }

    /// Returns whether a late report carries its segment's send time; `None` if that is not known or the report is not late.
    fn is_late_sending(&self, tally: &Tally<'_>, report: &RawReport, sighting: Sighting) -> Option<bool> {
        let is_late = |slot: &&Slot| sighting.absent.is_some_and(|absent| slot.located.ago(absent) >= LATE);
        if tally.hit.as_ref().is_some_and(is_late) {
            return Some(true);
        }
        let (newest, segment) = tally.newest.filter(|(slot, _)| is_late(slot))?;
        self.was_sent_then((newest, segment), report, HIT)
    }

    /// Returns whether a segment was sent within `within` seconds of a report's time, corrected by the port's lead; `None` if that is not
    /// known.
    fn was_sent_then(&self, (slot, segment): (&Slot, u8), report: &RawReport, within: u32) -> Option<bool> {
        let out = slot.sent?.plus(SEGMENT.saturating_mul(segment.into()));
        self.view.clock.leads.is_sending(slot.port, (out, slot.located), report.time?.get(), within)
    }

    fn decide(
        &self,
        pending: &mut PendingReports<'_>,
        report: &RawReport,
        sighting: Sighting,
        tally: &Tally<'_>,
    ) -> Verdict {
        if tally.is_repeated || tally.possible > 0 && tally.open == 0 {
            let is_certain = tally.possible == 1 && tally.strangers == 0 && !tally.is_repeated;
            return Verdict::Repeated { of: tally.only.filter(|_| is_certain).map(|(id, _)| id) };
        }
        let rival = self.rival(report, sighting.first);
        let Some((id, segment)) = tally.only else {
            let is_foreign = matches!(rival, Rival::None);
            if is_foreign && tally.strangers == 1 && Outcome::of(report.status) != Outcome::Temporary {
                pending.end_stranger(report, self.bounds(sighting), sighting.at);
            }
            return Verdict::Unknown { is_foreign: is_foreign && tally.strangers == 0 };
        };
        let own = Verdict::Own { id, segment };
        let slot = self.table.get(id);
        if tally.possible == 1 && slot.is_some_and(|slot| self.has_its_time(slot, report)) {
            return own;
        }
        match rival {
            Rival::One(rival) if !self.stays_unlocated(rival) => {
                Verdict::Claimed { rival: Some(rival), wants_list: false }
            }
            Rival::Many => Verdict::Claimed { rival: None, wants_list: false },
            // Another report with this reference was seen earlier and waits. If it turns out to belong to one of two candidates, this
            // report belongs to the other.
            _ if pending.has_earlier_claim(report, sighting.first) => {
                Verdict::Claimed { rival: None, wants_list: false }
            }
            Rival::None if self.is_timed(tally) => {
                tally.only_timed.map_or(own, |(id, segment)| Verdict::Own { id, segment })
            }
            Rival::None if tally.possible == 1 && tally.strangers == 0 => {
                if self.is_certain(pending, slot, report, sighting) {
                    own
                } else if self.may_be_listed(report, sighting) {
                    Verdict::Claimed { rival: None, wants_list: true }
                } else {
                    Verdict::Contested
                }
            }
            _ => Verdict::Contested,
        }
    }

    fn tally(&self, report: &RawReport, sighting: Sighting) -> Tally<'_> {
        let mut tally = Tally::default();
        let mut candidates = self.candidates(report);
        while let Some((id, segment)) = candidates.next(self.table) {
            let Some(slot) = self.table.get(id) else { break };
            if slot.submitted.is_after(sighting.first) || self.is_excluded(slot, segment, sighting.absent) {
                continue;
            }
            if tally.newest.is_none_or(|(newest, _)| newest.located.is_due(slot.located)) {
                tally.newest = Some((slot, segment));
            }
            let was_sent_then = |within| self.was_sent_then((slot, segment), report, within) == Some(true);
            if was_sent_then(HIT) {
                tally.hit = Some(slot);
            }
            if is_repetition(slot, segment, report) {
                tally.is_repeated = true;
            } else if !self.has_another_time(slot, report) {
                tally.possible += 1;
                tally.open += u32::from(!slot.fates.is_ended(segment));
                tally.only = Some((id, segment));
                if was_sent_then(TIMED) {
                    tally.timed += 1;
                    tally.only_timed = tally.only;
                }
            }
        }
        tally
    }

    /// Returns whether a segment certainly had no report after `absent`: it was sent, or had its final report, too long before then.
    fn is_excluded(&self, slot: &Slot, segment: u8, absent: Option<Tick>) -> bool {
        let Some(absent) = absent else { return false };
        let is_late = slot.located.ago(absent) > self.waits.late.saturating_add(HOUR);
        let had_report = slot.fates.is_ended(segment) && slot.is_over();
        is_late || had_report && slot.since.ago(absent) > self.waits.doubled
    }

    /// Returns whether late reports carry their segment's send time, and the only candidate sent at that time has no final report yet.
    fn is_timed(&self, tally: &Tally<'_>) -> bool {
        let is_open = |(id, segment): (SlotId, u8)| {
            self.table.get(id).is_some_and(|slot| !slot.fates.is_ended(segment))
        };
        let carry_sending = self.view.clock.leads.carry_sending();
        carry_sending && tally.timed == 1 && tally.only_timed.is_some_and(is_open)
    }

    fn has_its_time(&self, slot: &Slot, report: &RawReport) -> bool {
        self.view.clock.reports_equal() && slot.sent.is_some() && slot.sent == report.time
    }

    fn has_another_time(&self, slot: &Slot, report: &RawReport) -> bool {
        let are_known = slot.sent.is_some() && report.time.is_some();
        self.view.clock.reports_equal() && are_known && slot.sent != report.time
    }

    /// Returns whether a report certainly belongs to the only candidate, and not to another program's message.
    fn is_certain(
        &self,
        pending: &mut PendingReports<'_>,
        slot: Option<&Slot>,
        report: &RawReport,
        sighting: Sighting,
    ) -> bool {
        let Some(slot) = slot else { return false };
        let Some(absent) = sighting.absent else {
            let is_known = self.view.clock.knows_all() || self.is_near(slot, report);
            return self.strictness.is_exclusive && is_known;
        };
        let late = self.waits.late.saturating_add(HOUR);
        let looks = &self.view.clock.looks;
        let clock = self.view.clock;
        if self.strictness.is_exclusive
            || clock.runs.is_alone(report.port, absent, late.saturating_add(2 * HOUR))
            || looks.is_recent(absent)
                && clock.ledger.tells(report.port, absent, sighting.at, late.saturating_add(2 * HOUR))
        {
            return true;
        }
        // The client's clock may stand still while the client is down, so only ticks since the client's last start can be compared.
        let is_measured = looks.is_recent(slot.located) && looks.is_recent(absent);
        let long = late.saturating_mul(2);
        let is_safe = || {
            arrived_soon(slot, absent, sighting.at)
                || !looks.was_shared(absent, long) && self.is_not_reused(slot, report, sighting)
        };
        !self.strictness.is_strict && is_measured && is_safe() && !pending.had_foreign(report, absent, long)
    }

    /// Returns whether a new list of results may show that a report is not another program's.
    fn may_be_listed(&self, report: &RawReport, sighting: Sighting) -> bool {
        let clock = self.view.clock;
        let late = self.waits.late.saturating_add(3 * HOUR);
        sighting.absent.filter(|absent| clock.looks.is_recent(*absent)).is_some_and(|absent| {
            clock.ledger.may_tell(report.port, absent, sighting.at, late, self.view.now)
        })
    }

    /// Returns whether no other segment with a report's reference can have been sent after a message and before the report was seen.
    fn is_not_reused(&self, slot: &Slot, report: &RawReport, sighting: Sighting) -> bool {
        let clock = self.view.clock;
        let place = (report.port, report.reference);
        clock
            .latest_reading(sighting.at)
            .is_some_and(|reading| clock.runs.is_not_reused(place, slot.located, reading))
    }

    /// Returns whether a message was sent since the client's last start, and the report's time is near the send time by the clock of the
    /// port's reports. A report that arrived long ago may belong to a forgotten message, but such a report carries another time.
    fn is_near(&self, slot: &Slot, report: &RawReport) -> bool {
        let clock = self.view.clock;
        let is_comparable = clock.is_current(slot.sent_at()) && clock.looks.is_recent(slot.located);
        let lead = clock.leads.of(slot.port).filter(|_| is_comparable);
        // A report that arrived before the gateway's clock was put back can carry the same time.
        let sent = slot.sent.filter(|sent| clock.shows_once(*sent));
        let (Some(sent), Some(time), Some(lead)) = (sent, report.time, lead) else { return false };
        let earliest = sent.moved(lead).minus(NEAR_BEFORE);
        time.get().checked_sub(earliest.get()).is_some_and(|after| after <= NEAR)
    }

    /// Returns whether the report is so old that its message may already be deleted.
    pub(in crate::track) fn is_ancient(&self, report: &RawReport) -> bool {
        let kept = seconds(self.waits.reported);
        report.time.is_some_and(|time| self.view.clock.is_past(time, kept, self.view.now))
    }

    /// Returns a message to the report's number whose port and reference are not known. Such a message may own the report too.
    fn rival(&self, report: &RawReport, first_seen: Sequence) -> Rival {
        let mut others = Unlocated::new(self.table, &report.number);
        for _ in 0..MAX_LOOKS {
            let Some(id) = others.next(self.table) else { return Rival::None };
            if self.table.get(id).is_some_and(|slot| may_have_left(slot, report.port, first_seen)) {
                return Rival::One(id);
            }
        }
        if others.next(self.table).is_some() { Rival::Many } else { Rival::None }
    }

    /// Returns whether the message's port and reference will stay unknown.
    fn stays_unlocated(&self, id: SlotId) -> bool {
        self.table.get(id).is_some_and(|slot| slot.is_over() || slot.state() == State::Sent)
    }

    /// Returns whether a contested report makes a candidate ambiguous.
    pub(in crate::track) fn is_contested(
        &self,
        slot: &Slot,
        segment: u8,
        report: &RawReport,
        sighting: Sighting,
    ) -> bool {
        let is_possible =
            !self.is_excluded(slot, segment, sighting.absent) && !self.has_another_time(slot, report);
        let is_open = !slot.fates.is_ended(segment) && !slot.has(AMBIGUOUS) && !slot.is_over();
        is_possible && is_open && !slot.submitted.is_after(sighting.first)
    }
}

/// Returns whether a report arrived soon after its message's result: a look near the result did not show the report, and a look soon after
/// the result did.
fn arrived_soon(slot: &Slot, absent: Tick, seen: Tick) -> bool {
    let is_old = absent.ago(slot.located) > HOUR;
    !is_old && absent.is_due(slot.located.plus(SOON_ABSENT)) && seen.is_due(slot.located.plus(SOON_SEEN))
}

/// Returns the seconds, modulo 2^32, from a segment's send time to a report's time, and whether the report carries exactly the message's
/// send time; `None` if the report was not seen soon after the result.
fn quick_difference(
    (slot, segment): (&Slot, u8),
    report: &RawReport,
    sighting: Sighting,
) -> Option<(u32, bool)> {
    let is_quick = sighting.absent.is_some() && sighting.at.is_due(slot.located.plus(QUICK));
    let (sent, time) = (slot.sent.filter(|_| is_quick)?, report.time?);
    let out = sent.plus(SEGMENT.saturating_mul(segment.into()));
    Some((time.get().wrapping_sub(out), sent == time))
}

/// Returns whether a message without a reference may have been sent through a port before a sequence number.
fn may_have_left(slot: &Slot, port: u8, before: Sequence) -> bool {
    let fits_port = slot.ports == 0 || slot.ports >> (port & 31) & 1 == 1;
    let has_begun = match slot.state() {
        State::Failed | State::Stopped => false,
        state if state.is_final() => before.is_after(slot.submitted),
        _ => before.is_after(slot.not_begun),
    };
    fits_port && has_begun
}

/// Returns whether the report repeats one that the message already has: the segment already has the outcome in the report, and the
/// report's time, if any, lies between the message's first and last report times.
fn is_repetition(slot: &Slot, segment: u8, report: &RawReport) -> bool {
    let noted = match Outcome::of(report.status) {
        Outcome::Delivered => slot.fates.delivered(),
        Outcome::Failed => slot.fates.failed(),
        Outcome::Temporary => slot.fates.temporary() | slot.fates.ended(),
    };
    let (Some(first), Some(last)) = (slot.first_report, slot.last_report) else { return false };
    let is_in_span =
        |time: crate::track::clock::GatewaySeconds| (first.get()..=last.get()).contains(&time.get());
    noted >> (segment & 31) & 1 == 1 && report.time.is_none_or(is_in_span)
}
