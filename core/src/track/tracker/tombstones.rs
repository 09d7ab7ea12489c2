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
            // The next events need not wait until this change is saved. If the change is lost, only the update is repeated.
            self.journal.touch_quietly(&mut self.table, id);
        }
    }

    /// Keeps a finished message while reports may arrive for it, or deletes it.
    pub(super) fn retire(&mut self, id: SlotId) {
        let Some(slot) = self.table.get(id) else { return };
        // Gateways of the document's version also return reports of messages that requested none. Such reports are rarely hours late.
        let is_unreported = !slot.has(WANTS_REPORT) && !self.matching.strictness().is_strict;
        match slot.state() {
            _ if slot.is_fully_reported() || is_unreported => self.keep(id, Queue::SHORT),
            // Nothing of it was sent, so no report can arrive.
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

    /// Deletes a message. Its slot is freed when [`Tracker::next_change`] returns the deletion.
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
                if self.clock.forget_message() {
                    self.journal.touch_client();
                }
                self.delete(id);
                self.journal.touch(&mut self.table, id);
            }
            // Restored tombstones are not in order of time. So the first one moves to the end, and the next step checks another one.
            if let Some(first) = self.table.first(queue).filter(|_| self.is_restored) {
                self.table.append(first, queue);
            }
        }
    }

    fn first_due(&self, queue: QueueId) -> Option<SlotId> {
        self.table.first(queue).filter(|id| self.table.get(*id).is_some_and(|slot| slot.due.is_due(self.now)))
    }

    /// Notes that reports of this message will no longer be recognised.
    fn lose_sight(&mut self, id: SlotId) {
        let Some(slot) = self.table.get(id).filter(|slot| slot.has(HAS_REFERENCE)) else { return };
        let waits = self.planner.waits();
        let needed = if slot.is_fully_reported() || !slot.has(WANTS_REPORT) {
            slot.since.plus(waits.doubled)
        } else {
            slot.located.plus(waits.late)
        };
        self.clock.looks.lose_sight(needed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Number,
        track::{
            Draft,
            clock::{PER_SECOND, Tick},
            message::{Fates, lifecycle},
            tests::{lasting, store},
        },
    };
    use core::time::Duration;
    use std::collections::BTreeMap;

    const HOUR: u32 = 3600 * PER_SECOND;
    /// When the tombstone's port and reference became known, and when its message ended.
    const LOCATED: Tick = Tick::new(100 * HOUR);
    const END: Tick = Tick::new(110 * HOUR);

    fn tracker() -> Tracker<'static> {
        lasting(16, Duration::ZERO)
    }

    /// Adds the tombstone of a message that requested a report or not, and received one or not.
    fn tombstone(tracker: &mut Tracker<'_>, wants_report: bool, is_reported: bool) -> SlotId {
        let draft = Draft::new(Number::new("10086").unwrap()).status_report(wants_report);
        let id = tracker.add(&draft, Duration::ZERO).unwrap();
        let id = matching::find(&tracker.table, id.get()).unwrap();
        let slot = tracker.table.get_mut(id).unwrap();
        lifecycle::restore(slot, if is_reported { State::Delivered } else { State::Sent });
        slot.set(HAS_REFERENCE, true);
        (slot.segments, slot.located, slot.since) = (1, LOCATED, END);
        slot.fates = Fates::new(is_reported.into(), 0, 0);
        id
    }

    fn look(tracker: &mut Tracker<'_>, at: Tick) {
        tracker.clock.looks.begin(None, at);
        tracker.clock.looks.complete(None);
    }

    #[test]
    fn looks_at_which_a_forgotten_message_may_have_had_its_report_show_nothing_any_more() {
        for (wants_report, is_reported, until) in [
            (true, true, END.plus(HOUR)),
            (false, false, END.plus(HOUR)),
            (true, false, LOCATED.plus(72 * HOUR)),
        ] {
            for (at, is_kept) in [(until.earlier(1), false), (until, true)] {
                let mut tracker = tracker();
                let id = tombstone(&mut tracker, wants_report, is_reported);
                look(&mut tracker, at);
                tracker.lose_sight(id);
                assert_eq!(tracker.clock.looks.latest().is_some(), is_kept, "{wants_report} {is_reported}");
            }
        }
    }

    #[test]
    fn a_message_is_forgotten_with_its_tombstone_also_in_the_next_life() {
        let mut tracker = tracker();
        let id = tombstone(&mut tracker, true, true);
        look(&mut tracker, END);
        let mut saved = BTreeMap::new();
        tracker.retire(id);
        for (at, is_known) in [(END.plus(2 * HOUR).earlier(1), true), (END.plus(2 * HOUR), false)] {
            tracker.now = at;
            while let Some(change) = tracker.next_change() {
                store(&mut saved, &change);
            }
            tracker.delete_due();
            assert_eq!(
                (tracker.clock.knows_all(), tracker.clock.looks.latest().is_some()),
                (is_known, is_known)
            );
        }
        while let Some(change) = tracker.next_change() {
            store(&mut saved, &change);
        }
        let mut next = self::tracker();
        for record in saved.values() {
            next.restore(record).unwrap();
        }
        next.start(Duration::ZERO);
        assert!(!next.clock.knows_all());
    }
}
