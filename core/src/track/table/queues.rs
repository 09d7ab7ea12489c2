//! Queues of slots.

use super::{Node, QueueId, SlotId, Table};

/// The ends of a queue, and its length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    first: Option<SlotId>,
    last: Option<SlotId>,
    length: u32,
}

impl Ends {
    pub(super) const EMPTY: Self = Self { first: None, last: None, length: 0 };
}

impl<T: Node, const Q: usize> Table<'_, T, Q> {
    fn ends_mut(&mut self, queue: QueueId) -> Option<&mut Ends> {
        self.queues.get_mut(queue.index())
    }

    /// Returns the first slot of a queue.
    pub(in crate::track) fn first(&self, queue: QueueId) -> Option<SlotId> {
        self.queues.get(queue.index())?.first
    }

    /// Returns the last slot of a queue.
    pub(in crate::track) fn last(&self, queue: QueueId) -> Option<SlotId> {
        self.queues.get(queue.index())?.last
    }

    /// Returns a reference to the first slot of a queue.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(in crate::track) fn front(&self, queue: QueueId) -> Option<&T> {
        self.get(self.first(queue)?)
    }

    /// Returns the number of slots in a queue.
    pub(in crate::track) fn length(&self, queue: QueueId) -> u32 {
        self.queues.get(queue.index()).map_or(0, |ends| ends.length)
    }

    /// Moves a slot to the end of a queue.
    pub(in crate::track) fn append(&mut self, id: SlotId, queue: QueueId) {
        self.take_out(id);
        let Some(ends) = self.ends_mut(queue) else { return };
        let last = ends.last.replace(id);
        ends.length = ends.length.saturating_add(1);
        match last {
            None => ends.first = Some(id),
            Some(last) => {
                if let Some(last) = self.get_mut(last) {
                    last.links_mut().next = Some(id);
                }
            }
        }
        self.set_place(id, queue, last, None);
    }

    /// Moves a slot to the beginning of a queue.
    pub(in crate::track) fn prepend(&mut self, id: SlotId, queue: QueueId) {
        self.take_out(id);
        let Some(ends) = self.ends_mut(queue) else { return };
        let first = ends.first.replace(id);
        ends.length = ends.length.saturating_add(1);
        match first {
            None => ends.last = Some(id),
            Some(first) => {
                if let Some(first) = self.get_mut(first) {
                    first.links_mut().previous = Some(id);
                }
            }
        }
        self.set_place(id, queue, None, first);
    }

    fn set_place(&mut self, id: SlotId, queue: QueueId, previous: Option<SlotId>, next: Option<SlotId>) {
        let Some(slot) = self.get_mut(id) else { return };
        let links = slot.links_mut();
        (links.previous, links.next) = (previous, next);
        slot.set_queue(queue);
    }

    /// Removes a slot from its queue.
    pub(in crate::track) fn take_out(&mut self, id: SlotId) {
        let Some(slot) = self.get_mut(id) else { return };
        let queue = slot.queue();
        slot.set_queue(QueueId::NONE);
        let links = slot.links_mut();
        let (previous, next) = (links.previous.take(), links.next.take());
        let Some(ends) = self.ends_mut(queue) else { return };
        ends.length = ends.length.saturating_sub(1);
        if previous.is_none() {
            ends.first = next;
        }
        if next.is_none() {
            ends.last = previous;
        }
        if let Some(slot) = previous.and_then(|previous| self.get_mut(previous)) {
            slot.links_mut().next = next;
        }
        if let Some(slot) = next.and_then(|next| self.get_mut(next)) {
            slot.links_mut().previous = previous;
        }
    }
}
