//! Lent slots, linked into queues, hash indexes and chains. The table knows nothing of messages.
//!
//! - A **queue** is doubly linked. Each slot is in at most one queue.
//! - A **bucket** is a singly linked hash chain. The slot at the hash's index stores its head.
//! - A **ring** is a circular hash chain. The slot at the hash's index stores its last member, so that members can be appended.
//! - A [`Chain`] is a singly linked list of slots that wait to be handled.

mod chain;
mod grow;
mod id;
mod node;
mod queues;
mod ring;

pub(super) use chain::{CHANGES, Chain, UPDATES};
pub(super) use id::{QueueId, SlotId};
pub(super) use node::{Links, Node};
pub(super) use ring::RingCursor;

use queues::Ends;

/// The slots lent by the caller, and the ends of `Q` queues.
pub(super) struct Table<'m, T, const Q: usize> {
    slots: &'m mut [T],
    queues: [Ends; Q],
}

impl<T, const Q: usize> Table<'_, T, Q> {
    /// Creates a table without slots.
    pub(super) const fn empty() -> Self {
        Self { slots: &mut [], queues: const { [Ends::EMPTY; Q] } }
    }
}

impl<'m, T: Node, const Q: usize> Table<'m, T, Q> {
    /// Sets the memory for the slots, and appends all slots to `queue`.
    pub(super) fn lend(&mut self, slots: &'m mut [T], queue: QueueId) {
        self.slots = slots;
        for index in 0..self.len() {
            if let Some(id) = SlotId::at(index) {
                self.append(id, queue);
            }
        }
    }

    /// Returns the number of slots.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX).min(u32::MAX - 1)
    }

    // `get` and `get_mut` are called so often that inlining them takes much flash.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn get(&self, id: SlotId) -> Option<&T> {
        self.slots.get(id.index())
    }

    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn get_mut(&mut self, id: SlotId) -> Option<&mut T> {
        self.slots.get_mut(id.index())
    }

    /// Returns all slots.
    pub(super) fn all(&self) -> &[T] {
        self.slots
    }

    /// Returns the ids of all slots.
    pub(super) fn ids(&self) -> impl Iterator<Item = SlotId> + use<T, Q> {
        (0..self.len()).filter_map(SlotId::at)
    }

    /// Returns the slot that stores the bucket and the ring of a hash; `None` without slots.
    fn place(&self, hash: u32) -> Option<SlotId> {
        let index = (u64::from(hash) * u64::from(self.len())) >> 32;
        // The index is below the number of slots.
        #[allow(clippy::cast_possible_truncation)]
        SlotId::at(index as u32)
    }

    /// Returns the first slot in the bucket of a hash that the predicate accepts.
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(&T) -> bool) -> Option<SlotId> {
        let mut at = self.get(self.place(hash)?)?.links().bucket_head;
        while let Some(id) = at {
            let slot = self.get(id)?;
            if is_it(slot) {
                return Some(id);
            }
            at = slot.links().bucket_next;
        }
        None
    }

    /// Puts a slot first in the bucket of a hash.
    pub(super) fn insert(&mut self, id: SlotId, hash: u32) {
        let Some(place) = self.place(hash).and_then(|place| self.get_mut(place)) else { return };
        let head = place.links_mut().bucket_head.replace(id);
        if let Some(slot) = self.get_mut(id) {
            slot.links_mut().bucket_next = head;
        }
    }

    /// Removes a slot from the bucket of its hash.
    pub(super) fn remove(&mut self, id: SlotId, hash: u32) {
        let Some(next) = self.get(id).map(|slot| slot.links().bucket_next) else { return };
        let Some(place) = self.place(hash).and_then(|place| self.get_mut(place)) else { return };
        let mut before = place.links().bucket_head;
        if before == Some(id) {
            place.links_mut().bucket_head = next;
            return;
        }
        while let Some(slot) = before.and_then(|before| self.get_mut(before)) {
            if slot.links().bucket_next == Some(id) {
                slot.links_mut().bucket_next = next;
                return;
            }
            before = slot.links().bucket_next;
        }
    }
}

#[cfg(test)]
mod tests;
