//! What came of a question.

use core::time::Duration;

use super::{
    ask::Token,
    question::Kind,
    slot::{CHANGED, DOUBTED, HAS_TASK, LOCATED, NIL, Queue, RESEND, RESENT, STOP, STOPPED, State},
    tracker::{Tracker, is_later},
};
use crate::{
    TaskId,
    call::{QuerySmsInQueue, SendSms, StopSms},
};

/// While results are swept, single messages are asked for only after so many doublings.
const SWEPT_STEP: u8 = 3;

/// After so many doublings without a report the result is asked for by turns with it.
const RESULT_STEP: u8 = 5;

impl Tracker<'_> {
    /// The gateway accepted the messages, under this task.
    pub fn handle_accepted(&mut self, token: Token<SendSms<'static>>, task: Option<TaskId>, now: Duration) {
        if self.close(token, now) != Kind::Submit {
            return;
        }
        self.succeeded();
        let mut is_stopped = false;
        let step = if self.is_sweeping() { SWEPT_STEP } else { 0 };
        while let Some(at) = self.in_hand() {
            self.set_state(at, State::Accepted);
            let slot = self.slots.get_mut(at);
            if let Some(task) = task {
                slot.task = task.get();
                slot.set(HAS_TASK, true);
                is_stopped |= slot.has(STOP);
            }
            self.await_result(at, step);
            self.tell(at);
        }
        if let (Some(task), true) = (task, is_stopped) {
            self.stop_task(task, now);
        }
    }

    /// The gateway refused the messages with this error_code: they have failed, but for those that it may have sent before
    /// ([`Draft::resend`](super::Draft::resend)).
    pub fn handle_refused(&mut self, token: Token<SendSms<'static>>, code: u32, now: Duration) {
        if self.close(token, now) != Kind::Submit {
            return;
        }
        self.succeeded();
        while let Some(at) = self.in_hand() {
            let slot = self.slots.get_mut(at);
            slot.code = code;
            // What was sent the first time, if it was, nobody knows.
            let state = if slot.has(RESENT) { State::Unresolved } else { State::Failed };
            self.finish(at, state);
        }
    }

    /// The gateway told how many messages wait to be sent.
    pub fn handle_queue(&mut self, token: Token<QuerySmsInQueue>, in_queue: Option<u32>, now: Duration) {
        if self.close(token, now) != Kind::Queue {
            return;
        }
        self.succeeded();
        self.question.queue_wanted = false;
        let step = self.question.queue_step;
        if in_queue == Some(0) {
            self.question.emptied = Some(self.question.started);
            self.question.queue_step = 0;
        } else {
            self.question.queue_step = step.saturating_add(1);
        }
        self.question.queue_at = self.now.plus(self.waits.backed_off(self.waits.first_result, step));
    }

    /// The gateway stopped the task, or (`found` is false) knows no such task.
    pub fn handle_stopped(&mut self, token: Token<StopSms>, found: bool, now: Duration) {
        let Kind::Stop(task) = self.close(token, now) else { return };
        self.succeeded();
        for at in 0..self.slots.len() {
            let slot = self.slots.get_mut(at);
            if slot.task() != Some(task) || !slot.has(STOP) {
                continue;
            }
            slot.set(STOP, false);
            if found && slot.state.is_under_way() {
                slot.set(STOPPED, true);
                slot.absent = 0;
                self.hurry_result(at);
            }
            self.change(at);
        }
    }

    /// The answer came whole and says that all is well.
    pub fn handle_end<C>(&mut self, token: Token<C>, now: Duration) {
        match self.close(token, now) {
            Kind::Results => {
                while let Some(at) = self.in_hand() {
                    self.not_found(at);
                }
            }
            Kind::Sweep { after, latest } => self.swept(after, latest),
            Kind::Reports { .. } => {
                while let Some(at) = self.in_hand() {
                    self.not_reported(at);
                }
            }
            Kind::Arrivals { reading, .. } => self.arrivals_seen(reading),
            Kind::Incoming => {
                let more = self.inbox.end();
                self.question.incoming_at = self.now.plus(if more { 0 } else { self.waits.incoming });
            }
            Kind::None => return,
            // An end says nothing of what was asked.
            kind @ (Kind::Submit | Kind::Queue | Kind::Stop(_)) => return self.lose(kind),
        }
        self.succeeded();
    }

    /// The request may have reached the gateway, and its answer is missing, cut or can't be read. What was handed over
    /// of it stands.
    pub fn handle_lost<C>(&mut self, token: Token<C>, now: Duration) {
        let kind = self.close(token, now);
        self.lose(kind);
    }

    /// Nothing of the request left, or the gateway refused the login: it is asked again later.
    pub fn handle_not_sent<C>(&mut self, token: Token<C>, now: Duration) {
        let kind = self.close(token, now);
        if kind != Kind::Submit {
            return self.lose(kind);
        }
        while let Some(at) = self.last_in_hand() {
            self.ask_again(at);
            self.slots.prepend(at, Queue::Asked);
        }
        self.failed();
    }

    /// What made requests fail may be over, such as a refused login: the next one need not wait any longer.
    pub fn retry_now(&mut self, now: Duration) {
        self.now = self.tick(now);
        self.question.failures = 0;
        let soonest = self.now.plus(self.waits.request_gap);
        self.question.next_request = self.question.next_request.min(soonest);
    }

    /// Takes a token back: what it was for, if that is what is being asked.
    fn close<C>(&mut self, token: Token<C>, now: Duration) -> Kind {
        if !self.is_asked(&token) {
            return Kind::None;
        }
        drop(token);
        self.now = self.tick(now);
        core::mem::replace(&mut self.question.kind, Kind::None)
    }

    /// The token was dropped.
    pub(super) fn lose_dropped(&mut self) {
        let kind = core::mem::replace(&mut self.question.kind, Kind::None);
        self.lose(kind);
    }

    /// What came of the question is not known.
    fn lose(&mut self, kind: Kind) {
        match kind {
            Kind::None => return,
            Kind::Submit => {
                while let Some(at) = self.in_hand() {
                    self.set_state(at, State::Uncertain);
                    self.await_result(at, 0);
                    self.tell(at);
                }
            }
            Kind::Results => {
                while let Some(at) = self.last_in_hand() {
                    let step = self.slots.get(at).attempt;
                    self.slots.prepend(at, Queue::Result(step));
                }
            }
            Kind::Reports { .. } => {
                while let Some(at) = self.last_in_hand() {
                    let step = self.slots.get(at).attempt;
                    self.slots.prepend(at, Queue::Report(step));
                }
            }
            Kind::Stop(task) => {
                if let Some(place) = self.stops.iter_mut().find(|place| place.is_none()) {
                    *place = Some(task);
                }
            }
            Kind::Sweep { .. } | Kind::Arrivals { .. } | Kind::Queue | Kind::Incoming => {}
        }
        self.failed();
    }

    fn in_hand(&self) -> Option<u32> {
        Some(self.slots.first(Queue::InHand)).filter(|at| *at != NIL)
    }

    fn last_in_hand(&self) -> Option<u32> {
        Some(self.slots.last(Queue::InHand)).filter(|at| *at != NIL)
    }

    fn succeeded(&mut self) {
        self.question.failures = 0;
    }

    /// The next request waits, the longer the more have failed.
    fn failed(&mut self) {
        self.question.failed_at = Some(self.count());
        let wait = self.waits.backed_off(self.waits.retry, self.question.failures);
        self.question.failures = self.question.failures.saturating_add(1);
        self.question.next_request = self.now.plus(wait);
    }

    /// The message is to be submitted as if it never had been.
    fn ask_again(&mut self, at: u32) {
        self.slots.unindex_report(at);
        self.set_state(at, State::Asked);
        self.slots.get_mut(at).submitted = 0;
        self.change(at);
    }

    /// A complete answer does not have the result of a message that it was asked for.
    fn not_found(&mut self, at: u32) {
        let started = self.question.started;
        let slot = self.slots.get_mut(at);
        let step = slot.attempt.saturating_add(1);
        if slot.has(LOCATED) || !slot.state.is_under_way() {
            return self.unchanged(at, step);
        }
        let emptied = self.question.emptied.filter(|emptied| is_later(*emptied, slot.submitted));
        if slot.state != State::Sending {
            slot.heard = started;
        }
        if slot.has(STOPPED) || emptied.is_some_and(|emptied| is_later(started, emptied)) {
            slot.absent = slot.absent.saturating_add(1);
        }
        if slot.absent >= 2 {
            return self.absent(at);
        }
        if emptied.is_none() && step > 1 {
            self.question.queue_wanted = true;
        }
        self.unchanged(at, step);
    }

    /// The gateway, its queue empty, does not know the message.
    fn absent(&mut self, at: u32) {
        let slot = self.slots.get(at);
        // If the gateway may have restarted, it may have forgotten what it sent, and the task have been another one.
        let in_touch = self.question.failed_at.is_none_or(|failed| is_later(slot.submitted, failed));
        if slot.has(STOPPED) && in_touch {
            self.finish(at, State::Stopped);
        } else if slot.state == State::Uncertain && slot.has(RESEND) && !slot.has(STOP) {
            self.slots.get_mut(at).set(RESENT, true);
            self.ask_again(at);
            self.slots.append(at, Queue::Asked);
        } else {
            self.finish(at, State::Unresolved);
        }
    }

    /// Nothing new of the message: asks again later, or not any more.
    pub(super) fn unchanged(&mut self, at: u32, step: u8) {
        let slot = self.slots.get(at);
        if slot.has(DOUBTED) {
            // A report says that it failed, and the gateway does not say otherwise.
            self.finish(at, State::Failed);
        } else if self.is_expired(at) {
            self.give_up(at);
        } else if slot.state == State::Sent && slot.has(LOCATED) {
            self.await_report(at, step);
        } else {
            self.await_result(at, step);
        }
    }

    /// A complete answer has no final report of the message.
    fn not_reported(&mut self, at: u32) {
        let slot = self.slots.get_mut(at);
        let changed = slot.has(CHANGED);
        slot.set(CHANGED, false);
        let step = if changed { 0 } else { slot.attempt.saturating_add(1) };
        // Some gateways tell by the result what no report told: ask for that now and then.
        let ask_result = step >= RESULT_STEP && !self.is_expired(at);
        if ask_result { self.await_result(at, step) } else { self.unchanged(at, step) }
    }
}
