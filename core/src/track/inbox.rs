//! Incoming messages, each returned at least once.
//!
//! They are paged by id with `flag=all`, which changes nothing in the gateway. The latest known message is its id together with a
//! hash of its record. Each page begins with it, so that a restart of the gateway's ids is noticed.

use super::clock::Sequence;
use crate::{
    call::{Flag, IncomingSms, QueryIncomingSms},
    value::to_seconds,
};

/// The number of known messages that are kept: the newest may have been deleted in the gateway.
pub(super) const MARKS: usize = 4;

/// Identifies an incoming message, to [acknowledge](super::Tracker::acknowledge_incoming) it and to recognise repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InboxMark {
    /// The gateway's id of the message. Ids may restart.
    pub id: i64,
    /// A hash of port, sender, time and text. It stays the same if ids restart.
    pub hash: u32,
}

/// The newest known messages, the newest first.
pub(super) type Marks = [Option<InboxMark>; MARKS];

/// The place up to which the inbox is known.
#[derive(Debug)]
// They are independent of each other.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Inbox {
    /// The latest messages that were returned, and the latest that were acknowledged.
    fetched: Marks,
    acknowledged: Marks,
    mode: Mode,
    /// Whether the current response began with the message that it should begin with.
    page: Page,
    /// Whether the caller can hold another message.
    has_room: bool,
    /// Whether the current response contained something new.
    is_fresh: bool,
    /// Whether an event about restarted ids is due.
    has_restarted: bool,
    is_dirty: bool,
    /// The record from which it was restored.
    record: Sequence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Pages begin with this one of the known messages.
    Follow(usize),
    /// No known message is where it was. The newest one is searched by its hash, from this id on.
    Seek(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    /// The message has not arrived yet.
    Open,
    /// The message is there, and those after it are new.
    Verified,
    /// The message is not there. The rest of the response is ignored.
    Failed,
    /// A new message found no room. It and the rest of the response are ignored, even if room appears: a later message would be
    /// taken, and those before it would be lost.
    Full,
}

impl Inbox {
    pub(super) const fn new() -> Self {
        Self {
            fetched: const { [None; MARKS] },
            acknowledged: const { [None; MARKS] },
            mode: Mode::Follow(0),
            page: Page::Open,
            has_room: true,
            is_fresh: false,
            has_restarted: false,
            is_dirty: false,
            record: Sequence::NEVER,
        }
    }

    /// Returns once that ids restarted.
    pub(super) fn take_restarted(&mut self) -> bool {
        core::mem::take(&mut self.has_restarted)
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    /// Returns the marks to save, if they changed.
    pub(super) fn take_dirty(&mut self) -> Option<Marks> {
        core::mem::take(&mut self.is_dirty).then_some(self.acknowledged)
    }

    pub(super) fn restore(&mut self, record: Sequence, marks: Marks) {
        if self.record == Sequence::NEVER || record.is_after(self.record) {
            (self.fetched, self.acknowledged, self.record) = (marks, marks, record);
        }
    }

    /// Returns the request for the next page.
    pub(super) fn request(&self) -> QueryIncomingSms {
        let request = QueryIncomingSms::new(Flag::All);
        match self.after() {
            Some(id) => request.after(id),
            None => request,
        }
    }

    /// Returns the mark of a new message, for the caller. A message without an id is ignored, since it cannot be
    /// distinguished from others.
    pub(super) fn receive(&mut self, sms: &IncomingSms<'_>) -> Option<InboxMark> {
        let mark = InboxMark { id: sms.incoming_sms_id.get()?, hash: hash(sms) };
        self.take(mark).then_some(mark)
    }

    /// Notes that the caller has this message, and all that were returned before it.
    pub(super) fn acknowledge(&mut self, mark: InboxMark) {
        if self.acknowledged.first() != Some(&Some(mark)) {
            push(&mut self.acknowledged, mark);
            self.is_dirty = true;
        }
    }

    pub(super) const fn set_room(&mut self, has_room: bool) {
        self.has_room = has_room;
    }

    fn newest(&self) -> Option<InboxMark> {
        self.fetched.iter().flatten().copied().next()
    }

    /// Returns the message with which pages begin.
    fn anchor(&self) -> Option<InboxMark> {
        let Mode::Follow(place) = self.mode else { return None };
        self.fetched.get(place).copied().flatten()
    }

    /// Begins a page.
    pub(super) fn begin(&mut self) {
        (self.page, self.is_fresh) = (Page::Open, false);
    }

    fn after(&self) -> Option<i64> {
        match self.mode {
            Mode::Seek(from) => (from > 0).then_some(from),
            Mode::Follow(_) => self.anchor().map(|anchor| anchor.id.saturating_sub(1)).filter(|id| *id > 0),
        }
    }

    /// Returns whether a record is new.
    fn take(&mut self, mark: InboxMark) -> bool {
        if matches!(self.page, Page::Failed | Page::Full) {
            return false;
        }
        if let Mode::Seek(from) = self.mode {
            return self.seek(mark, from);
        }
        if let Some(anchor) = self.anchor().filter(|_| self.page == Page::Open) {
            if mark == anchor {
                self.page = Page::Verified;
            } else if mark.id == anchor.id {
                // Another message has its id, so ids restarted.
                self.start_seeking();
            } else if mark.id > anchor.id {
                self.try_older();
            }
            return false;
        }
        let is_new = self.newest().is_none_or(|newest| mark.id > newest.id);
        if is_new && !self.has_room {
            self.page = Page::Full;
            return false;
        }
        if is_new {
            push(&mut self.fetched, mark);
            (self.mode, self.page, self.is_fresh) = (Mode::Follow(0), Page::Verified, true);
        }
        is_new
    }

    fn seek(&mut self, mark: InboxMark, from: i64) -> bool {
        if mark.id <= from {
            return false;
        }
        self.mode = Mode::Seek(mark.id);
        self.is_fresh = true;
        if self.newest().is_some_and(|newest| newest.hash == mark.hash) {
            self.settle(Some(mark));
            self.page = Page::Verified;
        }
        false
    }

    /// Looks for the next older known message, since this one is not where it was. It may have been deleted.
    fn try_older(&mut self) {
        let Mode::Follow(place) = self.mode else { return };
        self.page = Page::Failed;
        let older = place.saturating_add(1);
        if self.fetched.get(older).is_some_and(Option::is_some) {
            self.mode = Mode::Follow(older);
        } else {
            self.start_seeking();
        }
    }

    fn start_seeking(&mut self) {
        self.page = Page::Failed;
        self.mode = Mode::Seek(0);
    }

    /// Continues after this message, or from the beginning.
    fn settle(&mut self, newest: Option<InboxMark>) {
        self.has_restarted |= newest != self.newest();
        let marks = [newest, None, None, None];
        // Otherwise some messages are not acknowledged: after a restart they are searched from the acknowledged ones.
        if self.acknowledged.first() == self.fetched.first() {
            self.acknowledged = marks;
            self.is_dirty = true;
        }
        self.fetched = marks;
        self.mode = Mode::Follow(0);
    }

    /// Ends a complete page. Returns whether the next page is requested at once.
    pub(super) fn end(&mut self) -> bool {
        match self.mode {
            Mode::Seek(_) if self.page == Page::Open && !self.is_fresh => {
                // All messages were searched.
                self.settle(None);
                true
            }
            Mode::Seek(_) => true,
            Mode::Follow(_) if self.page == Page::Failed => true,
            Mode::Follow(_) if self.page == Page::Open && self.anchor().is_some() => {
                self.try_older();
                true
            }
            Mode::Follow(_) => self.is_fresh,
        }
    }
}

/// Puts the newest mark before the others.
fn push(marks: &mut Marks, mark: InboxMark) {
    let mut next = Some(mark);
    for place in marks {
        next = core::mem::replace(place, next);
    }
}

/// Hashes a message with FNV-1a.
fn hash(sms: &IncomingSms<'_>) -> u32 {
    let mut hash = 0x811C_9DC5_u32;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
        // A border between this field and the next.
        hash = (hash ^ 0xFF).wrapping_mul(0x0100_0193);
    };
    add(&sms.port.get().unwrap_or(u32::MAX).to_le_bytes());
    add(sms.number.as_str().as_bytes());
    add(&sms.timestamp.get().map_or(u32::MAX, to_seconds).to_le_bytes());
    add(sms.text.as_str().as_bytes());
    hash
}
