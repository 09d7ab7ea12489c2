//! Incoming messages, each handed out at least once.
//!
//! They are paged by id with `flag=all`, which changes nothing in the gateway. The place up to which they are known is the
//! last id together with a hash of that record; each page begins with it, so that a gateway whose ids began anew is noticed.

use core::time::Duration;

use super::{
    ask::Token,
    question::Kind,
    tracker::{Tracker, is_later},
};
use crate::{
    call::{Flag, IncomingSms, QueryIncomingSms},
    value::to_seconds,
};

/// How many known messages are remembered: the newest may have been deleted in the gateway.
pub(super) const MARKS: usize = 4;

/// Marks an incoming message: with it the message is [acknowledged](Tracker::acknowledge_incoming), and repetitions are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub struct InboxMark {
    /// The gateway's id of the message. Ids may begin anew.
    pub id: i64,
    /// A hash of port, sender, time and text. It stays the same when ids begin anew.
    pub hash: u32,
}

/// The newest known messages, the newest first.
pub(super) type Marks = [Option<InboxMark>; MARKS];

pub(super) struct Inbox {
    /// Up to which messages were handed out, and which of them were acknowledged.
    fetched: Marks,
    pub(super) acknowledged: Marks,
    mode: Mode,
    /// What the current answer has shown of the message that it is to begin with.
    page: Page,
    /// Whether it had something new.
    fresh: bool,
    restarted: bool,
    pub(super) unsaved: bool,
    /// Of the record that was restored.
    sequence: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Pages begin with this one of the known messages.
    Follow(usize),
    /// None of the known messages is where it was: looks for the newest by its hash, from this id on.
    Seek(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    /// It has not come yet.
    Open,
    /// It is there: what follows is new.
    Verified,
    /// It is not there. The rest of the answer is not looked at.
    Failed,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            fetched: [None; MARKS],
            acknowledged: [None; MARKS],
            mode: Mode::Follow(0),
            page: Page::Open,
            fresh: false,
            restarted: false,
            unsaved: false,
            sequence: 0,
        }
    }

    pub(super) fn take_restarted(&mut self) -> bool {
        core::mem::take(&mut self.restarted)
    }

    pub(super) fn restore(&mut self, sequence: u32, marks: Marks) {
        if self.sequence == 0 || is_later(sequence, self.sequence) {
            (self.fetched, self.acknowledged, self.sequence) = (marks, marks, sequence);
        }
    }

    fn newest(&self) -> Option<InboxMark> {
        self.fetched.iter().flatten().copied().next()
    }

    /// The message that pages begin with.
    fn anchor(&self) -> Option<InboxMark> {
        let Mode::Follow(place) = self.mode else { return None };
        self.fetched.get(place).copied().flatten()
    }

    /// A question begins.
    pub(super) fn begin(&mut self) {
        (self.page, self.fresh) = (Page::Open, false);
    }

    fn after(&self) -> Option<i64> {
        match self.mode {
            Mode::Seek(from) => (from > 0).then_some(from),
            Mode::Follow(_) => self.anchor().map(|anchor| anchor.id.saturating_sub(1)).filter(|id| *id > 0),
        }
    }

    /// Whether a record is new, and to be handed out.
    fn take(&mut self, mark: InboxMark) -> bool {
        if self.page == Page::Failed {
            return false;
        }
        if let Mode::Seek(from) = self.mode {
            return self.seek(mark, from);
        }
        if let Some(anchor) = self.anchor().filter(|_| self.page == Page::Open) {
            if mark == anchor {
                self.page = Page::Verified;
            } else if mark.id == anchor.id {
                // Another message has its id: ids began anew.
                self.start_seeking();
            } else if mark.id > anchor.id {
                self.try_older();
            }
            return false;
        }
        let is_new = self.newest().is_none_or(|newest| mark.id > newest.id);
        if is_new {
            push(&mut self.fetched, mark);
            (self.mode, self.page, self.fresh) = (Mode::Follow(0), Page::Verified, true);
        }
        is_new
    }

    fn seek(&mut self, mark: InboxMark, from: i64) -> bool {
        if mark.id <= from {
            return false;
        }
        self.mode = Mode::Seek(mark.id);
        self.fresh = true;
        if self.newest().is_some_and(|newest| newest.hash == mark.hash) {
            self.settle(Some(mark));
            self.page = Page::Verified;
        }
        false
    }

    /// The known message is not where it was: perhaps it was deleted. Looks for one before it.
    fn try_older(&mut self) {
        let Mode::Follow(place) = self.mode else { return };
        self.page = Page::Failed;
        if self.fetched.get(place + 1).is_some_and(Option::is_some) {
            self.mode = Mode::Follow(place + 1);
        } else {
            self.start_seeking();
        }
    }

    fn start_seeking(&mut self) {
        self.page = Page::Failed;
        self.mode = Mode::Seek(0);
    }

    /// What is known is up to this message from now on, or nothing.
    fn settle(&mut self, newest: Option<InboxMark>) {
        self.restarted |= newest != self.newest();
        let marks = [newest, None, None, None];
        // Else some are still to be acknowledged: after a restart they are looked for by what was acknowledged.
        if self.acknowledged.first() == self.fetched.first() {
            self.acknowledged = marks;
            self.unsaved = true;
        }
        self.fetched = marks;
        self.mode = Mode::Follow(0);
    }

    /// The answer came whole: whether the next page is to be asked for at once.
    pub(super) fn end(&mut self) -> bool {
        match self.mode {
            Mode::Seek(_) if self.page == Page::Open && !self.fresh => {
                // All was looked through.
                self.settle(None);
                true
            }
            Mode::Seek(_) => true,
            Mode::Follow(_) if self.page == Page::Failed => true,
            Mode::Follow(_) if self.page == Page::Open && self.anchor().is_some() => {
                self.try_older();
                true
            }
            Mode::Follow(_) => self.fresh,
        }
    }
}

/// Puts the newest in front of the others.
fn push(marks: &mut Marks, mark: InboxMark) {
    marks.rotate_right(1);
    if let Some(first) = marks.first_mut() {
        *first = Some(mark);
    }
}

impl Tracker<'_> {
    /// The question of [`Ask::Incoming`](super::Ask::Incoming).
    pub fn incoming_request(&self, _: &Token<QueryIncomingSms>) -> QueryIncomingSms {
        let request = QueryIncomingSms::new(Flag::All);
        match self.inbox.after() {
            Some(id) => request.after(id),
            None => request,
        }
    }

    /// A message of the answer to [`Ask::Incoming`](super::Ask::Incoming): with a mark it is new, and to be handed to the
    /// caller, who acknowledges it with the mark. A message without an id can't be told from others and is passed over.
    pub fn handle_incoming(
        &mut self,
        token: &Token<QueryIncomingSms>,
        sms: &IncomingSms<'_>,
        now: Duration,
    ) -> Option<InboxMark> {
        if !self.is_asked(token) || self.question.kind != Kind::Incoming {
            return None;
        }
        self.now = self.tick(now);
        let mark = InboxMark { id: sms.incoming_sms_id.get()?, hash: hash(sms) };
        self.inbox.take(mark).then_some(mark)
    }

    /// The caller has this message, and all that were handed out before it.
    pub fn acknowledge_incoming(&mut self, mark: InboxMark) {
        if self.inbox.acknowledged.first() != Some(&Some(mark)) {
            push(&mut self.inbox.acknowledged, mark);
            self.inbox.unsaved = true;
        }
    }
}

/// FNV-1a of what a message says.
fn hash(sms: &IncomingSms<'_>) -> u32 {
    let mut hash = 0x811C_9DC5_u32;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
        // A border between this and the next.
        hash = (hash ^ 0xFF).wrapping_mul(0x0100_0193);
    };
    add(&sms.port.get().unwrap_or(u32::MAX).to_le_bytes());
    add(sms.number.as_str().as_bytes());
    add(&sms.timestamp.get().map_or(u32::MAX, to_seconds).to_le_bytes());
    add(sms.text.as_str().as_bytes());
    hash
}
