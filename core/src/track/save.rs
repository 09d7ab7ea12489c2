//! Saving each change as one small record, and restoring.
//!
//! A record is a version, a kind, a sequence number, what it holds, and a CRC-32, all little-endian. Of two records of one key the one
//! with the later sequence number counts, so they can be restored in any order.

use core::time::Duration;

use super::{
    digits::Digits,
    inbox::{InboxMark, MARKS, Marks},
    slot::{DOUBTED, GONE, IN_CHANGES, LOCATED, NIL, NO_TIME, OLD_CLOCK, Queue, SAVED, STOP, Slot, State},
    timing::Tick,
    tracker::{Tracker, is_later},
};
use crate::{UserId, writer::Writer};

const VERSION: u8 = 1;

/// The largest record.
pub const MAX_RECORD_BYTES: usize = 96;

/// The keys of what is no message lie above all user_ids.
const EPOCH_KEY: u32 = 0x8000_0000;
const INBOX_KEY: u32 = 0x8000_0001;

const EPOCH: u8 = 0;
const INBOX: u8 = 1;
const MESSAGE: u8 = 2;

/// How many user_ids an epoch has, and how many epochs there are: together all of them.
const PER_EPOCH: u32 = 1 << 10;
const EPOCHS: u32 = 1 << 21;

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

    fn new(key: u32, kind: u8, sequence: u32, write: impl FnOnce(&mut Writer<'_>)) -> Self {
        let mut bytes = [0; MAX_RECORD_BYTES];
        let mut writer = Writer::new(&mut bytes);
        writer.bytes(&[VERSION, kind]);
        writer.bytes(&sequence.to_le_bytes());
        write(&mut writer);
        let length = writer.finish().map_or(0, |written| written.len());
        let check = crc32(bytes.get(..length).unwrap_or_default());
        if let Some(place) = bytes.get_mut(length..).and_then(|rest| rest.first_chunk_mut()) {
            *place = check.to_le_bytes();
        }
        Self { key, bytes, length: u8::try_from(length + 4).unwrap_or(0) }
    }

    fn forget(key: u32) -> Self {
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

/// Where user_ids come from. An epoch is saved before its first user_id is used, so that none is used twice, whatever is lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch {
    number: u32,
    used: u32,
    sequence: u32,
    unsaved: bool,
}

impl Epoch {
    pub(super) fn new(first: u32) -> Self {
        Self { number: first.wrapping_sub(1), used: PER_EPOCH, sequence: 0, unsaved: false }
    }

    /// The next user_id; 0 is left to others.
    fn next(&mut self) -> u32 {
        if self.used >= PER_EPOCH {
            self.number = self.number.wrapping_add(1) % EPOCHS;
            self.used = u32::from(self.number == 0);
            self.unsaved = true;
        }
        let id = self.number * PER_EPOCH + self.used;
        self.used += 1;
        id
    }
}

impl Tracker<'_> {
    pub(super) fn next_id(&mut self) -> UserId {
        loop {
            let id = self.epoch.next();
            let free = self.slots.find(id) == NIL;
            if let (Ok(id), true) = (UserId::new(id.into()), free) {
                return id;
            }
        }
    }

    pub(super) fn has_unsaved(&self) -> bool {
        self.epoch.unsaved || self.inbox.unsaved || !self.changes.is_empty()
    }

    /// The next change to be stored; `None` when all are.
    ///
    /// Take them all and store them, all or none of them, before the question of the last [`step`](Self::step) is asked and before
    /// the next [events](Self::next_event) are taken.
    pub fn next_change(&mut self) -> Option<Change> {
        if core::mem::take(&mut self.epoch.unsaved) {
            let number = self.epoch.number.to_le_bytes();
            let sequence = self.count();
            return Some(Change::new(EPOCH_KEY, EPOCH, sequence, |writer| writer.bytes(&number)));
        }
        if core::mem::take(&mut self.inbox.unsaved) {
            let marks = self.inbox.acknowledged;
            let sequence = self.count();
            return Some(Change::new(INBOX_KEY, INBOX, sequence, |writer| write_marks(writer, &marks)));
        }
        let at = self.changes.pop(&mut self.slots, |slot| &mut slot.change_next)?;
        let sequence = self.count();
        let (now, current) = (self.now, self.clock.is_current(self.slots.get(at)));
        let slot = self.slots.get_mut(at);
        slot.set(IN_CHANGES, false);
        let key = slot.user_id;
        if slot.has(GONE) {
            self.release(at);
            return Some(Change::forget(key));
        }
        slot.set(OLD_CLOCK, slot.sent != NO_TIME && !current);
        Some(Change::new(key, MESSAGE, sequence, |writer| write_slot(writer, slot, now)))
    }

    /// The slot is free for another message.
    fn release(&mut self, at: u32) {
        self.slots.unindex_user(at);
        self.slots.get_mut(at).clear();
        self.slots.append(at, Queue::Free);
    }

    /// Takes back what was saved, one record after the other in any order, before anything else; [`start`](Self::start) follows.
    ///
    /// # Errors
    /// [`RestoreError`]; the record then counts as not there.
    pub fn restore(&mut self, record: &[u8]) -> Result<(), RestoreError> {
        let (content, check) = record.split_last_chunk().ok_or(RestoreError::Torn)?;
        if crc32(content).to_le_bytes() != *check {
            return Err(RestoreError::Torn);
        }
        let mut reader = Reader(content);
        let version = reader.byte();
        if version != VERSION {
            return Err(RestoreError::Version(version));
        }
        let kind = reader.byte();
        let sequence = reader.word();
        if self.sequence == 1 || is_later(sequence, self.sequence) {
            self.sequence = sequence;
        }
        match kind {
            EPOCH => {
                if self.epoch.sequence == 0 || is_later(sequence, self.epoch.sequence) {
                    (self.epoch.number, self.epoch.sequence) = (reader.word(), sequence);
                }
            }
            INBOX => self.inbox.restore(sequence, read_marks(&mut reader)),
            MESSAGE => self.restore_message(&mut reader, sequence)?,
            _ => return Err(RestoreError::Torn),
        }
        Ok(())
    }

    fn restore_message(&mut self, reader: &mut Reader<'_>, sequence: u32) -> Result<(), RestoreError> {
        let user_id = reader.word();
        let mut at = self.slots.find(user_id);
        if at != NIL {
            // Until the start, the due time keeps the sequence number of what was restored.
            if !is_later(sequence, self.slots.get(at).due.0) {
                return Ok(());
            }
        } else {
            at = self.slots.first(Queue::Free);
            if at == NIL {
                return Err(RestoreError::Full);
            }
            self.slots.get_mut(at).user_id = user_id;
            self.slots.index_user(at);
            self.slots.append(at, Queue::Done);
        }
        let now = self.now;
        let slot = self.slots.get_mut(at);
        read_slot(reader, slot, now);
        slot.due = Tick(sequence);
        Ok(())
    }

    /// Begins after everything was restored: all is due, and news that was not acknowledged comes again. A request that had
    /// left is uncertain. Without anything to restore it need not be called.
    pub fn start(&mut self, now: Duration) {
        self.now = Tick::at(now);
        for at in 0..self.slots.len() {
            if self.slots.get(at).queue == Queue::Done {
                self.resume(at);
            }
        }
        let sequence = self.count();
        self.clock.restored(sequence, self.now);
    }

    fn resume(&mut self, at: u32) {
        let era = self.clock.era();
        let slot = self.slots.get_mut(at);
        let state = slot.state;
        // Until it is known whether the clock jumped meanwhile, that of the last life is taken for this one's.
        slot.era = if slot.has(OLD_CLOCK) { era.wrapping_sub(1) } else { era };
        if slot.sent != NO_TIME && !slot.has(OLD_CLOCK) {
            self.clock.recall(slot.sent);
        }
        if slot.has(LOCATED) {
            self.longest = self.longest.max(slot.segments);
        }
        if slot.news != slot.acknowledged {
            self.renew(at);
        }
        slot_state(self, at, state);
        if state != State::Asked && self.slots.get(at).submitted != 0 {
            self.slots.index_report(at);
        }
        let slot = self.slots.get(at);
        let task = slot.task().filter(|_| slot.has(STOP));
        match state {
            State::Asked => self.slots.append(at, Queue::Asked),
            State::Submitted => {
                self.set_state(at, State::Uncertain);
                self.tell(at);
                self.hurry_result(at);
            }
            _ if slot.is_over() => {
                if slot.news == slot.acknowledged {
                    self.bury(at);
                }
            }
            State::Sent if slot.has(LOCATED) && !slot.has(DOUBTED) => self.hurry_report(at),
            _ => self.hurry_result(at),
        }
        if let Some(task) = task {
            let place = self.stops.iter_mut().find(|place| place.is_none_or(|other| other == task));
            if let Some(place) = place {
                *place = Some(task);
            }
        }
    }

    fn hurry_report(&mut self, at: u32) {
        let slot = self.slots.get_mut(at);
        (slot.attempt, slot.due) = (0, self.now);
        self.slots.append(at, Queue::Report(0));
    }
}

/// Takes a restored state into the counts.
fn slot_state(tracker: &mut Tracker<'_>, at: u32, state: State) {
    tracker.slots.get_mut(at).state = State::Asked;
    tracker.set_state(at, state);
}

fn write_slot(writer: &mut Writer<'_>, slot: &Slot, now: Tick) {
    let [low, middle, high] = slot.digits.words();
    let words =
        [slot.user_id, low, middle, high, slot.ports, slot.added.ago(now), slot.submitted, slot.heard];
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
    writer.byte(slot.failed_segment);
}

fn read_slot(reader: &mut Reader<'_>, slot: &mut Slot, now: Tick) {
    let words = [reader.word(), reader.word(), reader.word()];
    slot.ports = reader.word();
    slot.added = Tick(now.0.wrapping_sub(reader.word()));
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
    (slot.succeeded, slot.failed_segment) = (reader.byte(), reader.byte());
}

fn write_marks(writer: &mut Writer<'_>, marks: &Marks) {
    for mark in marks.iter().flatten() {
        writer.bytes(&mark.id.to_le_bytes());
        writer.bytes(&mark.hash.to_le_bytes());
    }
}

fn read_marks(reader: &mut Reader<'_>) -> Marks {
    let mut marks = [None; MARKS];
    for mark in &mut marks {
        if !reader.0.is_empty() {
            *mark = Some(InboxMark { id: i64::from_le_bytes(reader.take()), hash: reader.word() });
        }
    }
    marks
}

/// Takes a record apart. What is missing at its end reads as zero.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((chunk, rest)) => {
                self.0 = rest;
                *chunk
            }
            None => {
                self.0 = &[];
                [0; N]
            }
        }
    }

    fn byte(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }

    fn half(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }
}

/// CRC-32 as in ISO 3309, four bits at a time.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = {
        let mut table = [0; 16];
        let mut at = 0;
        while at < 16 {
            let mut value = at as u32;
            let mut bit = 0;
            while bit < 4 {
                value = if value & 1 == 1 { value >> 1 ^ 0xEDB8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[at] = value;
            at += 1;
        }
        table
    };
    let step = |crc: u32, half: u32| crc >> 4 ^ TABLE[((crc ^ half) & 0xF) as usize];
    !bytes.iter().fold(u32::MAX, |crc, byte| step(step(crc, (*byte).into()), u32::from(*byte) >> 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_s_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
