//! Rings: hash chains to which members are appended, because the first member is usually the first to leave.

use super::{Node, SlotId, Table};

impl<T: Node, const Q: usize> Table<'_, T, Q> {
    /// Puts a slot last in the ring of a hash.
    pub(in crate::track) fn ring_append(&mut self, id: SlotId, hash: u32) {
        let Some(place) = self.place(hash).and_then(|place| self.get_mut(place)) else { return };
        let last = place.links_mut().ring_last.replace(id);
        let first = match last {
            None => Some(id),
            Some(last) => self.get_mut(last).and_then(|last| last.links_mut().ring_next.replace(id)),
        };
        if let Some(slot) = self.get_mut(id) {
            slot.links_mut().ring_next = first;
        }
    }

    /// Removes a slot from the ring of its hash.
    pub(in crate::track) fn ring_remove(&mut self, id: SlotId, hash: u32) {
        let Some(place) = self.place(hash) else { return };
        let mut cursor = RingCursor::new(self, hash);
        let last = cursor.last;
        let Some(mut before) = last else { return };
        while let Some(member) = cursor.next(self) {
            if member != id {
                before = member;
                continue;
            }
            let next = self.get_mut(id).and_then(|slot| slot.links_mut().ring_next.take());
            if before != id
                && let Some(slot) = self.get_mut(before)
            {
                slot.links_mut().ring_next = next;
            }
            if last == Some(id)
                && let Some(slot) = self.get_mut(place)
            {
                slot.links_mut().ring_last = (before != id).then_some(before);
            }
            return;
        }
    }
}

/// Visits the members of a ring, from the first to the last.
pub(in crate::track) struct RingCursor {
    at: Option<SlotId>,
    last: Option<SlotId>,
}

impl RingCursor {
    pub(in crate::track) fn new<T: Node, const Q: usize>(table: &Table<'_, T, Q>, hash: u32) -> Self {
        Self::at(table, table.place(hash))
    }

    /// Visits the ring whose last member this slot stores.
    pub(super) fn at<T: Node, const Q: usize>(table: &Table<'_, T, Q>, place: Option<SlotId>) -> Self {
        let last = place.and_then(|place| table.get(place)?.links().ring_last);
        Self { at: last.and_then(|last| table.get(last)?.links().ring_next), last }
    }

    pub(in crate::track) fn next<T: Node, const Q: usize>(
        &mut self,
        table: &Table<'_, T, Q>,
    ) -> Option<SlotId> {
        let id = self.at?;
        self.at = if self.at == self.last { None } else { table.get(id)?.links().ring_next };
        Some(id)
    }
}
