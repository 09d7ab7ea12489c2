//! The outcomes of requests.

use core::time::Duration;

use super::Tracker;
use crate::{
    TaskId,
    call::{IncomingSms, QueryIncomingSms, QuerySmsInQueue, SendSms, StopSms},
    track::{
        ask::Token,
        clock::ticks,
        inbox::InboxMark,
        message::{HAS_REFERENCE, HAS_TASK, NOT_SENT, PROGRESSED, STOP_WANTED, State, TASK_STOPPED, lifecycle::Input},
        plan::{Queue, Request, schedule},
        table::SlotId,
    },
};

/// The number of doublings without a report after which the result is queried alternately.
const RESULT_STEP: u8 = 5;

/// The number of complete responses without a message after which the gateway does not have it.
const ABSENCES: u8 = 2;

impl Tracker<'_> {
    /// Handles a response that accepted the messages, as this task.
    pub fn handle_accepted(&mut self, token: Token<SendSms<'static>>, task: Option<TaskId>, now: Duration) {
        if !matches!(self.close(token, now), Some(Request::Submit)) {
            return;
        }
        self.planner.succeeded();
        let mut is_stop_wanted = false;
        while let Some(id) = self.table.first(Queue::IN_FLIGHT) {
            if let (Some(task), Some(slot)) = (task, self.table.get_mut(id)) {
                slot.task = task.get();
                slot.set(HAS_TASK, true);
                is_stop_wanted |= slot.has(STOP_WANTED);
            }
            self.happen_in_flight(id, Input::Accept);
        }
        if let (Some(task), true) = (task, is_stop_wanted) {
            self.stop_task(task, now);
        }
    }

    /// Handles a response that refused the messages with this error_code. They have failed, except for those that may have been
    /// sent before ([`Draft::resend`](crate::track::Draft::resend)).
    pub fn handle_refused(&mut self, token: Token<SendSms<'static>>, code: u32, now: Duration) {
        if !matches!(self.close(token, now), Some(Request::Submit)) {
            return;
        }
        self.planner.succeeded();
        while let Some(id) = self.table.first(Queue::IN_FLIGHT) {
            if let Some(slot) = self.table.get_mut(id) {
                slot.refusal = code;
            }
            self.happen_in_flight(id, Input::Refuse);
        }
    }

    /// Handles the number of messages in the gateway's queue.
    pub fn handle_queue(&mut self, token: Token<QuerySmsInQueue>, in_queue: Option<u32>, now: Duration) {
        if !matches!(self.close(token, now), Some(Request::Queue)) {
            return;
        }
        self.planner.succeeded();
        self.planner.queue_seen(in_queue, self.now);
    }

    /// Handles a response that stopped the task, or (`found` is false) says that the gateway does not have it.
    pub fn handle_stopped(&mut self, token: Token<StopSms>, found: bool, now: Duration) {
        let Some(Request::Stop(task)) = self.close(token, now) else { return };
        self.planner.succeeded();
        for id in self.table.ids() {
            let Some(slot) = self.table.get_mut(id) else { continue };
            if slot.task() != Some(task) || !slot.has(STOP_WANTED) {
                continue;
            }
            slot.set(STOP_WANTED, false);
            if found && slot.state().is_under_way() {
                slot.set(TASK_STOPPED, true);
                slot.absences = 0;
                schedule::hurry_result(&mut self.table, id, self.now);
            }
            self.journal.touch(&mut self.table, id);
        }
    }

    /// Handles a message of the response to [`Ask::Incoming`](crate::track::Ask::Incoming). A message with a mark is new: the
    /// caller takes it, and acknowledges it with the mark. A message without an id is ignored, since it cannot be distinguished from others.
    pub fn handle_incoming(
        &mut self,
        token: &Token<QueryIncomingSms>,
        sms: &IncomingSms<'_>,
        now: Duration,
    ) -> Option<InboxMark> {
        if !matches!(self.planner.in_flight(token), Some(Request::Incoming)) {
            return None;
        }
        self.set_time(now);
        self.inbox.receive(sms)
    }

    /// Handles the end of a complete response that reports success.
    pub fn handle_end<C>(&mut self, token: Token<C>, now: Duration) {
        let Some(request) = self.close(token, now) else { return };
        match request {
            Request::Results => {
                while let Some(id) = self.table.first(Queue::IN_FLIGHT) {
                    self.result_missing(id);
                }
            }
            Request::ResultsByTime { after, latest } => self.planner.complete_by_time(after, latest),
            Request::Reports { .. } => {
                while let Some(id) = self.table.first(Queue::IN_FLIGHT) {
                    self.report_missing(id);
                }
            }
            Request::Arrivals { reading, .. } => self.planner.complete_arrivals(reading, self.now),
            Request::Incoming => {
                let has_more = self.inbox.end();
                self.planner.inbox_seen(has_more, self.now);
            }
            // The end of these responses does not say what was asked.
            Request::Submit | Request::Queue | Request::Stop(_) => return self.lose(request),
        }
        self.planner.succeeded();
    }

    /// Handles a request that may have reached the gateway, and whose response is missing, truncated or malformed. Records that
    /// were handled stay valid.
    pub fn handle_lost<C>(&mut self, token: Token<C>, now: Duration) {
        if let Some(request) = self.close(token, now) {
            self.lose(request);
        }
    }

    /// Handles a request that was not sent at all, or whose login the gateway refused. It is repeated later.
    pub fn handle_not_sent<C>(&mut self, token: Token<C>, now: Duration) {
        match self.close(token, now) {
            None => {}
            Some(Request::Submit) => {
                while let Some(id) = self.table.last(Queue::IN_FLIGHT) {
                    self.happen_in_flight(id, Input::NotSent);
                }
                self.note_failure();
            }
            Some(request) => self.lose(request),
        }
    }

    /// Notes that the cause of failed requests, for example a refused login, may be over: the next request need not wait any
    /// longer.
    pub fn retry_now(&mut self, now: Duration) {
        self.set_time(now);
        self.planner.retry_now(self.now);
    }

    /// Keeps the wait after a failed request within bounds, because its cause is known: at least this long for a gateway that locks
    /// clients out, at most this long for one that cannot be reached, which costs it nothing.
    pub fn bound_wait(&mut self, at_least: Duration, at_most: Duration, now: Duration) {
        self.set_time(now);
        self.planner.bound_wait(self.now, ticks(at_least), ticks(at_most));
    }

    /// Takes a token back. Returns its request, if that is in flight.
    // The token is taken so that it cannot be used again.
    #[allow(clippy::needless_pass_by_value)]
    fn close<C>(&mut self, token: Token<C>, now: Duration) -> Option<Request> {
        self.planner.in_flight(&token)?;
        self.set_time(now);
        self.planner.end()
    }

    /// Handles a request whose token was dropped.
    pub(super) fn lose_dropped(&mut self) {
        if let Some(request) = self.planner.end() {
            self.lose(request);
        }
    }

    /// Handles a request whose outcome is unknown.
    fn lose(&mut self, request: Request) {
        match request {
            Request::Submit => {
                while let Some(id) = self.table.first(Queue::IN_FLIGHT) {
                    self.happen_in_flight(id, Input::Lose);
                }
            }
            Request::Results => schedule::put_back(&mut self.table, Queue::result),
            Request::Reports { .. } => schedule::put_back(&mut self.table, Queue::report),
            Request::Stop(task) => self.planner.repeat_stop(task),
            Request::ResultsByTime { .. } | Request::Arrivals { .. } | Request::Queue | Request::Incoming => {
            }
        }
        self.note_failure();
    }

    /// Lets something happen to a message in flight, which must not stay there.
    fn happen_in_flight(&mut self, id: SlotId, input: Input) {
        if !self.happen(id, input) {
            schedule::hurry_result(&mut self.table, id, self.now);
        }
    }

    fn note_failure(&mut self) {
        let sequence = self.counter.draw();
        self.planner.failed(self.now, sequence);
    }

    /// Handles a complete response without the result of a message that it was asked for.
    fn result_missing(&mut self, id: SlotId) {
        let Some(slot) = self.table.get_mut(id) else { return };
        let step = slot.step.saturating_add(1);
        if slot.has(NOT_SENT) {
            self.happen_in_flight(id, Input::Failed);
            return self.take_kept_reports(id);
        }
        if slot.has(HAS_REFERENCE) || !slot.state().is_under_way() {
            return self.nothing_new(id, step);
        }
        let emptied = self.planner.emptied_since(slot.submitted);
        if slot.state() != State::Sending {
            slot.not_begun = self.planner.started();
        }
        if slot.has(TASK_STOPPED) || emptied == Some(true) {
            slot.absences = slot.absences.saturating_add(1);
        }
        if slot.absences >= ABSENCES {
            let in_touch = self.planner.in_touch_since(slot.submitted);
            return self.happen_in_flight(id, Input::Absent { in_touch });
        }
        if emptied.is_none() && step > 1 {
            self.planner.want_queue();
        }
        self.nothing_new(id, step);
    }

    /// Handles a complete response without a final report of a message.
    fn report_missing(&mut self, id: SlotId) {
        let Some(slot) = self.table.get_mut(id) else { return };
        let step = if slot.has(PROGRESSED) { 0 } else { slot.step.saturating_add(1) };
        slot.set(PROGRESSED, false);
        // Some gateways report by the result what they do not report otherwise, so it is queried now and then.
        if step >= RESULT_STEP && !self.is_expired(id) {
            self.planner.await_result(&mut self.table, id, step, self.now);
        } else {
            self.nothing_new(id, step);
        }
    }

    /// Queues a message about which nothing is new, after a number of doublings of its wait, or ends it.
    pub(super) fn nothing_new(&mut self, id: SlotId, step: u8) {
        let is_expired = self.is_expired(id);
        if !self.happen(id, Input::Quiet { is_expired }) {
            self.planner.wait(&mut self.table, id, step, self.now);
        }
    }
}
