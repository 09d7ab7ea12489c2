//! The changes that are not saved yet, and the form in which they are saved.
//!
//! Three kinds of records have keys: the client's own state (its block of user_ids, its time, and what it learned about the gateway's
//! clock), the inbox, and each message.

mod crc;
mod record;
mod user_ids;

pub use record::{Change, MAX_RECORD_BYTES, RestoreError};
pub(super) use record::{Reader, read_marks, read_slot};

use super::{
    clock::{GatewayClock, Mark, PER_SECOND, Sequence, SequenceCounter, Tick},
    inbox::Inbox,
    message::{DELETED, IN_CHANGES},
    plan::{Messages, Queue},
    table::{CHANGES, Chain, SlotId},
};
use user_ids::UserIdBlock;

/// The keys of records that are not a message's, above all user_ids.
const CLIENT_KEY: u32 = 0x8000_0000;
const INBOX_KEY: u32 = 0x8000_0001;

/// The kinds of records.
pub(super) const CLIENT: u8 = 0;
pub(super) const INBOX: u8 = 1;
pub(super) const MESSAGE: u8 = 2;

/// The number of ticks after which the client's time is saved again: 10 min.
const SAVE_TIME_EVERY: u32 = 600 * PER_SECOND;

/// The changes that are not saved yet.
#[derive(Debug)]
pub(super) struct Journal {
    changes: Chain<CHANGES>,
    /// Whether requests and events wait for a change. Acknowledgements alone keep nothing waiting.
    is_urgent: bool,
    user_ids: UserIdBlock,
    is_client_dirty: bool,
    /// When the client's time was saved.
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

    /// Begins user_ids with a block.
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

    /// Notes that a message changed; nothing waits until the change is saved.
    pub(super) fn touch_quietly(&mut self, table: &mut Messages<'_>, id: SlotId) {
        let Some(slot) = table.get_mut(id).filter(|slot| !slot.has(IN_CHANGES)) else { return };
        slot.set(IN_CHANGES, true);
        self.changes.push(table, id);
    }

    /// Returns whether requests and events wait until a change is saved.
    pub(super) fn has_unsaved(&self, inbox: &Inbox) -> bool {
        self.is_urgent && (self.is_client_dirty || inbox.is_dirty() || !self.changes.is_empty())
    }

    /// Returns when the client saves its time, while it keeps something whose age matters.
    pub(super) fn time_due(&self, table: &Messages<'_>) -> Option<Tick> {
        let is_needed = table.length(Queue::FREE) < table.len();
        is_needed.then(|| self.time_saved.plus(SAVE_TIME_EVERY))
    }

    /// Saves the client's time, if that is due. Otherwise kept messages would never grow old with frequent restarts.
    pub(super) fn save_time(&mut self, table: &Messages<'_>, now: Tick) {
        if self.time_due(table).is_some_and(|due| due.is_due(now)) {
            (self.is_client_dirty, self.time_saved) = (true, now);
        }
    }

    /// Ends restoring.
    pub(super) fn start(&mut self, now: Tick) {
        self.time_saved = now;
    }

    /// Returns the record of the client's own state, if it changed.
    pub(super) fn client_change(
        &mut self,
        clock: &GatewayClock,
        now: Tick,
        counter: &mut SequenceCounter,
    ) -> Option<Change> {
        if !core::mem::take(&mut self.is_client_dirty) {
            return None;
        }
        self.time_saved = now;
        let number = self.user_ids.number().to_le_bytes();
        Some(Change::new(CLIENT_KEY, CLIENT, counter.draw(), |writer| {
            writer.bytes(&number);
            writer.bytes(&[u8::from(clock.reports_equal()), clock.era()]);
            writer.bytes(&now.get().to_le_bytes());
            // Records of former versions end here.
            if let Some(mark) = clock.looks.mark() {
                writer.bytes(&mark.highest.to_le_bytes());
                writer.bytes(&mark.at.get().to_le_bytes());
            }
        }))
    }

    /// Returns the record of the inbox, if it changed.
    pub(super) fn inbox_change(inbox: &mut Inbox, counter: &mut SequenceCounter) -> Option<Change> {
        let marks = inbox.take_dirty()?;
        Some(Change::new(INBOX_KEY, INBOX, counter.draw(), |writer| record::write_marks(writer, &marks)))
    }

    /// Returns the next message that changed, and its record or its deletion. The caller frees the slot of a deleted message.
    pub(super) fn message_change(
        &mut self,
        table: &mut Messages<'_>,
        counter: &mut SequenceCounter,
    ) -> Option<(SlotId, Change, bool)> {
        let Some((id, slot)) = self.changes.pop(table).and_then(|id| Some((id, table.get_mut(id)?))) else {
            self.is_urgent = false;
            return None;
        };
        let sequence = counter.draw();
        slot.set(IN_CHANGES, false);
        slot.record = sequence;
        let key = slot.user_id;
        if slot.has(DELETED) {
            return Some((id, Change::delete(key), true));
        }
        let change = Change::new(key, MESSAGE, sequence, |writer| record::write_slot(writer, slot));
        Some((id, change, false))
    }

    /// Restores the client's own state. Returns the time until which the client ran, and the mark of its looks at reports, if the
    /// record is the latest so far.
    pub(super) fn restore_client(
        &mut self,
        reader: &mut Reader<'_>,
        clock: &mut GatewayClock,
        record: Sequence,
    ) -> Option<(Tick, Option<Mark>)> {
        if !self.user_ids.restore(reader.word(), record) {
            return None;
        }
        clock.restore_era(reader.byte() == 1, reader.byte());
        let then = Tick::new(reader.word());
        let mark =
            (!reader.is_empty()).then(|| Mark { highest: reader.word(), at: Tick::new(reader.word()) });
        Some((then, mark))
    }
}
