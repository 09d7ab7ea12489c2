//! The conditions under which the inbox is surveyed, and the ends of a survey.

use super::*;

/// Returns an inbox at place 2 that has read the messages 1 to 3. Message 3 is missing from the latest page, so a survey began at place 0.
fn surveying() -> Inbox {
    let mut inbox = Inbox::new();
    let listed = marks(1..=3);
    read(&mut inbox, |after| (listed.iter().copied().filter(|it| it.id > after).collect(), None));
    page(&mut inbox, &[], None);
    assert!(page(&mut inbox, &[mark(7)], None).1);
    assert_eq!((place(&mut inbox), inbox.survey), (0, Some(2)));
    inbox
}

#[test]
fn the_inbox_is_surveyed_at_the_eighth_empty_page() {
    let mut inbox = restored(5, [5]);
    for number in 1..=8 {
        assert_eq!(page(&mut inbox, &[], None).1, number == 8, "{number}");
    }
    assert_eq!(place(&mut inbox), 4);
}

#[test]
fn a_new_message_that_a_page_lists_twice_does_not_prove_that_ids_have_not_restarted() {
    let mut inbox = restored(5, [5]);
    assert_eq!(page(&mut inbox, &[mark(7), mark(7)], None), (vec![mark(7)], true));
    assert_eq!(place(&mut inbox), 4);
}

#[test]
fn an_unknown_message_in_a_known_place_ends_a_survey_at_once() {
    let mut inbox = surveying();
    page(&mut inbox, &[other(1, 1), other(2, 1)], None);
    assert!(inbox.take_restarted());
}

#[test]
fn a_page_past_all_known_messages_ends_a_survey_even_if_it_holds_others() {
    let mut inbox = surveying();
    page(&mut inbox, &[mark(7)], None);
    assert!(!inbox.take_restarted());
    assert_eq!(place(&mut inbox), 7);
    page(&mut inbox, &marks([8, 9]), None);
    assert!(inbox.take_restarted());
}

#[test]
fn in_a_survey_an_unreadable_record_is_searched_and_the_end_of_a_cut_page_is_not() {
    for (by, is_search, next) in [(broken(None, 5), true, 1), (CUT, false, 7)] {
        let mut inbox = surveying();
        page(&mut inbox, &[mark(7)], Some(by));
        assert_eq!((place(&mut inbox), inbox.search.is_some()), (next, is_search));
    }
}

#[test]
fn a_former_message_past_the_place_does_not_end_a_survey() {
    let mut inbox = restored(20, [20]);
    inbox.restart();
    assert!(inbox.take_restarted());
    let listed = marks(1..=3);
    read(&mut inbox, |after| (listed.iter().copied().filter(|it| it.id > after).collect(), None));
    page(&mut inbox, &[], None);
    page(&mut inbox, &[mark(7)], None);
    assert!(inbox.survey.is_some());
    let former = InboxMark { id: 8, hash: mark(20).hash };
    page(&mut inbox, &[former, mark(1)], None);
    assert!(!inbox.take_restarted() && inbox.survey.is_none());
}

#[test]
fn a_former_message_past_the_beginning_shows_that_ids_have_restarted_again() {
    let mut inbox = restored(20, [20]);
    inbox.restart();
    assert!(inbox.take_restarted());
    // Message 3 is unreadable, so the place moves past the beginning before a known message is shown again.
    let by = |after| (after < 3).then_some(broken(Some(3), 5));
    read(&mut inbox, |after| (vec![], by(after)));
    assert_eq!((inbox.take_unreadable(), place(&mut inbox)), (Some(3), 3));
    page(&mut inbox, &[InboxMark { id: 4, hash: mark(20).hash }], None);
    assert!(inbox.take_restarted());
}
