//! The rules by which a report is assigned.
//!
//! A report names port, number and reference. References come around again, phones are off for days, reports are lost, and other
//! programs may send through the same ports, so several messages may fit. The time of a report is that of another clock, which may
//! be hours off, so a difference of times excludes nothing. What is certain is this client's own clock: a report arrived after the
//! last look without it and before the first look with it. A candidate is excluded if it was sent too long before, or had its
//! report. A report is assigned if one candidate is left, and if
//!
//! 1. no other program can have sent its message: the caller has said so, or the references of this client's own messages had no
//!    gap for as long as reports may be late, or those of all messages in the gateway's list of results, which are candidates too, or
//! 2. it arrived soon after its message was sent, and no report came for another program's message to that number (unless the
//!    caller wants certainty).
//!
//! If reports carry exactly the send time, it alone decides. If late reports carry the time of sending by a clock whose lead is known,
//! the only candidate that was sent then has the report. Otherwise the report is not assigned.

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

/// The maximum number of messages without a reference that are looked at for a report. If there are more, one of them may own it.
const MAX_LOOKS: u32 = 256;

/// The ticks in an hour, which is added to the maximum lateness of reports.
const HOUR: u32 = 3600 * PER_SECOND;

/// The maximum ticks from a message's result to the look without its report, and to that with it, for a report that arrived soon.
const SOON_ABSENT: u32 = 30 * PER_SECOND;
const SOON_SEEN: u32 = 60 * PER_SECOND;

/// The seconds before which, and for how long, the time of a report is near the send time of its message.
const NEAR_BEFORE: u32 = 60;
const NEAR: u32 = 660;

/// The maximum ticks from a message's result to its report that shows the lead of the reports' clock.
const QUICK: u32 = 45 * PER_SECOND;

/// The minimum ticks from a message's result to its report that shows whether late reports carry the time of sending.
const LATE: u32 = 300 * PER_SECOND;

/// The maximum difference in seconds of a report's time from that of sending: for one that shows that reports carry it, and for
/// one that is assigned because they do, which is less than half of the fastest reuse of a reference (256 × 2 s).
const HIT: u32 = 60;
const TIMED: u32 = 90;

/// The usual time in seconds in which a segment is sent.
const SEGMENT: u32 = 4;

/// To which message a report belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) enum Verdict {
    /// To this segment of this message.
    Own { id: SlotId, segment: u8 },
    /// To none, as far as is known. `is_foreign`: nor can it belong to one whose port and reference are not known yet.
    Unknown { is_foreign: bool },
    /// It was taken before, or changes nothing. `of` is the message that notes its time, if it certainly belongs to one.
    Repeated { of: Option<SlotId> },
    /// To a message, unless it belongs to one whose port and reference are not known yet. The result of the `rival` may decide soon, or the
    /// gateway's list of results.
    Claimed { rival: Option<SlotId>, wants_list: bool },
    /// To one of several messages, or to another program's.
    Contested,
}

impl Verdict {
    /// Returns whether the report may be judged again.
    pub(in crate::track) fn is_open(self) -> bool {
        matches!(self, Self::Claimed { .. } | Self::Unknown { .. })
    }
}

/// A verdict, and what the report's time shows about the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct Judgement {
    pub(in crate::track) verdict: Verdict,
    /// The seconds, modulo 2^32, from the time of sending of the segment that it probably belongs to, if it arrived soon, and whether
    /// it carries exactly the send time of the message.
    pub(in crate::track) quick: Option<(u32, bool)>,
    /// Whether it carries the time of sending, if it arrived late.
    pub(in crate::track) late: Option<bool>,
}

/// The caller's word on how certain an assignment must be.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::track) struct Strictness {
    /// No other program sends through the gateway.
    pub(in crate::track) is_exclusive: bool,
    /// A report that arrived soon is not assigned because of that alone.
    pub(in crate::track) is_strict: bool,
}

/// The facts that the rules look at.
pub(in crate::track) struct Evidence<'a, 'm> {
    pub(in crate::track) table: &'a Messages<'m>,
    pub(in crate::track) view: View<'a>,
    pub(in crate::track) waits: &'a Waits,
    pub(in crate::track) strictness: Strictness,
    /// The maximum number of segments of a message.
    pub(in crate::track) longest: u8,
}

/// A message without a reference that may own a report.
enum Rival {
    None,
    One(SlotId),
    /// There are too many to look at. The report waits until there are fewer.
    Many,
}

/// The candidates that were not ruled out.
#[derive(Default)]
struct Tally<'a> {
    possible: u32,
    /// Of the possible ones those whose segment has no final report.
    open: u32,
    /// The last possible one.
    only: Option<(SlotId, u8)>,
    /// The one that was sent last, whatever its send time, and which of its segments.
    newest: Option<(&'a Slot, u8)>,
    /// Of the possible ones those that were sent when the report says, and the last of them.
    timed: u32,
    only_timed: Option<(SlotId, u8)>,
    /// One that was sent, quite precisely, when the report says.
    hit: Option<&'a Slot>,
    is_repeated: bool,
    /// The number of listed segments of other programs.
    strangers: usize,
}

impl Evidence<'_, '_> {
    /// Returns what excludes listed segments of other programs.
    fn bounds(&self, sighting: Sighting) -> Bounds {
        let Waits { late, doubled, .. } = *self.waits;
        Bounds { absent: sighting.absent, late: late.saturating_add(HOUR), doubled }
    }

    /// Returns the messages that a report fits by port, number and reference.
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
        // Of a report that was absent earlier, the message may be forgotten since: a kept report is judged again and again.
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

    /// Returns whether a late report carries the time of sending.
    fn is_late_sending(&self, tally: &Tally<'_>, report: &RawReport, sighting: Sighting) -> Option<bool> {
        let is_late = |slot: &&Slot| sighting.absent.is_some_and(|absent| slot.located.ago(absent) >= LATE);
        if tally.hit.as_ref().is_some_and(is_late) {
            return Some(true);
        }
        let (newest, segment) = tally.newest.filter(|(slot, _)| is_late(slot))?;
        self.was_sent_then((newest, segment), report, HIT)
    }

    /// Returns whether a segment was sent when a report says, if that is the time of sending; `None` if that is not known.
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
            // The earlier one may turn out to be one candidate's, and leave this one to the other.
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

    /// Returns whether a message certainly had no report after a time: it was sent too long before, or had its report.
    fn is_excluded(&self, slot: &Slot, segment: u8, absent: Option<Tick>) -> bool {
        let Some(absent) = absent else { return false };
        let is_late = slot.located.ago(absent) > self.waits.late.saturating_add(HOUR);
        let had_report = slot.fates.is_ended(segment) && slot.is_over();
        is_late || had_report && slot.since.ago(absent) > self.waits.doubled
    }

    /// Returns whether late reports carry the time of sending, and one open candidate was sent then.
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

    /// Returns whether a report belongs to the only candidate, and not to another program's message.
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
        // The clock stood still between two lives.
        let is_measured = looks.is_recent(slot.located) && looks.is_recent(absent);
        let long = late.saturating_mul(2);
        let is_safe = || {
            arrived_soon(slot, absent, sighting.at)
                || !looks.was_shared(absent, long) && self.is_not_reused(slot, report, sighting)
        };
        !self.strictness.is_strict && is_measured && is_safe() && !pending.had_foreign(report, absent, long)
    }

    /// Returns whether the gateway's list of results may show whether a report is another program's.
    fn may_be_listed(&self, report: &RawReport, sighting: Sighting) -> bool {
        let clock = self.view.clock;
        let late = self.waits.late.saturating_add(3 * HOUR);
        sighting.absent.filter(|absent| clock.looks.is_recent(*absent)).is_some_and(|absent| {
            clock.ledger.may_tell(report.port, absent, sighting.at, late, self.view.now)
        })
    }

    /// Returns whether nobody sent another segment with a report's reference between a message and the report.
    fn is_not_reused(&self, slot: &Slot, report: &RawReport, sighting: Sighting) -> bool {
        let clock = self.view.clock;
        let place = (report.port, report.reference);
        clock
            .latest_reading(sighting.at)
            .is_some_and(|reading| clock.runs.is_not_reused(place, slot.located, reading))
    }

    /// Returns whether a report carries a time soon after its message was sent in this life, by the port's clock of reports. A report
    /// that may have arrived long ago may belong to a message that is forgotten, and carries another time.
    fn is_near(&self, slot: &Slot, report: &RawReport) -> bool {
        let clock = self.view.clock;
        let is_comparable = clock.is_current(slot.sent_at()) && clock.looks.is_recent(slot.located);
        let lead = clock.leads.of(slot.port).filter(|_| is_comparable);
        // A report from before the clock was put back can carry the same time.
        let sent = slot.sent.filter(|sent| clock.shows_once(*sent));
        let (Some(sent), Some(time), Some(lead)) = (sent, report.time, lead) else { return false };
        let earliest = sent.moved(lead).minus(NEAR_BEFORE);
        time.get().checked_sub(earliest.get()).is_some_and(|after| after <= NEAR)
    }

    /// Returns whether the report may belong to a message that is already deleted.
    pub(in crate::track) fn is_ancient(&self, report: &RawReport) -> bool {
        let kept = seconds(self.waits.reported);
        report.time.is_some_and(|time| self.view.clock.is_past(time, kept, self.view.now))
    }

    /// Returns a message to the same number that may own the report too, since its port and reference are not known.
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

    /// Returns whether the gateway will not report any more where the message was sent.
    fn stays_unlocated(&self, id: SlotId) -> bool {
        self.table.get(id).is_some_and(|slot| slot.is_over() || slot.state() == State::Sent)
    }

    /// Returns whether a contested report marks a candidate.
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

/// Returns whether a report arrived soon after the result of its message: it was absent from a look near the result, and seen soon.
fn arrived_soon(slot: &Slot, absent: Tick, seen: Tick) -> bool {
    let is_old = absent.ago(slot.located) > HOUR;
    !is_old && absent.is_due(slot.located.plus(SOON_ABSENT)) && seen.is_due(slot.located.plus(SOON_SEEN))
}

/// Returns by how much a report's time is later than that of sending a segment, modulo 2^32, and whether it is the send time of the
/// message, if it was seen soon after it.
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

/// Returns whether the message has taken this very report: its outcome is noted, and its time is in the span of those noted.
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
