//! The messages that were handed out, in that order, and which of them are acknowledged.

use super::{SAVED_MARKS, START, mark::InboxMark};

/// The maximum number of marks.
pub(super) const MARKS: usize = 24;
/// The number of marks that are reserved for the lowest new ids.
const RESERVE: usize = 6;
/// A placeholder for the id of a message that was handed out before ids restarted, and that has not been found again yet.
const FORMER: i64 = i64::MIN;

/// A message that was handed out.
// Contains the fields of the message's mark instead of the mark itself, which has padding.
#[derive(Clone, Copy, Debug)]
struct Receipt {
    id: i64,
    hash: u32,
    /// Its number among the messages that were handed out since the client started, counted from 1; 0 if it was handed out earlier.
    number: u32,
}

impl Receipt {
    const NONE: Self = Self { id: 0, hash: 0, number: 0 };

    const fn new(mark: InboxMark, number: u32) -> Self {
        Self { id: mark.id, hash: mark.hash, number }
    }

    fn mark(&self) -> InboxMark {
        InboxMark { id: self.id, hash: self.hash }
    }
}

/// The result of looking up a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It is new.
    No,
    /// It was handed out after the last proof that ids had not restarted.
    Unproven,
    /// It was handed out before the last such proof, so finding it is another proof.
    Proven,
    /// It was handed out before ids restarted.
    Renamed,
}

/// Messages that were dropped from the list before they were acknowledged, because the caller holds more messages than there are marks.
#[derive(Clone, Copy, Debug)]
struct Dropped {
    /// The smallest id of the dropped messages.
    lowest: i64,
    /// The dropped message that was handed out last.
    last: Receipt,
    /// Whether the dropped messages were handed out in the order of their ids. If so, an acknowledgement is recognised by its id.
    is_run: bool,
}

/// The handed-out messages that are above the saved place, or that are kept to recognise a restart of ids.
#[derive(Debug)]
pub(super) struct Receipts {
    list: [Receipt; MARKS],
    count: usize,
    /// The number of the message that was handed out last.
    latest: u32,
    /// The greatest number of an acknowledged message. All messages before it are acknowledged, too.
    acknowledged: u32,
    /// The greatest number of a message that was handed out before the last proof that ids had not restarted.
    proven: u32,
    /// All messages up to this id are acknowledged.
    saved: i64,
    dropped: Option<Dropped>,
    /// The greatest id that may have been dropped from the list.
    forgotten: i64,
    /// Whether ids have restarted, so that an acknowledgement may carry a former id.
    has_restarted: bool,
}

impl Receipts {
    pub(super) const fn new() -> Self {
        Self {
            list: [Receipt::NONE; MARKS],
            count: 0,
            latest: 0,
            acknowledged: 0,
            proven: 0,
            saved: START,
            dropped: None,
            forgotten: START,
            has_restarted: false,
        }
    }

    fn all(&self) -> &[Receipt] {
        self.list.get(..self.count).unwrap_or_default()
    }

    /// Returns whether the mark of a receipt may be saved. A mark that is saved too early may be mistaken for that of a new message
    /// after ids have restarted.
    fn is_final(&self, receipt: &Receipt) -> bool {
        receipt.number <= self.acknowledged.min(self.proven)
    }

    /// Looks up a message. With `may_rename`, a message that was handed out before ids restarted gets its new id.
    pub(super) fn meet(&mut self, mark: InboxMark, may_rename: bool) -> Known {
        let mut former = None;
        for receipt in self.list.iter_mut().take(self.count) {
            if receipt.mark() == mark {
                return if receipt.number <= self.proven { Known::Proven } else { Known::Unproven };
            }
            if receipt.hash == mark.hash && receipt.id == FORMER {
                former = Some(receipt);
            }
        }
        match former {
            Some(receipt) if may_rename => {
                receipt.id = mark.id;
                Known::Renamed
            }
            _ => Known::No,
        }
    }

    /// Notes the proof that ids have not restarted since the latest message was handed out. Returns whether there is more to save.
    pub(super) fn prove(&mut self) -> bool {
        let is_change = self.acknowledged > self.proven;
        self.proven = self.latest;
        is_change
    }

    /// Returns the smallest and the greatest id of the known messages that can prove that ids have not restarted.
    pub(super) fn known(&self) -> Option<(i64, i64)> {
        let (mut first, mut last) = (i64::MAX, START);
        for receipt in self.all() {
            let id = receipt.id;
            if id != FORMER && receipt.number <= self.proven {
                (first, last) = (first.min(id), last.max(id));
            }
        }
        (last > START).then_some((first, last))
    }

    /// Returns whether a message with this id would be known if it had been handed out.
    pub(super) const fn remembers(&self, id: i64) -> bool {
        id > self.forgotten
    }

    /// Adds a message if there is room for its mark. To make room, only marks with ids up to `from` are evicted. If messages of the
    /// previous page found no room, `ceiling` is the lowest of their ids, and only ids up to it are added. An inbox with ids in any order
    /// is therefore eventually read completely. [`RESERVE`] marks are reserved for ids up to `ceiling`.
    pub(super) fn add(&mut self, mark: InboxMark, from: i64, ceiling: i64) -> bool {
        let is_lowest = mark.id <= ceiling;
        let above = self.all().iter().filter(|receipt| receipt.id > from).count();
        let has_room = is_lowest || ceiling == START && above < MARKS.saturating_sub(RESERVE);
        if !has_room || self.count >= MARKS && !self.evict(from) {
            return false;
        }
        self.latest = self.latest.saturating_add(1);
        self.push(Receipt::new(mark, self.latest));
        true
    }

    fn push(&mut self, receipt: Receipt) {
        if let Some(place) = self.list.get_mut(self.count) {
            *place = receipt;
            self.count = self.count.saturating_add(1);
        }
    }

    /// Evicts a message whose id is not above `from`, because it need not be recognised. Prefers an acknowledged message up to the saved
    /// place, then the first message that is not acknowledged, then any other. Returns whether a message was evicted.
    fn evict(&mut self, from: i64) -> bool {
        let is_proof = |it: &Receipt| it.number <= self.proven && it.id > from;
        // A proven message above `from` stays, and can reveal a restart of ids. Without one, the latest proven message is kept for this.
        let needs_one = self.proven > 0 && !self.all().iter().any(is_proof);
        let (mut victim, mut rank) = (0, 0_u8);
        for (at, receipt) in self.all().iter().enumerate() {
            let id = receipt.id;
            let is_open = receipt.number > self.acknowledged;
            let is_kept = needs_one && receipt.number == self.proven && id != FORMER;
            let its = if id > from || is_kept {
                0
            } else if is_open {
                2
            } else if id <= self.saved {
                3
            } else {
                1
            };
            if its > rank {
                (victim, rank) = (at, its);
            }
        }
        if rank == 2 {
            self.drop_open(victim);
        }
        if rank > 0 {
            self.remove(victim);
        }
        rank > 0
    }

    /// Makes room for a message with this id, because the place does not move past the message until it is taken. Drops the
    /// acknowledged message with the greatest id above this one, although that message is returned again. Returns whether it dropped one.
    pub(super) fn make_room(&mut self, lowest: i64) -> bool {
        let (mut victim, mut greatest) = (None, lowest);
        for (at, receipt) in self.all().iter().enumerate() {
            if receipt.number <= self.acknowledged && receipt.id > greatest {
                (victim, greatest) = (Some(at), receipt.id);
            }
        }
        let Some(at) = victim.filter(|_| self.count >= MARKS) else { return false };
        self.remove(at);
        true
    }

    /// Notes that an unacknowledged message is dropped. The saved place does not move past the message until it is acknowledged.
    fn drop_open(&mut self, at: usize) {
        let Some(&receipt) = self.list.get(at) else { return };
        let id = receipt.id;
        self.dropped = Some(match self.dropped {
            Some(dropped) => {
                let is_later = receipt.number > dropped.last.number;
                Dropped {
                    lowest: dropped.lowest.min(id),
                    last: if is_later { receipt } else { dropped.last },
                    is_run: is_later && dropped.is_run && id > dropped.last.id,
                }
            }
            None => Dropped { lowest: id, last: receipt, is_run: !self.has_restarted },
        });
    }

    fn remove(&mut self, at: usize) {
        if let Some(receipt) = self.list.get(at) {
            self.forgotten = self.forgotten.max(receipt.id);
        }
        self.count = self.count.saturating_sub(1);
        // Moved one by one, because the slice's own functions contain a panic.
        for place in at..self.count {
            let next = self.list.get(place.saturating_add(1)).copied();
            if let (Some(place), Some(next)) = (self.list.get_mut(place), next) {
                *place = next;
            }
        }
    }

    /// Acknowledges a message and all messages before it. Returns whether anything changed.
    pub(super) fn acknowledge(&mut self, mark: InboxMark) -> bool {
        let mut number = 0;
        for receipt in self.all().iter().filter(|receipt| receipt.number > self.acknowledged) {
            // After a restart of ids, the message has another id but the same hash.
            if receipt.mark() == mark || number == 0 && receipt.hash == mark.hash {
                number = receipt.number;
            }
        }
        if let Some(dropped) = &mut self.dropped {
            if number == 0 && dropped.last.mark() == mark {
                number = dropped.last.number;
            } else if number == 0 && dropped.is_run && (dropped.lowest..dropped.last.id).contains(&mark.id) {
                dropped.lowest = mark.id.saturating_add(1);
                return true;
            }
            if number >= dropped.last.number {
                self.dropped = None;
            }
        }
        self.acknowledged = self.acknowledged.max(number);
        number > 0
    }

    /// Moves the saved place up to `place`, but not past a message whose mark may not be saved yet.
    pub(super) fn advance(&mut self, place: i64) {
        let mut place = self.dropped.map_or(place, |dropped| place.min(dropped.lowest.saturating_sub(1)));
        for receipt in self.all().iter().filter(|receipt| !self.is_final(receipt)) {
            place = place.min(receipt.id.saturating_sub(1));
        }
        self.saved = self.saved.max(place);
    }

    /// Forgets the ids, because they have restarted. From now on, the messages are recognised by their hashes.
    pub(super) fn restart(&mut self) {
        // Messages that were handed out since the last proof already have new ids.
        let proven = self.proven;
        self.list.iter_mut().filter(|it| it.number <= proven).for_each(|it| it.id = FORMER);
        (self.saved, self.forgotten, self.dropped, self.has_restarted) = (START, START, None, true);
        self.prove();
    }

    /// Returns the messages up to the latest one whose mark may be saved. The marks of some earlier messages must not be saved yet.
    fn to_save(&self) -> &[Receipt] {
        let count = self.all().iter().rposition(|receipt| self.is_final(receipt));
        self.all().get(..=count.unwrap_or(MARKS)).unwrap_or_default()
    }

    /// Returns the saved place and the marks of a record. Record 0 contains the latest marks.
    pub(super) fn record(&self, number: usize) -> (i64, impl Iterator<Item = InboxMark>) {
        let marks = self.to_save().rchunks(SAVED_MARKS).nth(number).unwrap_or_default();
        (self.saved, marks.iter().filter(|receipt| self.is_final(receipt)).map(Receipt::mark))
    }

    /// Returns the number of records that must be saved so that no message is returned again.
    pub(super) fn records(&self) -> usize {
        let marks = self.to_save();
        let first = marks.iter().position(|it| it.id > self.saved || it.id == FORMER);
        marks.len().saturating_sub(first.unwrap_or(marks.len())).div_ceil(SAVED_MARKS)
    }

    /// Restores the marks of a record. `saved` is its saved place if the record is the latest one so far.
    pub(super) fn restore(&mut self, saved: Option<i64>, marks: impl Iterator<Item = InboxMark>) {
        self.saved = saved.unwrap_or(self.saved);
        self.forgotten = self.forgotten.max(self.saved);
        for mark in marks {
            if self.meet(mark, false) == Known::No
                && (self.count < MARKS || saved.is_some() && self.evict(self.saved))
            {
                self.push(Receipt::new(mark, 0));
            }
        }
    }
}
