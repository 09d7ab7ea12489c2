//! How far a page of the inbox is read.

use crate::track::InboxMark;

/// The page of the inbox that is being read.
///
/// When no more messages can be held, the rest of a page is ignored. But a page begins with the last message that is
/// known, and the tracker has to see that one to notice that the gateway has restarted its ids. So a page is read up to
/// the message that was handed out last, even if nothing can be held.
///
/// A page that is closed stays closed: if room appeared within it, a later message would be taken and those before it,
/// which were ignored, would be lost.
pub(super) struct Page {
    has_room: bool,
    is_closed: bool,
    /// The id of the record that was seen last.
    seen: Option<i64>,
    /// The id of the message that was handed out last.
    handed_out: Option<i64>,
}

impl Page {
    pub(super) const fn new() -> Self {
        Self { has_room: true, is_closed: false, seen: None, handed_out: None }
    }

    pub(super) const fn set_room(&mut self, has_room: bool) {
        self.has_room = has_room;
    }

    pub(super) const fn begin(&mut self) {
        (self.is_closed, self.seen) = (false, None);
    }

    /// Whether the next record is looked at.
    pub(super) fn may_take(&mut self) -> bool {
        self.is_closed |= !self.has_room && self.seen.is_some() && self.seen == self.handed_out;
        !self.is_closed
    }

    /// Takes note of a record, and of its mark if it is handed out.
    pub(super) fn seen(&mut self, id: Option<i64>, mark: Option<InboxMark>) {
        if id.is_some() {
            self.seen = id;
        }
        if let Some(mark) = mark {
            self.handed_out = Some(mark.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mark(id: i64) -> InboxMark {
        InboxMark { id, hash: 0 }
    }

    #[test]
    fn a_full_inbox_reads_up_to_the_message_handed_out_last() {
        let mut page = Page::new();
        page.begin();
        assert!(page.may_take());
        page.seen(Some(1), Some(mark(1)));
        assert!(page.may_take());
        page.seen(Some(2), Some(mark(2)));
        page.set_room(false);
        assert!(!page.may_take());
        page.begin();
        assert!(page.may_take());
        page.seen(Some(1), None);
        assert!(page.may_take());
        page.seen(Some(2), None);
        assert!(!page.may_take());
    }

    #[test]
    fn a_closed_page_stays_closed_when_room_appears() {
        let mut page = Page::new();
        page.seen(Some(1), Some(mark(1)));
        page.set_room(false);
        page.begin();
        page.seen(Some(1), None);
        assert!(!page.may_take());
        page.set_room(true);
        assert!(!page.may_take());
        page.begin();
        assert!(page.may_take());
    }
}
