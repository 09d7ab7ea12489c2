//! The tracker's memory, which grows with the messages.
//!
//! When a tracker moves to a larger memory, the smaller one stays allocated until the messenger ends. That costs little, because
//! the smaller one is only a fraction of the larger one.

use std::slice::IterMut;

use sms_gateway_core::track::{PendingReport, Slot, Tracker};

/// The initial number of slots.
const FIRST_SLOTS: usize = 64;
/// The factor by which the number of slots grows.
const SLOTS_FACTOR: usize = 8;
/// The initial number of places for pending reports.
const FIRST_PLACES: usize = 96;
/// The factor by which the number of places grows.
const PLACES_FACTOR: usize = 4;

/// The maximum number of memories that a tracker can use one after the other.
const MAX_MEMORIES: usize = 12;

/// The memories that are lent to a tracker.
#[derive(Default)]
pub(super) struct Memories {
    slots: [Vec<Slot>; MAX_MEMORIES],
    places: [Vec<PendingReport>; MAX_MEMORIES],
}

/// The memories that are not lent yet, and the sizes of those that are.
pub(super) struct Growth<'m> {
    slots: IterMut<'m, Vec<Slot>>,
    places: IterMut<'m, Vec<PendingReport>>,
    /// The number of slots of the tracker, and its maximum.
    slot_count: usize,
    max_slots: usize,
    place_count: usize,
}

impl<'m> Growth<'m> {
    /// Prepares the memories, and lends nothing yet.
    pub(super) fn new(memories: &'m mut Memories, max_slots: usize) -> Self {
        let (slots, places) = (memories.slots.iter_mut(), memories.places.iter_mut());
        Self { slots, places, slot_count: 0, max_slots, place_count: 0 }
    }

    /// Returns the first slots, at least `needed`.
    pub(super) fn first_slots(&mut self, needed: usize) -> &'m mut [Slot] {
        self.slot_count = FIRST_SLOTS.max(needed).min(self.max_slots);
        allocate(&mut self.slots, self.slot_count, Slot::EMPTY)
    }

    /// Returns the first places for pending reports.
    pub(super) fn first_places(&mut self) -> &'m mut [PendingReport] {
        self.place_count = FIRST_PLACES;
        allocate(&mut self.places, self.place_count, PendingReport::EMPTY)
    }

    /// Returns the number of slots that can still be lent.
    pub(super) fn spare_slots(&self) -> usize {
        self.max_slots.saturating_sub(self.slot_count)
    }

    /// Lends more slots to a tracker that has none left.
    pub(super) fn grow(&mut self, tracker: &mut Tracker<'m>) {
        if tracker.room() == 0 && self.spare_slots() > 0 {
            let is_last = self.slots.len() <= 1;
            let larger = self.slot_count.saturating_mul(SLOTS_FACTOR).min(self.max_slots);
            self.slot_count = if is_last { self.max_slots } else { larger };
            tracker.grow(allocate(&mut self.slots, self.slot_count, Slot::EMPTY));
        }
    }

    /// Lends more places for pending reports before none is left, up to about one place for every two messages.
    pub(super) fn grow_places(&mut self, tracker: &mut Tracker<'m>) {
        let is_enough = self.place_count >= self.max_slots / 2 + 64 || self.places.len() == 0;
        if !is_enough && tracker.is_pending_crowded() {
            self.place_count = self.place_count.saturating_mul(PLACES_FACTOR);
            tracker.grow_pending(allocate(&mut self.places, self.place_count, PendingReport::EMPTY));
        }
    }
}

/// Allocates the next memory. After the last one, returns an empty slice.
fn allocate<'m, T: Clone>(memories: &mut IterMut<'m, Vec<T>>, count: usize, empty: T) -> &'m mut [T] {
    let Some(memory) = memories.next() else { return &mut [] };
    *memory = vec![empty; count];
    memory
}
