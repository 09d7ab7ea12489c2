//! What is asked, when, and for how many at once.

use core::time::Duration;
use std::vec::Vec;

use super::{Bench, Memory, report, result};
use crate::{
    Number,
    call::Call,
    text::Alphabet,
    track::{Ask, Draft, Limits, Settings, State, Timing},
};

const NOON: &str = "2026-01-01 12:00:00";

fn limits(limits: Limits) -> Settings {
    Settings { limits, first_epoch: 1, ..Settings::default() }
}

#[test]
fn the_first_result_is_asked_for_after_8_seconds() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    bench.add("10086");
    bench.accept(1);
    let accepted = bench.now;
    let waits: Vec<u64> = (0..4)
        .map(|_| {
            let before = bench.now;
            loop {
                match bench.next() {
                    Ask::Results(token) => break bench.tracker.handle_end(token, bench.now),
                    Ask::Queue(token) => bench.tracker.handle_queue(token, Some(3), bench.now),
                    other => panic!("{other:?}"),
                }
            }
            bench.since(before)
        })
        .collect();
    assert_eq!(waits, [8, 16, 32, 64], "{accepted:?}");
}

#[test]
fn one_question_for_many_messages() {
    let mut memory = Memory::of(200);
    let mut bench = Bench::new(&mut memory);
    let ids: Vec<_> = (0..150).map(|_| bench.add("10086")).collect();
    assert_eq!((bench.accept(1), bench.accept(2)), (128, 22));
    let token = bench.results();
    let mut body = [0; 1024];
    let body = bench.tracker.results_request(&token).body(&mut body).unwrap();
    let asked = std::str::from_utf8(body).unwrap().matches(',').count() + 1;
    assert_eq!(asked, 64);
    for (reference, id) in (0..).zip(&ids) {
        let port = reference % 3;
        let seconds = std::format!("2026-01-01 12:00:{:02}", reference % 60);
        bench.tracker.handle_result(&token, &result(*id, "10086", port, reference, &seconds), bench.now);
    }
    bench.tracker.handle_end(token, bench.now);
    // More than asked for were told of, which is as good.
    assert!(ids.iter().all(|id| bench.state(*id) == State::Sent));
    let token = bench.reports();
    let mut body = [0; 256];
    let body = bench.tracker.reports_request(&token).body(&mut body).unwrap();
    let body = std::str::from_utf8(body).unwrap();
    assert_eq!(body, r#"{"port":[0,1,2],"time_after":"2026-01-01 11:59:59"}"#);
}

#[test]
fn requests_are_grouped_and_bounded() {
    let mut memory = Memory::of(20);
    let bounded = Limits { recipients: 3, request_bytes: 100, ..Limits::default() };
    let mut bench = Bench::with(&mut memory, limits(bounded));
    let number = Number::new("10086").unwrap();
    let plain = Draft::new(number).text_bytes(30);
    let unicode = plain.alphabet(Alphabet::Unicode);
    let by_port = plain.ports("2".parse().unwrap());
    let long = Draft::new(number).text_bytes(90);
    for draft in [plain, unicode, plain, by_port, plain, plain, unicode, long, long] {
        bench.tracker.add(&draft, bench.now).unwrap();
    }
    let sizes: Vec<usize> = (0..6).map(|task| bench.accept(task)).collect();
    assert_eq!(sizes, [3, 2, 1, 1, 1, 1]);
}

#[test]
fn only_so_many_are_under_way() {
    let mut memory = Memory::of(20);
    let bounded = Limits { under_way: 2, under_way_per_port: 1, ..Limits::default() };
    let mut bench = Bench::with(&mut memory, limits(bounded));
    let by_port = Draft::new(Number::new("10086").unwrap()).ports("2".parse().unwrap());
    let first = bench.tracker.add(&by_port, bench.now).unwrap();
    let second = bench.tracker.add(&by_port, bench.now).unwrap();
    let others = [bench.add("10010"), bench.add("10010")];
    assert_eq!((bench.accept(1), bench.accept(2)), (1, 1));
    assert_eq!(
        [first, second, others[0], others[1]].map(|id| bench.state(id)),
        [State::Accepted, State::Asked, State::Accepted, State::Asked]
    );
    bench.answer_results(&[result(first, "10086", 2, 1, NOON)]);
    assert_eq!(bench.accept(3), 1);
    assert_eq!(bench.state(second), State::Accepted);
}

#[test]
fn requests_keep_their_distance() {
    let mut memory = Memory::of(400);
    let apart = Limits { request_gap: Duration::from_secs(1), ..Limits::default() };
    let mut bench = Bench::with(&mut memory, limits(apart));
    (0..300).for_each(|_| _ = bench.add("10086"));
    let before = bench.now;
    (0..3).for_each(|task| _ = bench.accept(task));
    assert_eq!(bench.since(before), 2);
}

#[test]
fn many_are_asked_for_by_time() {
    let mut memory = Memory::of(300);
    let mut bench = Bench::new(&mut memory);
    let ids: Vec<_> = (0..200).map(|_| bench.add("10086")).collect();
    bench.accept(1);
    bench.accept(2);
    bench.answer_results(&[result(ids[0], "10086", 0, 0, NOON)]);
    let token = loop {
        match bench.next() {
            Ask::Results(token) => {
                let mut body = [0; 1024];
                let body = bench.tracker.results_request(&token).body(&mut body).unwrap();
                if body == br#"{"time_after":"2026-01-01 11:59:44"}"# {
                    break token;
                }
                bench.tracker.handle_end(token, bench.now);
            }
            Ask::Reports(token) => bench.tracker.handle_end(token, bench.now),
            other => panic!("{other:?}"),
        }
    };
    bench.tracker.handle_result(&token, &result(ids[150], "10086", 0, 1, NOON), bench.now);
    bench.tracker.handle_end(token, bench.now);
    assert_eq!(bench.state(ids[150]), State::Sent);
}

#[test]
fn messages_are_not_shown_before_they_are_saved() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    bench.add("10086");
    let Ask::Submit(token) = bench.tracker.step(bench.now) else { panic!() };
    assert!(bench.tracker.submission(&token).is_err());
    bench.save();
    assert_eq!(bench.tracker.submission(&token).unwrap().count(), 1);
    bench.tracker.handle_accepted(token, None, bench.now);
    assert_eq!(bench.tracker.next_event(), None);
    bench.save();
    assert!(bench.tracker.next_event().is_some());
}

#[test]
fn an_old_token_changes_nothing() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let id = bench.sent("10086", 2, 7, NOON);
    let old = bench.reports();
    let _ = bench.reports();
    let _ = bench.tracker.handle_report(&old, &report("10086", 2, 7, NOON, 0), bench.now);
    assert_eq!(bench.state(id), State::Sent);
    bench.tracker.handle_end(old, bench.now);
    // The newer one is still what is asked: to step is to drop it, which is a failure.
    let Ask::Wait(Some(until)) = bench.tracker.step(bench.now) else { panic!() };
    assert!(until >= bench.now + Timing::default().retry);
}

#[test]
fn what_failed_is_asked_again_at_once_when_the_caller_says_so() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    bench.add("10086");
    let fail = |bench: &mut Bench<'_>| {
        let Ask::Submit(token) = bench.next() else { panic!("a submission") };
        bench.tracker.handle_not_sent(token, bench.now);
    };
    for _ in 0..20 {
        fail(&mut bench);
    }
    let before = bench.now;
    bench.tracker.retry_now(bench.now);
    fail(&mut bench);
    assert_eq!(bench.since(before), 0);
    fail(&mut bench);
    assert_eq!(bench.since(before), 2, "from then on as after a first failure");
    // It makes nothing wait that need not.
    bench.wait(600);
    bench.tracker.retry_now(bench.now);
    assert!(matches!(bench.tracker.step(bench.now), Ask::Submit(_)));
}
