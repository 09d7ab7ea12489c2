//! Incoming messages, each returned at least once.
//!
//! They are paged by id with `flag=all`, which changes nothing in the gateway. No order of ids is assumed: a message is new if its id is
//! above the place from which pages are asked for, and its mark is not among those handed out ([`receipts`]). The place moves only past
//! ids that a complete page, or one up to a record that breaks it, has shown ([`page`]).
//!
//! Each page is expected to show a known message. If it does not, the inbox is surveyed from its beginning: either a known message is
//! where it was, or ids have restarted.

mod mark;
mod page;
mod receipts;

use super::clock::Sequence;
use crate::call::{Flag, IncomingSms, QueryIncomingSms};
pub use mark::InboxMark;
use page::Page;
use receipts::{MARKS, Receipts};

/// The place before all ids.
const START: i64 = -1;
/// The number of empty pages, without a message that should be there, after which the inbox is surveyed.
const QUIET_PAGES: u8 = 8;

/// The number of marks in a record.
pub(super) const SAVED_MARKS: usize = 6;
/// The maximum number of records.
pub(super) const RECORDS: usize = MARKS.div_ceil(SAVED_MARKS);

/// The place up to which the inbox is known.
#[derive(Debug)]
pub(super) struct Inbox {
    receipts: Receipts,
    /// The place from which pages are asked for.
    from: i64,
    survey: Option<Survey>,
    page: Page,
    /// Whether the page should show a known message.
    expects_any: bool,
    /// The smallest id that found no room for its mark.
    ceiling: i64,
    /// Whether the caller can hold another message.
    has_room: bool,
    /// The id of the record that broke the latest page.
    broken: Option<i64>,
    /// The id of an unreadable message that is not reported yet.
    unreadable: Option<i64>,
    quiet_pages: u8,
    /// Whether an event about restarted ids is due.
    has_restarted: bool,
    /// The number of records that are to be saved.
    dirty: usize,
    /// The latest record from which it was restored.
    record: Sequence,
}

/// The search for known messages from the beginning on.
#[derive(Clone, Copy, Debug)]
struct Survey {
    from: i64,
    /// Whether a page was broken, which may hide known messages.
    is_broken: bool,
    /// Whether there are unknown messages where all should be known.
    is_strange: bool,
}

impl Inbox {
    pub(super) const fn new() -> Self {
        Self {
            receipts: Receipts::new(),
            from: START,
            survey: None,
            page: Page::new(START),
            expects_any: false,
            ceiling: START,
            has_room: true,
            broken: None,
            unreadable: None,
            quiet_pages: 0,
            has_restarted: false,
            dirty: 0,
            record: Sequence::NEVER,
        }
    }

    /// Returns once that ids restarted.
    pub(super) fn take_restarted(&mut self) -> bool {
        core::mem::take(&mut self.has_restarted)
    }

    /// Returns the id of an unreadable message once. It counts as acknowledged then.
    pub(super) fn take_unreadable(&mut self) -> Option<i64> {
        let id = self.unreadable.take()?;
        self.receipts.reported(id, self.from);
        self.touch();
        Some(id)
    }

    pub(super) const fn is_dirty(&self) -> bool {
        self.dirty > 0
    }

    fn touch(&mut self) {
        self.dirty = self.receipts.needed().div_ceil(SAVED_MARKS).clamp(1, RECORDS);
    }

    /// Returns the number of the next record to save, the saved place and the record's marks. Marks in older records do no harm: all are
    /// of acknowledged messages.
    pub(super) fn take_dirty(&mut self) -> Option<(usize, i64, impl Iterator<Item = InboxMark>)> {
        self.dirty = self.dirty.checked_sub(1)?;
        let marks = self.receipts.to_save().skip(self.dirty.saturating_mul(SAVED_MARKS)).take(SAVED_MARKS);
        Some((self.dirty, self.receipts.saved(), marks))
    }

    pub(super) fn restore(&mut self, record: Sequence, saved: i64, marks: impl Iterator<Item = InboxMark>) {
        let is_latest = self.record == Sequence::NEVER || record.is_after(self.record);
        self.receipts.restore(is_latest.then_some(saved), marks);
        if is_latest {
            (self.from, self.record) = (saved, record);
        }
    }

    /// Returns the request for the next page.
    pub(super) fn request(&self) -> QueryIncomingSms {
        let request = QueryIncomingSms::new(Flag::All);
        let from = self.asked_from();
        if from > 0 { request.after(from) } else { request }
    }

    fn asked_from(&self) -> i64 {
        self.survey.map_or(self.from, |survey| survey.from)
    }

    /// Returns the mark of a new message, for the caller. A message without an id is ignored, since it cannot be
    /// distinguished from others.
    pub(super) fn receive(&mut self, sms: &IncomingSms<'_>) -> Option<InboxMark> {
        let mark = InboxMark::of(sms)?;
        self.take(mark).then_some(mark)
    }

    /// Notes that the caller has this message, and all that were returned before it.
    pub(super) fn acknowledge(&mut self, mark: InboxMark) {
        if self.receipts.acknowledge(mark, self.from) {
            self.touch();
        }
    }

    pub(super) const fn set_room(&mut self, has_room: bool) {
        self.has_room = has_room;
    }

    /// Begins a page.
    pub(super) fn begin(&mut self) {
        self.page = Page::new(self.asked_from());
        self.expects_any = self.receipts.expects_any(self.from);
    }

    /// Returns whether a record is new, and takes it then.
    fn take(&mut self, mark: InboxMark) -> bool {
        if mark.id <= self.asked_from() {
            return false;
        }
        self.page.note(mark.id);
        let known = self.receipts.meet(mark);
        self.page.is_verified |= known == Some(true);
        if let Some(survey) = &mut self.survey {
            if known.is_none() {
                survey.is_strange |= mark.id <= self.from;
                self.receipts.rename(mark);
            }
            return false;
        }
        if known.is_some() {
            return false;
        }
        self.page.is_full |= !self.has_room;
        if self.page.is_full || !self.receipts.add(mark, self.from, self.ceiling) {
            self.page.postpone(mark.id);
            return false;
        }
        self.page.is_fresh = true;
        true
    }

    /// Ends a complete page. Returns whether the next page is requested at once.
    pub(super) fn end(&mut self) -> bool {
        self.broken = None;
        if let Some(survey) = self.survey {
            return self.survey_on(survey, self.page.next());
        }
        let is_quiet = !self.expects_any && self.page.lowest.is_none() && self.from > START;
        self.quiet_pages = if is_quiet { self.quiet_pages.saturating_add(1) } else { 0 };
        if self.is_doubtful() || self.quiet_pages >= QUIET_PAGES {
            self.start_survey();
            return true;
        }
        self.move_on()
    }

    /// Ends a page that became unreadable within the record with this id. Returns whether the next page is requested at once.
    ///
    /// After two such pages the record is reported, and the pages after it are asked for. The reader never searches for the next record
    /// in broken text, because its sender could forge one.
    pub(super) fn end_broken(&mut self, id: i64) -> bool {
        let known = self.receipts.meet(InboxMark::unreadable(id));
        self.page.is_verified |= known == Some(true);
        if let Some(survey) = self.survey {
            return self.survey_on(Survey { is_broken: true, ..survey }, Some(id));
        }
        if self.is_doubtful() {
            self.start_survey();
            return true;
        }
        let has_moved = self.move_on();
        if known.is_some() {
            return self.pass(id) || has_moved;
        }
        if self.page.postponed.is_some() || self.unreadable.is_some() {
            return has_moved;
        }
        if self.broken.replace(id) == Some(id) && self.receipts.add(InboxMark::unreadable(id), self.from, id)
        {
            (self.broken, self.unreadable) = (None, Some(id));
            self.pass(id);
        }
        true
    }

    /// Asks past an unreadable record.
    fn pass(&mut self, id: i64) -> bool {
        let has_moved = id > self.from;
        self.from = self.from.max(id);
        self.receipts.advance(self.from);
        has_moved
    }

    /// Whether the page did not show what it should.
    fn is_doubtful(&self) -> bool {
        self.expects_any && !self.page.is_verified
    }

    /// Moves the place past what the page has shown. Returns whether the next page may show more.
    fn move_on(&mut self) -> bool {
        self.receipts.prove();
        self.ceiling = self.page.postponed.unwrap_or(START);
        let next = self.page.next().filter(|next| *next > self.from);
        self.from = next.unwrap_or(self.from);
        self.receipts.advance(self.from);
        self.page.is_fresh || next.is_some()
    }

    fn start_survey(&mut self) {
        self.quiet_pages = 0;
        self.receipts.presume_gone();
        self.survey = Some(Survey { from: START, is_broken: false, is_strange: false });
    }

    /// Ends a page of the survey, which leads on to another place, if any.
    fn survey_on(&mut self, survey: Survey, next: Option<i64>) -> bool {
        if self.page.is_verified {
            self.survey = None;
            self.receipts.prove();
        } else if let Some(from) = next.filter(|next| *next > survey.from) {
            self.survey = Some(Survey { from, ..survey });
        } else {
            self.survey = None;
            if survey.is_strange || !survey.is_broken {
                self.restart();
            }
        }
        true
    }

    /// Begins anew with ids that have restarted.
    fn restart(&mut self) {
        self.receipts.restart();
        (self.from, self.ceiling, self.has_restarted) = (START, START, true);
        self.touch();
    }
}
