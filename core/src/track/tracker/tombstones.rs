//! Finished messages: kept as tombstones while reports may arrive, then deleted.

use super::Tracker;
use crate::track::{
    clock::Sequence,
    matching,
    message::{DELETED, HAS_REFERENCE, IN_UPDATES, State, WANTS_REPORT},
    plan::Queue,
    table::{Node, QueueId, SlotId},
};

impl Tracker<'_> {
    /// Retires a finished message whose last update is acknowledged, unless it is still in the chain of updates.
    pub(super) fn retire_acknowledged(&mut self, id: SlotId) {
        let Some(slot) = self.table.get(id) else { return };
        if slot.queue() == Queue::ENDED && slot.is_acknowledged() && !slot.has(IN_UPDATES) {
            self.retire(id);
            // If this is lost, the update is repeated, so the next events need not wait for it.
            self.journal.touch_quietly(&mut self.table, id);
        }
    }

    /// Keeps a finished message while reports may arrive for it, or deletes it.
    pub(super) fn retire(&mut self, id: SlotId) {
        let Some(slot) = self.table.get(id) else { return };
        match slot.state() {
            _ if slot.is_fully_reported() || !slot.has(WANTS_REPORT) => self.keep(id, Queue::SHORT),
            // Nothing of it was sent.
            State::Stopped | State::Failed if !slot.has(HAS_REFERENCE) => self.delete(id),
            _ => self.keep(id, Queue::LONG),
        }
    }

    fn keep(&mut self, id: SlotId, queue: QueueId) {
        let waits = self.planner.waits();
        let wait = if queue == Queue::SHORT { waits.reported } else { waits.late };
        let Some(slot) = self.table.get_mut(id) else { return };
        slot.due = slot.since.plus(wait);
        self.table.append(id, queue);
    }

    /// Deletes a message. Its slot is freed when the deletion is saved, which the caller notes in the journal.
    pub(super) fn delete(&mut self, id: SlotId) {
        let Some(slot) = self.table.get_mut(id) else { return };
        slot.set(DELETED, true);
        if slot.submitted != Sequence::NEVER {
            matching::remove_for_reports(&mut self.table, id);
        }
        self.table.take_out(id);
        self.journal.touch_quietly(&mut self.table, id);
    }

    /// Frees the slot of a deleted message.
    pub(super) fn free(&mut self, id: SlotId) {
        matching::remove(&mut self.table, id);
        if let Some(slot) = self.table.get_mut(id) {
            slot.clear();
        }
        self.table.append(id, Queue::FREE);
    }

    /// Deletes the tombstones that are due.
    pub(super) fn delete_due(&mut self) {
        for queue in [Queue::SHORT, Queue::LONG] {
            for _ in 0..self.table.length(queue) {
                let Some(id) = self.first_due(queue) else { break };
                self.lose_sight(id);
                self.delete(id);
                self.journal.touch(&mut self.table, id);
            }
            // Restored tombstones are in no order. Another one becomes the first, for the next step.
            if let Some(first) = self.table.first(queue).filter(|_| self.is_restored) {
                self.table.append(first, queue);
            }
        }
    }

    fn first_due(&self, queue: QueueId) -> Option<SlotId> {
        self.table.first(queue).filter(|id| self.table.get(*id).is_some_and(|slot| slot.due.is_due(self.now)))
    }

    /// Notes that the port of a message is not known to be without a report of it.
    fn lose_sight(&mut self, id: SlotId) {
        let Some(slot) = self.table.get(id).filter(|slot| slot.has(HAS_REFERENCE)) else { return };
        let is_reported = slot.is_fully_reported();
        let waits = self.planner.waits();
        let needed = slot.since.plus(if is_reported { waits.doubled } else { waits.late });
        self.clock.looks.lose_sight(slot.port, needed);
    }
}
