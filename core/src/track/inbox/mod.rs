//! Incoming messages, each returned at least once.
//!
//! Messages are queried in pages with `flag=all`, which changes nothing in the gateway. A page contains messages with ids above a
//! *place*. No order of ids is assumed. A message is new if its id is above the place, and its mark is not among those handed out
//! ([`receipts`]).
//!
//! The place moves only past ids that a page has shown ([`page`]), and only if ids have not restarted. A page that shows a known message
//! proves that ids have not restarted. Without this proof, the inbox is surveyed from an earlier place. If the survey finds a known message
//! under its old id, the page is requested again. Otherwise, ids have restarted.
//!
//! Known limits:
//!
//! - If ids do not rise, an unreadable record or the end of a cut page hides the messages listed after it. No other place shows them.
//! - If ids rise for a while and then do not, pages that were cut before the change may have hidden messages that no page shows again.
//! - An acknowledgement is not saved while a survey is under way. If the client restarts during the survey, the acknowledged messages
//!   are returned again.
//! - If the caller holds more messages than there are free marks, an acknowledgement is recognised by its id. If ids are equal or have
//!   restarted, the acknowledgement takes effect together with a later one. If the client restarts before that, those messages are
//!   returned again.
//! - If no readable message is known, for example because none was acknowledged before the client restarted, a restart of ids may be
//!   missed. If the new ids grow past the place, the restart is noticed only if a message has the id of the place.
//! - Two unreadable records count as one if neither has a readable id, both break at the same offset, and both are further past the last
//!   known message than the single steps of [`search`] reach. Messages between the two records are lost.

mod mark;
mod page;
mod receipts;
mod search;

use super::clock::Sequence;
use crate::call::{Flag, IncomingSms, QueryIncomingSms};
pub use mark::InboxMark;
use page::{Order, Page};
use receipts::{Known, MARKS, Receipts};
pub use search::InboxSearch;

/// The place before all ids.
const START: i64 = -1;

/// Returns the place before an id or another place. Both are at least [`START`], so nothing overflows.
const fn before(id: i64) -> i64 {
    id.wrapping_sub(1)
}

/// The number of consecutive empty pages after which the inbox is surveyed, if no known message was expected on them.
const QUIET_PAGES: u8 = 8;

/// The number of marks in a record.
pub(super) const SAVED_MARKS: usize = 6;
/// The maximum number of records.
pub(super) const RECORDS: usize = MARKS.div_ceil(SAVED_MARKS);

/// How far the inbox has been read, and the search or the survey that is under way, if any.
#[derive(Debug)]
// The flags are independent of each other.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Inbox {
    receipts: Receipts,
    /// The place from which pages are requested.
    from: i64,
    /// The place to return to if the next page is empty. Reading moved on from this place because its page showed a single message, which
    /// may be so long that it hides others.
    back: Option<i64>,
    /// The search for the place past a record that made its page unreadable.
    search: Option<InboxSearch>,
    /// The id that the search has found. It is checked once more, because new messages may be listed before the record.
    found: Option<i64>,
    /// The place to return to after a survey. A survey searches for a known message, which proves that ids have not restarted.
    survey: Option<i64>,
    page: Page,
    order: Order,
    /// Whether the next page should show a known message.
    is_expected: bool,
    /// The smallest id of the latest page's new messages for which there was no room; [`START`] if there was room for all.
    ceiling: i64,
    /// Whether the caller can hold another message.
    has_room: bool,
    /// The position at which the latest page became unreadable.
    broken: Option<PageBreak>,
    /// Whether a search for a place past `broken` has failed.
    is_hopeless: bool,
    /// The id of an unreadable message that is not reported yet.
    unreadable: Option<i64>,
    quiet_pages: u8,
    /// Whether an event about restarted ids is due.
    has_restarted: bool,
    /// The number of records that are to be saved.
    dirty: usize,
    /// The sequence number of the latest record from which the inbox was restored.
    record: Sequence,
}

/// The position at which a page became unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageBreak {
    /// The id of the record that broke the page, if the id was read before the break. The sender of the message may have forged it.
    pub id: Option<i64>,
    /// The number of bytes from the beginning of the latest record to this position.
    pub offset: u32,
    /// Whether the response ended there, without being malformed.
    pub is_cut: bool,
}

impl Inbox {
    pub(super) const fn new() -> Self {
        Self {
            receipts: Receipts::new(),
            from: START,
            back: None,
            search: None,
            found: None,
            survey: None,
            page: Page::new(START),
            order: Order::UNKNOWN,
            is_expected: false,
            ceiling: START,
            has_room: true,
            broken: None,
            is_hopeless: false,
            unreadable: None,
            quiet_pages: 0,
            has_restarted: false,
            dirty: 0,
            record: Sequence::NEVER,
        }
    }

    /// Returns whether ids have restarted, once for each restart.
    pub(super) fn take_restarted(&mut self) -> bool {
        core::mem::take(&mut self.has_restarted)
    }

    /// Returns the id of an unreadable message, once. From then on, the message counts as acknowledged.
    pub(super) fn take_unreadable(&mut self) -> Option<i64> {
        let id = self.unreadable.take()?;
        self.touch();
        Some(id)
    }

    pub(super) const fn is_dirty(&self) -> bool {
        self.dirty > 0
    }

    /// Returns the place to which a survey, or reading past a single message, returns. If neither is under way, returns the current place.
    fn home(&self) -> i64 {
        self.survey.or(self.back).unwrap_or(self.from)
    }

    /// Moves the saved place as far as possible.
    fn advance(&mut self) {
        let place = self.home();
        self.receipts.advance(self.unreadable.map_or(place, |id| place.min(before(id))));
    }

    fn touch(&mut self) {
        self.advance();
        self.dirty = self.receipts.records().clamp(1, RECORDS);
    }

    /// Returns the number of the next record to save, the saved place and the record's marks. Marks in older records do no harm,
    /// because all their messages are acknowledged.
    pub(super) fn take_dirty(&mut self) -> Option<(usize, i64, impl Iterator<Item = InboxMark>)> {
        self.dirty = self.dirty.checked_sub(1)?;
        let (saved, marks) = self.receipts.record(self.dirty);
        Some((self.dirty, saved, marks))
    }

    pub(super) fn restore(&mut self, record: Sequence, saved: i64, marks: impl Iterator<Item = InboxMark>) {
        let saved = saved.max(START);
        let is_latest = self.record == Sequence::NEVER || record.is_after(self.record);
        self.receipts.restore(is_latest.then_some(saved), marks);
        if is_latest {
            (self.from, self.record) = (saved, record);
        }
    }

    /// Returns the request for the page that was begun.
    pub(super) fn request(&self) -> QueryIncomingSms {
        let request = QueryIncomingSms::new(Flag::All);
        if self.page.from > 0 { request.after(self.page.from) } else { request }
    }

    /// Begins a page.
    pub(super) fn begin(&mut self) {
        let found = self.found.map(before);
        self.page = Page::new(self.search.map_or(self.from, |search| found.unwrap_or(search.place())));
    }

    /// Returns the mark of a message, if the message is new. A message without an id is ignored, because it cannot be distinguished
    /// from others.
    pub(super) fn receive(&mut self, sms: &IncomingSms<'_>) -> Option<InboxMark> {
        let mark = InboxMark::of(sms)?;
        self.take(mark).then_some(mark)
    }

    /// Notes that the caller has this message and all messages that were returned before it.
    pub(super) fn acknowledge(&mut self, mark: InboxMark) {
        if self.receipts.acknowledge(mark) {
            self.touch();
        }
    }

    pub(super) const fn set_room(&mut self, has_room: bool) {
        self.has_room = has_room;
    }

    /// Takes a message if it is new, and returns whether it is.
    fn take(&mut self, mark: InboxMark) -> bool {
        if mark.id <= self.page.from {
            return false;
        }
        self.page.note(mark.id);
        let known = self.receipts.meet(mark, self.survey.is_none());
        self.page.is_verified |= known == Known::Proven;
        self.page.is_refuted |= known == Known::Renamed;
        if known != Known::No {
            self.page.know();
        } else if let Some(home) = self.survey {
            self.page.is_refuted |= mark.id <= home && self.receipts.remembers(mark.id);
        } else if self.search.is_some() {
            self.page.is_strange = true;
        } else {
            return self.take_new(mark);
        }
        false
    }

    fn take_new(&mut self, mark: InboxMark) -> bool {
        self.page.is_full |= !self.has_room;
        let is_taken = !self.page.is_full && self.receipts.add(mark, self.home(), self.ceiling);
        if is_taken {
            self.page.is_fresh = true;
            self.page.know();
        } else {
            self.page.postpone();
        }
        is_taken
    }

    /// Ends a page that is complete, or became unreadable at this position. Returns whether the next page is requested at once.
    pub(super) fn end(&mut self, by: Option<PageBreak>) -> bool {
        if self.search.is_some() {
            return self.search_on(by);
        }
        if let Some(home) = self.survey.take() {
            self.survey_on(home, by);
            return true;
        }
        let back = self.back.take();
        if by.is_none() {
            (self.broken, self.is_hopeless) = (None, false);
            if self.page.is_empty()
                && let Some(back) = back
            {
                (self.from, self.is_expected) = (back, true);
                return false;
            }
        }
        let is_quiet = by.is_none() && self.page.is_empty() && !self.is_expected && self.from > START;
        self.quiet_pages = if is_quiet { self.quiet_pages.saturating_add(1) } else { 0 };
        if self.is_doubtful() || self.quiet_pages >= QUIET_PAGES {
            self.start_survey(back.unwrap_or(self.from));
            return true;
        }
        self.prove();
        match by {
            Some(by) => self.end_broken(by),
            None if self.move_on(true) => true,
            None => {
                // If the page has a single message, the next query looks past it. The message may be so long that it hides others.
                self.look_beyond();
                false
            }
        }
    }

    /// Ends a page whose response was lost. If the page showed a known message, this proves that ids have not restarted, so
    /// acknowledgements can be saved.
    pub(super) fn lose(&mut self) {
        if self.page.is_verified && self.survey.is_none() && self.search.is_none() {
            self.prove();
        }
    }

    /// Returns whether ids may have restarted. A known message on the page would prove that they have not. The page lacks this proof,
    /// although it should show a known message or shows something new.
    fn is_doubtful(&self) -> bool {
        let is_new = self.from > START && (self.page.is_fresh || self.page.is_refuted);
        !self.page.is_verified && (self.is_expected || is_new)
    }

    /// Ends a page that became unreadable. Returns whether the next page is requested at once.
    ///
    /// After two such pages without anything new, a search locates the record that broke them. The record is reported and skipped. The
    /// broken text itself is never searched for the next record, because the sender of the message could forge one.
    fn end_broken(&mut self, by: PageBreak) -> bool {
        let before = self.broken.replace(by);
        let is_repeated = before == Some(by);
        let is_new = self.page.is_fresh || self.page.has_postponed();
        // If ids do not rise, the break may hide other messages, so the place usually stays. It may move if messages were postponed only
        // for lack of free marks, or if the page was cut at the same position twice.
        let has_no_marks = self.page.has_postponed() && !self.page.is_fresh && !self.page.is_full;
        if self.move_on(has_no_marks || by.is_cut && is_repeated) {
            return true;
        }
        if is_new {
            return false;
        }
        if !is_repeated {
            self.is_hopeless = false;
            return before.is_none();
        }
        if by.is_cut && self.look_beyond() {
            return true;
        }
        if self.is_hopeless || self.unreadable.is_some() {
            return false;
        }
        self.start_search(by);
        true
    }

    /// If the page shows only one message, and a known one, continues after it, because it may be so long that it fills the page.
    /// Returns whether it continues.
    const fn look_beyond(&mut self) -> bool {
        let is_single = self.page.is_single();
        if is_single {
            self.back = Some(self.from);
            (self.from, self.is_expected) = (self.page.last, false);
        }
        is_single
    }

    /// Starts a search for the record that broke the page.
    fn start_search(&mut self, by: PageBreak) {
        // If ids rise, the record's id is not smaller than the last id that was read.
        let last = if self.order.is_rising() { before(self.page.last) } else { START };
        self.search = Some(InboxSearch::new(last.max(self.page.from), by.id));
        self.broken = Some(by);
    }

    /// Returns whether the latest page was unreadable, and the search found no place from which a page is readable.
    pub(super) const fn is_hopeless(&self) -> bool {
        self.is_hopeless
    }

    /// Ends a page that the search requested. Reports the record when the search has found it. Does not report it during a survey, or if
    /// a check shows that it no longer breaks the page. Returns whether the next page is requested at once.
    fn search_on(&mut self, by: Option<PageBreak>) -> bool {
        let Some(search) = &mut self.search else { return false };
        let is_blocked = by.is_some() && by == self.broken && !self.page.is_strange;
        let is_checked = self.found.is_some();
        if !is_checked {
            self.found = search.take(is_blocked);
        }
        let Some(id) = self.found else {
            self.is_hopeless = search.is_hopeless();
            if self.is_hopeless {
                self.search = None;
                if let Some(home) = self.survey.take() {
                    self.is_hopeless = false;
                    self.assure(home);
                }
            }
            return !self.is_hopeless;
        };
        let is_over = is_checked || self.survey.is_some() || self.order.is_rising();
        if is_over {
            (self.search, self.found) = (None, None);
        }
        if self.survey.is_some() {
            self.from = id;
        } else if is_over && (is_blocked || !is_checked) {
            (self.from, self.unreadable, self.is_expected) = (id, Some(id), false);
            self.advance();
        }
        true
    }

    /// Moves the place past the ids that the page has shown. If ids do not rise, the place moves only with `may_step`. Returns whether the
    /// next page may show more.
    fn move_on(&mut self, may_step: bool) -> bool {
        let former = core::mem::replace(&mut self.ceiling, self.page.ceiling());
        self.order.learn(&self.page);
        let next = self.page.next(&self.order);
        let moves = next > self.from && (may_step || self.order.is_rising());
        if moves {
            self.from = next;
        }
        self.is_expected = self.page.greatest > self.from;
        self.advance();
        if self.page.is_fresh || moves {
            return true;
        }
        self.page.has_postponed()
            && !self.page.is_full
            && (former != self.ceiling || self.receipts.make_room(former))
    }

    fn prove(&mut self) {
        if self.receipts.prove() {
            self.touch();
        }
    }

    fn start_survey(&mut self, home: i64) {
        self.quiet_pages = 0;
        if self.page.is_refuted && home == self.from {
            // A message contradicts the known ids, and the page was not requested just past a single message.
            return self.restart();
        }
        self.survey = Some(home);
        self.from = before(self.receipts.known().map_or(home, |(first, _)| first)).max(START);
    }

    /// Ends a page of the survey. The survey ends after a page with a known message, or past all known messages.
    fn survey_on(&mut self, home: i64, by: Option<PageBreak>) {
        let known = self.receipts.known().filter(|_| !self.page.is_verified);
        let is_past = known.is_some_and(|(_, last)| self.page.from >= last);
        if self.page.is_refuted || is_past || self.page.is_empty() && by.is_none() {
            return self.restart();
        }
        // Either the page has a known message, or no message is known and nothing can be checked.
        if known.is_none() {
            return self.assure(home);
        }
        self.survey = Some(home);
        match by {
            Some(by) if self.page.is_empty() || !(self.order.is_rising() || by.is_cut) => {
                self.start_search(by);
            }
            _ => self.from = self.page.beyond(&self.order),
        }
    }

    /// Continues from `home` after a survey showed that ids have not restarted.
    fn assure(&mut self, home: i64) {
        (self.from, self.is_expected) = (home, false);
        self.prove();
    }

    /// Begins anew, because ids have restarted.
    fn restart(&mut self) {
        self.receipts.restart();
        (self.from, self.ceiling, self.is_expected, self.has_restarted) = (START, START, false, true);
        self.touch();
    }
}

#[cfg(test)]
mod tests;
