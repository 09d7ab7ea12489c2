//! Rules of the inbox, and of gateways whose ids restart.

use std::{format, string::String, vec, vec::Vec};

use super::{Harness, Memory};
use crate::{
    call::{Call, CommaEncoding, IncomingSms},
    json::{Field, Text},
    track::{Ask, Event, InboxMark, Settings, Tracker},
};

/// The gateway's inbox: ids and texts.
type Box = Vec<(i64, String)>;

fn polling(memory: &mut Memory) -> Harness<'_> {
    Harness::with(memory, Settings { incoming: true, first_block: 1, ..Settings::default() })
}

fn sms(id: i64, text: &str) -> IncomingSms<'_> {
    IncomingSms {
        incoming_sms_id: Field::Known(id),
        port: Field::Known(1),
        number: Text::Exact("10086"),
        text: Text::Exact(text),
        ..IncomingSms::default()
    }
}

/// Queries one page of three messages, which may be truncated, and returns the new ones.
fn look(harness: &mut Harness<'_>, inbox: &Box, cut: Option<usize>) -> Vec<(String, InboxMark)> {
    let Ask::Incoming(token) = harness.next() else { panic!() };
    let mut target = [0; 100];
    let target = harness
        .tracker
        .incoming_request(&token)
        .unwrap()
        .target(CommaEncoding::Encoded, &mut target)
        .unwrap();
    assert!(target.contains("flag=all"));
    let after = target
        .split_once("incoming_sms_id=")
        .map_or(0, |(_, id)| id.split('&').next().unwrap().parse().unwrap());
    let page = inbox.iter().filter(|(id, _)| *id > after).take(cut.unwrap_or(3));
    let mut new = vec![];
    for (id, text) in page {
        if let Some(mark) = harness.tracker.handle_incoming(&token, &sms(*id, text), harness.now) {
            new.push((text.clone(), mark));
        }
    }
    if cut.is_some() {
        harness.tracker.handle_lost(token, harness.now);
    } else {
        harness.tracker.handle_end(token, harness.now);
    }
    harness.settle();
    new
}

/// Queries pages until several contain nothing new, and acknowledges all messages.
fn read(harness: &mut Harness<'_>, inbox: &Box) -> Vec<String> {
    let mut texts = vec![];
    let mut quiet = 0;
    while quiet < 24 {
        let new = look(harness, inbox, None);
        quiet = if new.is_empty() { quiet + 1 } else { 0 };
        for (text, mark) in new {
            harness.tracker.acknowledge_incoming(mark);
            texts.push(text);
        }
    }
    texts
}

fn numbered(ids: impl IntoIterator<Item = i64>) -> Box {
    ids.into_iter().map(|id| (id, format!("text {id}"))).collect()
}

fn restarts(harness: &Harness<'_>) -> usize {
    harness.count(|event| *event == Event::InboxRestarted)
}

#[test]
fn pages_continue_after_each_other() {
    let mut memory = Memory::of(1);
    let mut harness = polling(&mut memory);
    let mut inbox = numbered([1, 2, 3, 5, 6, 7, 20]);
    assert_eq!(read(&mut harness, &inbox).len(), 7);
    inbox.push((21, "new".into()));
    assert_eq!(read(&mut harness, &inbox), ["new"]);
    assert_eq!(restarts(&harness), 0);
}

#[test]
fn a_truncated_page_loses_nothing() {
    let mut memory = Memory::of(1);
    let mut harness = polling(&mut memory);
    let inbox = numbered(1..=6);
    let first = look(&mut harness, &inbox, Some(2));
    assert_eq!(first.len(), 2);
    assert!(look(&mut harness, &inbox, Some(0)).is_empty());
    assert_eq!(read(&mut harness, &inbox).len(), 4);
}

#[test]
fn restarted_ids_are_noticed() {
    let mut memory = Memory::of(1);
    let mut harness = polling(&mut memory);
    read(&mut harness, &numbered(11..=16));
    // The last three messages are kept under new ids, and new messages have arrived.
    let inbox = vec![
        (1, "text 14".into()),
        (2, "text 15".into()),
        (3, "text 16".into()),
        (4, "new".into()),
        (5, "newer".into()),
    ];
    assert_eq!(read(&mut harness, &inbox), ["new", "newer"]);
    assert_eq!(restarts(&harness), 1);
}

#[test]
fn an_emptied_inbox_is_read_from_its_beginning() {
    let mut memory = Memory::of(1);
    let mut harness = polling(&mut memory);
    read(&mut harness, &numbered(11..=16));
    assert!(read(&mut harness, &vec![]).is_empty());
    assert_eq!(read(&mut harness, &vec![(1, "new".into())]), ["new"]);
    assert_eq!(restarts(&harness), 1);
}

#[test]
fn restarted_ids_beyond_the_last_known_one_are_noticed() {
    let mut memory = Memory::of(1);
    let mut harness = polling(&mut memory);
    read(&mut harness, &numbered(1..=4));
    let inbox: Box = (1..=9).map(|id| (id, format!("other {id}"))).collect();
    assert_eq!(read(&mut harness, &inbox).len(), 9);
    assert_eq!(restarts(&harness), 1);
}

#[test]
fn a_deleted_message_is_not_a_restart() {
    let mut memory = Memory::of(1);
    let mut harness = polling(&mut memory);
    read(&mut harness, &numbered(1..=9));
    assert!(read(&mut harness, &numbered([1, 2, 3, 7])).is_empty());
    assert_eq!(read(&mut harness, &numbered([1, 2, 3, 7, 10])), ["text 10"]);
    assert_eq!(restarts(&harness), 0);
}

#[test]
fn unacknowledged_incoming_messages_are_repeated_after_a_restart() {
    let mut memories = [Memory::of(1), Memory::of(1)];
    let [old, new] = &mut memories;
    let mut harness = polling(old);
    let inbox = numbered(1..=6);
    let marks: Vec<_> = (0..6).flat_map(|_| look(&mut harness, &inbox, None)).collect();
    assert_eq!(marks.len(), 5);
    harness.tracker.acknowledge_incoming(marks[1].1);
    harness.save();

    let mut again = polling(new);
    harness.saved.values().for_each(|record| again.tracker.restore(record).unwrap());
    Tracker::start(&mut again.tracker, again.now);
    assert_eq!(read(&mut again, &inbox), ["text 3", "text 4", "text 5", "text 6"]);
}

#[test]
fn without_room_no_message_is_new_whatever_became_of_the_last_one() {
    let mut memory = Memory::of(1);
    let mut harness = polling(&mut memory);
    let inboxes = [
        numbered([1, 2, 3, 4]),
        // The last one was deleted, and another arrived.
        numbered([1, 4, 5]),
        // All were deleted, and the ids restarted.
        vec![(1, "new".into())],
        vec![(1, "newer".into())],
    ];
    assert_eq!(look(&mut harness, &numbered([1, 2, 3]), None).len(), 3);
    harness.tracker.set_inbox_room(false);
    for inbox in &inboxes {
        for _ in 0..8 {
            assert!(look(&mut harness, inbox, None).is_empty(), "{inbox:?}");
        }
    }
    harness.tracker.set_inbox_room(true);
    assert_eq!(read(&mut harness, &inboxes[3]), ["newer"]);
}

#[test]
fn room_within_a_page_lets_no_message_overtake_another() {
    let mut memory = Memory::of(1);
    let mut harness = polling(&mut memory);
    let Ask::Incoming(token) = harness.next() else { panic!() };
    let now = harness.now;
    let tracker = &mut harness.tracker;
    assert!(tracker.handle_incoming(&token, &sms(1, "text 1"), now).is_some());
    tracker.set_inbox_room(false);
    assert!(tracker.handle_incoming(&token, &sms(2, "text 2"), now).is_none());
    tracker.set_inbox_room(true);
    assert!(tracker.handle_incoming(&token, &sms(3, "text 3"), now).is_none());
    tracker.handle_end(token, now);
    harness.settle();
    assert_eq!(read(&mut harness, &numbered([1, 2, 3])), ["text 2", "text 3"]);
}
