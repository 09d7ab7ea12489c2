//! Ids of slots and of queues.

use core::num::NonZeroU32;

/// The index of a slot in the table plus 1, so that an `Option` of it takes no more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct SlotId(NonZeroU32);

impl SlotId {
    /// Returns the id of the slot with this index, which is counted from 0.
    pub(in crate::track) fn at(index: u32) -> Option<Self> {
        NonZeroU32::new(index.wrapping_add(1)).map(Self)
    }

    /// Returns the index, counted from 0.
    pub(in crate::track) const fn index(self) -> usize {
        (self.0.get() - 1) as usize
    }
}

/// The id of a queue of the table, in one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::track) struct QueueId(u8);

impl QueueId {
    /// The id of a slot that is in no queue.
    pub(in crate::track) const NONE: Self = Self(0);

    /// Returns the id of the queue with this index, which is counted from 0.
    pub(in crate::track) const fn new(index: u8) -> Self {
        Self(index.wrapping_add(1))
    }

    /// Returns the index, out of range for [`NONE`](Self::NONE).
    pub(super) const fn index(self) -> usize {
        (self.0 as usize).wrapping_sub(1)
    }
}
