//! The slots and the queues that they are in.

use super::slot::{NIL, Queue, Slot};

/// Lent slots, never indexed out of bounds: what has no place is a slot apart that nobody looks at.
pub(super) struct Slots<'m> {
    lent: &'m mut [Slot],
    nowhere: Slot,
    queues: [Ends; Queue::COUNT],
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u32,
    last: u32,
    length: u32,
}

impl<'m> Slots<'m> {
    /// All slots, free.
    pub(super) fn new(slots: &'m mut [Slot]) -> Self {
        slots.fill(Slot::EMPTY);
        let empty = Ends { first: NIL, last: NIL, length: 0 };
        let mut slots = Self { lent: slots, nowhere: Slot::EMPTY, queues: [empty; Queue::COUNT] };
        for at in 0..slots.len() {
            slots.append(at, Queue::Free);
        }
        slots
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.lent.len()).unwrap_or(NIL).min(NIL - 1)
    }

    // The two are called so often that inlined they take much flash.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn get(&self, at: u32) -> &Slot {
        self.lent.get(at as usize).unwrap_or(&self.nowhere)
    }

    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn get_mut(&mut self, at: u32) -> &mut Slot {
        self.lent.get_mut(at as usize).unwrap_or(&mut self.nowhere)
    }

    /// The place among all slots that a hash stands for; 0 when there are none.
    pub(super) fn place(&self, hash: u32) -> u32 {
        ((u64::from(hash) * u64::from(self.len())) >> 32) as u32
    }

    fn ends(&mut self, queue: Queue) -> Option<&mut Ends> {
        self.queues.get_mut(queue.number()?)
    }

    fn ends_of(&self, queue: Queue) -> Option<&Ends> {
        self.queues.get(queue.number()?)
    }

    /// The first of a queue, or `NIL`.
    pub(super) fn first(&self, queue: Queue) -> u32 {
        self.ends_of(queue).map_or(NIL, |ends| ends.first)
    }

    /// The last of a queue, or `NIL`.
    pub(super) fn last(&self, queue: Queue) -> u32 {
        self.ends_of(queue).map_or(NIL, |ends| ends.last)
    }

    /// All slots, to be looked at.
    pub(super) fn all(&self) -> &[Slot] {
        self.lent
    }

    pub(super) fn length(&self, queue: Queue) -> u32 {
        self.ends_of(queue).map_or(0, |ends| ends.length)
    }

    /// Moves a slot to the end of a queue.
    pub(super) fn append(&mut self, at: u32, queue: Queue) {
        self.take_out(at);
        let Some(ends) = self.ends(queue) else { return };
        let last = ends.last;
        ends.last = at;
        ends.length = ends.length.saturating_add(1);
        if last == NIL {
            ends.first = at;
        } else {
            self.get_mut(last).next = at;
        }
        let slot = self.get_mut(at);
        (slot.queue, slot.previous, slot.next) = (queue, last, NIL);
    }

    /// Moves a slot to the beginning of a queue.
    pub(super) fn prepend(&mut self, at: u32, queue: Queue) {
        self.take_out(at);
        let Some(ends) = self.ends(queue) else { return };
        let first = ends.first;
        ends.first = at;
        ends.length = ends.length.saturating_add(1);
        if first == NIL {
            ends.last = at;
        } else {
            self.get_mut(first).previous = at;
        }
        let slot = self.get_mut(at);
        (slot.queue, slot.previous, slot.next) = (queue, NIL, first);
    }

    fn take_out(&mut self, at: u32) {
        let slot = self.get_mut(at);
        let (queue, previous, next) = (slot.queue, slot.previous, slot.next);
        (slot.queue, slot.previous, slot.next) = (Queue::None, NIL, NIL);
        let Some(ends) = self.ends(queue) else { return };
        ends.length = ends.length.saturating_sub(1);
        if previous == NIL {
            ends.first = next;
        }
        if next == NIL {
            ends.last = previous;
        }
        if previous != NIL {
            self.get_mut(previous).next = next;
        }
        if next != NIL {
            self.get_mut(next).previous = previous;
        }
    }
}

/// A chain of slots in the order in which they came, each linked by one of its fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    first: u32,
    last: u32,
}

/// The field by which a chain links its slots.
pub(super) type Link = fn(&mut Slot) -> &mut u32;

impl Chain {
    pub(super) const EMPTY: Self = Self { first: NIL, last: NIL };

    pub(super) fn is_empty(self) -> bool {
        self.first == NIL
    }

    pub(super) fn push(&mut self, slots: &mut Slots<'_>, at: u32, link: Link) {
        *link(slots.get_mut(at)) = NIL;
        if self.last == NIL {
            self.first = at;
        } else {
            *link(slots.get_mut(self.last)) = at;
        }
        self.last = at;
    }

    pub(super) fn pop(&mut self, slots: &mut Slots<'_>, link: Link) -> Option<u32> {
        let at = self.first;
        if at == NIL {
            return None;
        }
        self.first = *link(slots.get_mut(at));
        if self.first == NIL {
            self.last = NIL;
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn list(slots: &Slots<'_>, queue: Queue) -> Vec<u32> {
        let mut places = vec![];
        let mut at = slots.first(queue);
        while at != NIL {
            places.push(at);
            at = slots.get(at).next;
        }
        assert_eq!(places.len(), slots.length(queue) as usize);
        places
    }

    #[test]
    fn slots_move_from_queue_to_queue() {
        let mut memory = vec![Slot::EMPTY; 4];
        let mut slots = Slots::new(&mut memory);
        assert_eq!(list(&slots, Queue::Free), [0, 1, 2, 3]);
        slots.append(1, Queue::Asked);
        slots.append(3, Queue::Asked);
        slots.prepend(0, Queue::Asked);
        assert_eq!((list(&slots, Queue::Free), list(&slots, Queue::Asked)), (vec![2], vec![0, 1, 3]));
        slots.append(1, Queue::Asked);
        assert_eq!(list(&slots, Queue::Asked), [0, 3, 1]);
        for at in [0, 3, 1] {
            slots.append(at, Queue::None);
        }
        assert!(list(&slots, Queue::Asked).is_empty());
    }

    #[test]
    fn a_place_that_is_none_is_harmless() {
        let mut slots = Slots::new(&mut []);
        slots.append(7, Queue::Asked);
        assert_eq!((slots.len(), slots.place(u32::MAX)), (0, 0));
    }
}
