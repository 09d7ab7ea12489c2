//! Handling of reports, the records of query_sms_deliver_status.

use core::time::Duration;

use super::Tracker;
use crate::{
    call::{QuerySmsDeliverStatus, StatusReport},
    track::{
        ask::{ReportOutcome, Token},
        clock::GatewaySeconds,
        matching::{Judgement, RawReport, Sight, Sighting, Verdict},
        message::{HAS_REFERENCE, Outcome, lifecycle::Input},
        plan::{Queue, Request, View, schedule},
        table::{Node, SlotId},
    },
};

impl Tracker<'_> {
    /// Handles a report of the response to [`Ask::Reports`](crate::track::Ask::Reports).
    pub fn handle_report(
        &mut self,
        token: &Token<QuerySmsDeliverStatus<'static>>,
        report: &StatusReport<'_>,
        now: Duration,
    ) -> ReportOutcome {
        let request = self.planner.in_flight(token.serial());
        if !matches!(request, Some(Request::Reports { .. } | Request::Arrivals { .. })) {
            return ReportOutcome::Accepted;
        }
        self.set_time(now);
        let Some(report) = RawReport::read(report) else { return ReportOutcome::Unreadable };
        self.see_again(&report);
        match self.take_report(&report) {
            Some(evicted) => ReportOutcome::Evicted((&evicted).into()),
            None => ReportOutcome::Accepted,
        }
    }

    /// Notes a report that was seen before. This may show whether the gateway selects reports by their arrival or by the time in them.
    fn see_again(&mut self, report: &RawReport) {
        if let Some(at) = self.matching.seen_at(report) {
            let reading = self.clock.reading(at);
            self.clock.looks.see_again(report.time, reading);
        }
    }

    /// Handles the kept reports that may belong to a message. Does nothing until its port and reference are known.
    pub(super) fn take_kept_reports(&mut self, id: SlotId) {
        let segments = match self.table.get(id) {
            Some(slot) if slot.has(HAS_REFERENCE) => slot.segments,
            _ => return,
        };
        for segment in 0..segments {
            let mut from = 0;
            while let Some(slot) = self.table.get(id)
                && let Some(report) = self.matching.next_of(slot, segment, &mut from)
            {
                self.take_kept_report(&report);
            }
        }
    }

    /// Handles a report that is already kept. No other report is evicted for it.
    pub(super) fn take_kept_report(&mut self, report: &RawReport) {
        let evicted = self.take_report(report);
        debug_assert_eq!(evicted, None);
    }

    /// Handles a report. If this evicts a report that no event has returned yet (a kept one, or this one), returns the
    /// evicted report.
    fn take_report(&mut self, report: &RawReport) -> Option<RawReport> {
        let (sighting, is_new, is_claimed, was_undecided) = match self.matching.sight(report) {
            Sight::Settled => return None,
            Sight::Again { sighting, is_claimed, was_undecided } => {
                (sighting, false, is_claimed, was_undecided)
            }
            Sight::New => (self.first_sight(report), true, false, false),
        };
        let judgement = self.judge(report, sighting);
        let mut verdict = judgement.verdict;
        if !verdict.is_open() && !was_undecided && self.learn(report, judgement) {
            verdict = self.judge(report, sighting).verdict;
        }
        match verdict {
            Verdict::Own { id, segment } => self.take_own_report(id, segment, report),
            Verdict::Repeated { of } => {
                if let Some(id) = of {
                    self.note_report_time(id, report.time);
                }
            }
            Verdict::Unknown { is_foreign } => {
                if is_new && is_foreign {
                    self.note_foreign(report, sighting);
                }
                if is_new && self.evidence().is_ancient(report) {
                    return self.matching.keep_ancient(report, sighting);
                }
                // A report that was seen before keeps its stage, unless it was claimed or undecided.
                if !(is_new || is_claimed || was_undecided) {
                    return None;
                }
            }
            Verdict::Claimed { rival, wants_list } => {
                if wants_list {
                    self.clock.ledger.want();
                }
                if let Some(rival) = rival {
                    self.prefer_result(rival);
                }
            }
            Verdict::Contested => self.contest(report, sighting),
        }
        let due = self.now.plus(self.planner.waits().unmatched);
        self.matching.keep(report, verdict, (sighting, due))
    }

    /// Notes a report of another program's message. A report that may have been seen before a restart is not noted, because it may belong
    /// to a message that is deleted by now.
    pub(super) fn note_foreign(&mut self, report: &RawReport, sighting: Sighting) {
        if sighting.absent.is_some() || !self.is_restored {
            self.matching.note_foreign(report, sighting);
            self.clock.looks.note_foreign(self.now);
        }
    }

    /// Records the first sighting of a report, and returns the sighting.
    fn first_sight(&mut self, report: &RawReport) -> Sighting {
        let is_forgotten = self.matching.may_have_forgotten(report);
        let absent = self.clock.looks.absent(report.time).filter(|_| !is_forgotten);
        self.clock.looks.see(report.time);
        self.clock.note_report(report.port, report.time, self.now);
        Sighting { at: self.now, first: self.counter.draw(), absent }
    }

    fn judge(&mut self, report: &RawReport, sighting: Sighting) -> Judgement {
        let view = View { now: self.now, clock: &self.clock };
        self.matching.judge(&self.table, view, self.planner.waits(), (report, sighting))
    }

    /// Learns about the clocks from the time of a report. Returns whether reports must be judged again.
    fn learn(&mut self, report: &RawReport, judgement: Judgement) -> bool {
        let mut is_learnt = false;
        if let Some((difference, is_equal)) = judgement.quick {
            is_learnt = self.clock.learn(is_equal);
            self.clock.leads.vote(report.port, difference, self.now);
        }
        if let Some(is_sending) = judgement.late {
            is_learnt |= self.clock.leads.note_late(is_sending);
        }
        if is_learnt {
            self.journal.touch_client();
            self.matching.reopen();
        }
        is_learnt
    }

    fn note_report_time(&mut self, id: SlotId, time: Option<GatewaySeconds>) {
        if self.table.get_mut(id).is_some_and(|slot| slot.note_report_time(time)) {
            self.journal.touch(&mut self.table, id);
        }
    }

    /// Queries the result of a message soon, because a report waits for it.
    fn prefer_result(&mut self, id: SlotId) {
        let waits = self.table.get(id).is_some_and(|slot| {
            let is_waiting = Queue::is_result(slot.queue()) && !slot.due.is_due(self.now);
            slot.state().is_under_way() && is_waiting
        });
        if waits {
            schedule::prefer_result(&mut self.table, id, self.now);
        }
    }

    /// Marks the messages to which a report may belong.
    fn contest(&mut self, report: &RawReport, sighting: Sighting) {
        let mut contestants = self.evidence().candidates(report);
        while let Some((id, segment)) = contestants.next(&self.table) {
            let evidence = self.evidence();
            let is_contested = |slot| evidence.is_contested(slot, segment, report, sighting);
            if self.table.get(id).is_some_and(is_contested) {
                self.happen(id, Input::Contested);
            }
        }
    }

    /// Handles a report that belongs to a segment of this message.
    fn take_own_report(&mut self, id: SlotId, segment: u8, report: &RawReport) {
        let has_its_time = self.table.get(id).is_some_and(|slot| slot.sent == report.time);
        let is_certain = has_its_time && self.clock.reports_equal();
        let (Some(bit), Some(slot)) = (1_u32.checked_shl(segment.into()), self.table.get_mut(id)) else {
            return;
        };
        let is_over = slot.is_over();
        slot.note_report_time(report.time);
        let outcome = Outcome::of(report.status);
        let before = slot.fates;
        slot.fates.note(bit, outcome);
        if slot.fates.failed() != 0 && before.failed() == 0 {
            slot.set_failed_segment(segment);
            slot.failed_status = report.status;
        }
        let is_unchanged = before == slot.fates;
        let is_failed = slot.fates.failed() != 0;
        let is_delivered = slot.fates.delivered() == slot.all_segments();
        self.journal.touch(&mut self.table, id);
        if is_over || is_unchanged {
            return;
        }
        let input = match (is_delivered, is_failed) {
            (true, _) => Input::AllReported,
            (false, true) => Input::FailureReported { is_certain },
            (false, false) => Input::Progress,
        };
        self.happen(id, input);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::{number::PackedNumber, tests::lasting};

    #[test]
    fn a_report_that_may_have_been_forgotten_may_have_arrived_at_any_time() {
        for (places, is_bounded) in [(16, true), (0, false)] {
            let mut tracker = lasting(places, Duration::ZERO);
            tracker.clock.looks.begin(None, tracker.now);
            tracker.clock.looks.complete(None);
            let number = PackedNumber::parse("10086").unwrap();
            let report = RawReport { number, time: GatewaySeconds::new(5), port: 3, reference: 9, status: 0 };
            assert_eq!(tracker.first_sight(&report).absent.is_some(), is_bounded);
        }
    }
}
