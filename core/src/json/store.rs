//! The memory for values while a response is read: the lent buffer, and the positions of the values in the buffer.
//!
//! The values outside the records, the *head*, are at the start of the buffer. The values of the current record follow, and the
//! next record overwrites them. If the buffer is full, the longest value of the record (or head) is removed, even if it is the
//! new value. A single long text thus does not displace the short values around it.

use super::{
    Key, Schema,
    order::Order,
    scan::plain_value,
    schema::{HEAD_SLOTS, RECORD_SLOTS},
};
use crate::writer::copy;

/// Maximum length in bytes of a key that is compared with the known keys. A longer key is unknown.
pub const MAX_KEY_BYTES: usize = 32;

/// The outcome of storing a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Missing,
    Exact,
    Lossy,
    TooLong,
}

/// A value's position in the buffer. `length` is the length of the whole value, even if it was too long to store.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) start: usize,
    pub(crate) length: usize,
    pub(crate) kind: Kind,
}

impl Slot {
    const MISSING: Self = Self { start: 0, length: 0, kind: Kind::Missing };

    const fn is_stored(&self) -> bool {
        matches!(self.kind, Kind::Exact | Kind::Lossy)
    }
}

/// The key being read. It is stored here and not in the lent buffer.
struct KeyText {
    bytes: [u8; MAX_KEY_BYTES],
    length: usize,
    /// Whether the key ends with a colon.
    colon: bool,
}

/// The positions of the values in the lent buffer.
pub(crate) struct Places {
    /// The end of the used part of the buffer.
    end: usize,
    /// The end of the head's values.
    base: usize,
    head: [Slot; HEAD_SLOTS],
    record: [Slot; RECORD_SLOTS],
    /// Number of bytes that all values of the head need, including overlong values. `record_demand` is the same for the record.
    head_demand: usize,
    record_demand: usize,
    /// The value being read.
    value: Slot,
    key: KeyText,
    /// Whether a key is being read, rather than a value.
    pub(crate) in_key: bool,
    pub(crate) in_record: bool,
    /// Number of bytes of the input that were unread when a record began.
    pub(crate) left_at_record: Option<usize>,
}

impl Places {
    pub(crate) const fn new() -> Self {
        Self {
            end: 0,
            base: 0,
            head: [Slot::MISSING; HEAD_SLOTS],
            record: [Slot::MISSING; RECORD_SLOTS],
            head_demand: 0,
            record_demand: 0,
            value: Slot::MISSING,
            key: KeyText { bytes: [0; MAX_KEY_BYTES], length: 0, colon: false },
            in_key: false,
            in_record: false,
            left_at_record: None,
        }
    }

    fn slots_mut(&mut self) -> &mut [Slot] {
        if self.in_record { &mut self.record } else { &mut self.head }
    }

    pub(crate) const fn head(&self) -> &[Slot] {
        &self.head
    }

    pub(crate) const fn record(&self) -> &[Slot] {
        &self.record
    }

    fn add_demand(&mut self, length: usize) {
        let demand = if self.in_record { &mut self.record_demand } else { &mut self.head_demand };
        *demand = demand.saturating_add(length);
    }

    /// Returns the size of a buffer that could have stored all values of the head.
    pub(crate) const fn head_needs(&self) -> usize {
        self.head_demand
    }

    /// Returns the size of a buffer that could have stored all values of the head and the record.
    pub(crate) const fn record_needs(&self) -> usize {
        self.head_demand.saturating_add(self.record_demand)
    }
}

/// The lent buffer and the positions of its values, borrowed together while a piece of the response is read.
pub(crate) struct Store<'s> {
    pub(crate) buffer: &'s mut [u8],
    pub(crate) places: &'s mut Places,
}

impl Store<'_> {
    pub(crate) fn begin_record(&mut self, schema: &Schema) {
        for slot in self.places.record.iter_mut().take(schema.record.len()) {
            *slot = Slot::MISSING;
        }
        self.places.record_demand = 0;
        self.places.end = self.places.base;
        self.places.in_record = true;
    }

    pub(crate) fn begin_key(&mut self) {
        self.places.key.length = 0;
        self.places.key.colon = false;
        self.places.in_key = true;
    }

    /// Ends the key. Returns it without its trailing colons, and whether it had any.
    pub(crate) fn end_key(&mut self) -> (&[u8], bool) {
        self.places.in_key = false;
        let whole = self.places.key.bytes.get(..self.places.key.length).unwrap_or_default();
        let mut key = whole;
        while let [rest @ .., b':'] = key {
            key = rest;
        }
        (key, self.places.key.colon)
    }

    /// Returns whether the known key `index` already has a value.
    pub(crate) fn has_value(&mut self, index: usize) -> bool {
        self.places.slots_mut().get(index).is_some_and(|slot| slot.kind != Kind::Missing)
    }

    /// Begins the value of a known key.
    pub(crate) fn begin_value(&mut self) {
        if !self.places.in_record {
            self.places.end = self.places.base;
        }
        self.places.value = Slot { start: self.places.end, length: 0, kind: Kind::Exact };
    }

    /// Ends the value of the known key `index`.
    pub(crate) fn end_value(&mut self, index: usize) {
        let value = self.places.value;
        if let Some(slot) = self.places.slots_mut().get_mut(index) {
            *slot = value;
            self.places.add_demand(value.length);
        }
        if !self.places.in_record {
            self.places.base = self.places.end;
        }
    }

    /// Reads fields of a record in one step each, if they have the expected key and the usual spelling and are complete in
    /// `input`. Stops before the first other field, which the state machine then reads step by step.
    pub(crate) fn plain_fields(&mut self, input: &mut &[u8], keys: &[Key], order: &mut Order) {
        let Places { end, record, record_demand, .. } = &mut *self.places;
        let start = *end;
        loop {
            let ([b',', b' ', field @ ..] | [b',', field @ ..] | field) = *input;
            let expected = order.expected();
            let Some((key, slot)) = keys.get(expected).zip(record.get_mut(expected)) else { break };
            let Some(value) = field.strip_prefix(key.literal()) else { break };
            let Some(room) = self.buffer.get_mut(*end..) else { break };
            let Some((length, rest)) = plain_value(value, room) else { break };
            if slot.kind != Kind::Missing {
                break;
            }
            *slot = Slot { start: *end, length, kind: Kind::Exact };
            *end = end.saturating_add(length);
            order.took(expected);
            *input = rest;
        }
        *record_demand = record_demand.saturating_add(end.saturating_sub(start));
    }

    /// Marks the value being read as `Lossy`.
    pub(crate) fn lossy(&mut self) {
        if self.places.value.kind == Kind::Exact && !self.places.in_key {
            self.places.value.kind = Kind::Lossy;
        }
    }

    /// Appends to the key or the value being read.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.places.in_key {
            return self.push_key(bytes);
        }
        self.places.value.length = self.places.value.length.saturating_add(bytes.len());
        let mut rest = bytes;
        while self.places.value.is_stored() {
            let room = self.buffer.get_mut(self.places.end..).unwrap_or_default();
            if let Some((fit, _)) = room.split_at_mut_checked(rest.len()) {
                copy(fit, rest);
                self.places.end = self.places.end.saturating_add(rest.len());
                return;
            }
            // Fill the buffer to its last byte before choosing the value to remove. The choice then does not depend on how the
            // input was cut.
            let (fit, over) = rest.split_at_checked(room.len()).unwrap_or((rest, &[]));
            copy(room, fit);
            self.places.end = self.buffer.len();
            rest = over;
            self.make_room();
        }
    }

    /// Appends to a key. An overlong key is marked as unknown, because its start could equal a known key.
    fn push_key(&mut self, bytes: &[u8]) {
        let KeyText { bytes: key, length, colon } = &mut self.places.key;
        if let Some(last) = bytes.last() {
            *colon = *last == b':';
        }
        let room = key.get_mut(*length..).unwrap_or_default();
        match room.get_mut(..bytes.len()) {
            Some(room) => {
                copy(room, bytes);
                *length = length.saturating_add(bytes.len());
            }
            None => *length = usize::MAX,
        }
    }

    /// Makes room in a full buffer. Removes the longest stored value of the record (or head) if it is longer than the
    /// stored part of the current value. Otherwise removes the current value.
    fn make_room(&mut self) {
        let held = self.places.end.saturating_sub(self.places.value.start);
        let longest = self
            .places
            .slots_mut()
            .iter_mut()
            .filter(|slot| slot.is_stored() && slot.length > held)
            .max_by_key(|slot| slot.length);
        if let Some(slot) = longest {
            let old = *slot;
            slot.kind = Kind::TooLong;
            self.remove(old);
        } else {
            self.places.value.kind = Kind::TooLong;
            self.places.end = self.places.value.start;
        }
    }

    /// Removes the bytes of a value, and moves the later values into the gap.
    fn remove(&mut self, gap: Slot) {
        for at in gap.start..self.places.end.saturating_sub(gap.length) {
            let Some(byte) = self.buffer.get(at.saturating_add(gap.length)).copied() else { break };
            if let Some(place) = self.buffer.get_mut(at) {
                *place = byte;
            }
        }
        self.places.end = self.places.end.saturating_sub(gap.length);
        if !self.places.in_record {
            self.places.base = self.places.base.saturating_sub(gap.length);
        }
        let value = &mut self.places.value;
        let slots =
            if self.places.in_record { &mut self.places.record[..] } else { &mut self.places.head[..] };
        for slot in slots.iter_mut().chain([value]) {
            if slot.start > gap.start {
                slot.start = slot.start.saturating_sub(gap.length);
            }
        }
    }
}
