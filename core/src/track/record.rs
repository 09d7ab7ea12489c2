//! The records that are saved.
//!
//! A record is a version, a kind, a sequence number, what it holds, and a CRC-32, all little-endian. Of two records of one key the one
//! with the later sequence number counts, so they can be restored in any order.

use super::{
    digits::Digits,
    inbox::{InboxMark, MARKS, Marks},
    slot::{SAVED, Slot, State},
    timing::Tick,
};
use crate::{UserId, writer::Writer};

const VERSION: u8 = 1;

/// The largest record.
pub const MAX_RECORD_BYTES: usize = 96;

/// Something that is to be stored: the latest record of each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    key: u32,
    bytes: [u8; MAX_RECORD_BYTES],
    length: u8,
}

impl Change {
    /// What the record is of: a user_id, or something above [`UserId::MAX`].
    pub const fn key(&self) -> u32 {
        self.key
    }

    /// The message that the record is of.
    pub fn message(&self) -> Option<UserId> {
        UserId::new(self.key.into()).ok()
    }

    /// The record, which replaces the key's former one; `None` when the key is to be forgotten.
    pub fn record(&self) -> Option<&[u8]> {
        self.bytes.get(..usize::from(self.length)).filter(|bytes| !bytes.is_empty())
    }

    pub(super) fn new(key: u32, kind: u8, sequence: u32, write: impl FnOnce(&mut Writer<'_>)) -> Self {
        let mut bytes = [0; MAX_RECORD_BYTES];
        let mut writer = Writer::new(&mut bytes);
        writer.bytes(&[VERSION, kind]);
        writer.bytes(&sequence.to_le_bytes());
        write(&mut writer);
        let length = writer.finish().map_or(0, <[u8]>::len);
        let check = crc32(bytes.get(..length).unwrap_or_default());
        if let Some(place) = bytes.get_mut(length..).and_then(|rest| rest.first_chunk_mut()) {
            *place = check.to_le_bytes();
        }
        Self { key, bytes, length: u8::try_from(length + 4).unwrap_or(0) }
    }

    pub(super) fn forget(key: u32) -> Self {
        Self { key, bytes: [0; MAX_RECORD_BYTES], length: 0 }
    }
}

/// Why a record was not restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is not whole, or not as it was saved: a write that was cut off.
    Torn,
    /// It is whole, and of a version that is not known here.
    Version(u8),
    /// More messages were saved than there are slots.
    Full,
}

impl core::fmt::Display for RestoreError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Torn => f.write_str("the record is not whole"),
            Self::Version(version) => {
                write!(f, "the record is of version {version}, which is not known here")
            }
            Self::Full => f.write_str("more messages were saved than there are slots"),
        }
    }
}

impl core::error::Error for RestoreError {}

pub(super) fn write_slot(writer: &mut Writer<'_>, slot: &Slot) {
    let [low, middle, high] = slot.digits.words();
    let words = [slot.user_id, low, middle, high, slot.ports, slot.added.0, slot.submitted, slot.heard];
    let more = [slot.sent, slot.first_report, slot.last_report, slot.delivered, slot.temporary, slot.failed];
    for word in words.into_iter().chain(more).chain([slot.code]) {
        writer.bytes(&word.to_le_bytes());
    }
    writer.bytes(&slot.task.to_le_bytes());
    for half in [slot.text_bytes, slot.flags & SAVED, slot.news, slot.acknowledged] {
        writer.bytes(&half.to_le_bytes());
    }
    let state = State::ALL.iter().position(|state| *state == slot.state).unwrap_or(0);
    let state = u8::try_from(state).unwrap_or(0);
    let place = [slot.port, slot.reference, slot.segments, slot.succeeded];
    writer.bytes(&[slot.digits.form(), state]);
    writer.bytes(&place);
    writer.bytes(&[slot.failed_segment, slot.era]);
}

pub(super) fn read_slot(reader: &mut Reader<'_>, slot: &mut Slot) {
    let words = [reader.word(), reader.word(), reader.word()];
    slot.ports = reader.word();
    slot.added = Tick(reader.word());
    (slot.submitted, slot.heard) = (reader.word(), reader.word());
    (slot.sent, slot.first_report, slot.last_report) = (reader.word(), reader.word(), reader.word());
    (slot.delivered, slot.temporary, slot.failed) = (reader.word(), reader.word(), reader.word());
    slot.code = reader.word();
    slot.task = i64::from_le_bytes(reader.take());
    (slot.text_bytes, slot.flags) = (reader.half(), reader.half() & SAVED);
    (slot.news, slot.acknowledged) = (reader.half(), reader.half());
    slot.digits = Digits::from_parts(words, reader.byte());
    slot.state = State::ALL.get(usize::from(reader.byte())).copied().unwrap_or(State::Asked);
    (slot.port, slot.reference, slot.segments) = (reader.byte(), reader.byte(), reader.byte());
    (slot.succeeded, slot.failed_segment, slot.era) = (reader.byte(), reader.byte(), reader.byte());
}

pub(super) fn write_marks(writer: &mut Writer<'_>, marks: &Marks) {
    for mark in marks.iter().flatten() {
        writer.bytes(&mark.id.to_le_bytes());
        writer.bytes(&mark.hash.to_le_bytes());
    }
}

pub(super) fn read_marks(reader: &mut Reader<'_>) -> Marks {
    let mut marks = [None; MARKS];
    for mark in &mut marks {
        if !reader.0.is_empty() {
            *mark = Some(InboxMark { id: i64::from_le_bytes(reader.take()), hash: reader.word() });
        }
    }
    marks
}

/// Takes a record apart. What is missing at its end reads as zero.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Checks the record's end and version.
    pub(super) fn new(record: &'a [u8]) -> Result<Self, RestoreError> {
        let (content, check) = record.split_last_chunk().ok_or(RestoreError::Torn)?;
        if crc32(content).to_le_bytes() != *check {
            return Err(RestoreError::Torn);
        }
        let mut reader = Self(content);
        match reader.byte() {
            VERSION => Ok(reader),
            version => Err(RestoreError::Version(version)),
        }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((chunk, rest)) = self.0.split_first_chunk() else {
            self.0 = &[];
            return [0; N];
        };
        self.0 = rest;
        *chunk
    }

    pub(super) fn byte(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }

    fn half(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    pub(super) fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }
}

/// CRC-32 as in ISO 3309.
fn crc32(bytes: &[u8]) -> u32 {
    !if cfg!(target_pointer_width = "64") { crc_fast(u32::MAX, bytes) } else { crc_small(u32::MAX, bytes) }
}

/// Four bits at a time, with a table of 64 bytes.
fn crc_small(crc: u32, bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = crc_table(4, 4);
    let step = |crc: u32, bits: u32| crc >> 4 ^ TABLE[(crc ^ bits) as usize % TABLE.len()];
    bytes.iter().fold(crc, |crc, byte| step(step(crc, u32::from(*byte)), u32::from(*byte) >> 4))
}

/// Four bytes at a time, with tables of 4 KiB: large machines have room for them.
fn crc_fast(crc: u32, bytes: &[u8]) -> u32 {
    const TABLES: [[u32; 256]; 4] = [crc_table(8, 8), crc_table(8, 16), crc_table(8, 24), crc_table(8, 32)];
    let at = |table: usize, byte: u8| TABLES[table % 4][usize::from(byte)];
    let (words, rest) = bytes.as_chunks::<4>();
    let crc = words.iter().fold(crc, |crc, word| {
        let [first, second, third, fourth] = (crc ^ u32::from_le_bytes(*word)).to_le_bytes();
        at(3, first) ^ at(2, second) ^ at(1, third) ^ at(0, fourth)
    });
    rest.iter().fold(crc, |crc, byte| crc >> 8 ^ at(0, crc.to_le_bytes()[0] ^ byte))
}

/// What becomes of each number of so many bits after so many steps.
const fn crc_table<const N: usize>(bits: u32, steps: u32) -> [u32; N] {
    let mut table = [0; N];
    let mut number = 0_u32;
    while number < 1 << bits {
        let mut value = number;
        let mut step = 0;
        while step < steps {
            value = if value & 1 == 1 { value >> 1 ^ 0xEDB8_8320 } else { value >> 1 };
            step += 1;
        }
        table[number as usize] = value;
        number += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_s_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let bytes: std::vec::Vec<u8> = (0..=255).collect();
        for length in 0..bytes.len() {
            assert_eq!(crc_fast(7, &bytes[..length]), crc_small(7, &bytes[..length]), "{length}");
        }
    }
}
