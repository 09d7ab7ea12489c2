//! Pages that become unreadable, and the search for the record that breaks them.

use super::*;

/// Returns the page of a gateway that has only unreadable records. Each record breaks the page at another position.
fn unreadable(ids: &[i64], after: i64) -> (Vec<InboxMark>, Option<PageBreak>) {
    let first = ids.iter().find(|id| **id > after);
    (vec![], first.map(|id| broken(None, u32::try_from(*id).unwrap())))
}

#[test]
fn a_record_is_searched_once_a_page_has_broken_at_the_same_place_twice() {
    let mut inbox = Inbox::new();
    for (offset, goes_on, is_search) in [(5, true, false), (6, false, false), (6, true, true)] {
        assert_eq!(page(&mut inbox, &[], Some(broken(None, offset))).1, goes_on);
        assert_eq!(inbox.search.is_some(), is_search);
    }
}

#[test]
fn a_search_ends_where_a_page_breaks_at_another_record() {
    let mut inbox = Inbox::new();
    read(&mut inbox, |after| unreadable(&[5, 9], after));
    assert_eq!(inbox.take_unreadable(), Some(5));
    read(&mut inbox, |after| unreadable(&[5, 9], after));
    assert_eq!(inbox.take_unreadable(), Some(9));
}

#[test]
fn no_record_is_searched_before_the_one_found_last_is_reported() {
    let mut inbox = Inbox::new();
    for _ in 0..4 {
        read(&mut inbox, |after| unreadable(&[5, 9], after));
    }
    assert_eq!((inbox.take_unreadable(), inbox.search.is_some()), (Some(5), false));
}

#[test]
fn a_search_in_vain_is_not_repeated() {
    let mut inbox = Inbox::new();
    let by = Some(broken(None, 5));
    read(&mut inbox, |_| (vec![], by));
    assert!(inbox.is_hopeless());
    assert!(!page(&mut inbox, &[], by).1);
    assert_eq!(place(&mut inbox), START);
}

#[test]
fn a_message_that_arrives_during_a_search_lets_no_other_id_be_reported() {
    let mut inbox = Inbox::new();
    let by = Some(broken(None, 5));
    for _ in 0..3 {
        assert!(page(&mut inbox, &[], by).1);
    }
    // The new message is listed before the record, so the page seems to break elsewhere.
    for after in [1, 0] {
        assert_eq!(place(&mut inbox), after);
        page(&mut inbox, &[mark(9)], by);
    }
    assert_eq!((inbox.take_unreadable(), inbox.search.is_some()), (None, false));
    assert_eq!(page(&mut inbox, &[mark(9)], by).0, [mark(9)]);
}

#[test]
fn a_found_record_is_confirmed_by_another_page_unless_ids_rise() {
    for (count, pages) in [(15, 3), (17, 2)] {
        let mut inbox = Inbox::new();
        let bad = count + 5;
        let gateway = |after| {
            let listed: Vec<_> = (1..=count).filter(|id| *id > after).map(mark).collect();
            (listed, (after < bad).then_some(broken(Some(bad), 5)))
        };
        while inbox.search.is_none() {
            let (listed, by) = gateway(place(&mut inbox));
            page(&mut inbox, &listed, by);
        }
        for number in 1..=pages {
            assert!(inbox.unreadable.is_none());
            let (listed, by) = gateway(place(&mut inbox));
            page(&mut inbox, &listed, by);
            assert_eq!(inbox.search.is_none(), number == pages, "{count} {number}");
        }
        assert_eq!(inbox.take_unreadable(), Some(bad));
    }
}

#[test]
fn a_gateway_that_cuts_its_pages_is_read_to_its_end() {
    for size in 1..=3 {
        let mut inbox = Inbox::new();
        let gateway = |after| {
            let listed: Vec<_> = (1..=6).filter(|id| *id > after).map(mark).collect();
            let by = (listed.len() > size).then_some(CUT);
            (listed.into_iter().take(size).collect(), by)
        };
        let mut new: Vec<_> = (0..6).flat_map(|_| read(&mut inbox, gateway)).collect();
        new.sort_by_key(|mark| mark.id);
        assert_eq!(new, marks(1..=6), "{size}");
        assert_eq!(inbox.take_unreadable(), None);
    }
}

#[test]
fn a_broken_page_with_more_messages_than_marks_is_read_in_any_order() {
    let mut inbox = Inbox::new();
    let by = Some(broken(None, 5));
    let mut new: Vec<_> = (0..60)
        .flat_map(|_| {
            let after = place(&mut inbox);
            let listed: Vec<_> = (1..=30).rev().filter(|id| *id > after).map(mark).collect();
            page(&mut inbox, &listed, by).0
        })
        .collect();
    new.sort_by_key(|mark| mark.id);
    assert_eq!(new, marks(1..=30));
}
