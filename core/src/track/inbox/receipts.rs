//! The messages that were handed out, in this order, and which of them are acknowledged.

use super::{START, mark::InboxMark};

/// The maximum number of marks.
pub(super) const MARKS: usize = 24;
/// The marks that only the lowest new ids may take, so that ids in any order can be read to their end.
const RESERVE: usize = 6;

#[derive(Clone, Copy, Debug)]
struct Receipt {
    mark: InboxMark,
    is_acknowledged: bool,
    /// Whether the message is presumed to be deleted in the gateway.
    is_gone: bool,
    /// Whether it was handed out before the latest doubt about the ids.
    is_proven: bool,
}

/// The messages that were handed out, and are either above the saved place, or kept to recognise ids that restart.
#[derive(Debug)]
pub(super) struct Receipts {
    list: [Receipt; MARKS],
    count: usize,
    /// All messages up to this id are acknowledged, and those above it are in the list if they are acknowledged.
    saved: i64,
    /// The last message that was dropped from the list although it is not acknowledged. Those before it have smaller ids, and those in
    /// the list greater ones.
    dropped: Option<InboxMark>,
}

impl Receipts {
    pub(super) const fn new() -> Self {
        let none =
            Receipt { mark: InboxMark::NONE, is_acknowledged: false, is_gone: false, is_proven: false };
        Self { list: [none; MARKS], count: 0, saved: START, dropped: None }
    }

    pub(super) const fn saved(&self) -> i64 {
        self.saved
    }

    fn all(&self) -> &[Receipt] {
        self.list.get(..self.count).unwrap_or_default()
    }

    fn all_mut(&mut self) -> &mut [Receipt] {
        self.list.get_mut(..self.count).unwrap_or_default()
    }

    fn find(&mut self, which: impl Fn(&Receipt) -> bool) -> Option<&mut Receipt> {
        self.all_mut().iter_mut().find(|receipt| which(receipt))
    }

    /// Notes that a message is there, if it was handed out; then returns whether that proves that ids have not restarted.
    pub(super) fn meet(&mut self, mark: InboxMark) -> Option<bool> {
        let receipt = self.find(|receipt| receipt.mark == mark)?;
        receipt.is_gone = false;
        Some(receipt.is_proven)
    }

    /// Notes that the messages of a page are proven, since ids have not restarted.
    pub(super) fn prove(&mut self) {
        self.all_mut().iter_mut().for_each(|receipt| receipt.is_proven = true);
    }

    /// Gives a message with this hash, that has not been met yet, its new id.
    pub(super) fn rename(&mut self, mark: InboxMark) {
        if let Some(receipt) = self.find(|receipt| receipt.is_gone && receipt.mark.hash == mark.hash) {
            (receipt.mark.id, receipt.is_gone, receipt.is_proven) = (mark.id, false, false);
        }
    }

    /// Whether a page from here must show a known message.
    pub(super) fn expects_any(&self, from: i64) -> bool {
        self.all().iter().any(|it| it.mark.is_anchor() && it.mark.id > from && !it.is_gone && it.is_proven)
    }

    /// The greatest id above which nothing but known unreadable records is left out.
    pub(super) fn greatest_unreadable(&self) -> i64 {
        let unreadable = self.all().iter().filter(|it| it.mark.is_unreadable()).map(|it| it.mark.id);
        unreadable.max().unwrap_or(START)
    }

    /// Presumes that all proven messages are deleted, until they are met.
    pub(super) fn presume_gone(&mut self) {
        self.all_mut().iter_mut().for_each(|receipt| receipt.is_gone |= receipt.is_proven);
    }

    /// Adds a message, if there is room for its mark. Those with ids above `from` stay in the list. Up to `ceiling` the reserve is used.
    pub(super) fn add(&mut self, mark: InboxMark, from: i64, ceiling: i64) -> bool {
        let above = self.all().iter().filter(|receipt| receipt.mark.id > from).count();
        let most = if mark.id <= ceiling { MARKS } else { MARKS.saturating_sub(RESERVE) };
        above < most && (self.count < MARKS || self.evict(from)) && self.push(mark, false)
    }

    fn push(&mut self, mark: InboxMark, is_acknowledged: bool) -> bool {
        let Some(place) = self.list.get_mut(self.count) else { return false };
        *place = Receipt { mark, is_acknowledged, is_gone: false, is_proven: is_acknowledged };
        self.count = self.count.saturating_add(1);
        true
    }

    /// Drops the oldest message that need not be known any more.
    fn evict(&mut self, from: i64) -> bool {
        let saved = self.saved.min(from);
        if self.remove(|it| it.is_acknowledged && it.mark.id <= saved) {
            return true;
        }
        let mut open = self.all().iter().filter(|it| !it.is_acknowledged);
        let Some(first) = open.next().map(|it| it.mark) else { return false };
        // Their acknowledgement is understood by the id alone while ids rise.
        if first.id > from || first.is_unreadable() || open.any(|it| it.mark.id <= first.id) {
            return false;
        }
        self.dropped = Some(first);
        self.remove(|it| it.mark == first)
    }

    /// Removes the first one of these.
    fn remove(&mut self, which: impl Fn(&Receipt) -> bool) -> bool {
        let Some(at) = self.all().iter().position(which) else { return false };
        let rest = self.list.get_mut(at..self.count).unwrap_or_default();
        rest.rotate_left(1.min(rest.len()));
        self.count = self.count.saturating_sub(1);
        true
    }

    /// Acknowledges a message and all before it, except for unreadable ones. Returns whether that is a change.
    pub(super) fn acknowledge(&mut self, mark: InboxMark, from: i64) -> bool {
        let is_open = |it: &Receipt| !it.is_acknowledged && !it.mark.is_unreadable();
        let at = self.all().iter().position(|it| it.mark == mark);
        // After a restart of ids it has another one.
        let at = at.or_else(|| self.all().iter().position(|it| is_open(it) && it.mark.hash == mark.hash));
        let Some(at) = at else { return self.acknowledge_dropped(mark, from) };
        let mut is_changed = self.dropped.take().is_some();
        for receipt in self.list.iter_mut().take(at.saturating_add(1)).filter(|it| is_open(it)) {
            (receipt.is_acknowledged, is_changed) = (true, true);
        }
        self.advance(from);
        is_changed
    }

    fn acknowledge_dropped(&mut self, mark: InboxMark, from: i64) -> bool {
        let Some(dropped) = self.dropped.filter(|last| (self.saved..=last.id).contains(&mark.id)) else {
            return false;
        };
        self.saved = mark.id;
        if mark == dropped {
            self.dropped = None;
            self.advance(from);
        }
        true
    }

    /// Notes that an unreadable message has been reported.
    pub(super) fn reported(&mut self, id: i64, from: i64) {
        if let Some(receipt) = self.find(|it| it.mark == InboxMark::unreadable(id)) {
            receipt.is_acknowledged = true;
        }
        self.advance(from);
    }

    /// Moves the saved place as far as all is acknowledged, and to a message by which restarts of ids are noticed.
    pub(super) fn advance(&mut self, from: i64) {
        if self.dropped.is_some() {
            return;
        }
        let open = self.all().iter().filter(|it| !it.is_acknowledged).map(|it| it.mark.id).min();
        let most = open.map_or(from, |id| id.saturating_sub(1).min(from));
        let anchors = self.all().iter().filter(|it| it.is_acknowledged && it.mark.is_anchor() && !it.is_gone);
        let anchor = anchors.map(|it| it.mark.id).filter(|id| *id <= most).max();
        let unreadable = self.greatest_unreadable().min(most);
        let place = anchor.map_or(most, |id| id.saturating_sub(1).max(unreadable));
        // With nothing above it there would be no anchor, unless it is the place from which pages are asked for.
        let place = if self.expects_any(most) && open.is_none() { most } else { place };
        self.saved = self.saved.max(place);
    }

    /// Forgets the ids: they have restarted. Messages that were found under other ids are kept.
    pub(super) fn restart(&mut self) {
        while self.remove(|it| it.is_gone) {}
        (self.saved, self.dropped) = (START, None);
        self.prove();
    }

    /// The marks to save: first those without which a message would be returned again, then others.
    pub(super) fn to_save(&self) -> impl Iterator<Item = InboxMark> {
        let acknowledged = |it: &&Receipt| it.is_acknowledged;
        let is_needed = |it: &&Receipt| it.mark.id > self.saved;
        let needed = self.all().iter().rev().filter(acknowledged).filter(is_needed);
        let others = self.all().iter().rev().filter(acknowledged).filter(move |it| !is_needed(it));
        needed.chain(others).map(|it| it.mark)
    }

    /// The number of marks without which a message would be returned again.
    pub(super) fn needed(&self) -> usize {
        self.all().iter().filter(|it| it.is_acknowledged && it.mark.id > self.saved).count()
    }

    /// Takes the saved place of a record, and its marks.
    pub(super) fn restore(&mut self, saved: Option<i64>, marks: impl Iterator<Item = InboxMark>) {
        self.saved = saved.unwrap_or(self.saved);
        for mark in marks {
            if self.meet(mark).is_none()
                && (self.count < MARKS || self.remove(|it| it.mark.id <= saved.unwrap_or(START)))
            {
                self.push(mark, true);
            }
        }
    }
}
