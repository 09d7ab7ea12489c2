//! Results in the forms in which gateways write them.

use std::vec::Vec;

use super::{Harness, Memory, report, result};
use crate::{
    UserId,
    call::{Call, SmsResult, Status},
    json::{Field, Text},
    track::{Ask, Event, MessageFailure, State},
};

const NOON: &str = "2026-01-01 12:00:00";
const NUMBER: &str = "13800138000";

fn with_status(id: UserId, status: Status) -> SmsResult<'static> {
    SmsResult { status: Field::Known(status), ..result(id, NUMBER, 2, 7, NOON) }
}

/// Returns the result FAILED of a port that did not send the message.
fn failed(id: UserId) -> SmsResult<'static> {
    let other_port =
        SmsResult { port: Field::Known(1), succ_count: Field::Known(0), ..result(id, NUMBER, 1, 0, NOON) };
    SmsResult { status: Field::Known(Status::Failed), ..other_port }
}

fn accepted(harness: &mut Harness<'_>) -> UserId {
    let id = harness.add(NUMBER);
    harness.accept(1);
    id
}

fn was_failed(harness: &Harness<'_>) -> bool {
    harness.count(|event| matches!(event, Event::Update(message) if message.state == State::Failed)) > 0
}

#[test]
fn a_better_result_of_the_same_response_overrides_failed() {
    for (better, state) in [
        (Status::Sending, State::Sending),
        (Status::SentOk, State::Sent),
        (Status::Delivered, State::Delivered),
    ] {
        for is_failed_first in [true, false] {
            let mut memory = Memory::of(4);
            let mut harness = Harness::new(&mut memory);
            let id = accepted(&mut harness);
            let mut results = [failed(id), with_status(id, better)];
            if !is_failed_first {
                results.reverse();
            }
            harness.answer_results(&results);
            assert_eq!(harness.state(id), state, "{is_failed_first}");
            assert!(!was_failed(&harness));
            // The same results again, as gateways list them from then on.
            if better == Status::SentOk {
                harness.answer_results(&results);
                harness.answer_reports(&[report(NUMBER, 2, 7, NOON, 0)]);
                assert_eq!(harness.state(id), State::Delivered);
            }
        }
    }
}

#[test]
fn failed_ends_a_message_with_its_complete_response() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = accepted(&mut harness);
    let token = harness.results();
    harness.tracker.handle_result(&token, &failed(id), harness.now);
    assert_eq!(harness.state(id), State::Accepted, "a better result may follow");
    harness.tracker.handle_end(token, harness.now);
    let message = harness.message(id);
    assert_eq!((message.state, message.failure), (State::Failed, Some(MessageFailure::NotSent)));
}

#[test]
fn failed_of_a_truncated_response_ends_nothing() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = accepted(&mut harness);
    let token = harness.results();
    harness.tracker.handle_result(&token, &failed(id), harness.now);
    harness.tracker.handle_lost(token, harness.now);
    // One response was truncated, and the next one lacks the message. Neither shows that the message failed.
    harness.answer_results(&[]);
    assert_eq!(harness.state(id), State::Accepted);
    let token = harness.results();
    harness.tracker.handle_result(&token, &failed(id), harness.now);
    harness.tracker.handle_lost(token, harness.now);
    harness.answer_results(&[with_status(id, Status::SentOk)]);
    assert_eq!(harness.state(id), State::Sent);
    assert!(!was_failed(&harness));
}

#[test]
fn failed_of_a_truncated_response_is_forgotten_at_a_restart() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = accepted(&mut harness);
    let token = harness.results();
    let partly_sent = SmsResult { count: Field::Known(3), succ_count: Field::Known(1), ..failed(id) };
    harness.tracker.handle_result(&token, &partly_sent, harness.now);
    harness.save();
    let (saved, now) = (harness.saved.clone(), harness.now);
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    harness.now = now;
    for record in saved.values() {
        harness.tracker.restore(record).unwrap();
    }
    harness.tracker.start(now);
    harness.answer_results(&[]);
    assert_eq!(harness.state(id), State::Accepted);
    // If the gateway also restarts, it forgets the message. Its queue is empty then, and no result ever follows.
    while !harness.message(id).is_final {
        match harness.next() {
            Ask::Results(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Queue(token) => harness.tracker.handle_queue(token, Some(0), harness.now),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(harness.state(id), State::Unresolved);
}

#[test]
fn the_port_of_a_message_that_is_being_sent_is_told() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = accepted(&mut harness);
    for (succeeded, ports) in [(0, [None].as_slice()), (1, &[Some(2)]), (1, &[]), (2, &[])] {
        let sending = SmsResult {
            count: Field::Known(3),
            succ_count: Field::Known(succeeded),
            ..with_status(id, Status::Sending)
        };
        let before = harness.events.len();
        harness.answer_results(&[sending]);
        harness.settle();
        let updates = harness.events[before..].iter().filter_map(|event| match event {
            Event::Update(message) => Some((message.state, message.sent.map(|sent| sent.port))),
            _ => None,
        });
        assert!(updates.eq(ports.iter().map(|port| (State::Sending, *port))), "{succeeded}");
    }
}

#[test]
fn failed_in_a_query_by_time_is_followed_by_one_that_names_the_message() {
    let mut memory = Memory::of(300);
    let mut harness = Harness::new(&mut memory);
    let ids: Vec<_> = (0..200).map(|_| harness.add(NUMBER)).collect();
    harness.accept(1);
    harness.accept(2);
    harness.answer_results(&[with_status(ids[0], Status::SentOk)]);
    let id = ids[150];
    let mut was_by_time = false;
    loop {
        let token = harness.results();
        let mut body = [0; 1024];
        let body = harness.tracker.results_request(&token).unwrap().body(&mut body).unwrap();
        let body = std::str::from_utf8(body).unwrap();
        let is_by_time = body.contains("time_after");
        if was_by_time {
            assert!(!is_by_time && body.contains(&std::format!("{id}")), "{body}");
        }
        if was_by_time || is_by_time {
            harness.tracker.handle_result(&token, &failed(id), harness.now);
        }
        harness.tracker.handle_end(token, harness.now);
        harness.settle();
        assert_eq!(was_failed(&harness), was_by_time);
        if was_by_time {
            return;
        }
        was_by_time = is_by_time;
    }
}

#[test]
fn a_number_may_be_spelt_in_any_way_under_our_user_id() {
    let spellings = [
        "+8613800138000",
        "008613800138000",
        "0 138-0013-8000",
        "+86 (138) 0013.8000",
        "138****8000",
        "13800138000;ext",
        "",
    ];
    for number in spellings.map(Text::Exact).into_iter().chain([Text::Missing, Text::TooLong { needed: 99 }])
    {
        let mut memory = Memory::of(4);
        let mut harness = Harness::new(&mut memory);
        let id = accepted(&mut harness);
        harness.answer_results(&[SmsResult { number, ..result(id, "", 2, 7, NOON) }]);
        assert_eq!(harness.state(id), State::Sent, "{number:?}");
    }
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = accepted(&mut harness);
    harness.answer_results(&[result(id, "13800138001", 2, 7, NOON)]);
    assert_eq!(harness.state(id), State::Accepted, "another program's message");
}

#[test]
fn a_message_that_was_sent_was_sent_whole_unless_the_result_counts() {
    for (status, succeeded, expected) in [
        (Status::Delivered, Field::Missing, 3),
        (Status::SentOk, Field::Missing, 3),
        (Status::SentOk, Field::Known(2), 2),
        (Status::Delivered, Field::Other(Text::Exact("")), 3),
    ] {
        let mut memory = Memory::of(4);
        let mut harness = Harness::new(&mut memory);
        let id = accepted(&mut harness);
        let counted = SmsResult { count: Field::Known(3), succ_count: succeeded, ..with_status(id, status) };
        harness.answer_results(&[counted]);
        assert_eq!(harness.message(id).sent.map(|sent| sent.succeeded), Some(expected), "{status}");
    }
}

#[test]
fn an_unknown_status_is_an_event_once_and_changes_nothing() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = accepted(&mut harness);
    let unsent = SmsResult { succ_count: Field::Known(0), ..result(id, NUMBER, 2, 0, NOON) };
    let odd = |word| SmsResult { status: Field::Other(Text::Exact(word)), ..unsent };
    let told = |harness: &Harness<'_>| {
        let words = harness.events.iter().filter_map(|event| match event {
            Event::UnknownStatus { id: told, status } if *told == id => Some(std::format!("{status}")),
            _ => None,
        });
        words.collect::<Vec<_>>()
    };
    for word in ["QUEUED", "QUEUED", "PENDING"] {
        harness.answer_results(&[odd(word)]);
        assert_eq!(harness.state(id), State::Accepted);
    }
    assert_eq!(told(&harness), ["QUEUED", "PENDING"]);
    // Another program's word is not reported.
    let foreign = SmsResult { user_id: Field::Known(99), ..odd("OTHER") };
    let nothing = SmsResult { status: Field::Missing, ..unsent };
    harness.answer_results(&[foreign, nothing]);
    assert_eq!(told(&harness).len(), 2);
    harness.answer_results(&[with_status(id, Status::SentOk)]);
    assert_eq!(harness.state(id), State::Sent);
}

#[test]
fn the_counts_show_that_a_message_with_an_unknown_status_was_sent() {
    for (count, succeeded, state) in
        [(3, 3, State::Sent), (3, 2, State::Sending), (3, 0, State::Accepted), (0, 0, State::Accepted)]
    {
        for status in [Field::Other(Text::Exact("SENT")), Field::Missing] {
            let mut memory = Memory::of(4);
            let mut harness = Harness::new(&mut memory);
            let id = accepted(&mut harness);
            let (count, succ_count) = (Field::Known(count), Field::Known(succeeded));
            harness.answer_results(&[SmsResult {
                status,
                count,
                succ_count,
                ..result(id, NUMBER, 2, 7, NOON)
            }]);
            assert_eq!(harness.state(id), state, "{status:?} {succeeded}");
        }
    }
}

#[test]
fn the_message_of_a_result_is_returned_and_no_other_one() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = accepted(&mut harness);
    let token = harness.results();
    let now = harness.now;
    let mut owner = |result: &SmsResult<'_>| harness.tracker.handle_result(&token, result, now);
    assert_eq!(owner(&failed(id)), Some(id));
    assert_eq!(owner(&with_status(id, Status::SentOk)), Some(id));
    assert_eq!(owner(&result(id, "13800138001", 2, 7, NOON)), None);
    assert_eq!(owner(&SmsResult { user_id: Field::Known(99), ..with_status(id, Status::SentOk) }), None);
}
