//! Rules of the inbox, page by page, with pages whose content the test chooses.

mod breaks;
mod receipts;
mod survey;

use std::{vec, vec::Vec};

use super::*;

/// Returns the mark of a message.
pub(super) fn mark(id: i64) -> InboxMark {
    other(id, 0)
}

/// Returns the mark of a message with this id and another text.
pub(super) fn other(id: i64, text: u32) -> InboxMark {
    InboxMark { id, hash: u32::try_from(id).unwrap() * 100 + text }
}

fn marks(ids: impl IntoIterator<Item = i64>) -> Vec<InboxMark> {
    ids.into_iter().map(mark).collect()
}

/// Returns an inbox that was restored with this place, and with marks of messages before it.
fn restored(place: i64, ids: impl IntoIterator<Item = i64>) -> Inbox {
    let mut inbox = Inbox::new();
    inbox.restore(Sequence::new(1), place, ids.into_iter().map(mark));
    inbox
}

/// Reads a page with these records, which becomes unreadable after them if `by` is given. Returns the new messages, and whether the
/// next page is requested at once.
fn page(inbox: &mut Inbox, listed: &[InboxMark], by: Option<PageBreak>) -> (Vec<InboxMark>, bool) {
    inbox.begin();
    let new = listed.iter().copied().filter(|mark| inbox.take(*mark)).collect();
    (new, inbox.end(by))
}

/// Begins a page, and returns the place from which it is requested.
fn place(inbox: &mut Inbox) -> i64 {
    inbox.begin();
    inbox.page.from
}

/// Reads pages of a gateway until one shows that nothing more is left. Returns all new messages.
fn read(inbox: &mut Inbox, gateway: impl Fn(i64) -> (Vec<InboxMark>, Option<PageBreak>)) -> Vec<InboxMark> {
    let mut new = vec![];
    for _ in 0..200 {
        let (listed, by) = gateway(place(inbox));
        let (taken, goes_on) = page(inbox, &listed, by);
        new.extend(taken);
        if !goes_on {
            return new;
        }
    }
    panic!("pages without an end: {inbox:?}");
}

/// Returns a position at which a page became unreadable.
const fn broken(id: Option<i64>, offset: u32) -> PageBreak {
    PageBreak { id, offset, is_cut: false }
}

/// The position at which a response ended.
const CUT: PageBreak = PageBreak { id: None, offset: 9, is_cut: true };

#[test]
fn a_message_with_the_id_of_the_place_is_not_new() {
    let mut inbox = restored(3, []);
    assert_eq!(page(&mut inbox, &[mark(3)], None), (vec![], false));
}

#[test]
fn two_messages_that_differ_by_their_ids_alone_are_both_new() {
    let twins = [InboxMark { id: 1, hash: 8 }, InboxMark { id: 2, hash: 8 }];
    assert_eq!(page(&mut Inbox::new(), &twins, None).0, twins);
}

#[test]
fn an_older_record_does_not_move_the_saved_place_back() {
    let mut inbox = Inbox::new();
    inbox.restore(Sequence::new(5), 9, [].into_iter());
    inbox.restore(Sequence::new(3), 4, [].into_iter());
    assert_eq!((inbox.receipts.record(0).0, inbox.from), (9, 9));
}

#[test]
fn ids_are_trusted_to_rise_after_16_rises() {
    for (count, is_rising) in [(16, false), (17, true), (18, true)] {
        let mut inbox = Inbox::new();
        page(&mut inbox, &marks(1..=count), None);
        assert_eq!(inbox.order.is_rising(), is_rising, "{count}");
    }
}
