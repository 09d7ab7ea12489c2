//! The inbox, and gateways whose ids begin anew.

use std::{format, string::String, vec, vec::Vec};

use super::{Bench, Memory};
use crate::{
    call::{Call, Commas, IncomingSms},
    json::{Field, Text},
    track::{Ask, Event, InboxMark, Settings, Tracker},
};

/// The gateway's inbox: ids and texts.
type Box = Vec<(i64, String)>;

fn polling(memory: &mut Memory) -> Bench<'_> {
    Bench::with(memory, Settings { incoming: true, first_epoch: 1, ..Settings::default() })
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

/// Looks once, with pages of three, of which the last may be cut. What was new.
fn look(bench: &mut Bench<'_>, inbox: &Box, cut: Option<usize>) -> Vec<(String, InboxMark)> {
    let Ask::Incoming(token) = bench.next() else { panic!() };
    let mut target = [0; 100];
    let target = bench.tracker.incoming_request(&token).target(Commas::Encoded, &mut target).unwrap();
    assert!(target.contains("flag=all"));
    let after = target
        .split_once("incoming_sms_id=")
        .map_or(0, |(_, id)| id.split('&').next().unwrap().parse().unwrap());
    let page = inbox.iter().filter(|(id, _)| *id > after).take(cut.unwrap_or(3));
    let mut new = vec![];
    for (id, text) in page {
        if let Some(mark) = bench.tracker.handle_incoming(&token, &sms(*id, text), bench.now) {
            new.push((text.clone(), mark));
        }
    }
    if cut.is_some() {
        bench.tracker.handle_lost(token, bench.now);
    } else {
        bench.tracker.handle_end(token, bench.now);
    }
    bench.settle();
    new
}

/// Looks until nothing is new several times, and acknowledges all.
fn read(bench: &mut Bench<'_>, inbox: &Box) -> Vec<String> {
    let mut texts = vec![];
    let mut quiet = 0;
    while quiet < 8 {
        let new = look(bench, inbox, None);
        quiet = if new.is_empty() { quiet + 1 } else { 0 };
        for (text, mark) in new {
            bench.tracker.acknowledge_incoming(mark);
            texts.push(text);
        }
    }
    texts
}

fn numbered(ids: impl IntoIterator<Item = i64>) -> Box {
    ids.into_iter().map(|id| (id, format!("text {id}"))).collect()
}

fn restarts(bench: &Bench<'_>) -> usize {
    bench.count(|event| *event == Event::InboxRestarted)
}

#[test]
fn pages_follow_each_other() {
    let mut memory = Memory::of(1);
    let mut bench = polling(&mut memory);
    let mut inbox = numbered([1, 2, 3, 5, 6, 7, 20]);
    assert_eq!(read(&mut bench, &inbox).len(), 7);
    inbox.push((21, "new".into()));
    assert_eq!(read(&mut bench, &inbox), ["new"]);
    assert_eq!(restarts(&bench), 0);
}

#[test]
fn a_cut_page_loses_nothing() {
    let mut memory = Memory::of(1);
    let mut bench = polling(&mut memory);
    let inbox = numbered(1..=6);
    let first = look(&mut bench, &inbox, Some(2));
    assert_eq!(first.len(), 2);
    assert!(look(&mut bench, &inbox, Some(0)).is_empty());
    assert_eq!(read(&mut bench, &inbox).len(), 4);
}

#[test]
fn ids_that_begin_anew_are_noticed() {
    let mut memory = Memory::of(1);
    let mut bench = polling(&mut memory);
    read(&mut bench, &numbered(11..=16));
    // The last three are kept under new ids, and others came.
    let inbox = vec![
        (1, "text 14".into()),
        (2, "text 15".into()),
        (3, "text 16".into()),
        (4, "new".into()),
        (5, "newer".into()),
    ];
    assert_eq!(read(&mut bench, &inbox), ["new", "newer"]);
    assert_eq!(restarts(&bench), 1);
}

#[test]
fn an_inbox_that_was_emptied_is_read_from_its_beginning() {
    let mut memory = Memory::of(1);
    let mut bench = polling(&mut memory);
    read(&mut bench, &numbered(11..=16));
    assert!(read(&mut bench, &vec![]).is_empty());
    assert_eq!(read(&mut bench, &vec![(1, "new".into())]), ["new"]);
    assert_eq!(restarts(&bench), 1);
}

#[test]
fn ids_that_began_anew_and_grew_past_the_last_known_one() {
    let mut memory = Memory::of(1);
    let mut bench = polling(&mut memory);
    read(&mut bench, &numbered(1..=4));
    let inbox: Box = (1..=9).map(|id| (id, format!("other {id}"))).collect();
    assert_eq!(read(&mut bench, &inbox).len(), 9);
    assert_eq!(restarts(&bench), 1);
}

#[test]
fn a_deleted_message_is_no_restart() {
    let mut memory = Memory::of(1);
    let mut bench = polling(&mut memory);
    read(&mut bench, &numbered(1..=9));
    assert!(read(&mut bench, &numbered([1, 2, 3, 7])).is_empty());
    assert_eq!(read(&mut bench, &numbered([1, 2, 3, 7, 10])), ["text 10"]);
    assert_eq!(restarts(&bench), 0);
}

#[test]
fn what_was_not_acknowledged_comes_again_after_a_restart() {
    let mut memories = [Memory::of(1), Memory::of(1)];
    let [old, new] = &mut memories;
    let mut bench = polling(old);
    let inbox = numbered(1..=6);
    let marks: Vec<_> =
        look(&mut bench, &inbox, None).into_iter().chain(look(&mut bench, &inbox, None)).collect();
    assert_eq!(marks.len(), 5);
    bench.tracker.acknowledge_incoming(marks[1].1);
    bench.save();

    let mut again = polling(new);
    bench.saved.values().for_each(|record| again.tracker.restore(record).unwrap());
    Tracker::start(&mut again.tracker, again.now);
    assert_eq!(read(&mut again, &inbox), ["text 3", "text 4", "text 5", "text 6"]);
}
