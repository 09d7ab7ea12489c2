//! More memory for a tracker that is in use.

use super::Tracker;
use crate::track::{
    matching::{self, PendingReport},
    message::Slot,
};

impl<'m> Tracker<'m> {
    /// Moves the messages to a larger memory. Memory that is not larger is ignored. After the move, the former memory is no longer
    /// used.
    ///
    /// A caller that allocates can begin with little memory, and move when [`room`](Self::room) returns 0.
    pub fn grow(&mut self, slots: &'m mut [Slot]) {
        slots.fill(Slot::EMPTY);
        matching::grow(&mut self.table, slots);
    }

    /// Moves the pending reports to a larger memory. Memory that is not larger is ignored. Reports may be forgotten if the new length
    /// is not a multiple of the former one, or not a multiple of 8.
    pub fn grow_pending(&mut self, places: &'m mut [PendingReport]) {
        self.matching.grow(places);
    }

    /// Returns whether at least half of the memory for pending reports is in use. Then there may soon be no room for another report.
    pub fn is_pending_crowded(&self) -> bool {
        self.matching.is_crowded()
    }
}
