//! More memory for a tracker that is in use.

use super::Tracker;
use crate::track::{
    matching::{self, PendingReport},
    message::Slot,
};

impl<'m> Tracker<'m> {
    /// Moves to a larger memory for messages. A smaller one is ignored. The former memory is not used any more.
    ///
    /// A caller that allocates can begin with little memory, and move when [`room`](Self::room) is 0.
    pub fn grow(&mut self, slots: &'m mut [Slot]) {
        slots.fill(Slot::EMPTY);
        matching::grow(&mut self.table, slots);
    }

    /// Moves to a larger memory for pending reports. A smaller one is ignored. If it is not larger by a whole factor, or its length
    /// is not a multiple of 8, reports may be forgotten.
    pub fn grow_pending(&mut self, places: &'m mut [PendingReport]) {
        self.matching.grow(places);
    }

    /// Returns whether half of the memory for pending reports is in use, so that a report may soon have no place.
    pub fn is_pending_crowded(&self) -> bool {
        self.matching.is_crowded()
    }
}
