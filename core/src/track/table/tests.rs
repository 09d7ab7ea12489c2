//! Queues, chains and indexes of plain nodes.

use std::{vec, vec::Vec};

use super::*;

/// A slot that has only its links and its queue.
#[derive(Clone, Debug)]
struct Plain(Links, QueueId);

impl Node for Plain {
    fn links(&self) -> &Links {
        &self.0
    }

    fn links_mut(&mut self) -> &mut Links {
        &mut self.0
    }

    fn queue(&self) -> QueueId {
        self.1
    }

    fn set_queue(&mut self, queue: QueueId) {
        self.1 = queue;
    }
}

const EMPTY: Plain = Plain(Links::NONE, QueueId::NONE);
const FREE: QueueId = QueueId::new(0);
const USED: QueueId = QueueId::new(1);

type Slots<'m> = Table<'m, Plain, 2>;

fn table(memory: &mut [Plain]) -> Slots<'_> {
    let mut table = Table::empty();
    table.lend(memory, FREE);
    table
}

fn at(index: u32) -> SlotId {
    SlotId::at(index).unwrap()
}

fn list(table: &Slots<'_>, queue: QueueId) -> Vec<usize> {
    let mut places = vec![];
    let mut next = table.first(queue);
    while let Some(id) = next {
        places.push(id.index());
        next = table.get(id).unwrap().links().next();
    }
    assert_eq!(places.len(), table.length(queue) as usize);
    places
}

#[test]
fn slots_move_between_queues() {
    let mut memory = vec![EMPTY; 4];
    let mut table = table(&mut memory);
    assert_eq!(list(&table, FREE), [0, 1, 2, 3]);
    table.append(at(1), USED);
    table.append(at(3), USED);
    table.prepend(at(0), USED);
    assert_eq!((list(&table, FREE), list(&table, USED)), (vec![2], vec![0, 1, 3]));
    table.append(at(1), USED);
    assert_eq!(list(&table, USED), [0, 3, 1]);
    for index in [0, 3, 1] {
        table.take_out(at(index));
    }
    assert!(list(&table, USED).is_empty());
}

#[test]
fn chains_return_slots_in_the_order_in_which_they_were_pushed() {
    let mut memory = vec![EMPTY; 3];
    let mut table = table(&mut memory);
    let (mut changes, mut updates) = (Chain::<CHANGES>::EMPTY, Chain::<UPDATES>::EMPTY);
    for index in [2, 0] {
        changes.push(&mut table, at(index));
    }
    updates.push(&mut table, at(0));
    assert_eq!(changes.pop(&table), Some(at(2)));
    changes.push(&mut table, at(2));
    let rest: Vec<_> = core::iter::from_fn(|| changes.pop(&table)).collect();
    assert_eq!((rest, changes.is_empty()), (vec![at(0), at(2)], true));
    assert_eq!((updates.pop(&table), updates.pop(&table)), (Some(at(0)), None));
}

#[test]
fn rings_and_buckets_keep_their_other_members() {
    let mut memory = vec![EMPTY; 5];
    let mut table = table(&mut memory);
    // All have the same hash.
    for index in 0..5 {
        table.ring_append(at(index), 0);
        table.insert(at(index), 0);
    }
    for index in [2, 4, 0] {
        table.ring_remove(at(index), 0);
        table.remove(at(index), 0);
    }
    let mut cursor = RingCursor::new(&table, 0);
    let ring: Vec<_> = core::iter::from_fn(|| cursor.next(&table)).collect();
    assert_eq!(ring, [at(1), at(3)]);
    table.ring_append(at(4), 0);
    let mut cursor = RingCursor::new(&table, 0);
    assert_eq!(core::iter::from_fn(|| cursor.next(&table)).count(), 3);
    assert_eq!((table.find(0, |_| true), table.find(0, |_| false)), (Some(at(3)), None));
}

#[test]
fn an_unknown_slot_is_harmless() {
    let mut table = table(&mut []);
    table.append(at(7), USED);
    table.ring_append(at(7), u32::MAX);
    table.insert(at(7), u32::MAX);
    assert_eq!((table.len(), table.find(u32::MAX, |_| true)), (0, None));
}
