//! The changes that are not saved yet, and the format in which they are saved.
//!
//! There are three kinds of records: the client's own state (its block of user_ids, its time, and what it learned about the gateway's
//! clock), the inbox, and one for each message.

mod backup;
mod crc;
mod record;
mod user_ids;

pub use record::{Change, MAX_RECORD_BYTES, RestoreError};
pub(super) use record::{Reader, read_marks, read_slot};

use super::{
    clock::{GatewayClock, Mark, PER_SECOND, Sequence, SequenceCounter, Tick},
    inbox::{Inbox, RECORDS},
    message::{DELETED, IN_CHANGES},
    plan::{Messages, Queue},
    table::{CHANGES, Chain, SlotId},
};
use user_ids::UserIdBlock;

/// The key of the client's record. Records other than those of messages have keys above all user_ids.
const CLIENT_KEY: u32 = 0x8000_0000;
/// The key of the inbox's first record. Its other records have the keys after this one.
const INBOX_KEY: u32 = 0x8000_0001;
const _: () = assert!(RECORDS <= 16, "the keys that follow are free for others");

/// The kinds of records.
pub(super) const CLIENT: u8 = 0;
/// The inbox as saved by former versions, which assumed rising ids.
pub(super) const RISING_INBOX: u8 = 1;
pub(super) const INBOX: u8 = 3;
pub(super) const MESSAGE: u8 = 2;

/// The number of ticks after which the client's time is saved again: 10 min.
const SAVE_TIME_EVERY: u32 = 600 * PER_SECOND;

/// The changes that are not saved yet.
#[derive(Debug)]
pub(super) struct Journal {
    changes: Chain<CHANGES>,
    /// Whether requests and events wait until changes are saved. Acknowledgements alone do not make them wait.
    is_urgent: bool,
    user_ids: UserIdBlock,
    is_client_dirty: bool,
    /// The time at which the client's time was last saved.
    time_saved: Tick,
}

impl Journal {
    pub(super) const EMPTY: Self = Self {
        changes: Chain::EMPTY,
        is_urgent: false,
        user_ids: UserIdBlock::EMPTY,
        is_client_dirty: false,
        time_saved: Tick::ZERO,
    };

    /// Begins the user_ids with this block.
    pub(super) fn begin(&mut self, first_block: u32) {
        self.user_ids.begin(first_block);
    }

    /// Returns a user_id that was never used before, unless all have been used.
    pub(super) fn next_user_id(&mut self) -> u32 {
        let (id, is_first) = self.user_ids.next();
        self.is_client_dirty |= is_first;
        id
    }

    /// Notes that the client's own state changed.
    pub(super) fn touch_client(&mut self) {
        self.is_client_dirty = true;
    }

    /// Notes that a message changed.
    pub(super) fn touch(&mut self, table: &mut Messages<'_>, id: SlotId) {
        self.is_urgent = true;
        self.touch_quietly(table, id);
    }

    /// Notes that a message changed. Requests and events need not wait until that change is saved.
    pub(super) fn touch_quietly(&mut self, table: &mut Messages<'_>, id: SlotId) {
        let Some(slot) = table.get_mut(id).filter(|slot| !slot.has(IN_CHANGES)) else { return };
        slot.set(IN_CHANGES, true);
        self.changes.push(table, id);
    }

    /// Returns whether requests and events wait until a change is saved.
    pub(super) fn has_unsaved(&self, inbox: &Inbox) -> bool {
        self.is_urgent && (self.is_client_dirty || inbox.is_dirty() || !self.changes.is_empty())
    }

    /// Returns when the client's time must be saved; `None` while all slots are free, because no age matters then.
    pub(super) fn time_due(&self, table: &Messages<'_>) -> Option<Tick> {
        let is_needed = table.length(Queue::FREE) < table.len();
        is_needed.then(|| self.time_saved.plus(SAVE_TIME_EVERY))
    }

    /// Marks the client's time as dirty if saving it is due. If it were never saved, a client that restarts often would keep finished
    /// messages forever.
    pub(super) fn save_time(&mut self, table: &Messages<'_>, now: Tick) {
        if self.time_due(table).is_some_and(|due| due.is_due(now)) {
            (self.is_client_dirty, self.time_saved) = (true, now);
        }
    }

    /// Ends restoring.
    pub(super) fn start(&mut self, now: Tick) {
        self.time_saved = now;
    }

    /// Fills in the record of the client's own state. Returns whether that state changed.
    pub(super) fn client_change(
        &mut self,
        clock: &GatewayClock,
        now: Tick,
        counter: &mut SequenceCounter,
        change: &mut Change,
    ) -> bool {
        if !core::mem::take(&mut self.is_client_dirty) {
            return false;
        }
        self.time_saved = now;
        let number = self.user_ids.number().to_le_bytes();
        change.fill(CLIENT_KEY, CLIENT, counter.draw(), |writer| {
            writer.bytes(&number);
            writer.bytes(&[clock.facts(), clock.era()]);
            writer.bytes(&now.get().to_le_bytes());
            // Records of former versions end here.
            if let Some(mark) = clock.looks.mark() {
                writer.bytes(&mark.highest.to_le_bytes());
                writer.bytes(&mark.at.get().to_le_bytes());
                writer.bytes(&mark.foreign.map_or(0, |seen| seen.get().max(1)).to_le_bytes());
            }
        });
        true
    }

    /// Fills in the next record of the inbox. Returns whether one changed.
    pub(super) fn inbox_change(
        inbox: &mut Inbox,
        counter: &mut SequenceCounter,
        change: &mut Change,
    ) -> bool {
        let Some((number, saved, marks)) = inbox.take_dirty() else { return false };
        let key = INBOX_KEY.saturating_add(u32::try_from(number).unwrap_or(0));
        change.fill(key, INBOX, counter.draw(), |writer| record::write_marks(writer, saved, marks));
        true
    }

    /// Fills in the record or the deletion of the next changed message. Returns the message, and whether it is deleted. If so, the
    /// caller frees its slot.
    pub(super) fn message_change(
        &mut self,
        table: &mut Messages<'_>,
        counter: &mut SequenceCounter,
        change: &mut Change,
    ) -> Option<(SlotId, bool)> {
        let Some((id, slot)) = self.changes.pop(table).and_then(|id| Some((id, table.get_mut(id)?))) else {
            self.is_urgent = false;
            return None;
        };
        let sequence = counter.draw();
        slot.set(IN_CHANGES, false);
        slot.record = sequence;
        let key = slot.user_id;
        if slot.has(DELETED) {
            change.delete(key);
            return Some((id, true));
        }
        change.fill(key, MESSAGE, sequence, |writer| record::write_slot(writer, slot));
        Some((id, false))
    }

    /// Restores the client's own state, if the record is the latest so far. Returns the time until which the client ran, and the
    /// [`Mark`] of its queries for reports.
    pub(super) fn restore_client(
        &mut self,
        reader: &mut Reader<'_>,
        clock: &mut GatewayClock,
        record: Sequence,
    ) -> Option<(Tick, Option<Mark>)> {
        if !self.user_ids.restore(reader.word(), record) {
            return None;
        }
        clock.restore_era(reader.byte(), reader.byte());
        let then = Tick::new(reader.word());
        let has_mark = !reader.is_empty();
        let mark = has_mark.then(|| {
            let (highest, at, foreign) = (reader.word(), Tick::new(reader.word()), reader.word());
            Mark { highest, at, foreign: (foreign > 0).then(|| Tick::new(foreign)) }
        });
        Some((then, mark))
    }
}
