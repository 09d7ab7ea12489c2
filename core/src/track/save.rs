//! Saving each change, and restoring.

use core::time::Duration;

use super::{
    question::Question,
    record::{Change, Reader, RestoreError, read_marks, read_slot, write_marks, write_slot},
    slot::{DOUBTED, GONE, IN_CHANGES, LOCATED, NIL, NO_TIME, Queue, STOP, State},
    timing::{PER_SECOND, Tick},
    tracker::{Tracker, is_later},
};
use crate::UserId;

/// The keys of what is no message lie above all user_ids.
const EPOCH_KEY: u32 = 0x8000_0000;
const INBOX_KEY: u32 = 0x8000_0001;

const EPOCH: u8 = 0;
const INBOX: u8 = 1;
const MESSAGE: u8 = 2;

/// Ticks between two savings of our time: 10 min.
const SAVE_TIME_EVERY: u32 = 600 * PER_SECOND;

/// Messages that were sent before a restart are then asked for as if so many doublings had passed.
const RESTORED_STEP: u8 = 4;

/// How many user_ids an epoch has, and how many epochs there are: together all of them.
const PER_EPOCH: u32 = 1 << 10;
const EPOCHS: u32 = 1 << 21;

/// Where user_ids come from. An epoch is saved before its first user_id is used, so that none is used twice, whatever is lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch {
    number: u32,
    used: u32,
    sequence: u32,
    /// When it was saved last.
    saved: Tick,
    /// Is to be saved, with what was learned of the gateway's clock and reports.
    pub(super) unsaved: bool,
}

impl Epoch {
    pub(super) fn new(first: u32) -> Self {
        Self { number: first.wrapping_sub(1), used: PER_EPOCH, sequence: 0, saved: Tick(0), unsaved: false }
    }

    /// The next user_id; 0 is left to others.
    fn next(&mut self) -> u32 {
        if self.used >= PER_EPOCH {
            self.number = self.number.wrapping_add(1) % EPOCHS;
            self.used = u32::from(self.number == 0);
            self.unsaved = true;
        }
        let id = self.number * PER_EPOCH + self.used;
        self.used += 1;
        id
    }
}

impl Tracker<'_> {
    pub(super) fn next_id(&mut self) -> UserId {
        loop {
            let id = self.epoch.next();
            let free = self.slots.find(id) == NIL;
            if let (Ok(id), true) = (UserId::new(id.into()), free) {
                return id;
            }
        }
    }

    /// When our time is to be saved, as long as something is kept whose age matters.
    pub(super) fn time_save_due(&self) -> Option<Tick> {
        let keeps = self.slots.length(Queue::Free) < self.slots.len();
        keeps.then(|| self.epoch.saved.plus(SAVE_TIME_EVERY))
    }

    /// Saves our time now and then, or what is kept would never grow old where restarts are frequent.
    pub(super) fn save_time(&mut self) {
        if self.time_save_due().is_some_and(|due| due.is_due(self.now)) {
            (self.epoch.unsaved, self.epoch.saved) = (true, self.now);
        }
    }

    pub(super) fn has_unsaved(&self) -> bool {
        self.urgent && (self.epoch.unsaved || self.inbox.unsaved || !self.changes.is_empty())
    }

    /// The next change to be stored; `None` when all are.
    ///
    /// Take them all and store them, all or none of them, before the question of the last [`step`](Self::step) is asked and before
    /// the next [events](Self::next_event) are taken.
    pub fn next_change(&mut self) -> Option<Change> {
        if core::mem::take(&mut self.epoch.unsaved) {
            let number = self.epoch.number.to_le_bytes();
            let clock = [u8::from(self.clock.reports_equal()), self.clock.era()];
            let now = self.now.0.to_le_bytes();
            self.epoch.saved = self.now;
            let sequence = self.count();
            return Some(Change::new(EPOCH_KEY, EPOCH, sequence, |writer| {
                writer.bytes(&number);
                writer.bytes(&clock);
                writer.bytes(&now);
            }));
        }
        if core::mem::take(&mut self.inbox.unsaved) {
            let marks = self.inbox.acknowledged;
            let sequence = self.count();
            return Some(Change::new(INBOX_KEY, INBOX, sequence, |writer| write_marks(writer, &marks)));
        }
        let Some(at) = self.changes.pop(&mut self.slots, |slot| &mut slot.change_next) else {
            self.urgent = false;
            return None;
        };
        let sequence = self.count();
        let slot = self.slots.get_mut(at);
        slot.set(IN_CHANGES, false);
        let key = slot.user_id;
        if slot.has(GONE) {
            self.release(at);
            return Some(Change::forget(key));
        }
        Some(Change::new(key, MESSAGE, sequence, |writer| write_slot(writer, slot)))
    }

    /// The slot is free for another message.
    fn release(&mut self, at: u32) {
        self.slots.unindex_user(at);
        self.slots.get_mut(at).clear();
        self.slots.append(at, Queue::Free);
    }

    /// Takes back what was saved, one record after the other in any order, before anything else; [`start`](Self::start) follows.
    ///
    /// # Errors
    /// [`RestoreError`]; the record then counts as not there.
    pub fn restore(&mut self, record: &[u8]) -> Result<(), RestoreError> {
        let mut reader = Reader::new(record)?;
        let (kind, sequence) = (reader.byte(), reader.word());
        if self.sequence == 1 || is_later(sequence, self.sequence) {
            self.sequence = sequence;
        }
        match kind {
            EPOCH => {
                if self.epoch.sequence == 0 || is_later(sequence, self.epoch.sequence) {
                    (self.epoch.number, self.epoch.sequence) = (reader.word(), sequence);
                    self.clock.recall_era(reader.byte() == 1, reader.byte());
                    // Our time goes on where it was saved last.
                    self.base = reader.word();
                }
            }
            INBOX => self.inbox.restore(sequence, read_marks(&mut reader)),
            MESSAGE => self.restore_message(&mut reader, sequence)?,
            _ => return Err(RestoreError::Torn),
        }
        Ok(())
    }

    fn restore_message(&mut self, reader: &mut Reader<'_>, sequence: u32) -> Result<(), RestoreError> {
        let user_id = reader.word();
        let mut at = self.slots.find(user_id);
        if at == NIL {
            at = self.slots.first(Queue::Free);
            if at == NIL {
                return Err(RestoreError::Full);
            }
            self.slots.get_mut(at).user_id = user_id;
            self.slots.index_user(at);
            self.slots.append(at, Queue::Done);
        } else if !is_later(sequence, self.slots.get(at).due.0) {
            // Until the start, the due time keeps the sequence number of what was restored.
            return Ok(());
        }
        let slot = self.slots.get_mut(at);
        read_slot(reader, slot);
        slot.due = Tick(sequence);
        Ok(())
    }

    /// Begins after everything was restored: all is due, and news that was not acknowledged comes again. A request that had
    /// left is uncertain. Without anything to restore it need not be called.
    pub fn start(&mut self, now: Duration) {
        self.base = self.base.wrapping_sub(Tick::at(now).0);
        self.now = self.tick(now);
        (self.question, self.epoch.saved) = (Question::new(self.now), self.now);
        self.restored = true;
        for at in 0..self.slots.len() {
            if self.slots.get(at).queue == Queue::Done {
                self.resume(at);
            }
        }
        let sequence = self.count();
        self.clock.restored(sequence, self.now);
        // There was no touch with the gateway for a while.
        self.question.failed_at = Some(sequence);
    }

    fn resume(&mut self, at: u32) {
        let (sent, is_current) = (self.slots.get(at).sent, self.clock.is_current(self.slots.get(at)));
        if is_current {
            // Until it is known whether the clock jumped meanwhile, that of the last life is taken for this one's.
            self.clock.recall(sent);
        } else if sent != NO_TIME {
            self.clock.recall_former(sent);
        }
        let slot = self.slots.get_mut(at);
        let state = slot.state;
        if slot.has(LOCATED) {
            self.longest = self.longest.max(slot.segments);
        }
        if slot.news != slot.acknowledged {
            self.renew(at);
        }
        slot_state(self, at, state);
        if state != State::Asked && self.slots.get(at).submitted != 0 {
            self.slots.index_report(at);
        }
        let slot = self.slots.get(at);
        let task = slot.task().filter(|_| slot.has(STOP));
        match state {
            State::Asked => self.slots.append(at, Queue::Asked),
            State::Submitted => {
                self.set_state(at, State::Uncertain);
                self.tell(at);
                self.hurry_result(at);
            }
            _ if slot.is_over() => {
                if slot.news == slot.acknowledged {
                    self.bury(at);
                }
            }
            State::Sent if slot.has(LOCATED) && !slot.has(DOUBTED) => self.hurry_report(at),
            _ => self.hurry_result(at),
        }
        if let Some(task) = task {
            let place = self.stops.iter_mut().find(|place| place.is_none_or(|other| other == task));
            if let Some(place) = place {
                *place = Some(task);
            }
        }
    }

    /// Asks for reports soon, apart from those of messages that are sent from now on.
    fn hurry_report(&mut self, at: u32) {
        let slot = self.slots.get_mut(at);
        (slot.attempt, slot.due) = (RESTORED_STEP, self.now);
        self.slots.append(at, Queue::Report(RESTORED_STEP));
    }
}

/// Takes a restored state into the counts.
fn slot_state(tracker: &mut Tracker<'_>, at: u32, state: State) {
    tracker.slots.get_mut(at).state = State::Asked;
    tracker.set_state(at, state);
}
