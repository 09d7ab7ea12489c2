//! Handling of reports, the records of query_sms_deliver_status.

use core::time::Duration;

use super::Tracker;
use crate::{
    call::{QuerySmsDeliverStatus, StatusReport},
    track::{
        ask::{ReportOutcome, Token},
        clock::{GatewaySeconds, Relation, Sequence},
        matching::{RawReport, Sight, Verdict},
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
        let request = self.planner.in_flight(token);
        if !matches!(request, Some(Request::Reports { .. } | Request::Arrivals { .. })) {
            return ReportOutcome::Accepted;
        }
        self.set_time(now);
        let Some(report) = RawReport::read(report) else { return ReportOutcome::Unreadable };
        match self.take_report(&report) {
            Some(evicted) => ReportOutcome::Evicted((&evicted).into()),
            None => ReportOutcome::Accepted,
        }
    }

    /// Takes the kept reports that may belong to a message whose port and reference became known.
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

    /// Takes a report that is kept already, so that no other one is evicted.
    pub(super) fn take_kept_report(&mut self, report: &RawReport) {
        let evicted = self.take_report(report);
        debug_assert_eq!(evicted, None);
    }

    /// Takes a report. Returns a kept one that was evicted before it was returned to the caller.
    fn take_report(&mut self, report: &RawReport) -> Option<RawReport> {
        let (first_seen, is_new, is_claimed) = match self.matching.sight(report) {
            Sight::Settled => return None,
            Sight::Again { first_seen, is_claimed } => (first_seen, false, is_claimed),
            Sight::New => (self.counter.draw(), true, false),
        };
        let verdict = self.judge(report, first_seen);
        match verdict {
            Verdict::Own { id, segment, relation } => {
                self.matching.remove(report);
                self.take_own_report(id, segment, report, relation);
                return None;
            }
            Verdict::Repeated { of } => {
                if let Some(id) = of {
                    self.note_report_time(id, report.time);
                }
                self.matching.remove(report);
                return None;
            }
            Verdict::Unknown { late } => {
                if let Some(late) = late.filter(|_| is_new) {
                    self.learn(Relation::After, late);
                }
                // It keeps its stage, unless it was claimed.
                if !(is_new || is_claimed) || is_new && self.evidence().is_ancient(report) {
                    return None;
                }
            }
            Verdict::Claimed { rival } => {
                if let Some(rival) = rival {
                    self.prefer_result(rival);
                }
            }
            Verdict::Contested => self.contest(report, first_seen),
        }
        let due = self.now.plus(self.planner.waits().unmatched);
        self.matching.keep(report, verdict, (self.now, due), first_seen)
    }

    fn judge(&mut self, report: &RawReport, first_seen: Sequence) -> Verdict {
        let view = View { now: self.now, clock: &self.clock };
        self.matching.judge(&self.table, view, self.planner.waits(), (report, first_seen))
    }

    fn learn(&mut self, relation: Relation, late: u32) {
        if self.clock.learn(relation, late) {
            self.journal.touch_client();
        }
    }

    fn note_report_time(&mut self, id: SlotId, time: Option<GatewaySeconds>) {
        if self.table.get_mut(id).is_some_and(|slot| slot.note_report_time(time)) {
            self.journal.touch(&mut self.table, id);
        }
    }

    /// Queries the result of a message soon, since a report waits for it.
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
    fn contest(&mut self, report: &RawReport, first_seen: Sequence) {
        let mut contestants = self.evidence().candidates(report);
        while let Some((id, segment)) = contestants.next(&self.table) {
            let evidence = self.evidence();
            let is_contested = |slot| evidence.is_contested(slot, segment, report, first_seen);
            if self.table.get(id).is_some_and(is_contested) {
                self.happen(id, Input::Contested);
            }
        }
    }

    /// Takes a report of a segment.
    fn take_own_report(&mut self, id: SlotId, segment: u8, report: &RawReport, relation: Relation) {
        let Some(sent) = self.table.get(id).map(|slot| slot.sent) else { return };
        let late = GatewaySeconds::number(report.time).saturating_sub(GatewaySeconds::number(sent));
        self.learn(relation, late);
        let is_certain = relation == Relation::Equal && self.clock.reports_equal();
        let (Some(bit), Some(slot)) = (1_u32.checked_shl(segment.into()), self.table.get_mut(id)) else {
            return;
        };
        let is_over = slot.is_over();
        slot.note_report_time(report.time);
        let outcome = Outcome::of(report.status);
        let before = slot.fates;
        slot.fates.note(bit, outcome);
        if slot.fates.failed() != 0 && before.failed() == 0 {
            (slot.failed_segment, slot.failed_status) = (segment, report.status);
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
