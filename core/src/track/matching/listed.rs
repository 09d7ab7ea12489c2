//! The segments in the gateway's list of results. Those of other programs may own a report.

use super::{
    pending::{PendingReport, PendingReports, Sighting, Stage},
    report::RawReport,
};
use crate::track::clock::{Ledger, Tick};

/// The TP-Status of the entry that stands for a segment of another program in the gateway's list of results, and of one that stands for a
/// message that owns no report or is in the table.
pub(in crate::track) const LISTED: u8 = u8::MAX - 1;
pub(in crate::track) const LISTED_NO_OWNER: u8 = u8::MAX - 2;

/// When a report had certainly not arrived, and the ticks after which a segment has no report any more: after it was sent, and after its
/// last report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) absent: Option<Tick>,
    pub(super) late: u32,
    pub(super) doubled: u32,
}

impl Bounds {
    /// Returns whether a listed segment, which was listed at a time and perhaps had its last report at another, has no report any more.
    fn exclude(&self, listed: &Sighting) -> bool {
        let is_after = |since: Tick, ticks| self.absent.is_some_and(|absent| since.ago(absent) > ticks);
        is_after(listed.at, self.late)
            || listed.absent.is_some_and(|reported| is_after(reported, self.doubled))
    }
}

impl PendingReports<'_> {
    /// Notes a segment in the gateway's list. Returns whether it was not noted before.
    pub(super) fn list(&mut self, entry: &RawReport, sighting: Sighting) -> bool {
        let is_new = self.place_of(entry).is_none();
        if is_new
            && self.put(entry, Stage::Listed, sighting, sighting.at).is_some_and(|(lost, _)| lost == *entry)
        {
            self.has_lost_listed = true;
        }
        is_new
    }

    /// Returns once whether a listed segment was lost.
    pub(super) fn take_lost_listed(&mut self) -> bool {
        core::mem::take(&mut self.has_lost_listed)
    }

    /// Returns the listed segments of other programs that a report fits, unless they are excluded: sent or reported long before a time.
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

    /// Notes that the only listed segment that may own a final report has it.
    pub(super) fn end_stranger(&mut self, report: &RawReport, bounds: Bounds, now: Tick) {
        if Ledger::IS_USED {
            self.strangers(report, bounds).for_each(|place| place.sighting.absent = Some(now));
        }
    }
}
