//! Finds the messages to which a report may belong.
//!
//! Messages whose port and reference are known are found by port, number and reference. Other submitted messages are found by number
//! alone.

use crate::track::{
    message::{HAS_REFERENCE, Slot},
    number::PackedNumber,
    plan::{Messages, Queue},
    table::{RingCursor, SlotId},
};

/// The number of consecutive references whose messages share a ring of the table. A message is only in the ring of its first reference. A
/// search by the reference of a later segment therefore visits earlier rings too, but only few.
const GROUP: u8 = 8;

/// Spreads keys over 32 bits (the multiplier of Knuth's multiplicative hashing).
fn hash(key: u32) -> u32 {
    let mixed = key.wrapping_mul(0x9E37_79B1);
    (mixed ^ mixed >> 15).wrapping_mul(0x85EB_CA6B)
}

fn located_hash(port: u8, group: u8, number: &PackedNumber) -> u32 {
    hash(number.tail() ^ u32::from(group) << 27 ^ u32::from(port) << 22 ^ u32::from(port))
}

fn number_hash(number: &PackedNumber) -> u32 {
    hash(!number.tail())
}

fn report_hash(slot: &Slot) -> u32 {
    if slot.has(HAS_REFERENCE) {
        located_hash(slot.port, slot.reference / GROUP, &slot.number())
    } else {
        number_hash(&slot.number())
    }
}

/// Returns the message with this user_id.
pub(in crate::track) fn find(table: &Messages<'_>, user_id: u32) -> Option<SlotId> {
    table.find(hash(user_id), |slot| slot.user_id == user_id)
}

/// Makes a message findable by its user_id.
pub(in crate::track) fn insert(table: &mut Messages<'_>, id: SlotId) {
    if let Some(slot) = table.get(id) {
        table.insert(id, hash(slot.user_id));
    }
}

/// Reverses [`insert`].
pub(in crate::track) fn remove(table: &mut Messages<'_>, id: SlotId) {
    if let Some(slot) = table.get(id) {
        table.remove(id, hash(slot.user_id));
    }
}

/// Makes a submitted message findable for reports.
pub(in crate::track) fn insert_for_reports(table: &mut Messages<'_>, id: SlotId) {
    if let Some(slot) = table.get(id) {
        table.ring_append(id, report_hash(slot));
    }
}

/// Reverses [`insert_for_reports`]. Call it before changing any field that [`report_hash`] reads.
pub(in crate::track) fn remove_for_reports(table: &mut Messages<'_>, id: SlotId) {
    if let Some(slot) = table.get(id) {
        table.ring_remove(id, report_hash(slot));
    }
}

/// Moves the messages to larger memory, where they are found in the same order.
pub(in crate::track) fn grow<'m>(table: &mut Messages<'m>, slots: &'m mut [Slot]) {
    let in_bucket = |slot: &Slot| (slot.user_id != 0).then(|| hash(slot.user_id));
    table.grow(slots, Queue::FREE, in_bucket, report_hash);
}

/// Visits the submitted messages to one number that have no known reference.
pub(super) struct Unlocated<'a> {
    number: &'a PackedNumber,
    ring: RingCursor,
}

impl<'a> Unlocated<'a> {
    pub(super) fn new(table: &Messages<'_>, number: &'a PackedNumber) -> Self {
        Self { number, ring: RingCursor::new(table, number_hash(number)) }
    }

    pub(super) fn next(&mut self, table: &Messages<'_>) -> Option<SlotId> {
        loop {
            let id = self.ring.next(table)?;
            let slot = table.get(id)?;
            if !slot.has(HAS_REFERENCE) && slot.number().is_same(self.number) {
                return Some(id);
            }
        }
    }
}

/// Visits the messages that match a report by port, number and reference.
pub(in crate::track) struct Candidates<'a> {
    port: u8,
    reference: u8,
    number: &'a PackedNumber,
    /// The number of groups of references still to be visited after the current one, `group`.
    groups: u8,
    group: u8,
    ring: RingCursor,
}

impl<'a> Candidates<'a> {
    /// Begins a visit. `most` is the maximum number of segments of a message.
    pub(super) fn new(
        table: &Messages<'_>,
        port: u8,
        reference: u8,
        number: &'a PackedNumber,
        most: u8,
    ) -> Self {
        let group = reference / GROUP;
        let back = reference % GROUP;
        // A message with many segments may include this reference although its first reference is in an earlier group.
        let groups = most.saturating_sub(back + 1).div_ceil(GROUP);
        let ring = RingCursor::new(table, located_hash(port, group, number));
        Self { port, reference, number, groups, group, ring }
    }

    /// Returns the next message, and the index of the segment with the report's reference.
    pub(in crate::track) fn next(&mut self, table: &Messages<'_>) -> Option<(SlotId, u8)> {
        loop {
            while let Some(id) = self.ring.next(table) {
                let slot = table.get(id)?;
                let segment = self.reference.wrapping_sub(slot.reference);
                if slot.has(HAS_REFERENCE)
                    && slot.port == self.port
                    && slot.reference / GROUP == self.group
                    && segment < slot.segments
                    && slot.number().is_same(self.number)
                {
                    return Some((id, segment));
                }
            }
            self.groups = self.groups.checked_sub(1)?;
            self.group = self.group.wrapping_sub(1) % (u8::MAX / GROUP + 1);
            self.ring = RingCursor::new(table, located_hash(self.port, self.group, self.number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::table::Table;
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    fn number(text: &str) -> PackedNumber {
        PackedNumber::parse(text).unwrap()
    }

    fn table(memory: &mut [Slot]) -> Messages<'_> {
        let mut table = Table::empty();
        table.lend(memory, Queue::FREE);
        table
    }

    fn at(index: u32) -> SlotId {
        SlotId::at(index).unwrap()
    }

    #[test]
    fn user_ids_are_found_until_they_are_removed() {
        let mut memory = vec![Slot::EMPTY; 50];
        let mut table = table(&mut memory);
        for index in 0..50 {
            table.get_mut(at(index)).unwrap().user_id = index * 1000;
            insert(&mut table, at(index));
        }
        for index in (0..50).step_by(3) {
            remove(&mut table, at(index));
        }
        for index in 0..50 {
            let expected = (index % 3 != 0).then(|| at(index));
            assert_eq!(find(&table, index * 1000), expected);
        }
    }

    #[test]
    fn messages_are_found_in_the_same_order_after_growing() {
        let (mut few, mut many) = (vec![Slot::EMPTY; 30], vec![Slot::EMPTY; 240]);
        let mut table = table(&mut few);
        let numbers = ["+8613800000001", "13800000002"].map(number);
        // Slots 25 to 29 stay free.
        for index in 0..25 {
            let slot = table.get_mut(at(index)).unwrap();
            slot.user_id = index + 1;
            slot.set_number(&numbers[index as usize % 2]);
            insert(&mut table, at(index));
            table.append(at(index), Queue::UNSENT);
        }
        let order = (0..25).map(|index| at(index * 7 % 25));
        // Every fifth message is not submitted.
        for id in order.filter(|id| id.index() % 5 != 0) {
            insert_for_reports(&mut table, id);
        }
        let seen = |table: &Messages<'_>| {
            numbers.map(|number| {
                let mut unlocated = Unlocated::new(table, &number);
                std::iter::from_fn(|| unlocated.next(table)).collect::<Vec<_>>()
            })
        };
        let before = seen(&table);
        grow(&mut table, &mut many);
        assert_eq!(seen(&table), before);
        assert_eq!(before.map(|found| found.len()), [10, 10]);
        assert_eq!((table.length(Queue::FREE), table.length(Queue::UNSENT)), (215, 25));
        for index in 0..25 {
            assert_eq!(find(&table, index + 1), Some(at(index)));
            remove(&mut table, at(index));
            assert_eq!(find(&table, index + 1), None);
        }
    }

    proptest! {
        #[test]
        fn candidates_are_the_messages_with_the_reference(
            messages in proptest::collection::vec((0..2_u8, any::<u8>(), 1..=32_u8, 0..3_usize, any::<bool>()), 1..60),
            asked in (0..2_u8, any::<u8>(), 0..3_usize),
        ) {
            let numbers = ["+8613800000001", "013800000001", "13800000002"].map(number);
            let mut memory = vec![Slot::EMPTY; 60];
            let mut table = table(&mut memory);
            let places: Vec<SlotId> = (0..).map(at).take(messages.len()).collect();
            for (at, &(port, reference, segments, to, located)) in places.iter().zip(&messages) {
                let slot = table.get_mut(*at).unwrap();
                (slot.port, slot.reference, slot.segments) = (port, reference, segments);
                slot.set_number(&numbers[to]);
                slot.set(HAS_REFERENCE, located);
                insert_for_reports(&mut table, *at);
            }
            let (port, reference, to) = asked;
            let fits = |message: &&(u8, u8, u8, usize, bool)| {
                message.4 && message.0 == port && numbers[message.3].is_same(&numbers[to])
                    && (0..message.2).any(|segment| message.1.wrapping_add(segment) == reference)
            };
            let most = messages.iter().map(|message| message.2).max().unwrap();
            let mut candidates = Candidates::new(&table, port, reference, &numbers[to], most);
            let mut found = 0;
            while let Some((at, segment)) = candidates.next(&table) {
                let message = &messages[at.index()];
                prop_assert!(fits(&message));
                prop_assert_eq!(message.1.wrapping_add(segment), reference);
                found += 1;
            }
            prop_assert_eq!(found, messages.iter().filter(fits).count());

            let mut unlocated = Unlocated::new(&table, &numbers[to]);
            let mut found = 0;
            while unlocated.next(&table).is_some() {
                found += 1;
            }
            let waits = |message: &&(u8, u8, u8, usize, bool)| !message.4 && numbers[message.3].is_same(&numbers[to]);
            prop_assert_eq!(found, messages.iter().filter(waits).count());
            for at in places {
                remove_for_reports(&mut table, at);
            }
            prop_assert!(Candidates::new(&table, port, reference, &numbers[to], most).next(&table).is_none());
        }
    }
}
