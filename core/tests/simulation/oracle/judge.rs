//! The count of segments that were decided rightly and wrongly, for worlds in which wrong assignments are measured.

use sms_gateway_core::{call::Status, track::Message};

use super::{Oracle, reports::is_final_status};
use crate::device::ReportRow;

impl Oracle {
    /// Returns whether wrong assignments are counted instead of ending the run.
    pub(super) fn judges(&self) -> bool {
        self.config.device.mix.is_some()
    }

    /// Notes the segment's status if the report that was shown is a final one of an own message.
    pub(super) fn note_shown(&mut self, row: &ReportRow) {
        let (Some(owner), true) = (row.owner, is_final_status(row.status)) else { return };
        let shown = &mut self.truth_mut(owner).shown;
        let segments = if row.status == 0 { &mut shown.received } else { &mut shown.failed };
        *segments |= 1 << row.segment;
    }

    /// Judges the segments that an update decides. A decision is right if a report of the segment with this status was shown,
    /// or if a result was DELIVERED.
    pub(super) fn judge(&mut self, index: u32, message: &Message) {
        let truth = self.truth_mut(index);
        let shown = truth.shown;
        let said = if shown.result == Some(Status::Delivered) { truth.all() } else { 0 };
        let (delivered, failed) = (message.segments.delivered, message.segments.failed);
        let right = delivered & (shown.received | said) | failed & shown.failed;
        let received = truth.copies().fold(0, |all, copy| all | copy.received);
        let refused = truth.copies().fold(0, |all, copy| all | copy.failed);
        let judged = &mut truth.judged;
        judged.right |= right & !judged.wrong;
        judged.wrong |= (delivered | failed) & !right & !judged.right;
        judged.untrue |= delivered & !received | failed & !refused;
    }

    /// Adds a message's segments to the figures.
    pub(super) fn count_segments(&mut self, index: u32) {
        let truth = self.truth(index);
        let reported = truth.copies().fold(0, |all, copy| all | copy.reported);
        let (judged, shown) = (truth.judged, truth.shown);
        let figures = &mut self.figures;
        figures.segments_reported += u64::from(reported.count_ones());
        figures.segments_right += u64::from(judged.right.count_ones());
        figures.segments_wrong += u64::from(judged.wrong.count_ones());
        figures.segments_untrue += u64::from(judged.untrue.count_ones());
        figures.segments_unseen += u64::from((reported & !(shown.received | shown.failed)).count_ones());
    }
}
