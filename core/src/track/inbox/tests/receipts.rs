//! Remembering, saving and forgetting the messages that were handed out.

use super::*;

/// Hands out messages in this order.
fn handed_out(marks: impl IntoIterator<Item = InboxMark>) -> Receipts {
    let mut receipts = Receipts::new();
    for mark in marks {
        assert!(receipts.add(mark, START, i64::MAX), "{mark:?}");
    }
    receipts
}

/// Hands out messages, and then others until the first ones are dropped without an acknowledgement.
fn drop_open(receipts: &mut Receipts, ids: &[i64]) {
    let places = i64::try_from(MARKS).unwrap();
    let first = ids.iter().copied().max().unwrap() + 1;
    for id in ids.iter().copied().chain(first..first + places) {
        assert!(receipts.add(mark(id), first - 1, i64::MAX));
    }
    for id in ids {
        assert!(receipts.meet(mark(*id), false) == Known::No, "{id}");
    }
}

/// Moves the saved place up to `place`, as far as possible, and returns it.
fn saved(receipts: &mut Receipts, place: i64) -> i64 {
    receipts.advance(place);
    receipts.record(0).0
}

#[test]
fn an_acknowledged_message_is_saved_once_ids_are_known_not_to_have_restarted() {
    let mut receipts = handed_out([mark(1)]);
    assert!(receipts.acknowledge(mark(1)));
    assert_eq!((saved(&mut receipts, 5), receipts.record(0).1.count()), (0, 0));
    assert!(receipts.prove());
    assert_eq!((saved(&mut receipts, 5), receipts.record(0).1.count()), (5, 1));
}

#[test]
fn of_two_equal_messages_the_one_with_the_id_is_acknowledged() {
    for (id, place) in [(1, 1), (2, 9)] {
        let mut receipts = handed_out([1, 2].map(|id| InboxMark { id, hash: 8 }));
        receipts.prove();
        assert!(receipts.acknowledge(InboxMark { id, hash: 8 }));
        assert_eq!(saved(&mut receipts, 9), place);
    }
}

#[test]
fn a_message_is_acknowledged_by_its_id_from_before_a_restart_of_ids() {
    let mut receipts = handed_out([mark(5)]);
    receipts.prove();
    receipts.restart();
    assert!(receipts.meet(InboxMark { id: 1, hash: mark(5).hash }, true) == Known::Renamed);
    assert!(receipts.acknowledge(mark(5)));
    assert_eq!(saved(&mut receipts, 9), 9);
}

#[test]
fn the_records_hold_messages_from_before_a_restart_of_ids() {
    let mut receipts = handed_out((1..=7).map(mark));
    receipts.prove();
    receipts.acknowledge(mark(7));
    receipts.restart();
    assert_eq!(receipts.records(), 2);
}

#[test]
fn the_last_message_that_proves_that_ids_have_not_restarted_is_kept() {
    let count = i64::try_from(MARKS).unwrap();
    let mut receipts = handed_out((1..=count).map(mark));
    receipts.prove();
    receipts.acknowledge(mark(count));
    assert_eq!(saved(&mut receipts, count), count);
    for id in count + 1..2 * count {
        assert!(receipts.add(mark(id), count, i64::MAX), "{id}");
    }
    assert!(!receipts.add(mark(2 * count), count, i64::MAX));
    assert_eq!(receipts.known(), Some((count, count)));
}

#[test]
fn room_is_made_by_dropping_the_acknowledged_message_with_the_greatest_id() {
    let count = i64::try_from(MARKS).unwrap();
    let mut receipts = handed_out((1..=count).map(mark));
    assert!(!receipts.make_room(0));
    receipts.acknowledge(mark(3));
    assert!(receipts.make_room(0));
    let unknown: Vec<_> = (1..=count).filter(|id| receipts.meet(mark(*id), false) == Known::No).collect();
    assert_eq!(unknown, [3]);
}

#[test]
fn a_dropped_message_is_acknowledged_by_its_id_if_they_were_handed_out_in_order() {
    for (ids, is_change, place) in [([1, 2, 3], true, 2), ([2, 1, 3], false, 0)] {
        let mut receipts = Receipts::new();
        drop_open(&mut receipts, &ids);
        receipts.prove();
        assert_eq!(receipts.acknowledge(mark(2)), is_change);
        assert_eq!(saved(&mut receipts, 99), place);
    }
}

#[test]
fn a_dropped_message_is_not_acknowledged_by_an_id_from_before_a_restart_of_ids() {
    let mut receipts = Receipts::new();
    receipts.restart();
    drop_open(&mut receipts, &[1, 2, 3]);
    assert!(!receipts.acknowledge(other(2, 1)));
    assert_eq!(saved(&mut receipts, 99), 0);
}

#[test]
fn an_acknowledgement_of_an_unknown_message_lets_none_of_the_dropped_be_forgotten() {
    let mut receipts = Receipts::new();
    drop_open(&mut receipts, &[1, 2, 3]);
    assert!(!receipts.acknowledge(other(90, 1)));
    assert_eq!(saved(&mut receipts, 99), 0);
}
