//! Finding a message by its user_id, and by what a status report says.
//!
//! Both are chained hash tables whose heads live in the slots themselves. Messages whose port and reference are known are found
//! by port, number and reference; the others that were handed to the gateway by their number alone.

use super::{
    digits::Digits,
    slot::{LOCATED, NIL, Slot},
    slots::Slots,
};

/// References are grouped, so that a message is found by any of its segments with few looks.
const GROUP: u8 = 8;

/// Spreads keys over 32 bits (the multiplier of Knuth's multiplicative hashing).
fn hash(key: u32) -> u32 {
    let mixed = key.wrapping_mul(0x9E37_79B1);
    (mixed ^ mixed >> 15).wrapping_mul(0x85EB_CA6B)
}

fn located_hash(port: u8, group: u8, number: &Digits) -> u32 {
    hash(number.tail() ^ u32::from(group) << 27 ^ u32::from(port) << 22 ^ u32::from(port))
}

fn number_hash(number: &Digits) -> u32 {
    hash(!number.tail())
}

fn report_hash(slot: &Slot) -> u32 {
    if slot.has(LOCATED) {
        located_hash(slot.port, slot.reference / GROUP, &slot.digits)
    } else {
        number_hash(&slot.digits)
    }
}

impl Slots<'_> {
    /// The message with this user_id, or `NIL`.
    pub(super) fn find(&self, user_id: u32) -> u32 {
        let mut at = self.get(self.place(hash(user_id))).user_head;
        while at != NIL && self.get(at).user_id != user_id {
            at = self.get(at).user_next;
        }
        at
    }

    pub(super) fn index_user(&mut self, at: u32) {
        let place = self.place(hash(self.get(at).user_id));
        let head = core::mem::replace(&mut self.get_mut(place).user_head, at);
        self.get_mut(at).user_next = head;
    }

    pub(super) fn unindex_user(&mut self, at: u32) {
        let (id, next) = (self.get(at).user_id, self.get(at).user_next);
        let place = self.place(hash(id));
        let mut before = self.get(place).user_head;
        if before == at {
            self.get_mut(place).user_head = next;
            return;
        }
        while before != NIL {
            let slot = self.get_mut(before);
            if slot.user_next == at {
                slot.user_next = next;
                return;
            }
            before = slot.user_next;
        }
    }

    /// Makes a message findable for reports, as it is located or not. It is put last: the first in its chain is mostly the first
    /// to leave it.
    pub(super) fn index_report(&mut self, at: u32) {
        let place = self.place(report_hash(self.get(at)));
        let last = core::mem::replace(&mut self.get_mut(place).report_head, at);
        let first = if last == NIL { at } else { self.get(last).report_next };
        self.get_mut(at).report_next = first;
        if last != NIL {
            self.get_mut(last).report_next = at;
        }
    }

    /// Takes it out again; before anything of what it was found by changes.
    pub(super) fn unindex_report(&mut self, at: u32) {
        let place = self.place(report_hash(self.get(at)));
        let last = self.get(place).report_head;
        let mut chain = ReportChain::new(self, place);
        let mut before = last;
        while let Some(member) = chain.next(self) {
            if member == at {
                let next = core::mem::replace(&mut self.get_mut(at).report_next, NIL);
                self.get_mut(before).report_next = next;
                if last == at {
                    self.get_mut(place).report_head = if before == at { NIL } else { before };
                }
                return;
            }
            before = member;
        }
    }
}

/// Goes through the chain for reports that begins in a place. The place names the last member, and that the first.
struct ReportChain {
    at: u32,
    last: u32,
}

impl ReportChain {
    fn new(slots: &Slots<'_>, place: u32) -> Self {
        let last = slots.get(place).report_head;
        Self { at: slots.get(last).report_next, last }
    }

    fn next(&mut self, slots: &Slots<'_>) -> Option<u32> {
        let at = self.at;
        self.at = if at == self.last { NIL } else { slots.get(at).report_next };
        (at != NIL).then_some(at)
    }
}

/// Goes through the messages to a number that were handed to the gateway and are not located.
pub(super) struct Unlocated<'a> {
    number: &'a Digits,
    chain: ReportChain,
}

impl<'a> Unlocated<'a> {
    pub(super) fn new(slots: &Slots<'_>, number: &'a Digits) -> Self {
        Self { number, chain: ReportChain::new(slots, slots.place(number_hash(number))) }
    }

    pub(super) fn next(&mut self, slots: &Slots<'_>) -> Option<u32> {
        loop {
            let at = self.chain.next(slots)?;
            let slot = slots.get(at);
            if !slot.has(LOCATED) && slot.digits.is_same(self.number) {
                return Some(at);
            }
        }
    }
}

/// Goes through the messages that a report may be of by port, number and reference.
pub(super) struct Candidates<'a> {
    port: u8,
    reference: u8,
    number: &'a Digits,
    /// How many groups of references are still to be looked at, and the one that is.
    groups: u8,
    group: u8,
    chain: ReportChain,
}

impl<'a> Candidates<'a> {
    /// `most` is the most segments that any message has.
    pub(super) fn new(slots: &Slots<'_>, port: u8, reference: u8, number: &'a Digits, most: u8) -> Self {
        let group = reference / GROUP;
        let back = reference % GROUP;
        // A message that begins in an earlier group reaches this reference when it has more segments than lie between.
        let groups = most.saturating_sub(back + 1).div_ceil(GROUP);
        let chain = ReportChain::new(slots, slots.place(located_hash(port, group, number)));
        Self { port, reference, number, groups, group, chain }
    }

    /// The next message and which of its segments it is.
    pub(super) fn next(&mut self, slots: &Slots<'_>) -> Option<(u32, u8)> {
        loop {
            while let Some(at) = self.chain.next(slots) {
                let slot = slots.get(at);
                let segment = self.reference.wrapping_sub(slot.reference);
                if slot.has(LOCATED)
                    && slot.port == self.port
                    && slot.reference / GROUP == self.group
                    && segment < slot.segments
                    && slot.digits.is_same(self.number)
                {
                    return Some((at, segment));
                }
            }
            self.groups = self.groups.checked_sub(1)?;
            self.group = self.group.wrapping_sub(1) % (u8::MAX / GROUP + 1);
            let place = slots.place(located_hash(self.port, self.group, self.number));
            self.chain = ReportChain::new(slots, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::slot::Queue;
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    fn number(text: &str) -> Digits {
        Digits::parse(text).unwrap()
    }

    #[test]
    fn user_ids_come_and_go() {
        let mut memory = vec![Slot::EMPTY; 50];
        let mut slots = Slots::new(&mut memory);
        for at in 0..50 {
            slots.get_mut(at).user_id = at * 1000;
            slots.index_user(at);
        }
        for at in (0..50).step_by(3) {
            slots.unindex_user(at);
        }
        for at in 0..50 {
            let expected = if at % 3 == 0 { NIL } else { at };
            assert_eq!(slots.find(at * 1000), expected);
        }
    }

    proptest! {
        /// Against looking at each.
        #[test]
        fn candidates_are_those_whose_window_has_the_reference(
            messages in proptest::collection::vec((0..2_u8, any::<u8>(), 1..=32_u8, 0..3_usize, any::<bool>()), 1..60),
            asked in (0..2_u8, any::<u8>(), 0..3_usize),
        ) {
            let numbers = ["+8613800000001", "013800000001", "13800000002"].map(number);
            let mut memory = vec![Slot::EMPTY; 60];
            let mut slots = Slots::new(&mut memory);
            let places: Vec<u32> = (0..).take(messages.len()).collect();
            for (at, &(port, reference, segments, to, located)) in places.iter().zip(&messages) {
                let slot = slots.get_mut(*at);
                (slot.port, slot.reference, slot.segments, slot.digits) = (port, reference, segments, numbers[to]);
                slot.set(LOCATED, located);
                slot.queue = Queue::None;
                slots.index_report(*at);
            }
            let (port, reference, to) = asked;
            let fits = |message: &&(u8, u8, u8, usize, bool)| {
                message.4 && message.0 == port && numbers[message.3].is_same(&numbers[to])
                    && (0..message.2).any(|segment| message.1.wrapping_add(segment) == reference)
            };
            let most = messages.iter().map(|message| message.2).max().unwrap();
            let mut candidates = Candidates::new(&slots, port, reference, &numbers[to], most);
            let mut found = 0;
            while let Some((at, segment)) = candidates.next(&slots) {
                let message = &messages[at as usize];
                prop_assert!(fits(&message));
                prop_assert_eq!(message.1.wrapping_add(segment), reference);
                found += 1;
            }
            prop_assert_eq!(found, messages.iter().filter(fits).count());

            let mut unlocated = Unlocated::new(&slots, &numbers[to]);
            let mut found = 0;
            while unlocated.next(&slots).is_some() {
                found += 1;
            }
            let waits = |message: &&(u8, u8, u8, usize, bool)| !message.4 && numbers[message.3].is_same(&numbers[to]);
            prop_assert_eq!(found, messages.iter().filter(waits).count());
            for at in places {
                slots.unindex_report(at);
            }
            prop_assert!(Candidates::new(&slots, port, reference, &numbers[to], most).next(&slots).is_none());
        }
    }
}
