//! The outcomes of requests.

use core::time::Duration;

use super::Tracker;
use crate::{
    TaskId,
    call::{Call, IncomingSms, QueryIncomingSms, QuerySmsInQueue, SendSms, StopSms},
    track::{
        ask::Token,
        clock::ticks,
        inbox::{InboxMark, PageBreak},
        message::{
            FAILURE_UNCONFIRMED, HAS_REFERENCE, HAS_TASK, NOT_SENT, PROGRESSED, STOP_WANTED, State,
            TASK_STOPPED, lifecycle::Input,
        },
        plan::{Queue, Request, schedule},
        table::SlotId,
    },
};

/// The number of doublings of the wait for reports after which a message's result is queried, too. With the default timing, the result
/// DELIVERED is then noticed 28 s after sending, even if no report arrives.
const RESULT_STEP: u8 = 3;

/// The error_code for "no port available".
const NO_PORT: u32 = 550;
/// The error_code for "other error".
const OTHER_ERROR: u32 = 500;

impl Tracker<'_> {
    /// Handles a response that accepted the messages as a task.
    pub fn handle_accepted(&mut self, token: Token<SendSms<'static>>, task: Option<TaskId>, now: Duration) {
        if !matches!(self.close(token, now), Some(Request::Submit)) {
            return;
        }
        self.planner.succeeded();
        if self.planner.accepted(&mut self.table) {
            // Messages that no longer wait for a port may have their own validity.
            self.validity_due = Some(self.now);
        }
        let mut is_stop_wanted = false;
        let mut at = self.table.first(Queue::IN_FLIGHT).filter(|_| task.is_some());
        while let Some(slot) = at.and_then(|id| self.table.get_mut(id)) {
            slot.task = task.map_or(0, TaskId::get);
            slot.set(HAS_TASK, true);
            is_stop_wanted |= slot.has(STOP_WANTED);
            at = slot.next();
        }
        self.end_flight(Input::Accept, 0);
        self.planner.settle(&self.table, self.now);
        if let (Some(task), true) = (task, is_stop_wanted) {
            self.stop_task(task, now);
        }
    }

    /// Handles a response that refused the messages with this error_code or HTTP status. The gateway accepted none of them, so each may
    /// be submitted again:
    /// - 550 (no port available) is temporary. The messages are submitted again later, until they expire.
    /// - Any other code is blamed on one of the messages, or on their number or length. The messages are submitted again in smaller
    ///   requests. A message that was refused alone has failed. If it may have been sent before
    ///   ([`Draft::resend`](crate::track::Draft::resend)), it ends as [`State::Unresolved`].
    pub fn handle_refused(&mut self, token: Token<SendSms<'static>>, code: u32, now: Duration) {
        if !matches!(self.close(token, now), Some(Request::Submit)) {
            return;
        }
        self.planner.succeeded();
        if code == NO_PORT {
            self.planner.hold();
            return self.defer(true);
        }
        if !self.planner.divide(&self.table, self.now) {
            return self.defer(false);
        }
        self.end_flight(Input::Refuse, code);
        self.planner.settle(&self.table, self.now);
    }

    /// Handles a response with error_code 500 or HTTP 5xx. The gateway has probably not accepted the messages, so it is queried for
    /// them. They are submitted again only if the queries prove that it does not have them, or if
    /// [`Draft::resend`](crate::track::Draft::resend) allows it.
    pub fn handle_unclear(&mut self, token: Token<SendSms<'static>>, now: Duration) {
        if !matches!(self.close(token, now), Some(Request::Submit)) {
            return;
        }
        self.planner.refused(self.now);
        self.planner.unclear(&self.table);
        self.end_flight(Input::Lose, OTHER_ERROR);
    }

    /// Puts the messages in flight back to be submitted again, at once or after a growing wait.
    fn defer(&mut self, has_wait: bool) {
        let mut at = self.table.first(Queue::IN_FLIGHT);
        while let Some(slot) = at.and_then(|id| self.table.get_mut(id)) {
            let waits = self.planner.waits();
            let wait = if has_wait { waits.backed_off(waits.retry, slot.step) } else { 0 };
            slot.due = self.now.plus(wait);
            slot.step = if has_wait { slot.step.saturating_add(1) } else { 0 };
            at = slot.next();
        }
        self.end_flight(Input::Defer, 0);
    }

    /// Applies an input to all messages in flight, and notes the error_code of the response; 0 for none.
    fn end_flight(&mut self, input: Input, code: u32) {
        loop {
            // After `NotSent`, each message is put before all others. Beginning with the last one keeps their order.
            let is_from_last = input == Input::NotSent;
            let queue = Queue::IN_FLIGHT;
            let id = if is_from_last { self.table.last(queue) } else { self.table.first(queue) };
            let Some((id, slot)) = id.and_then(|id| Some((id, self.table.get_mut(id)?))) else { return };
            slot.refusal = code;
            self.happen_in_flight(id, input);
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

    /// Handles the response to [`Ask::Stop`](crate::track::Ask::Stop). If `found`, the gateway has stopped the task; otherwise it does
    /// not have the task.
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
                slot.forget_absence();
                schedule::hurry_result(&mut self.table, id, self.now);
            }
            self.journal.touch(&mut self.table, id);
        }
    }

    /// Handles a message of the response to [`Ask::Incoming`](crate::track::Ask::Incoming). Returns a mark if the message is new. The
    /// caller takes the message, and acknowledges it with the mark. A message without an id is ignored, because it cannot be
    /// distinguished from others.
    pub fn handle_incoming(
        &mut self,
        token: &Token<QueryIncomingSms>,
        sms: &IncomingSms<'_>,
        now: Duration,
    ) -> Option<InboxMark> {
        if !matches!(self.planner.in_flight(token.serial()), Some(Request::Incoming)) {
            return None;
        }
        self.set_time(now);
        self.inbox.receive(sms)
    }

    /// Handles a response that became malformed partway through its incoming messages. Messages before the break remain valid, and those
    /// after it are requested later. Returns `true` if no request is known that would get a readable response.
    pub fn handle_broken(&mut self, token: Token<QueryIncomingSms>, by: PageBreak, now: Duration) -> bool {
        if matches!(self.close(token, now), Some(Request::Incoming)) {
            let has_more = self.inbox.end(Some(by));
            self.page_ended(has_more);
        }
        self.inbox.is_hopeless()
    }

    /// Handles a response with incoming messages that the caller read only in part, because of the caller's own limit. The caller raises
    /// the limit for the next time. Messages that were read remain valid.
    pub fn handle_cut(&mut self, token: Token<QueryIncomingSms>, now: Duration) {
        if matches!(self.close(token, now), Some(Request::Incoming)) {
            // The ids so far show nothing about the rest of the page, so the same page is requested again.
            self.page_ended(true);
        }
    }

    /// Handles the end of a complete response that reports success.
    // The call is known at compile time, so a program without incoming messages contains no code for their pages. The token is taken by
    // value, so that it cannot be used again.
    #[allow(clippy::needless_pass_by_value)]
    #[inline]
    pub fn handle_end<C: Call>(&mut self, token: Token<C>, now: Duration) {
        let serial = token.serial();
        if C::NAME == QueryIncomingSms::NAME { self.end_page(serial, now) } else { self.end(serial, now) }
    }

    /// Ends a complete page of incoming messages.
    fn end_page(&mut self, serial: u32, now: Duration) {
        if matches!(self.close_serial(serial, now), Some(Request::Incoming)) {
            let has_more = self.inbox.end(None);
            self.page_ended(has_more);
        }
    }

    fn page_ended(&mut self, has_more: bool) {
        self.planner.inbox_seen(has_more, self.now);
        self.planner.succeeded();
    }

    fn end(&mut self, serial: u32, now: Duration) {
        if let Some(request) = self.close_serial(serial, now) {
            self.end_request(request);
        }
    }

    fn end_request(&mut self, request: Request) {
        match request {
            Request::Results => {
                while let Some(id) = self.table.first(Queue::IN_FLIGHT) {
                    self.result_missing(id);
                }
            }
            Request::ResultsByTime { after, latest, is_list } => {
                if is_list {
                    self.clock.ledger.complete();
                }
                self.planner.complete_by_time(after, latest);
            }
            Request::Reports { .. } => self.reports_missing(),
            Request::Arrivals { reach, .. } => {
                if self.clock.looks.latest().is_none() {
                    // The client's record contains the `Mark`. After a restart, the `Mark` limits when a report can have arrived at the
                    // gateway.
                    self.journal.touch_client();
                }
                let reading = self.clock.reading(self.now);
                self.clock.looks.complete(reading);
                self.planner.complete_arrivals(reach, self.now);
                self.reports_missing();
            }
            // The end of such a response alone does not show the outcome of its request, so the request counts as lost.
            Request::Submit | Request::Queue | Request::Incoming | Request::Stop(_) => {
                return self.lose(request);
            }
        }
        self.planner.succeeded();
    }

    /// Handles a request that may have reached the gateway, but whose response is missing, truncated or malformed. Records that were
    /// already handled remain valid.
    // Here and below, the type of the call affects only the token: the code behind it is the same for all calls.
    #[inline]
    pub fn handle_lost<C>(&mut self, token: Token<C>, now: Duration) {
        if let Some(request) = self.close(token, now) {
            self.lose(request);
        }
    }

    /// Handles a request that was not sent at all, or whose login the gateway refused. The request is repeated later.
    #[inline]
    pub fn handle_not_sent<C>(&mut self, token: Token<C>, now: Duration) {
        if let Some(request) = self.close(token, now) {
            self.withdraw(request);
        }
    }

    fn withdraw(&mut self, request: Request) {
        if !matches!(request, Request::Submit) {
            return self.lose(request);
        }
        self.end_flight(Input::NotSent, 0);
        self.note_failure();
    }

    /// Ends the wait after failed requests, because the cause of the failures, for example a refused login, may be over.
    pub fn retry_now(&mut self, now: Duration) {
        self.set_time(now);
        self.planner.retry_now(self.now);
    }

    /// Bounds the wait after a request that failed for a known reason. `at_least` is for a gateway that locks clients out. `at_most` is for
    /// a gateway that cannot be reached, because frequent requests do not burden it.
    pub fn bound_wait(&mut self, at_least: Duration, at_most: Duration, now: Duration) {
        self.set_time(now);
        self.planner.bound_wait(self.now, ticks(at_least), ticks(at_most));
    }

    /// Takes a token back. Returns its request, if the request is in flight.
    // The token is taken by value, so that it cannot be used again.
    #[allow(clippy::needless_pass_by_value)]
    #[inline]
    fn close<C>(&mut self, token: Token<C>, now: Duration) -> Option<Request> {
        self.close_serial(token.serial(), now)
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn close_serial(&mut self, serial: u32, now: Duration) -> Option<Request> {
        self.planner.in_flight(serial)?;
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
            Request::Submit => self.end_flight(Input::Lose, 0),
            Request::Results => schedule::put_back(&mut self.table, Queue::result),
            Request::Reports { .. } | Request::Arrivals { .. } => {
                schedule::put_back(&mut self.table, Queue::report);
            }
            Request::Stop(task) => self.planner.repeat_stop(task),
            Request::Incoming => self.inbox.lose(),
            Request::ResultsByTime { .. } | Request::Queue => {}
        }
        self.note_failure();
    }

    /// Applies an input to a message in flight. If nothing changes, queries its result, because the message must not stay in flight.
    fn happen_in_flight(&mut self, id: SlotId, input: Input) {
        if !self.happen(id, input) {
            schedule::hurry_result(&mut self.table, id, self.now);
        }
    }

    fn note_failure(&mut self) {
        let sequence = self.counter.draw();
        self.planner.failed(self.now, sequence);
    }

    /// Handles a complete response that lacks the result of a message in flight.
    fn result_missing(&mut self, id: SlotId) {
        let Some(slot) = self.table.get_mut(id) else { return };
        let step = slot.step.saturating_add(1);
        if slot.has(NOT_SENT) {
            self.happen_in_flight(id, Input::Failed);
            return self.take_kept_reports(id);
        }
        // After an earlier result, reports may still show how the message ends. With `FAILURE_UNCONFIRMED`, a report already has.
        let is_seen = slot.has(HAS_REFERENCE) && slot.state() == State::Sending;
        if is_seen || slot.has(FAILURE_UNCONFIRMED) || !slot.state().is_under_way() {
            return self.nothing_new(id, step);
        }
        // If the queue was seen empty after the submission, the results were requested even later.
        let was_emptied = self.planner.was_emptied_since(slot.submitted);
        if slot.state() != State::Sending {
            slot.not_begun = self.planner.started();
        }
        if (slot.has(TASK_STOPPED) || was_emptied) && slot.count_absence() {
            let in_touch = self.planner.in_touch_since(slot.submitted);
            slot.due = self.planner.divide_unclear(slot.since.ago(self.now), self.now);
            let is_proof = in_touch && self.planner.names_ids();
            return self.happen_in_flight(id, Input::Absent { in_touch, is_proof });
        }
        if !was_emptied && step > 1 {
            self.planner.want_queue();
        }
        self.nothing_new(id, step);
    }

    /// Handles a complete response without final reports of the messages in flight.
    fn reports_missing(&mut self) {
        while let Some(id) = self.table.first(Queue::IN_FLIGHT) {
            self.report_missing(id);
        }
    }

    /// Handles a complete response without a final report of a message.
    fn report_missing(&mut self, id: SlotId) {
        let Some(slot) = self.table.get_mut(id) else { return };
        let step = if slot.has(PROGRESSED) { 0 } else { slot.step.saturating_add(1) };
        slot.set(PROGRESSED, false);
        // Some gateways show an outcome only in the result, so the result is queried, too. The step grows once for both queries.
        if step >= RESULT_STEP && !self.is_expired(id) {
            schedule::prefer_result(&mut self.table, id, self.now);
        } else {
            self.nothing_new(id, step);
        }
    }

    /// Queues a message about which nothing is new, with its wait doubled `step` times. If its time is over or its failure is
    /// unconfirmed, ends the message instead.
    pub(super) fn nothing_new(&mut self, id: SlotId, step: u8) {
        let is_expired = self.is_expired(id);
        if !self.happen(id, Input::Quiet { is_expired }) {
            self.planner.wait(&mut self.table, id, step, self.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::{clock::Reach, tests::lasting};

    #[test]
    fn the_first_look_is_saved_since_it_bounds_when_reports_arrived_in_the_next_life() {
        let mut tracker = lasting(16, Duration::ZERO);
        while tracker.next_change().is_some() {}
        for is_first in [true, false] {
            tracker.clock.looks.begin(None, tracker.now);
            tracker.end_request(Request::Arrivals { after: None, reach: Reach::Wide });
            assert_eq!(tracker.next_change().is_some(), is_first);
        }
    }
}
