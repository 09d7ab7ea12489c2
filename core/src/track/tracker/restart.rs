//! Restoring saved records, and continuing after a restart.

use core::time::Duration;

use super::Tracker;
use crate::track::{
    clock::Sequence,
    journal::{CLIENT, INBOX, MESSAGE, RISING_INBOX, Reader, RestoreError, read_marks, read_slot},
    matching,
    message::{FAILURE_UNCONFIRMED, HAS_REFERENCE, NOT_SENT, STOP_WANTED, State, lifecycle::Input},
    plan::{Queue, schedule},
    table::{Node, SlotId},
};

/// The initial number of doublings of the wait for reports, for messages that were sent before a restart.
const RESTORED_STEP: u8 = 4;

impl Tracker<'_> {
    /// Restores a saved record. The caller restores all records, in any order, and then calls [`start`](Self::start).
    ///
    /// # Errors
    /// [`RestoreError`] if the record is not restored. The tracker continues without it.
    pub fn restore(&mut self, record: &[u8]) -> Result<(), RestoreError> {
        let mut reader = Reader::new(record)?;
        let (kind, sequence) = (reader.byte(), reader.sequence());
        self.counter.continue_after(sequence);
        match kind {
            CLIENT => {
                let restored = self.journal.restore_client(&mut reader, &mut self.clock, sequence);
                if let Some((then, mark)) = restored {
                    self.set_former_time(then);
                    self.mark = mark;
                }
            }
            INBOX | RISING_INBOX => {
                let (saved, marks) = read_marks(&mut reader, kind == RISING_INBOX);
                self.inbox.restore(sequence, saved, marks);
            }
            MESSAGE => self.restore_message(&mut reader, sequence)?,
            _ => return Err(RestoreError::Torn),
        }
        Ok(())
    }

    fn restore_message(&mut self, reader: &mut Reader<'_>, record: Sequence) -> Result<(), RestoreError> {
        let user_id = reader.word();
        let id = match matching::find(&self.table, user_id) {
            Some(id) => {
                if self.table.get(id).is_some_and(|slot| !record.is_after(slot.record)) {
                    return Ok(());
                }
                id
            }
            None => self.restored_slot(user_id)?,
        };
        if let Some(slot) = self.table.get_mut(id) {
            read_slot(reader, slot);
            slot.record = record;
        }
        Ok(())
    }

    /// Takes a free slot for a restored message.
    fn restored_slot(&mut self, user_id: u32) -> Result<SlotId, RestoreError> {
        let id = self.table.first(Queue::FREE).ok_or(RestoreError::Full)?;
        if let Some(slot) = self.table.get_mut(id) {
            slot.user_id = user_id;
        }
        matching::insert(&mut self.table, id);
        self.table.append(id, Queue::ENDED);
        Ok(id)
    }

    /// Starts the tracker after all records were restored. All queries are due at once, unacknowledged updates are repeated, and
    /// messages that were in flight become [`State::Uncertain`]. Without records to restore, this call is not needed.
    pub fn start(&mut self, now: Duration) {
        self.continue_time(now);
        self.planner.restart(self.now);
        self.journal.start(self.now);
        for id in self.table.ids() {
            if self.table.get(id).is_some_and(|slot| slot.queue() == Queue::ENDED) {
                self.resume(id);
            }
        }
        let sequence = self.counter.draw();
        self.clock.start(sequence, self.now, self.mark);
        self.planner.lost_touch(sequence);
    }

    fn resume(&mut self, id: SlotId) {
        let Some(slot) = self.table.get_mut(id) else { return };
        if slot.state() != State::Failed {
            // If `NOT_SENT` is set, a result was FAILED, but the earlier run ended before that response was complete. A better result may
            // have followed.
            slot.set(NOT_SENT, false);
        }
        let (state, is_over, is_acknowledged) = (slot.state(), slot.is_over(), slot.is_acknowledged());
        let awaits_report = state == State::Sent && slot.has(HAS_REFERENCE) && !slot.has(FAILURE_UNCONFIRMED);
        let stop = slot.task().filter(|_| slot.has(STOP_WANTED));
        self.clock.restore_sent(slot.sent_at());
        // This time is not saved, so the latest possible time is used: the end of a finished message, or the moment before this start.
        slot.located = if is_over { slot.since } else { self.now.earlier(1) };
        if slot.has(HAS_REFERENCE) {
            self.matching.note_segments(slot.segments);
        }
        self.planner.count(State::Unsent, state, slot.ports);
        if state != State::Unsent && slot.submitted != Sequence::NEVER {
            matching::insert_for_reports(&mut self.table, id);
        }
        if !is_acknowledged {
            self.updates.push(&mut self.table, id);
        }
        match state {
            State::Unsent => {
                self.table.append(id, Queue::waiting(self.table.get(id)));
                self.note_validity(id);
            }
            State::Submitted => {
                self.happen(id, Input::Restart);
            }
            _ if is_over && is_acknowledged => self.retire(id),
            _ if is_over => {}
            // `RESTORED_STEP` queues it apart from messages that are sent from now on.
            _ if awaits_report => schedule::prefer_report(&mut self.table, id, RESTORED_STEP, self.now),
            _ => schedule::hurry_result(&mut self.table, id, self.now),
        }
        if let Some(task) = stop {
            self.planner.add_stop(task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Number,
        track::{
            Draft,
            clock::Tick,
            message::lifecycle,
            tests::{lasting, store},
        },
    };
    use std::collections::BTreeMap;

    fn tracker() -> Tracker<'static> {
        lasting(16, Duration::from_secs(1000))
    }

    #[test]
    fn a_restored_message_counts_as_sent_just_before_this_life_or_at_its_end() {
        for (state, is_over) in [(State::Sent, false), (State::Delivered, true), (State::Expired, true)] {
            let mut before = tracker();
            let draft = Draft::new(Number::new("10086").unwrap());
            let id = before.add(&draft, Duration::from_secs(1000)).unwrap();
            let slot = matching::find(&before.table, id.get()).unwrap();
            let slot = before.table.get_mut(slot).unwrap();
            lifecycle::restore(slot, state);
            slot.set(HAS_REFERENCE, true);
            slot.since = Tick::new(50_000);
            let mut saved = BTreeMap::new();
            while let Some(change) = before.next_change() {
                store(&mut saved, &change);
            }
            let mut tracker = tracker();
            for record in saved.values() {
                tracker.restore(record).unwrap();
            }
            tracker.start(Duration::from_secs(7));
            let slot = matching::find(&tracker.table, id.get()).unwrap();
            let expected = if is_over { Tick::new(50_000) } else { tracker.now.earlier(1) };
            assert_eq!(tracker.table.get(slot).unwrap().located, expected, "{state:?}");
        }
    }
}
