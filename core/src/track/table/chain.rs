//! Chains of slots in the order in which they were pushed.

use super::{Node, SlotId, Table};

/// The numbers of the two chains.
pub(in crate::track) const CHANGES: usize = 0;
pub(in crate::track) const UPDATES: usize = 1;

/// The ends of the chain with number `N`. The caller must not push a slot that is already in the chain.
#[derive(Debug)]
pub(in crate::track) struct Chain<const N: usize> {
    first: Option<SlotId>,
    last: Option<SlotId>,
}

impl<const N: usize> Chain<N> {
    pub(in crate::track) const EMPTY: Self = Self { first: None, last: None };

    pub(in crate::track) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(in crate::track) fn push<T: Node, const Q: usize>(
        &mut self,
        table: &mut Table<'_, T, Q>,
        id: SlotId,
    ) {
        set_next::<T, N, Q>(table, id, None);
        match self.last.replace(id) {
            None => self.first = Some(id),
            Some(last) => set_next::<T, N, Q>(table, last, Some(id)),
        }
    }

    pub(in crate::track) fn pop<T: Node, const Q: usize>(
        &mut self,
        table: &Table<'_, T, Q>,
    ) -> Option<SlotId> {
        let id = self.first?;
        self.first = table.get(id).and_then(|slot| slot.links().chain_next.get(N).copied().flatten());
        if self.first.is_none() {
            self.last = None;
        }
        Some(id)
    }
}

fn set_next<T: Node, const N: usize, const Q: usize>(
    table: &mut Table<'_, T, Q>,
    id: SlotId,
    next: Option<SlotId>,
) {
    let place = table.get_mut(id).and_then(|slot| slot.links_mut().chain_next.get_mut(N));
    if let Some(place) = place {
        *place = next;
    }
}
