//! Saved records, byte by byte.
//!
//! A record consists of a version, a kind, a sequence number, its content and a CRC-32, all little-endian. If two records have the same
//! key, the one with the later sequence number is valid. So records can be restored in any order.

use super::crc::crc32;
use crate::{
    UserId,
    track::{
        clock::{GatewaySeconds, Sequence, Tick},
        inbox::InboxMark,
        message::{Fates, HAS_REFERENCE, SAVED_FLAGS, Slot, State, Validity, lifecycle},
        number::PackedNumber,
    },
    writer::Writer,
};

const VERSION: u8 = 1;

/// The maximum length of a record in bytes.
pub const MAX_RECORD_BYTES: usize = 96;

/// A change to be stored: the latest record of a key, or its deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    key: u32,
    bytes: [u8; MAX_RECORD_BYTES],
    length: u8,
}

impl Change {
    /// Returns the key: a user_id, or a number above [`UserId::MAX`] for other records.
    pub const fn key(&self) -> u32 {
        self.key
    }

    /// Returns the user_id of the message, if the record is a message's.
    pub fn message(&self) -> Option<UserId> {
        UserId::new(self.key.into()).ok()
    }

    /// Returns the new record of the key; `None` if the key is to be deleted.
    pub fn record(&self) -> Option<&[u8]> {
        self.bytes.get(..usize::from(self.length)).filter(|bytes| !bytes.is_empty())
    }

    /// A deletion whose key is not set yet.
    pub(in crate::track) const NONE: Self = Self { key: 0, bytes: [0; MAX_RECORD_BYTES], length: 0 };

    /// Makes this the deletion of a key.
    pub(super) fn delete(&mut self, key: u32) {
        self.key = key;
    }

    /// Makes this a record of a key. The record is filled in place, because each copy takes flash.
    pub(super) fn fill(
        &mut self,
        key: u32,
        kind: u8,
        sequence: Sequence,
        write: impl FnOnce(&mut Writer<'_>),
    ) {
        let mut writer = self.begin(key, kind, sequence);
        write(&mut writer);
        let length = writer.length();
        self.end(length);
    }

    // `begin` and `end` are not inlined, because three kinds of records use them.
    #[cfg_attr(target_os = "none", inline(never))]
    fn begin(&mut self, key: u32, kind: u8, sequence: Sequence) -> Writer<'_> {
        self.key = key;
        let mut writer = Writer::new(&mut self.bytes);
        writer.bytes(&[VERSION, kind]);
        writer.bytes(&sequence.get().to_le_bytes());
        writer
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn end(&mut self, length: usize) {
        let check = crc32(self.bytes.get(..length).unwrap_or_default());
        if let Some(place) = self.bytes.get_mut(length..).and_then(|rest| rest.first_chunk_mut()) {
            *place = check.to_le_bytes();
        }
        self.length = u8::try_from(length + 4).unwrap_or(0);
    }
}

/// The reason why a record was not restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RestoreError {
    /// The record is incomplete or damaged, for example by an interrupted write.
    Torn,
    /// The record is intact, but has an unknown version.
    Version(u8),
    /// More messages were saved than there are slots.
    Full,
}

impl core::fmt::Display for RestoreError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Torn => f.write_str("the record is incomplete or damaged"),
            Self::Version(version) => {
                write!(f, "the record has the unknown version {version}")
            }
            Self::Full => f.write_str("more messages were saved than there are slots"),
        }
    }
}

impl core::error::Error for RestoreError {}

pub(super) fn write_slot(writer: &mut Writer<'_>, slot: &Slot) {
    let number = slot.number();
    let [low, middle, high] = number.words();
    let code = if slot.has(HAS_REFERENCE) { slot.failed_status.into() } else { slot.refusal };
    let words: [u32; 15] = [
        slot.user_id,
        low,
        middle,
        high,
        slot.ports,
        slot.since.get(),
        slot.submitted.get(),
        slot.not_begun.get(),
        GatewaySeconds::number(slot.sent),
        GatewaySeconds::number(slot.first_report),
        GatewaySeconds::number(slot.last_report),
        slot.fates.delivered(),
        slot.fates.temporary(),
        slot.fates.failed(),
        code,
    ];
    for word in words {
        writer.bytes(&word.to_le_bytes());
    }
    writer.bytes(&slot.task.to_le_bytes());
    for half in [slot.text_bytes, slot.flags() & SAVED_FLAGS, slot.revision, slot.acknowledged] {
        writer.bytes(&half.to_le_bytes());
    }
    let state = State::ALL.iter().position(|state| *state == slot.state()).unwrap_or(0);
    let state = u8::try_from(state).unwrap_or(0);
    let place = [slot.port, slot.reference, slot.segments, slot.succeeded];
    writer.bytes(&[number.form(), state]);
    writer.bytes(&place);
    writer.bytes(&[slot.segment_and_urgency(), slot.era]);
    // Most messages have no validity of their own. Their records are as short as those of former versions.
    if slot.validity != Validity::NONE {
        writer.bytes(&[slot.validity.byte()]);
    }
}

/// Reads the fields of a message's record that follow the user_id.
pub(in crate::track) fn read_slot(reader: &mut Reader<'_>, slot: &mut Slot) {
    let words = [reader.word(), reader.word(), reader.word()];
    slot.ports = reader.word();
    slot.since = Tick::new(reader.word());
    slot.submitted = reader.sequence();
    slot.not_begun = reader.sequence();
    (slot.sent, slot.first_report, slot.last_report) = (reader.time(), reader.time(), reader.time());
    slot.fates = Fates::new(reader.word(), reader.word(), reader.word());
    let code = reader.word();
    slot.task = i64::from_le_bytes(reader.take());
    slot.text_bytes = reader.half();
    slot.set_flags(reader.half() & SAVED_FLAGS);
    (slot.revision, slot.acknowledged) = (reader.half(), reader.half());
    slot.set_number(&PackedNumber::restore(words, reader.byte()));
    let state = State::ALL.get(usize::from(reader.byte())).copied().unwrap_or(State::Unsent);
    lifecycle::restore(slot, state);
    (slot.port, slot.reference, slot.segments) = (reader.byte(), reader.byte(), reader.byte());
    slot.succeeded = reader.byte();
    slot.restore_segment_and_urgency(reader.byte());
    (slot.era, slot.validity) = (reader.byte(), Validity::of_byte(reader.byte()));
    (slot.refusal, slot.failed_status) = (code, 0);
    if slot.has(HAS_REFERENCE) {
        // A TP-Status has eight bits.
        (slot.refusal, slot.failed_status) = (0, code.to_le_bytes()[0]);
    }
}

pub(super) fn write_marks(writer: &mut Writer<'_>, saved: i64, marks: impl Iterator<Item = InboxMark>) {
    writer.bytes(&saved.to_le_bytes());
    for mark in marks {
        writer.bytes(&mark.id.to_le_bytes());
        writer.bytes(&mark.hash.to_le_bytes());
    }
}

/// Reads the inbox's saved place, and then its marks.
pub(in crate::track) fn read_marks(
    reader: &mut Reader<'_>,
    is_rising: bool,
) -> (i64, impl Iterator<Item = InboxMark>) {
    let mut marks = *reader;
    let first = i64::from_le_bytes(marks.take());
    if is_rising {
        marks = *reader;
    }
    // A record of the kind `RISING_INBOX` begins with the latest message instead of the saved place. Its hashes do not show whether a
    // text was too long.
    let (saved, mask) = if is_rising { (first.saturating_sub(1), !1) } else { (first, !0) };
    let marks = core::iter::from_fn(move || {
        let is_over = marks.0.is_empty();
        (!is_over).then(|| InboxMark { id: i64::from_le_bytes(marks.take()), hash: marks.word() & mask })
    });
    (saved, marks)
}

/// Reads a record piece by piece. Pieces that are missing at its end read as zero.
#[derive(Clone, Copy)]
pub(in crate::track) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Checks the record's check value and version.
    pub(in crate::track) fn new(record: &'a [u8]) -> Result<Self, RestoreError> {
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

    /// Returns everything that was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(in crate::track) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg_attr(target_os = "none", inline(never))]
    pub(in crate::track) fn byte(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }

    fn half(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    #[cfg_attr(target_os = "none", inline(never))]
    pub(in crate::track) fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(in crate::track) fn sequence(&mut self) -> Sequence {
        Sequence::new(self.word())
    }

    fn time(&mut self) -> Option<GatewaySeconds> {
        GatewaySeconds::new(self.word())
    }
}
