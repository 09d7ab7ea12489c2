//! The source of user_ids.

use crate::track::clock::Sequence;

/// The number of user_ids in a block, and the number of blocks. Together, they cover all user_ids.
const BLOCK_SIZE: u32 = 1 << 10;
pub(super) const BLOCKS: u32 = 1 << 21;

/// The block of user_ids in use. A block is saved before its first user_id is used. So even if later changes are lost, no user_id is used
/// twice until all have been used.
#[derive(Debug)]
pub(super) struct UserIdBlock {
    number: u32,
    /// The number of its user_ids that are not used yet.
    left: u32,
    /// The sequence number of the record from which it was restored.
    record: Sequence,
}

impl UserIdBlock {
    pub(super) const EMPTY: Self = Self { number: 0, left: 0, record: Sequence::NEVER };

    /// Begins with this block: the next user_id is its first one.
    pub(super) fn begin(&mut self, first: u32) {
        self.number = first.wrapping_sub(1);
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Returns the next user_id, and whether it is the first one of a block. User_id 0 is left to other programs.
    pub(super) fn next(&mut self) -> (u32, bool) {
        let is_first = self.left == 0;
        if is_first {
            self.number = self.number.wrapping_add(1) % BLOCKS;
            self.left = BLOCK_SIZE - u32::from(self.number == 0);
        }
        let id = (self.number + 1) * BLOCK_SIZE - self.left;
        self.left -= 1;
        (id, is_first)
    }

    /// Restores the block of a record. Returns whether the record is the latest so far.
    pub(super) fn restore(&mut self, number: u32, record: Sequence) -> bool {
        let is_latest = self.record == Sequence::NEVER || record.is_after(self.record);
        if is_latest {
            (self.number, self.record) = (number, record);
        }
        is_latest
    }
}
