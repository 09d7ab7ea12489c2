//! The observations of one page.

use super::{START, before};

/// The number of records, each after one with a smaller id, after which a gateway is taken to list ids in rising order. Only pages with
/// something new count.
const TRUSTED: u8 = 16;
/// The gateway has listed ids in another order.
const UNORDERED: u8 = u8::MAX;
/// Greater than all ids.
const NONE: i64 = i64::MAX;

/// The order in which a gateway lists its messages, as far as it is known.
#[derive(Debug)]
pub(super) struct Order(u8);

impl Order {
    pub(super) const UNKNOWN: Self = Self(0);

    pub(super) const fn is_rising(&self) -> bool {
        self.0 == TRUSTED
    }

    /// Notes the order of a page.
    pub(super) fn learn(&mut self, page: &Page) {
        if !page.is_rising {
            self.0 = UNORDERED;
        } else if self.0 != UNORDERED && page.is_fresh {
            self.0 = self.0.saturating_add(page.rises).min(TRUSTED);
        }
    }
}

/// The observations of the page that is being read.
#[derive(Debug)]
// They are independent of each other.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Page {
    /// The place from which it was asked for.
    pub(super) from: i64,
    /// The id of the latest record.
    pub(super) last: i64,
    /// The smallest id; greater than all ids in an empty page.
    lowest: i64,
    /// The greatest id of the messages that are known or taken.
    pub(super) greatest: i64,
    /// The smallest id of a new message that was not taken; greater than all ids if all were taken.
    postponed: i64,
    /// The number of records with a greater id than the one before.
    rises: u8,
    /// Whether the ids have not fallen so far.
    pub(super) is_rising: bool,
    /// Whether something was taken.
    pub(super) is_fresh: bool,
    /// Whether there is a message that is not known, and was not to be taken.
    pub(super) is_strange: bool,
    /// Whether a message shows that ids have restarted: it should be known and is not, or is known by its hash alone.
    pub(super) is_refuted: bool,
    /// Whether a message that was known before suggests that ids have not restarted.
    pub(super) is_verified: bool,
    /// Whether a new message found no room. Then the rest is not taken either, so that no message overtakes another.
    pub(super) is_full: bool,
}

impl Page {
    pub(super) const fn new(from: i64) -> Self {
        Self {
            from,
            last: from,
            lowest: NONE,
            greatest: START,
            postponed: NONE,
            rises: 0,
            is_rising: true,
            is_fresh: false,
            is_strange: false,
            is_refuted: false,
            is_verified: false,
            is_full: false,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.lowest == NONE
    }

    /// Notes the id of a record.
    pub(super) fn note(&mut self, id: i64) {
        self.is_rising &= id >= self.last;
        self.rises = self.rises.saturating_add(u8::from(!self.is_empty() && id > self.last));
        self.lowest = self.lowest.min(id);
        self.last = id;
    }

    /// Notes that the caller has the message of the latest record.
    pub(super) fn know(&mut self) {
        self.greatest = self.greatest.max(self.last);
    }

    /// Notes that the latest record is new and not taken.
    pub(super) fn postpone(&mut self) {
        self.postponed = self.postponed.min(self.last);
    }

    pub(super) const fn has_postponed(&self) -> bool {
        self.postponed != NONE
    }

    /// The smallest id of the new messages that found no room for their marks; smaller than all ids if there are none.
    pub(super) const fn ceiling(&self) -> i64 {
        if self.has_postponed() { self.postponed } else { START }
    }

    /// Whether the page holds known messages of one id and nothing else.
    pub(super) const fn is_single(&self) -> bool {
        self.lowest == self.greatest && !self.is_fresh && !self.has_postponed()
    }

    /// Returns the place from which the next page is asked for, which may be the same or a smaller one.
    ///
    /// If ids rise, nothing is hidden before the last record, which is shown again in case that others have the same id. In any other
    /// order a page that the gateway cut may hide every id except those below its lowest, which no place shows. So the next page
    /// leaves out the lowest one only, if it is known and others are left, and after a page without anything new.
    ///
    /// The place never moves past all that is known, so that it is noticed if ids restart.
    pub(super) fn next(&self, order: &Order) -> i64 {
        let next = if order.is_rising() {
            before(self.greatest)
        } else if self.is_full || self.is_empty() {
            return START;
        } else {
            let may_pass = self.greatest > self.lowest && !self.is_fresh;
            if may_pass { self.lowest } else { before(self.lowest) }
        };
        next.min(before(self.postponed))
    }

    /// Returns the place from which a survey, which takes nothing, goes on after a page that is not empty.
    pub(super) const fn beyond(&self, order: &Order) -> i64 {
        if order.is_rising() && self.is_rising { self.last } else { self.lowest }
    }
}
