//! Handling of results, the records of query_sms_result.

use core::time::Duration;

use super::Tracker;
use crate::{
    call::{QuerySmsResult, SmsResult, Status},
    track::{
        ask::Token,
        clock::GatewaySeconds,
        matching,
        message::{FAILURE_UNCONFIRMED, Fates, HAS_REFERENCE, NOT_SENT, State, TASK_STOPPED, lifecycle::Input},
        plan::{Queue, Request, schedule},
        table::{Node, SlotId},
    },
};

/// The maximum number of segments that can be followed one by one. A text of 1500 bytes takes 23.
const MAX_SEGMENTS: u32 = 32;

/// The port and the references through which a message was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    port: u8,
    reference: u8,
    segments: u8,
}

impl Place {
    /// Reads the place, if the result contains it: before the first segment is sent, it does not.
    fn of(result: &SmsResult<'_>, status: Option<Status>) -> Option<Self> {
        let is_sent = matches!(status, Some(Status::SentOk | Status::Delivered));
        let segments = result.count.get().unwrap_or(1);
        if !(is_sent || result.succ_count.get() > Some(0)) || !(1..=MAX_SEGMENTS).contains(&segments) {
            return None;
        }
        Some(Self {
            port: byte(result.port.get())?,
            reference: byte(result.ref_id.get())?,
            segments: byte(Some(segments))?,
        })
    }
}

fn byte(value: Option<u32>) -> Option<u8> {
    u8::try_from(value?).ok()
}

impl Tracker<'_> {
    /// Handles a result of the response to [`Ask::Results`](crate::track::Ask::Results). Results of messages that the tracker did
    /// not send are ignored.
    pub fn handle_result(
        &mut self,
        token: &Token<QuerySmsResult<'static>>,
        result: &SmsResult<'_>,
        now: Duration,
    ) {
        let request = self.planner.in_flight(token);
        if !matches!(request, Some(Request::Results | Request::ResultsByTime { .. })) {
            return;
        }
        self.set_time(now);
        if let Some(id) = matching::message_of(&self.table, &mut self.clock, result) {
            self.take_result(id, result);
        }
    }

    fn take_result(&mut self, id: SlotId, result: &SmsResult<'_>) {
        if let Some(sent) = result.time.get().and_then(GatewaySeconds::from_time) {
            self.take_send_time(id, sent);
        }
        let status = result.status.get();
        if let Some(place) = Place::of(result, status) {
            // Without a count, a message that was sent was sent whole.
            self.take_place(id, place, byte(result.succ_count.get()).unwrap_or(place.segments));
        }
        if let Some(slot) = self.table.get_mut(id) {
            // The gateway sends messages that it had when their task was stopped.
            slot.set(TASK_STOPPED, false);
            slot.set(NOT_SENT, false);
            slot.absences = 0;
        }
        match status {
            Some(Status::Delivered) => self.take_delivery(id),
            Some(Status::Failed) => return self.take_failure(id),
            Some(Status::SentOk) => return self.take_progress(id, Input::Sent),
            Some(Status::Sending) => return self.take_progress(id, Input::Sending),
            None => return self.seen_again(id),
        }
        self.take_kept_reports(id);
    }

    fn take_delivery(&mut self, id: SlotId) {
        if let Some(slot) = self.table.get_mut(id) {
            slot.fates = Fates::new(slot.all_segments(), 0, 0);
            if let Some(sent) = slot.sent {
                // All its reports are there. They are recognised by a time between its send time and now.
                let latest = self.clock.latest().filter(|latest| latest.get() > sent.get());
                (slot.first_report, slot.last_report) = (Some(sent), latest.or(Some(sent)));
            }
        }
        self.happen(id, Input::Delivered);
    }

    /// Handles a result that says that a message was not sent. A gateway that tried another port may list a better result of the
    /// same message, so it ends once the complete response of a request that named it has no better one.
    fn take_failure(&mut self, id: SlotId) {
        let Some(slot) = self.table.get_mut(id) else { return };
        if slot.queue() == Queue::IN_FLIGHT {
            slot.set(NOT_SENT, true);
        } else if self.planner.is_by_time_in_flight() {
            schedule::hurry_result(&mut self.table, id, self.now);
        }
    }

    /// Handles a result that says that a message is being sent or was sent.
    fn take_progress(&mut self, id: SlotId, input: Input) {
        let Some(slot) = self.table.get(id) else { return };
        let is_unconfirmed = slot.has(FAILURE_UNCONFIRMED);
        let is_new = match input {
            Input::Sent => !is_unconfirmed && slot.state() != State::Sent,
            _ => !matches!(slot.state(), State::Sending | State::Sent),
        };
        if is_new {
            self.planner.result_progressed();
        }
        if !self.happen(id, input) {
            return self.seen_again(id);
        }
        // A finished message keeps its place in the order in which reports are taken.
        if is_new && self.table.get(id).is_some_and(|slot| !slot.is_over()) {
            self.take_kept_reports(id);
        }
    }

    /// Handles a result without news.
    fn seen_again(&mut self, id: SlotId) {
        let Some(slot) = self.table.get(id).filter(|slot| slot.queue() == Queue::IN_FLIGHT) else { return };
        let step = slot.step.saturating_add(1);
        self.nothing_new(id, step);
    }

    fn take_send_time(&mut self, id: SlotId, sent: GatewaySeconds) {
        let Some(slot) = self.table.get(id) else { return };
        let is_known = slot.sent == Some(sent);
        if is_known && self.clock.is_current(slot.sent_at()) {
            return;
        }
        let not_begun = slot.not_begun;
        let sequence = self.counter.draw();
        if is_known {
            return;
        }
        if self.clock.learn_send_time(sent, not_begun, self.now, sequence) {
            self.planner.clock_jumped(sent);
            self.journal.touch_client();
        }
        if let Some(slot) = self.table.get_mut(id) {
            (slot.sent, slot.era) = (Some(sent), self.clock.era());
        }
        self.journal.touch(&mut self.table, id);
    }

    fn take_place(&mut self, id: SlotId, place: Place, succeeded: u8) {
        let Some(slot) = self.table.get_mut(id) else { return };
        if core::mem::replace(&mut slot.succeeded, succeeded) != succeeded {
            self.journal.touch(&mut self.table, id);
        }
        let Some(slot) = self.table.get(id) else { return };
        let known = Place { port: slot.port, reference: slot.reference, segments: slot.segments };
        if slot.has(HAS_REFERENCE) && known == place {
            return;
        }
        matching::remove_for_reports(&mut self.table, id);
        self.matching.note_segments(place.segments);
        let Some(slot) = self.table.get_mut(id) else { return };
        if slot.has(HAS_REFERENCE) {
            // The reports taken so far were those of another place.
            (slot.fates, slot.first_report, slot.last_report) = (Fates::NONE, None, None);
        } else if slot.not_begun.is_after(slot.submitted) {
            slot.submitted = slot.not_begun;
        }
        (slot.port, slot.reference, slot.segments) = (place.port, place.reference, place.segments);
        slot.set(HAS_REFERENCE, true);
        matching::insert_for_reports(&mut self.table, id);
        self.journal.touch(&mut self.table, id);
    }
}
