//! Moving to more slots.

use super::{Node, QueueId, RingCursor, SlotId, Table};

impl<'m, T: Node + Clone, const Q: usize> Table<'m, T, Q> {
    /// Moves the table into a larger memory. Slots keep their ids. The added slots are empty, and enter the queue `free`.
    ///
    /// `in_bucket` returns the hash of a slot that is in a bucket, and `None` for other slots. `in_ring` returns the hash of a slot
    /// that is in a ring.
    pub(in crate::track) fn grow(
        &mut self,
        slots: &'m mut [T],
        free: QueueId,
        in_bucket: impl Fn(&T) -> Option<u32>,
        in_ring: impl Fn(&T) -> u32,
    ) {
        if slots.len() <= self.slots.len() {
            return;
        }
        for (to, from) in slots.iter_mut().zip(self.slots.iter()) {
            to.clone_from(from);
            to.links_mut().leave_indexes();
        }
        let queues = self.queues;
        let old = core::mem::replace(self, Self { slots, queues });
        for id in old.ids() {
            if let Some(hash) = old.get(id).and_then(&in_bucket) {
                self.insert(id, hash);
            }
            // Members with the same hash keep their order.
            let mut ring = RingCursor::at(&old, Some(id));
            while let Some(member) = ring.next(&old) {
                if let Some(slot) = old.get(member) {
                    self.ring_append(member, in_ring(slot));
                }
            }
        }
        for index in old.len()..self.len() {
            if let Some(id) = SlotId::at(index) {
                self.append(id, free);
            }
        }
    }
}
