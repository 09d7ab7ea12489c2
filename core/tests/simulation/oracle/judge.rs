//! The number of segments that were decided correctly and wrongly, for worlds in which wrong assignments are counted.

use sms_gateway_core::{call::Status, track::Message};

use super::{Oracle, reports::is_final_status};
use crate::device::ReportRow;

impl Oracle {
    /// Returns whether wrong assignments are counted instead of ending the run.
    pub(super) fn judges(&self) -> bool {
        self.config.device.mix.is_some()
    }

    /// Returns whether results contain separators in numbers.
    pub(super) fn is_respelt(&self) -> bool {
        self.config.device.mix.as_ref().is_some_and(|mix| mix.separates)
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

#[test]
fn decisions_without_a_shown_report_are_wrong() {
    use sms_gateway_core::{UserId, track::State};

    use crate::{config::Config, device::Fact, oracle::Requested, rng::Rng, world::World};

    let world = World::new(&Config::mix(1, 1), None);
    let mut oracle = world.oracle;
    let id = UserId::new(7).unwrap();
    let number = crate::numbers::Numbers::spell(0, &mut Rng::new(1));
    let requested = Requested { number, segments: 2, ports: 0, report: true, resend: false };
    let index = oracle.added(id, requested).unwrap();
    oracle.truth_mut(index).note(0, Fact::Accepted { task: 1 });
    oracle.truth_mut(index).note(0, Fact::Fate { segment: 0, status: 0 });
    let digits = sms_gateway_core::Number::new("13800138000").unwrap().into();
    let mut message = Message::new(id, digits, State::Sent);
    oracle.truth_mut(index).shown.received = 1;
    message.segments.delivered = 0b11;
    oracle.judge(index, &message);
    let judged = oracle.truth(index).judged;
    assert_eq!((judged.right, judged.wrong, judged.untrue), (0b01, 0b10, 0b10));
}
