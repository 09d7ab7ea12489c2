//! What query_sms_result says of messages.

use core::time::Duration;

use super::{
    ask::Token,
    digits::Digits,
    question::Kind,
    slot::{DOUBTED, LOCATED, NIL, NO_TIME, NOT_SENT, Queue, STOPPED, State},
    tracker::{Tracker, is_later},
};
use crate::{
    call::{QuerySmsResult, SmsResult, Status},
    value::to_seconds,
};

/// More segments can't be followed one by one. A text of 1500 bytes takes 23.
const MAX_SEGMENTS: u32 = 32;

/// While results are swept, a message that is being sent is asked for by itself only after so many doublings.
const SENDING_STEP: u8 = 2;

impl Tracker<'_> {
    /// A result of the answer to [`Ask::Results`](super::Ask::Results). What is none of ours is passed over.
    pub fn handle_result(
        &mut self,
        token: &Token<QuerySmsResult<'static>>,
        result: &SmsResult<'_>,
        now: Duration,
    ) {
        if !self.is_asked(token) || !matches!(self.question.kind, Kind::Results | Kind::Sweep { .. }) {
            return;
        }
        self.now = self.tick(now);
        if let Some(at) = self.message_of(result) {
            self.take_result(at, result);
        }
    }

    /// The message that a result is of: by user_id, number and time. One that is finished needs no result any more.
    fn message_of(&mut self, result: &SmsResult<'_>) -> Option<u32> {
        let at = self.slots.find(u32::try_from(result.user_id.get()?).ok()?);
        let slot = self.slots.get(at);
        if at == NIL || slot.state == State::Asked || slot.is_over() {
            return None;
        }
        if !result.number.is_missing() && !Digits::parse(result.number.as_str())?.is_same(&slot.digits) {
            return None;
        }
        let sent = result.time.get().map(to_seconds);
        if let Some(sent) = sent.filter(|sent| *sent != slot.sent) {
            let added = slot.added;
            if self.clock.is_too_old(sent, added) {
                return None;
            }
        }
        Some(at)
    }

    fn take_result(&mut self, at: u32, result: &SmsResult<'_>) {
        self.take_time(at, result);
        let status = result.status.get();
        self.locate(at, result, status);
        let slot = self.slots.get_mut(at);
        // What the gateway had when its task was stopped, it sends.
        slot.set(STOPPED, false);
        slot.absent = 0;
        match status {
            Some(Status::Delivered) => {
                slot.set(DOUBTED, false);
                (slot.delivered, slot.temporary, slot.failed) = (slot.all_segments(), 0, 0);
                if slot.sent != NO_TIME {
                    // Its reports are all there; they are recognised by a time from its sending until now.
                    slot.first_report = slot.sent;
                    slot.last_report = self.clock.latest().unwrap_or(slot.sent).max(slot.sent);
                }
                self.finish(at, State::Delivered);
                self.take_early(at);
            }
            Some(Status::Failed) => {
                slot.set(NOT_SENT, true);
                self.finish(at, State::Failed);
                self.take_early(at);
            }
            Some(Status::SentOk) => self.sent(at),
            Some(Status::Sending) => self.sending(at),
            None => self.seen_again(at),
        }
    }

    fn take_time(&mut self, at: u32, result: &SmsResult<'_>) {
        let Some(sent) = result.time.get().map(to_seconds) else { return };
        let slot = self.slots.get(at);
        if slot.sent == sent && self.clock.is_current(slot) {
            return;
        }
        let (not_begun, known) = (slot.heard, slot.sent);
        let sequence = self.count();
        if known != sent && self.clock.note(sent, not_begun, self.now, sequence) {
            self.break_sweep();
            self.question.arrived = self.question.arrived.map(|arrived| arrived.min(sent));
            self.epoch.unsaved = true;
        }
        let era = self.clock.era();
        let slot = self.slots.get_mut(at);
        if slot.sent != sent {
            (slot.sent, slot.era) = (sent, era);
            self.change(at);
        }
    }

    /// Takes port and reference, where the result tells them: before the first segment has gone out it does not.
    fn locate(&mut self, at: u32, result: &SmsResult<'_>, status: Option<Status>) {
        let byte = |value: Option<u32>| value.and_then(|value| u8::try_from(value).ok());
        let succeeded = result.succ_count.get();
        let left = matches!(status, Some(Status::SentOk | Status::Delivered)) || succeeded > Some(0);
        let segments = result.count.get().unwrap_or(1);
        let (Some(port), Some(reference), true, 1..=MAX_SEGMENTS) =
            (byte(result.port.get()), byte(result.ref_id.get()), left, segments)
        else {
            return;
        };
        let segments = byte(Some(segments)).unwrap_or(1);
        let slot = self.slots.get_mut(at);
        let count = byte(succeeded).unwrap_or(if status == Some(Status::SentOk) { segments } else { 0 });
        if core::mem::replace(&mut slot.succeeded, count) != count {
            self.change(at);
        }
        let slot = self.slots.get_mut(at);
        if slot.has(LOCATED) && (slot.port, slot.reference, slot.segments) == (port, reference, segments) {
            return;
        }
        self.slots.unindex_report(at);
        self.longest = self.longest.max(segments);
        let slot = self.slots.get_mut(at);
        if slot.has(LOCATED) {
            // What was noted was another place's.
            (slot.delivered, slot.temporary, slot.failed) = (0, 0, 0);
            (slot.first_report, slot.last_report) = (NO_TIME, NO_TIME);
        } else if is_later(slot.heard, slot.submitted) {
            slot.submitted = slot.heard;
        }
        (slot.port, slot.reference, slot.segments) = (port, reference, segments);
        slot.set(LOCATED, true);
        self.slots.index_report(at);
        self.change(at);
    }

    fn sent(&mut self, at: u32) {
        let slot = self.slots.get(at);
        if slot.has(DOUBTED) {
            return self.finish(at, State::Failed);
        }
        if slot.state == State::Sent {
            return self.seen_again(at);
        }
        self.results_move();
        self.set_state(at, State::Sent);
        let slot = self.slots.get(at);
        if slot.is_over() {
            return self.finish(at, State::Sent);
        }
        let located = slot.has(LOCATED);
        self.tell(at);
        if located {
            self.await_report(at, 0);
            self.take_early(at);
        } else {
            self.await_result(at, 0);
        }
    }

    fn sending(&mut self, at: u32) {
        if matches!(self.slots.get(at).state, State::Sending | State::Sent) {
            return self.seen_again(at);
        }
        self.results_move();
        self.set_state(at, State::Sending);
        self.tell(at);
        let step = if self.is_sweeping() { SENDING_STEP } else { 0 };
        self.await_result(at, step);
        self.take_early(at);
    }

    /// Nothing new, but the gateway knows it.
    fn seen_again(&mut self, at: u32) {
        let slot = self.slots.get(at);
        if slot.queue == Queue::InHand {
            let step = slot.attempt.saturating_add(1);
            self.unchanged(at, step);
        }
    }
}
