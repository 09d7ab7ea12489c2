//! Rules of planning: requests, their times, and the messages that they serve.

use core::time::Duration;
use std::vec::Vec;

use super::{Harness, Memory, report, result};
use crate::{
    Number, TaskId,
    call::{Call, Status},
    json::Field,
    text::Alphabet,
    track::{Ask, Draft, Limits, Settings, State, Timing},
};

const NOON: &str = "2026-01-01 12:00:00";

fn limits(limits: Limits) -> Settings {
    Settings { limits, first_block: 1, ..Settings::default() }
}

#[test]
fn results_are_queried_after_8_seconds_and_then_less_often() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    harness.add("10086");
    harness.accept(1);
    let accepted = harness.now;
    let waits: Vec<u64> = (0..4)
        .map(|_| {
            let before = harness.now;
            loop {
                match harness.next() {
                    Ask::Results(token) => break harness.tracker.handle_end(token, harness.now),
                    Ask::Queue(token) => harness.tracker.handle_queue(token, Some(3), harness.now),
                    Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
                    other => panic!("{other:?}"),
                }
            }
            harness.since(before)
        })
        .collect();
    assert_eq!(waits, [8, 16, 32, 64], "{accepted:?}");
}

#[test]
fn one_request_serves_many_messages() {
    let mut memory = Memory::of(200);
    let mut harness = Harness::new(&mut memory);
    let ids: Vec<_> = (0..150).map(|_| harness.add("10086")).collect();
    assert_eq!((harness.accept(1), harness.accept(2)), (128, 22));
    let token = harness.results();
    let mut body = [0; 1024];
    let body = harness.tracker.results_request(&token).unwrap().body(&mut body).unwrap();
    let asked = std::str::from_utf8(body).unwrap().matches(',').count() + 1;
    assert_eq!(asked, 64);
    for (reference, id) in (0..).zip(&ids) {
        let port = reference % 3;
        let seconds = std::format!("2026-01-01 12:00:{:02}", reference % 60);
        harness.tracker.handle_result(&token, &result(*id, "10086", port, reference, &seconds), harness.now);
    }
    harness.tracker.handle_end(token, harness.now);
    // The response also contained results of messages that the request did not name.
    assert!(ids.iter().all(|id| harness.state(*id) == State::Sent));
    let token = harness.reports();
    let mut body = [0; 256];
    let body = harness.tracker.reports_request(&token).unwrap().body(&mut body).unwrap();
    let body = std::str::from_utf8(body).unwrap();
    assert_eq!(body, "{}");
    // From now on, the gateway's clock decides how far back the next request reaches. At first, the clocks of the ports may be hours
    // behind it.
    harness.tracker.handle_end(token, harness.now);
    let token = harness.reports();
    let mut body = [0; 256];
    let body = harness.tracker.reports_request(&token).unwrap().body(&mut body).unwrap();
    let body = std::str::from_utf8(body).unwrap();
    assert_eq!(body, r#"{"time_after":"2025-12-31 21:01:03"}"#);
}

#[test]
fn submissions_are_grouped_and_bounded() {
    let mut memory = Memory::of(20);
    let bounded = Limits { recipients: 3, request_bytes: 100, ..Limits::default() };
    let mut harness = Harness::with(&mut memory, limits(bounded));
    let number = Number::new("10086").unwrap();
    let plain = Draft::new(number).text_bytes(30);
    let unicode = plain.alphabet(Alphabet::Unicode);
    let by_port = plain.ports("2".parse().unwrap());
    let long = Draft::new(number).text_bytes(90);
    for draft in [plain, unicode, plain, by_port, plain, plain, unicode, long, long] {
        harness.tracker.add(&draft, harness.now).unwrap();
    }
    let sizes: Vec<usize> = (0..6).map(|task| harness.accept(task)).collect();
    assert_eq!(sizes, [3, 2, 1, 1, 1, 1]);
}

#[test]
fn messages_under_way_are_bounded() {
    let mut memory = Memory::of(20);
    let bounded = Limits { under_way: 2, under_way_per_port: 1, ..Limits::default() };
    let mut harness = Harness::with(&mut memory, limits(bounded));
    let by_port = Draft::new(Number::new("10086").unwrap()).ports("2".parse().unwrap());
    let first = harness.tracker.add(&by_port, harness.now).unwrap();
    let second = harness.tracker.add(&by_port, harness.now).unwrap();
    let others = [harness.add("10010"), harness.add("10010")];
    assert_eq!((harness.accept(1), harness.accept(2)), (1, 1));
    assert_eq!(
        [first, second, others[0], others[1]].map(|id| harness.state(id)),
        [State::Accepted, State::Unsent, State::Accepted, State::Unsent]
    );
    harness.answer_results(&[result(first, "10086", 2, 1, NOON)]);
    assert_eq!(harness.accept(3), 1);
    assert_eq!(harness.state(second), State::Accepted);
}

#[test]
fn requests_keep_the_gap() {
    let mut memory = Memory::of(400);
    let apart = Limits { request_gap: Duration::from_secs(1), ..Limits::default() };
    let mut harness = Harness::with(&mut memory, limits(apart));
    (0..300).for_each(|_| _ = harness.add("10086"));
    let before = harness.now;
    (0..3).for_each(|task| _ = harness.accept(task));
    assert_eq!(harness.since(before), 3, "a look and three submissions");
}

#[test]
fn results_of_many_messages_are_queried_by_time() {
    let mut memory = Memory::of(300);
    let mut harness = Harness::new(&mut memory);
    let ids: Vec<_> = (0..200).map(|_| harness.add("10086")).collect();
    harness.accept(1);
    harness.accept(2);
    harness.answer_results(&[result(ids[0], "10086", 0, 0, NOON)]);
    let token = loop {
        match harness.next() {
            Ask::Results(token) => {
                let mut body = [0; 1024];
                let body = harness.tracker.results_request(&token).unwrap().body(&mut body).unwrap();
                if body == br#"{"time_after":"2026-01-01 11:59:44"}"# {
                    break token;
                }
                harness.tracker.handle_end(token, harness.now);
            }
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            other => panic!("{other:?}"),
        }
    };
    harness.tracker.handle_result(&token, &result(ids[150], "10086", 0, 1, NOON), harness.now);
    harness.tracker.handle_end(token, harness.now);
    assert_eq!(harness.state(ids[150]), State::Sent);
}

#[test]
fn submissions_wait_until_messages_are_saved() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    harness.add("10086");
    let Ask::Submit(token) = harness.step() else { panic!() };
    assert!(harness.tracker.submission(&token).is_err());
    harness.save();
    assert_eq!(harness.tracker.submission(&token).unwrap().unwrap().count(), 1);
    harness.tracker.handle_accepted(token, None, harness.now);
    assert_eq!(harness.tracker.next_event(), None);
    harness.save();
    assert!(harness.tracker.next_event().is_some());
}

#[test]
fn on_a_slow_link_each_query_gets_its_turn() {
    let mut memory = Memory::of(300);
    let settings = Settings { incoming: true, first_block: 1, ..Settings::default() };
    let mut harness = Harness::with(&mut memory, settings);
    let ids: Vec<_> = (0..256).map(|_| harness.add("10086")).collect();
    let (mut queues, mut pages, mut inquiries) = (0, 0, 0);
    while inquiries < 100 {
        let ask = harness.next();
        // Each response takes longer than the wait for the next request.
        harness.wait(7);
        match ask {
            Ask::Submit(token) => harness.tracker.handle_lost(token, harness.now),
            Ask::Results(token) => {
                harness.tracker.handle_result(&token, &result(ids[0], "10086", 1, 1, NOON), harness.now);
                harness.tracker.handle_end(token, harness.now);
            }
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            // The query fails, as on a gateway without this call.
            Ask::Queue(token) => {
                queues += 1;
                harness.tracker.handle_lost(token, harness.now);
            }
            Ask::Incoming(token) => {
                pages += 1;
                harness.tracker.handle_end(token, harness.now);
            }
            other => panic!("{other:?}"),
        }
        inquiries += 1;
    }
    assert!(queues >= 5 && pages >= 5, "{queues} queries of the queue, {pages} of the inbox");
}

#[test]
fn a_stale_token_changes_nothing() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.sent("10086", 2, 7, NOON);
    let old = harness.reports();
    let _ = harness.reports();
    let _ = harness.tracker.handle_report(&old, &report("10086", 2, 7, NOON, 0), harness.now);
    assert_eq!(harness.state(id), State::Sent);
    harness.tracker.handle_end(old, harness.now);
    // The newer request is still in flight. The next step drops it, which counts as a failure.
    let Ask::Wait(Some(until)) = harness.step() else { panic!() };
    assert!(until >= harness.now + Timing::default().retry);
}

#[test]
fn retry_now_ends_the_back_off() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    harness.add("10086");
    let fail = |harness: &mut Harness<'_>| loop {
        let ask = harness.tracker.step(harness.now);
        harness.settle();
        match ask {
            Ask::Wait(until) => harness.now = until.unwrap(),
            Ask::Submit(token) => break harness.tracker.handle_not_sent(token, harness.now),
            Ask::Reports(token) => break harness.tracker.handle_not_sent(token, harness.now),
            other => panic!("{other:?}"),
        }
    };
    for _ in 0..20 {
        fail(&mut harness);
    }
    let before = harness.now;
    harness.tracker.retry_now(harness.now);
    fail(&mut harness);
    assert_eq!(harness.since(before), 0);
    fail(&mut harness);
    assert_eq!(harness.since(before), 2, "from then on as after a first failure");
    // A call after the wait has ended delays nothing.
    harness.wait(600);
    harness.tracker.retry_now(harness.now);
    assert!(matches!(harness.step(), Ask::Submit(_)));
}

#[test]
fn a_stale_token_has_no_request() {
    let mut memory = Memory::of(8);
    let settings = Settings { incoming: true, first_block: 1, ..Settings::default() };
    let mut harness = Harness::with(&mut memory, settings);
    // Steps until there was a request of each kind. Keeps one token of each kind, but reports no outcome.
    let (mut submit, mut results, mut reports, mut incoming, mut stop) = (None, None, None, None, None);
    let sent = harness.add("10086");
    for _ in 0..50 {
        match harness.next() {
            Ask::Submit(token) if submit.is_none() => {
                assert!(harness.tracker.submission(&token).unwrap().is_some());
                submit = Some(token);
                harness.tracker.stop_task(TaskId::new(7), harness.now);
            }
            Ask::Submit(token) => harness.tracker.handle_accepted(token, None, harness.now),
            Ask::Results(token) => {
                assert!(harness.tracker.results_request(&token).is_some());
                harness.tracker.handle_result(&token, &result(sent, "10086", 2, 7, NOON), harness.now);
                results = Some(token);
            }
            Ask::Reports(token) => {
                assert!(harness.tracker.reports_request(&token).is_some());
                reports = Some(token);
            }
            Ask::Incoming(token) => {
                assert!(harness.tracker.incoming_request(&token).is_some());
                incoming = Some(token);
            }
            Ask::Stop(token) if stop.is_some() => harness.tracker.handle_stopped(token, false, harness.now),
            Ask::Stop(token) => {
                assert!(harness.tracker.stop_request(&token).is_some());
                stop = Some(token);
            }
            Ask::Queue(token) => harness.tracker.handle_queue(token, Some(1), harness.now),
            Ask::Wait(_) => unreachable!("waits are over"),
        }
    }
    // The last request is the only one in flight.
    let _ = harness.step();
    harness.settle();
    let tracker = &harness.tracker;
    assert!(tracker.submission(&submit.unwrap()).unwrap().is_none());
    assert!(tracker.results_request(&results.unwrap()).is_none());
    assert!(tracker.reports_request(&reports.unwrap()).is_none());
    assert!(tracker.incoming_request(&incoming.unwrap()).is_none());
    assert!(tracker.stop_request(&stop.unwrap()).is_none());
}

/// Sends messages whose reports never arrive. After a time, the gateway shows their delivery in their results. Returns the number of
/// queries since they were sent, and the seconds until all are delivered.
fn deliver_by_result(count: u32, after: u64) -> (u32, u64) {
    let mut memory = Memory::of(count as usize);
    let mut harness = Harness::new(&mut memory);
    let ids: Vec<_> = (0..count).map(|_| harness.add("10086")).collect();
    (0..count.div_ceil(128)).for_each(|task| _ = harness.accept(task.into()));
    let (mut queries, mut sent) = (0, harness.now);
    while ids.iter().any(|id| !harness.message(*id).is_final) {
        match harness.next() {
            Ask::Results(token) => {
                let is_delivered = harness.since(sent) >= after;
                for id in &ids {
                    let mut shown = result(*id, "10086", id.get() % 8, id.get() / 8 % 256, NOON);
                    shown.status =
                        Field::Known(if is_delivered { Status::Delivered } else { Status::SentOk });
                    if harness.tracker.message(*id).is_some_and(|message| !message.is_final) {
                        harness.tracker.handle_result(&token, &shown, harness.now);
                    }
                }
                harness.tracker.handle_end(token, harness.now);
                if queries == 0 {
                    sent = harness.now;
                }
            }
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            other => panic!("{other:?}"),
        }
        queries += 1;
    }
    (queries, harness.since(sent))
}

#[test]
fn delivery_by_result_is_noticed_within_a_minute() {
    let (_, seconds) = deliver_by_result(1, 10);
    assert!(seconds <= 60, "{seconds}");
}

#[test]
fn messages_without_reports_cost_few_queries() {
    let (queries, _) = deliver_by_result(400, 3600);
    assert!(f64::from(queries) <= 0.3 * 400.0, "{queries}");
}

#[test]
fn reports_are_looked_at_before_a_message_that_has_some_is_submitted() {
    for wants_report in [true, false] {
        let mut memory = Memory::of(4);
        let mut harness = Harness::new(&mut memory);
        let draft = Draft::new(Number::new("10086").unwrap()).status_report(wants_report);
        harness.tracker.add(&draft, harness.now).unwrap();
        let ask = harness.tracker.step(harness.now);
        let is_look = matches!(ask, Ask::Reports(_));
        assert!(is_look || matches!(ask, Ask::Submit(_)), "{ask:?}");
        assert_eq!(is_look, wants_report);
    }
}
