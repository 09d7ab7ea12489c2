//! The rules by which a report is assigned.
//!
//! A report names port, number and reference. References come around again, so several messages may fit. A report belongs to a
//! message if all others can be ruled out: by the gateway's times, since a report cannot be older than its message, and by order,
//! since a message cannot have a report that was seen before it was submitted. Otherwise the report is not assigned.

use super::{
    index::{Candidates, Unlocated},
    pending::PendingReports,
    report::RawReport,
};
use crate::track::{
    clock::{GatewaySeconds, Relation, Sequence, seconds},
    message::{AMBIGUOUS, HAS_REFERENCE, Outcome, Slot, State},
    plan::{Messages, OLD, View, Waits},
    table::SlotId,
};

/// The maximum number of messages without a reference that are looked at for a report. If there are more, one of them may own it.
const MAX_LOOKS: u32 = 256;

/// To which message a report belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) enum Verdict {
    /// To this segment of this message.
    Own { id: SlotId, segment: u8, relation: Relation },
    /// To none, as far as is known. `late`: it would have belonged to a message sent that many seconds before, if its time were not
    /// another one.
    Unknown { late: Option<u32> },
    /// It was taken before, or changes nothing. `of` is the message that notes its time, if it certainly belongs to one.
    Repeated { of: Option<SlotId> },
    /// To a message, unless it belongs to one whose port and reference are not known yet. The result of the `rival` may decide soon.
    Claimed { rival: Option<SlotId> },
    /// To one of several messages.
    Contested,
}

/// The facts that the rules look at.
pub(in crate::track) struct Evidence<'a, 'm> {
    pub(in crate::track) table: &'a Messages<'m>,
    pub(in crate::track) view: View<'a>,
    pub(in crate::track) waits: &'a Waits,
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
struct Tally {
    possible: u32,
    /// Of the possible ones those whose segment has no final report.
    open: u32,
    /// The last possible one.
    only: Option<(SlotId, u8, Relation)>,
    is_repeated: bool,
    is_doubtful: bool,
    /// Messages ruled out since their send time is another one, and how many seconds before the report the last one was sent.
    unequal: u32,
    late: u32,
}

impl Evidence<'_, '_> {
    /// Returns the messages that a report fits by port, number and reference.
    pub(in crate::track) fn candidates<'r>(&self, report: &'r RawReport) -> Candidates<'r> {
        Candidates::new(self.table, report.port, report.reference, &report.number, self.longest)
    }

    /// Judges a report that was first seen at a sequence number.
    pub(super) fn judge(
        &self,
        pending: &mut PendingReports<'_>,
        report: &RawReport,
        first_seen: Sequence,
    ) -> Verdict {
        let tally = self.tally(report, first_seen);
        if tally.is_repeated || tally.possible > 0 && tally.open == 0 {
            let is_certain = tally.possible == 1 && !tally.is_repeated;
            return Verdict::Repeated { of: tally.only.filter(|_| is_certain).map(|(id, ..)| id) };
        }
        let Some((id, segment, relation)) = tally.only else {
            return Verdict::Unknown { late: (tally.unequal == 1).then_some(tally.late) };
        };
        if tally.possible > 1 || tally.is_doubtful {
            // The earlier one may turn out to be one candidate's, and leave this one to the other.
            let has_earlier = pending.has_earlier_claim(report, first_seen);
            return if has_earlier { Verdict::Claimed { rival: None } } else { Verdict::Contested };
        }
        let own = Verdict::Own { id, segment, relation };
        if self.view.clock.reports_equal() && relation == Relation::Equal {
            return own;
        }
        match self.rival(report, first_seen) {
            Rival::None => own,
            Rival::One(rival) if self.stays_unlocated(rival) => Verdict::Contested,
            Rival::One(rival) => Verdict::Claimed { rival: Some(rival) },
            Rival::Many => Verdict::Claimed { rival: None },
        }
    }

    fn tally(&self, report: &RawReport, first_seen: Sequence) -> Tally {
        let mut tally = Tally::default();
        let mut candidates = self.candidates(report);
        let clock = self.view.clock;
        while let Some((id, segment)) = candidates.next(self.table) {
            let Some(slot) = self.table.get(id) else { break };
            let relation = clock.relation(slot.sent_at(), report.time);
            if slot.submitted.is_after(first_seen) {
                continue;
            }
            if is_repetition(slot, segment, report) {
                tally.is_repeated = true;
            } else if clock.rules_out(slot.sent_at(), report.time) {
                // If sending was aborted, the next message has the references that were not used.
                if relation == Relation::After && segment < slot.succeeded {
                    tally.unequal += 1;
                    let sent = GatewaySeconds::number(slot.sent);
                    tally.late = GatewaySeconds::number(report.time).wrapping_sub(sent);
                }
            } else if self.is_doubtful(slot, report, relation) {
                tally.is_doubtful = true;
            } else if relation != Relation::Before && !self.is_outdated(slot, segment, report) {
                tally.possible += 1;
                tally.open += u32::from(!slot.fates.is_ended(segment));
                tally.only = Some((id, segment, relation));
            }
        }
        tally
    }

    /// Returns whether the report may belong to a message that is already deleted.
    pub(in crate::track) fn is_ancient(&self, report: &RawReport) -> bool {
        let kept = seconds(self.waits.reported);
        report.time.is_some_and(|time| self.view.clock.is_past(time, kept, self.view.now))
    }

    /// Returns whether the report arrives too late for a message sent before the clock was put back. Only a time near its send time
    /// supports the message then.
    fn is_doubtful(&self, slot: &Slot, report: &RawReport, relation: Relation) -> bool {
        let Some(from) = slot.sent.map(|sent| sent.minus(1)) else { return false };
        let is_near = |time: GatewaySeconds| (from.get()..from.plus(OLD)).contains(&time.get());
        relation == Relation::Unknown && self.is_ancient(report) && !report.time.is_some_and(is_near)
    }

    /// Returns whether the message had the segment's last report too long ago for this one to be a repetition.
    fn is_outdated(&self, slot: &Slot, segment: u8, report: &RawReport) -> bool {
        let again = slot.last_report.map_or(u32::MAX, |last| last.plus(seconds(self.waits.doubled)));
        slot.fates.is_ended(segment)
            && self.view.clock.is_current(slot.sent_at())
            && report.time.is_some_and(|time| time.get() > again)
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

    /// Returns whether reports of a finished message would be assigned to another one if it were deleted.
    pub(in crate::track) fn is_needed(&self, id: SlotId) -> bool {
        let Some(slot) = self.table.get(id) else { return false };
        if self.view.clock.reports_equal() {
            // Their time identifies their message.
            return false;
        }
        // A report may spell its number so that it fits both messages, although their own spellings differ.
        let number = slot.number().shortest();
        let has_reference = slot.has(HAS_REFERENCE);
        let mut others = Unlocated::new(self.table, &number);
        for _ in 0..MAX_LOOKS {
            let Some(other) = others.next(self.table).and_then(|other| self.table.get(other)) else { break };
            let is_under_way = has_reference && other.state().is_under_way();
            if is_under_way && may_have_left(other, slot.port, slot.ended) {
                return true;
            }
        }
        if others.next(self.table).is_some() {
            return true;
        }
        let segments = if has_reference { slot.segments } else { 0 };
        (0..segments).any(|segment| {
            let reference = slot.reference.wrapping_add(segment);
            let mut candidates = Candidates::new(self.table, slot.port, reference, &number, self.longest);
            core::iter::from_fn(|| candidates.next(self.table)).any(|(other, segment)| {
                let is_open = |other: &Slot| !other.is_over() && !other.fates.is_ended(segment);
                other != id && self.table.get(other).is_some_and(is_open)
            })
        })
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
        first_seen: Sequence,
    ) -> bool {
        let relation = self.view.clock.relation(slot.sent_at(), report.time);
        let is_possible = relation != Relation::Before
            && !self.view.clock.rules_out(slot.sent_at(), report.time)
            && !self.is_doubtful(slot, report, relation);
        let is_open = !slot.fates.is_ended(segment) && !slot.has(AMBIGUOUS) && !slot.is_over();
        is_possible && is_open && !slot.submitted.is_after(first_seen)
    }
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
    let is_in_span = |time: GatewaySeconds| (first.get()..=last.get()).contains(&time.get());
    noted >> (segment & 31) & 1 == 1 && report.time.is_none_or(is_in_span)
}
