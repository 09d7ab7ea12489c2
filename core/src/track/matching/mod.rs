//! To which message a result or a report belongs.
//!
//! [`Matching`] is the only way in. Its rules look at the table and the clock and return a [`Verdict`]; they change no message.
//!
//! | file | contains |
//! |---|---|
//! | [`rules`] | the rules for reports |
//! | [`results`] | the rule for results |
//! | [`index`] | finding the messages to which a report may belong |
//! | [`pending`] | reports that wait for their message, or were returned to the caller |
//! | [`listed`] | segments in the gateway's list of results, which other programs may have sent |
//! | [`report`] | a report as it is kept and shown |

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

/// The maximum number of places in which a step looks for claimed reports, and of those that it judges again.
const MAX_REVIEWED_PLACES: usize = 1024;
const MAX_REVIEWED: u32 = 16;

/// Assigns reports to messages, and keeps those that wait for their message.
pub(super) struct Matching<'m> {
    pending: PendingReports<'m>,
    /// The maximum number of segments of a message.
    longest: u8,
    strictness: Strictness,
}

/// The result of looking a report up among the kept ones.
pub(super) enum Sight {
    /// It was assigned, or returned to the caller as ambiguous, or will be.
    Settled,
    /// It was seen before.
    Again {
        sighting: Sighting,
        is_claimed: bool,
        /// Whether it was returned to the caller as ambiguous.
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
    /// Takes memory for pending reports into use.
    pub(super) fn lend(&mut self, places: &'m mut [PendingReport], strictness: Strictness) {
        self.pending.lend(places);
        self.strictness = strictness;
    }

    pub(super) fn strictness(&self) -> Strictness {
        self.strictness
    }

    /// Moves the pending reports to a larger memory.
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

    /// Returns the maximum number of segments of a message.
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

    /// Returns when a kept report was seen for the first time.
    pub(super) fn seen_at(&mut self, report: &RawReport) -> Option<Tick> {
        self.pending.known(report).map(|(_, sighting)| sighting.at)
    }

    /// Judges a report that was seen.
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

    /// Returns whether a report that is not kept may have been seen before.
    pub(super) fn may_have_forgotten(&mut self, report: &RawReport) -> bool {
        self.pending.may_have_forgotten(report)
    }

    /// Notes a report of another program's message.
    pub(super) fn note_foreign(&mut self, report: &RawReport, sighting: Sighting) {
        self.pending.note_foreign(report, sighting);
    }

    /// Notes a segment in the gateway's list of results: a stranger's ([`LISTED`]), or another one ([`LISTED_NO_OWNER`]). Returns whether
    /// it was not noted before.
    pub(super) fn list(&mut self, entry: &RawReport, sighting: Sighting) -> bool {
        self.pending.list(entry, sighting)
    }

    /// Returns once whether listed messages were forgotten.
    pub(super) fn take_lost_listed(&mut self) -> bool {
        self.pending.take_lost_listed()
    }

    /// Keeps a report, so that it is recognised. Returns one that was evicted before it was returned to the caller.
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

    /// Keeps a report that is not returned to the caller: it probably was in an earlier life.
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

    /// Lets all undecided reports be judged once more, since more is known of the clocks.
    pub(super) fn reopen(&mut self) {
        self.pending.reopen();
    }

    /// Returns the next kept report that may belong to a segment of a message, from a place on.
    pub(super) fn next_of(&mut self, slot: &Slot, segment: u8, from: &mut usize) -> Option<RawReport> {
        self.pending.find(&slot.number(), slot.port, slot.reference.wrapping_add(segment), from)
    }

    /// Begins a review of claimed reports.
    pub(super) const fn review() -> Review {
        Review { places: MAX_REVIEWED_PLACES, reports: MAX_REVIEWED }
    }

    /// Returns the next claimed report to be judged again. The gateway may never return it again.
    pub(super) fn next_reviewed(&mut self, review: &mut Review) -> Option<RawReport> {
        review.reports = review.reports.checked_sub(1)?;
        self.pending.next_claimed(&mut review.places)
    }

    /// Marks reports that have waited long enough for their message.
    pub(super) fn ripen(&mut self, now: Tick, wait: u32) {
        self.pending.ripen(now, wait);
    }

    /// Returns when the next report has waited long enough.
    pub(super) fn next_due(&self) -> Option<Tick> {
        self.pending.next_due()
    }

    /// Returns a report for the caller, when it was seen, and whether it may belong to several messages.
    pub(super) fn next_ready(&mut self) -> Option<(RawReport, Sighting, bool)> {
        self.pending.next_ready()
    }
}

/// The rest of a review.
pub(super) struct Review {
    places: usize,
    reports: u32,
}
