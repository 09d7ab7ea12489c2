//! Matches results and reports to messages.
//!
//! [`Matching`] matches reports, and [`message_of`] matches results. Neither changes a message: the rules for reports return a [`Verdict`].
//!
//! | file | contains |
//! |---|---|
//! | [`rules`] | the rules for reports |
//! | [`results`] | the rule for results |
//! | [`index`] | the search for messages to which a report may belong |
//! | [`pending`] | reports that wait for their message, and reports kept to recognise repetitions |
//! | [`listed`] | segments in the gateway's list of results, including those of other programs |
//! | [`report`] | the internal and the public form of a report |

mod index;
mod listed;
mod pending;
mod report;
mod results;
mod rules;
#[cfg(test)]
mod tests;

use super::{
    clock::Tick,
    message::Slot,
    plan::{Messages, View, Waits},
};

pub(super) use index::{find, grow, insert, insert_for_reports, remove, remove_for_reports};

pub(super) use listed::{LISTED, LISTED_NO_OWNER};
pub use pending::PendingReport;
pub(super) use pending::Sighting;
pub(super) use report::RawReport;
pub use report::Report;
pub(super) use results::message_of;
pub(super) use rules::{Evidence, Judgement, Strictness, Verdict};

use pending::{PendingReports, Stage};

/// The maximum number of entries, empty ones included, that one step checks to find reports to judge again.
const MAX_REVIEWED_PLACES: usize = 1024;
/// The maximum number of reports that one step judges again.
const MAX_REVIEWED: u32 = 16;

/// Assigns reports to messages, and keeps reports that wait for their message.
pub(super) struct Matching<'m> {
    pending: PendingReports<'m>,
    /// The largest number of segments of any message so far.
    longest: u8,
    strictness: Strictness,
}

/// The result of looking up a report among the kept reports.
pub(super) enum Sight {
    /// The report was assigned to a message, or is to be returned to the caller as ambiguous, or already was.
    Settled,
    /// The report was seen before, and may still be assigned.
    Again {
        sighting: Sighting,
        is_claimed: bool,
        /// Whether the report was returned to the caller as ambiguous, and waits to be judged once more.
        was_undecided: bool,
    },
    New,
}

impl Matching<'_> {
    pub(super) const fn empty() -> Self {
        Self {
            pending: PendingReports::empty(),
            longest: 1,
            strictness: Strictness { is_exclusive: false, is_strict: false },
        }
    }
}

impl<'m> Matching<'m> {
    /// Sets the memory for pending reports, and the caller's strictness.
    pub(super) fn lend(&mut self, places: &'m mut [PendingReport], strictness: Strictness) {
        self.pending.lend(places);
        self.strictness = strictness;
    }

    pub(super) fn strictness(&self) -> Strictness {
        self.strictness
    }

    /// Moves the pending reports to larger memory.
    pub(super) fn grow(&mut self, places: &'m mut [PendingReport]) {
        self.pending.grow(places);
    }

    pub(super) fn is_crowded(&self) -> bool {
        self.pending.is_crowded()
    }

    /// Notes the number of segments of a message.
    pub(super) fn note_segments(&mut self, segments: u8) {
        self.longest = self.longest.max(segments);
    }

    /// Returns the largest number of segments of any message so far.
    pub(super) fn longest(&self) -> u8 {
        self.longest
    }

    pub(super) fn sight(&mut self, report: &RawReport) -> Sight {
        match self.pending.known(report) {
            Some((Stage::Ambiguous | Stage::Undecided | Stage::Taken, _)) => Sight::Settled,
            Some((stage, sighting)) => Sight::Again {
                sighting,
                is_claimed: stage == Stage::Claimed,
                was_undecided: stage == Stage::Reopened,
            },
            None => Sight::New,
        }
    }

    /// Returns when a kept report was first seen.
    pub(super) fn seen_at(&mut self, report: &RawReport) -> Option<Tick> {
        self.pending.known(report).map(|(_, sighting)| sighting.at)
    }

    /// Decides to which message a report belongs.
    pub(super) fn judge(
        &mut self,
        table: &Messages<'_>,
        view: View<'_>,
        waits: &Waits,
        (report, sighting): (&RawReport, Sighting),
    ) -> Judgement {
        let evidence = Evidence { table, view, waits, strictness: self.strictness, longest: self.longest };
        evidence.judge(&mut self.pending, report, sighting)
    }

    /// Returns whether a report that is not kept may have been seen before and evicted since.
    pub(super) fn may_have_forgotten(&mut self, report: &RawReport) -> bool {
        self.pending.may_have_forgotten(report)
    }

    /// Notes that a report belongs to another program's message.
    pub(super) fn note_foreign(&mut self, report: &RawReport, sighting: Sighting) {
        self.pending.note_foreign(report, sighting);
    }

    /// Notes a segment in the gateway's list of results. The status of `entry` is [`LISTED`] for a segment of another program, and
    /// [`LISTED_NO_OWNER`] otherwise. Returns whether the segment is new.
    pub(super) fn list(&mut self, entry: &RawReport, sighting: Sighting) -> bool {
        self.pending.list(entry, sighting)
    }

    /// Returns whether a listed segment that may still own a report was evicted or found no room since the last call.
    pub(super) fn take_lost_listed(&mut self) -> bool {
        self.pending.take_lost_listed()
    }

    /// Keeps a report, so that it is recognised if the gateway repeats it. If this evicts a kept report, or if there is no room for this
    /// one, returns that report, provided that no event has returned it yet.
    pub(super) fn keep(
        &mut self,
        report: &RawReport,
        verdict: Verdict,
        (sighting, due): (Sighting, Tick),
    ) -> Option<RawReport> {
        let stage = match verdict {
            Verdict::Claimed { .. } => Stage::Claimed,
            Verdict::Contested => Stage::Ambiguous,
            Verdict::Own { .. } | Verdict::Repeated { .. } => Stage::Taken,
            Verdict::Unknown { .. } => Stage::Waiting,
        };
        self.put(report, stage, (sighting, due))
    }

    /// Keeps a report that is not returned to the caller, because it is so old that it was probably handled before.
    pub(super) fn keep_ancient(&mut self, report: &RawReport, sighting: Sighting) -> Option<RawReport> {
        self.put(report, Stage::Given, (sighting, sighting.at))
    }

    fn put(
        &mut self,
        report: &RawReport,
        stage: Stage,
        (sighting, due): (Sighting, Tick),
    ) -> Option<RawReport> {
        let (evicted, is_owed) = self.pending.put(report, stage, sighting, due)?;
        is_owed.then_some(evicted)
    }

    /// Marks all undecided reports to be judged once more, because knowledge of the clocks has changed.
    pub(super) fn reopen(&mut self) {
        self.pending.reopen();
    }

    /// Returns the next kept report that may belong to a segment of a message. The search continues at the index `from`.
    pub(super) fn next_of(&mut self, slot: &Slot, segment: u8, from: &mut usize) -> Option<RawReport> {
        self.pending.find(&slot.number(), slot.port, slot.reference.wrapping_add(segment), from)
    }

    /// Begins a review of the reports that wait to be judged again.
    pub(super) const fn review() -> Review {
        Review { places: MAX_REVIEWED_PLACES, reports: MAX_REVIEWED }
    }

    /// Returns the next report to judge again. Kept reports must be reviewed, because the gateway may never return them again.
    pub(super) fn next_reviewed(&mut self, review: &mut Review) -> Option<RawReport> {
        review.reports = review.reports.checked_sub(1)?;
        self.pending.next_claimed(&mut review.places)
    }

    /// Marks as unmatched the reports that have waited for `wait` ticks since they were first seen.
    pub(super) fn ripen(&mut self, now: Tick, wait: u32) {
        self.pending.ripen(now, wait);
    }

    /// Returns the earliest time at which a waiting report may become unmatched.
    pub(super) fn next_due(&self) -> Option<Tick> {
        self.pending.next_due()
    }

    /// Returns the next report for the caller, its sighting, and whether it is ambiguous.
    pub(super) fn next_ready(&mut self) -> Option<(RawReport, Sighting, bool)> {
        self.pending.next_ready()
    }
}

/// The number of entries that a review may still check, and the number of reports that it may still return.
pub(super) struct Review {
    places: usize,
    reports: u32,
}
