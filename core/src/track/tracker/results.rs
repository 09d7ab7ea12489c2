//! Handling of results, the records of query_sms_result.

use core::time::Duration;

use super::Tracker;
use crate::{
    UserId,
    call::{QuerySmsResult, SmsResult, Status},
    json::Field,
    track::{
        ask::Token,
        clock::{GatewaySeconds, Ledger},
        matching::{self, LISTED, LISTED_NO_OWNER, RawReport, Sighting},
        message::{
            FAILURE_UNCONFIRMED, Fates, HAS_REFERENCE, NOT_SENT, Slot, State, TASK_STOPPED, lifecycle::Input,
        },
        number::PackedNumber,
        plan::{Queue, Request, schedule},
        table::{Node, SlotId},
    },
};

/// The maximum number of segments that are tracked individually. A text of 1500 bytes takes 23.
const MAX_SEGMENTS: u32 = 32;

/// The port through which a message was sent, the reference of its first segment, and the number of its segments.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    port: u8,
    reference: u8,
    segments: u8,
}

impl Place {
    /// Reads the place from a result. A result contains none before the first segment is sent.
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
    /// not send are ignored. Returns the message to which the result belongs.
    pub fn handle_result(
        &mut self,
        token: &Token<QuerySmsResult<'static>>,
        result: &SmsResult<'_>,
        now: Duration,
    ) -> Option<UserId> {
        let (is_by_time, is_list) = match self.planner.in_flight(token.serial())? {
            Request::Results => (false, false),
            Request::ResultsByTime { is_list, .. } => (true, *is_list),
            _ => return None,
        };
        self.set_time(now);
        if Ledger::IS_USED && is_list {
            self.note_listed(result);
        }
        let id = matching::message_of(&self.table, &mut self.clock, result)?;
        self.planner.result_named();
        let user_id = self.table.get(id).and_then(Slot::id);
        self.take_result(id, result, is_by_time);
        user_id
    }

    /// Notes a message in the gateway's list of results, whichever program sent it.
    fn note_listed(&mut self, result: &SmsResult<'_>) {
        let status = result.status.get();
        let (place, sent) =
            (Place::of(result, status), result.time.get().and_then(GatewaySeconds::from_time));
        let is_failed = status == Some(Status::Failed);
        let port = byte(result.port.get());
        let (Some(port), Some(time)) = (port, sent) else { return };
        if place.is_none() && !is_failed || status == Some(Status::Sending) {
            return;
        }
        let number = PackedNumber::parse(result.number.as_str()).unwrap_or(PackedNumber::NONE);
        let own = result.user_id.get().and_then(|id| u32::try_from(id).ok());
        let own = own.and_then(|id| matching::find(&self.table, id)).and_then(|id| self.table.get(id));
        let is_own =
            own.is_some_and(|slot| number == PackedNumber::NONE || number.may_be_same(&slot.number()));
        let sent = byte(result.succ_count.get()).filter(|_| is_failed);
        let (reference, segments) =
            place.map_or((0, 0), |place| (place.reference, sent.unwrap_or(place.segments)));
        let sighting = Sighting { at: self.now, first: self.counter.draw(), absent: None };
        let status = if is_own || segments == 0 { LISTED_NO_OWNER } else { LISTED };
        let mut entry = RawReport { number, time: Some(time), port, reference, status };
        if !self.matching.list(&entry, sighting) {
            return;
        }
        for _ in 1..if is_own { 1 } else { segments } {
            entry.reference = entry.reference.wrapping_add(1);
            self.matching.list(&entry, sighting);
        }
        if segments > 0 {
            self.clock.ledger.note((port, reference, segments), time.get(), is_own);
        }
        if is_failed {
            self.clock.ledger.note_failure(port);
        }
        // Without the recipient's number, reports of this message cannot be recognised.
        if number == PackedNumber::NONE && !is_own {
            self.clock.ledger.lose(self.now);
        }
    }

    fn take_result(&mut self, id: SlotId, result: &SmsResult<'_>, is_by_time: bool) {
        if let Some(sent) = result.time.get().and_then(GatewaySeconds::from_time) {
            self.take_send_time(id, sent);
        }
        let status = result.status.get();
        let is_failed = status == Some(Status::Failed);
        // Without a succ_count, all segments count as sent.
        let is_located = Place::of(result, status).is_some_and(|place| {
            self.take_place(id, place, byte(result.succ_count.get()).unwrap_or(place.segments), is_failed)
        });
        if let (true, Some(port)) = (is_failed, byte(result.port.get())) {
            self.clock.runs.note_failure(port);
        }
        if let Some(slot) = self.table.get_mut(id) {
            // The gateway still has the message, even if its task was stopped.
            slot.set(TASK_STOPPED, false);
            slot.set(NOT_SENT, false);
            slot.forget_absence();
        }
        match status {
            Some(Status::Delivered) => self.take_delivery(id),
            Some(Status::Failed) => return self.take_failure(id, is_by_time),
            Some(Status::SentOk) => return self.take_progress(id, Input::Sent),
            Some(Status::Sending) => return self.take_progress(id, Input::Sending { is_located }),
            None => return self.take_unknown_status(id, result, is_located),
        }
        self.take_kept_reports(id);
    }

    fn take_delivery(&mut self, id: SlotId) {
        if let Some(slot) = self.table.get_mut(id) {
            slot.fates = Fates::new(slot.all_segments(), 0, 0);
            if let Some(sent) = slot.sent {
                // All its reports have reached the gateway. They will be recognised by their times, from the send time to now.
                let latest = self.clock.latest().filter(|latest| latest.get() > sent.get());
                (slot.first_report, slot.last_report) = (Some(sent), latest.or(Some(sent)));
            }
        }
        self.happen(id, Input::Delivered);
    }

    /// Handles the result FAILED. A gateway that tried another port may list a better result of the same message. So the message fails
    /// only if a complete response to a request that named it contains no better result.
    fn take_failure(&mut self, id: SlotId, is_by_time: bool) {
        let Some(slot) = self.table.get_mut(id) else { return };
        if slot.queue() == Queue::IN_FLIGHT {
            slot.set(NOT_SENT, true);
        } else if is_by_time && slot.state().is_under_way() {
            schedule::hurry_result(&mut self.table, id, self.now);
        }
    }

    /// Handles a result that says that a message is being sent or was sent.
    fn take_progress(&mut self, id: SlotId, input: Input) {
        let Some(slot) = self.table.get(id) else { return };
        let is_unconfirmed = slot.has(FAILURE_UNCONFIRMED);
        let is_new = match input {
            Input::Sent => !is_unconfirmed && slot.state() != State::Sent,
            Input::Sending { is_located: true } => slot.state() != State::Sent,
            _ => !matches!(slot.state(), State::Sending | State::Sent),
        };
        if is_new {
            self.planner.result_progressed();
        }
        if !self.happen(id, input) {
            return self.seen_again(id);
        }
        // If the message has finished, its kept reports are not judged ahead of others.
        if is_new && self.table.get(id).is_some_and(|slot| !slot.is_over()) {
            self.take_kept_reports(id);
        }
    }

    /// Handles a result whose status is missing or unknown. Its counts may still show that all segments were sent.
    fn take_unknown_status(&mut self, id: SlotId, result: &SmsResult<'_>, is_located: bool) {
        if let (Field::Other(text), Some(user_id)) = (result.status, self.table.get(id).and_then(Slot::id)) {
            self.status_words.note(user_id, text);
        }
        let sent_whole =
            result.succ_count.get().filter(|count| *count > 0 && Some(*count) == result.count.get());
        match sent_whole.and(Place::of(result, None)) {
            Some(_) => self.take_progress(id, Input::Sent),
            None if is_located => self.take_progress(id, Input::Sending { is_located }),
            None => self.seen_again(id),
        }
    }

    /// Handles a result that contains nothing new.
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
        let (not_begun, added) = (slot.not_begun, slot.since);
        let sequence = self.counter.draw();
        if is_known {
            return;
        }
        let is_jump = self.clock.note_jump(sent, added, self.now);
        if self.clock.learn_send_time(sent, not_begun, self.now, sequence) || is_jump {
            self.planner.clock_jumped(self.now);
            self.journal.touch_client();
        }
        if let Some(slot) = self.table.get_mut(id) {
            (slot.sent, slot.era) = (Some(sent), self.clock.era());
        }
        self.journal.touch(&mut self.table, id);
    }

    /// Notes the port, reference and segments of a message. Returns whether they were unknown before.
    fn take_place(&mut self, id: SlotId, place: Place, succeeded: u8, is_failed: bool) -> bool {
        let Some(slot) = self.table.get_mut(id) else { return false };
        let is_new = !slot.has(HAS_REFERENCE);
        let is_changed = core::mem::replace(&mut slot.succeeded, succeeded) != succeeded;
        let known = Place { port: slot.port, reference: slot.reference, segments: slot.segments };
        let is_known = slot.has(HAS_REFERENCE) && known == place;
        if is_changed || !is_known {
            self.journal.touch(&mut self.table, id);
        }
        if is_known {
            return false;
        }
        matching::remove_for_reports(&mut self.table, id);
        self.matching.note_segments(place.segments);
        let Some(slot) = self.table.get_mut(id) else { return false };
        if slot.has(HAS_REFERENCE) {
            // The reports so far belonged to the former port and reference.
            (slot.fates, slot.first_report, slot.last_report) = (Fates::NONE, None, None);
        } else if slot.not_begun.is_after(slot.submitted) {
            slot.submitted = slot.not_begun;
        }
        (slot.port, slot.reference, slot.segments) = (place.port, place.reference, place.segments);
        slot.located = self.now;
        slot.set(HAS_REFERENCE, true);
        let sent = if is_failed { succeeded } else { place.segments };
        self.clock.looks.use_port(place.port);
        self.clock.runs.note_place((place.port, place.reference, sent), slot.sent, self.now);
        matching::insert_for_reports(&mut self.table, id);
        is_new
    }
}

#[cfg(all(test, not(sms_gateway_small)))]
mod tests;
