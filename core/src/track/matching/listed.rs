//! Segments in the gateway's list of results. A report may belong to a listed segment of another program.

use super::{
    pending::{PendingReport, PendingReports, Sighting, Stage},
    report::RawReport,
};
use crate::track::clock::{Ledger, Tick};

/// Stands in place of a TP-Status in the entry of a listed segment. A segment with this placeholder was sent by another program, so a
/// report may belong to it.
pub(in crate::track) const LISTED: u8 = u8::MAX - 1;
/// The same for an entry that owns no report. Either its message is this client's own, and reports are assigned to the message itself. Or
/// its message failed before any segment was sent.
pub(in crate::track) const LISTED_NO_OWNER: u8 = u8::MAX - 2;

/// Limits that exclude listed segments as owners of a report. The report had certainly not arrived at `absent`. A segment is excluded if it
/// was first listed more than `late` ticks before `absent`, or if its final report was seen more than `doubled` ticks before `absent`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) absent: Option<Tick>,
    pub(super) late: u32,
    pub(super) doubled: u32,
}

impl Bounds {
    /// Returns whether a listed segment cannot own the report. In the segment's [`Sighting`], `at` is when it was first listed, and
    /// `absent` is when its final report was seen, if there was one.
    fn exclude(&self, listed: &Sighting) -> bool {
        let is_after = |since: Tick, ticks| self.absent.is_some_and(|absent| since.ago(absent) > ticks);
        is_after(listed.at, self.late)
            || listed.absent.is_some_and(|reported| is_after(reported, self.doubled))
    }
}

impl PendingReports<'_> {
    /// Notes a segment in the gateway's list. Returns whether the segment is new.
    pub(super) fn list(&mut self, entry: &RawReport, sighting: Sighting) -> bool {
        let is_new = self.place_of(entry).is_none();
        if is_new
            && self.put(entry, Stage::Listed, sighting, sighting.at).is_some_and(|(lost, _)| lost == *entry)
        {
            self.has_lost_listed = true;
        }
        is_new
    }

    /// Returns whether a listed segment that may still own a report was evicted or found no room since the last call.
    pub(super) fn take_lost_listed(&mut self) -> bool {
        core::mem::take(&mut self.has_lost_listed)
    }

    /// Returns the listed segments of other programs that may own a report. They have its port, number and reference, and
    /// [`bounds`](Bounds::exclude) does not exclude them.
    fn strangers(&mut self, report: &RawReport, bounds: Bounds) -> impl Iterator<Item = &mut PendingReport> {
        let report = *report;
        self.group(report.port, report.reference, &report.number).iter_mut().filter(move |place| {
            let entry = &place.report;
            let fits = place.stage == Stage::Listed
                && entry.status == LISTED
                && (entry.port, entry.reference) == (report.port, report.reference)
                && entry.number.is_same(&report.number);
            fits && !bounds.exclude(&place.sighting)
        })
    }

    /// Returns the number of listed segments of other programs that may own a report.
    pub(super) fn count_strangers(&mut self, report: &RawReport, bounds: Bounds) -> usize {
        if Ledger::IS_USED { self.strangers(report, bounds).count() } else { 0 }
    }

    /// Notes that a final report belongs to the only listed segment that may own it.
    pub(super) fn end_stranger(&mut self, report: &RawReport, bounds: Bounds, now: Tick) {
        if Ledger::IS_USED {
            self.strangers(report, bounds).for_each(|place| place.sighting.absent = Some(now));
        }
    }
}
