//! The table's view of its elements.

use super::id::{QueueId, SlotId};

/// The links of a slot in its queue, the two hash indexes and the two chains.
#[derive(Clone, Debug)]
#[repr(C)]
pub(in crate::track) struct Links {
    /// The first slot of the bucket with this slot's index, and the next slot in this slot's own bucket.
    pub(super) bucket_head: Option<SlotId>,
    pub(super) bucket_next: Option<SlotId>,
    /// The last slot of the ring with this slot's index, and the next slot in this slot's own ring. The first slot follows the last
    /// one.
    pub(super) ring_last: Option<SlotId>,
    pub(super) ring_next: Option<SlotId>,
    /// Its neighbours in its queue.
    pub(super) previous: Option<SlotId>,
    pub(super) next: Option<SlotId>,
    /// The next slot in each chain.
    pub(super) chain_next: [Option<SlotId>; 2],
}

impl Links {
    pub(in crate::track) const NONE: Self = Self {
        bucket_head: None,
        bucket_next: None,
        ring_last: None,
        ring_next: None,
        previous: None,
        next: None,
        chain_next: [None; 2],
    };

    /// Returns the next slot in the queue.
    pub(in crate::track) const fn next(&self) -> Option<SlotId> {
        self.next
    }

    /// Returns the slot before it in the queue.
    pub(in crate::track) const fn previous(&self) -> Option<SlotId> {
        self.previous
    }

    /// Clears the links of buckets and rings.
    pub(super) fn leave_indexes(&mut self) {
        (self.bucket_head, self.bucket_next, self.ring_last, self.ring_next) = (None, None, None, None);
    }

    /// Returns the links that stay when the slot is cleared: the bucket and the ring that begin in it, because their members are other
    /// slots.
    pub(in crate::track) fn cleared(&self) -> Self {
        Self { bucket_head: self.bucket_head, ring_last: self.ring_last, ..Self::NONE }
    }
}

/// An element of the table.
pub(in crate::track) trait Node {
    fn links(&self) -> &Links;
    fn links_mut(&mut self) -> &mut Links;
    fn queue(&self) -> QueueId;
    fn set_queue(&mut self, queue: QueueId);
}
