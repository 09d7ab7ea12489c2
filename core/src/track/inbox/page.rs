//! The observations of one page.

use super::{START, before};

/// The number of rises after which a gateway is assumed to list ids in rising order. A rise is a record with a greater id than the one
/// before it. Rises count only on pages with a new message.
const TRUSTED: u8 = 16;
/// The gateway has listed ids in another order.
const UNORDERED: u8 = u8::MAX;
/// A value above all ids.
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
// The flags are independent of each other.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Page {
    /// The place from which the page was requested.
    pub(super) from: i64,
    /// The id of the latest record.
    pub(super) last: i64,
    /// The smallest id; [`NONE`] in an empty page.
    lowest: i64,
    /// The greatest id of the messages that are known or were taken.
    pub(super) greatest: i64,
    /// The smallest id of a new message that was not taken; [`NONE`] if all were taken.
    postponed: i64,
    /// The number of records with a greater id than the one before.
    rises: u8,
    /// Whether no id so far was smaller than the one before it.
    pub(super) is_rising: bool,
    /// Whether a new message was taken.
    pub(super) is_fresh: bool,
    /// Whether a page of a search shows an unknown message, which is not taken.
    pub(super) is_strange: bool,
    /// Whether a message shows that ids have restarted: it should be known but is not, or it is known by its hash alone.
    pub(super) is_refuted: bool,
    /// Whether a message that was known before shows that ids have not restarted.
    pub(super) is_verified: bool,
    /// Whether the caller had no room for a new message. The rest of the page is then not taken either, so that no message overtakes
    /// another.
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

    /// Returns the smallest id of the new messages that were not taken; [`START`] if all were taken.
    pub(super) const fn ceiling(&self) -> i64 {
        if self.has_postponed() { self.postponed } else { START }
    }

    /// Returns whether all records of the page are known and have the same id.
    pub(super) const fn is_single(&self) -> bool {
        self.lowest == self.greatest && !self.is_fresh && !self.has_postponed()
    }

    /// Returns the place from which the next page is requested. It may be the same as before, or a smaller one.
    ///
    /// If ids rise, nothing is hidden before the last record. That record is shown again, because other messages may have the same id.
    ///
    /// In any other order, a page that the gateway cut may hide any id. No place shows hidden ids below the lowest shown id, but a later
    /// place can show those above it. So the place moves at most just past the lowest shown id. Even for that, this id must be known, a
    /// greater known id must remain, and no new message may have been taken from the page.
    ///
    /// The place never moves past all known messages, so that a restart of ids is noticed.
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

    /// Returns the place from which a survey continues after a page that is not empty. A survey takes no messages.
    pub(super) const fn beyond(&self, order: &Order) -> i64 {
        if order.is_rising() && self.is_rising { self.last } else { self.lowest }
    }
}
