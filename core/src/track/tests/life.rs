//! From asked to the end.

use std::vec::Vec;

use super::{Bench, Memory, report, result};
use crate::{
    Number, TaskId, UserId,
    call::{SmsResult, Status},
    json::Field,
    track::{AddError, Ask, Draft, Event, Failure, State, Stopping, Tracker},
};

const NOON: &str = "2026-01-01 12:00:00";

fn told(bench: &Bench<'_>, id: UserId) -> Vec<State> {
    let states = bench.events.iter().filter_map(|event| match event {
        Event::News(message) if message.id == id => Some(message.state),
        _ => None,
    });
    states.collect()
}

#[test]
fn delivered_by_reports_of_all_segments() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let id = bench.add("10086");
    bench.accept(5);
    let sending = SmsResult {
        status: Field::Known(Status::Sending),
        succ_count: Field::Known(0),
        ref_id: Field::Known(0),
        count: Field::Known(3),
        ..result(id, "10086", 2, 0, NOON)
    };
    bench.answer_results(&[sending]);
    assert_eq!(bench.message(id).sent, None);
    let sent = SmsResult {
        count: Field::Known(3),
        succ_count: Field::Known(3),
        ..result(id, "10086", 2, 254, NOON)
    };
    bench.answer_results(&[sent]);
    bench.answer_reports(&[report("10086", 2, 0, NOON, 0), report("10086", 2, 254, NOON, 33)]);
    let message = bench.message(id);
    assert_eq!((message.segments.delivered, message.segments.temporary), (0b100, 0b001));
    assert_eq!(message.task, Some(TaskId::new(5)));
    bench.answer_reports(&[report("10086", 2, 255, NOON, 0), report("10086", 2, 254, NOON, 0)]);
    assert_eq!(bench.state(id), State::Delivered);
    let expected = [State::Accepted, State::Sending, State::Sent, State::Sent, State::Delivered];
    assert_eq!(told(&bench, id), expected);
}

#[test]
fn delivered_or_failed_by_the_result() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let (delivered, failed) = (bench.add("10086"), bench.add("10010"));
    assert_eq!(bench.accept(1), 2);
    bench.answer_results(&[
        SmsResult { status: Field::Known(Status::Delivered), ..result(delivered, "+8610086", 0, 1, NOON) },
        SmsResult {
            status: Field::Known(Status::Failed),
            succ_count: Field::Known(1),
            count: Field::Known(3),
            ..result(failed, "10010", 0, 2, NOON)
        },
    ]);
    // Five digits are too few to be the end of a longer number: another's.
    assert_eq!(bench.state(delivered), State::Accepted);
    let message = bench.message(failed);
    assert_eq!((message.state, message.failure), (State::Failed, Some(Failure::NotSent)));
    assert_eq!(message.sent.map(|sent| sent.succeeded), Some(1));
    let delivered_now =
        SmsResult { status: Field::Known(Status::Delivered), ..result(delivered, "10086", 0, 1, NOON) };
    bench.answer_results(&[delivered_now]);
    assert_eq!(bench.state(delivered), State::Delivered);
}

#[test]
fn a_failure_by_report_is_confirmed_by_the_result() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    for (status, outcome) in [(Status::SentOk, State::Failed), (Status::Delivered, State::Delivered)] {
        let id = bench.sent("10086", 2, 7, NOON);
        bench.answer_reports(&[report("10086", 2, 7, "2026-01-01 12:00:09", 70)]);
        assert_eq!(bench.state(id), State::Sent);
        bench
            .answer_results(&[SmsResult { status: Field::Known(status), ..result(id, "10086", 2, 7, NOON) }]);
        assert_eq!(bench.state(id), outcome);
        if outcome == State::Failed {
            assert_eq!(bench.message(id).failure, Some(Failure::Reported { segment: 0, status: 70 }));
        }
        // The next one is not taken for it.
        bench.wait(3 * 24 * 3600);
        bench.settle();
        let _ = bench.tracker.step(bench.now);
        bench.settle();
    }
}

#[test]
fn a_refusal_is_an_end() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let id = bench.add("10086");
    let Ask::Submit(token) = bench.next() else { panic!() };
    bench.tracker.handle_refused(token, 550, bench.now);
    assert_eq!(bench.message(id).failure, Some(Failure::Refused(550)));
    assert!(bench.message(id).is_final);
}

#[test]
fn what_did_not_leave_is_submitted_again() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let ids = [bench.add("10086"), bench.add("10010")];
    let before = bench.now;
    for _ in 0..3 {
        let Ask::Submit(token) = bench.next() else { panic!() };
        let order: Vec<_> = bench.tracker.submission(&token).unwrap().map(|outgoing| outgoing.id).collect();
        assert_eq!(order, ids);
        bench.tracker.handle_not_sent(token, bench.now);
        bench.settle();
    }
    // Two seconds, then four.
    assert_eq!(bench.since(before), 6);
    bench.accept(1);
    assert_eq!(bench.state(ids[0]), State::Accepted);
}

/// Loses the answer to the submission, and then shows the gateway's queue empty.
fn lose(bench: &mut Bench<'_>, dropped: bool) {
    let Ask::Submit(token) = bench.next() else { panic!() };
    if dropped {
        drop(token);
    } else {
        bench.tracker.handle_lost(token, bench.now);
    }
    loop {
        match bench.next() {
            Ask::Results(token) => bench.tracker.handle_end(token, bench.now),
            Ask::Queue(token) => return bench.tracker.handle_queue(token, Some(0), bench.now),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_uncertain_message_is_looked_up() {
    for dropped in [false, true] {
        let mut memory = Memory::of(4);
        let mut bench = Bench::new(&mut memory);
        let id = bench.add("10086");
        lose(&mut bench, dropped);
        assert_eq!(bench.state(id), State::Uncertain);
        // An answer that was cut is no evidence, and one whole answer is not enough.
        let token = bench.results();
        bench.tracker.handle_lost(token, bench.now);
        bench.answer_results(&[]);
        assert_eq!(bench.state(id), State::Uncertain);
        bench.answer_results(&[result(id, "10086", 1, 1, NOON)]);
        assert_eq!(bench.state(id), State::Sent);
    }
}

#[test]
fn what_nobody_knows_is_unresolved() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let id = bench.add("10086");
    lose(&mut bench, false);
    bench.answer_results(&[]);
    bench.answer_results(&[]);
    assert_eq!(bench.state(id), State::Unresolved);
    assert_eq!(told(&bench, id), [State::Uncertain, State::Unresolved]);
}

#[test]
fn it_is_sent_again_only_if_that_was_allowed() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let draft = Draft::new(Number::new("10086").unwrap()).resend(true);
    let id = bench.tracker.add(&draft, bench.now).unwrap();
    lose(&mut bench, false);
    bench.answer_results(&[]);
    bench.answer_results(&[]);
    assert_eq!(bench.state(id), State::Asked);
    assert_eq!(bench.accept(1), 1);
}

#[test]
fn a_message_that_the_gateway_forgot_is_unresolved() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let id = bench.add("10086");
    bench.accept(1);
    for _ in 0..20 {
        match bench.next() {
            Ask::Results(token) => bench.tracker.handle_end(token, bench.now),
            Ask::Queue(token) => bench.tracker.handle_queue(token, Some(0), bench.now),
            other => panic!("{other:?}"),
        }
        bench.settle();
        if bench.message(id).is_final {
            break;
        }
    }
    assert_eq!(bench.state(id), State::Unresolved);
}

#[test]
fn nothing_comes_and_it_expires() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let id = bench.sent("10086", 2, 7, NOON);
    let mut questions = 0;
    while !bench.message(id).is_final {
        match bench.next() {
            Ask::Results(token) => {
                let same = result(id, "10086", 2, 7, NOON);
                bench.tracker.handle_result(&token, &same, bench.now);
                bench.tracker.handle_end(token, bench.now);
            }
            Ask::Reports(token) => bench.tracker.handle_end(token, bench.now),
            other => panic!("{other:?}"),
        }
        questions += 1;
    }
    assert_eq!(bench.state(id), State::Expired);
    // 72 hours with a look every 5 minutes at what arrived, and others from 5 up to 80 minutes apart.
    assert!((900..1000).contains(&questions), "{questions}");
}

#[test]
fn without_a_report_sent_is_the_end() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let draft = Draft::new(Number::new("10086").unwrap()).status_report(false);
    let id = bench.tracker.add(&draft, bench.now).unwrap();
    bench.accept(1);
    bench.answer_results(&[result(id, "10086", 1, 1, NOON)]);
    assert_eq!((bench.state(id), bench.message(id).is_final), (State::Sent, true));
}

#[test]
fn stopped_before_and_after_it_was_submitted() {
    let mut memory = Memory::of(8);
    let mut bench = Bench::new(&mut memory);
    let before = bench.add("10086");
    assert_eq!(bench.tracker.stop(before, bench.now), Stopping::Stopped);
    assert_eq!(bench.state(before), State::Stopped);
    let (gone, waits) = (bench.add("10010"), bench.add("10011"));
    bench.accept(9);
    assert_eq!(bench.tracker.stop(gone, bench.now), Stopping::Asked);
    let Ask::Stop(token) = bench.next() else { panic!() };
    bench.tracker.handle_stopped(token, true, bench.now);
    // One of the task was being sent.
    bench.answer_results(&[result(gone, "10010", 0, 1, NOON)]);
    bench.answer_results(&[]);
    assert_eq!((bench.state(gone), told(&bench, waits).last()), (State::Sent, Some(&State::Stopped)));
    assert_eq!(bench.tracker.stop(gone, bench.now), Stopping::TooLate);
}

#[test]
fn taken_back_before_it_was_submitted() {
    let mut memory = Memory::of(1);
    let mut bench = Bench::new(&mut memory);
    let id = bench.add("10086");
    assert!(bench.tracker.withdraw(id));
    assert_eq!((bench.tracker.message(id), bench.tracker.withdraw(id)), (None, false));
    bench.save();
    assert_eq!((bench.tracker.next_event(), bench.tracker.room(), bench.saved.len()), (None, 1, 1));
    let id = bench.add("10086");
    bench.accept(1);
    assert!(!bench.tracker.withdraw(id));
    assert_eq!(bench.state(id), State::Accepted);
}

#[test]
fn a_full_tracker_says_so_and_has_room_again() {
    let mut memory = Memory::of(1);
    let mut bench = Bench::new(&mut memory);
    let id = bench.add("10086");
    let draft = Draft::new(Number::new("10010").unwrap());
    assert_eq!(bench.tracker.add(&draft, bench.now), Err(AddError::Full));
    let Ask::Submit(token) = bench.next() else { panic!() };
    bench.tracker.handle_refused(token, 400, bench.now);
    assert_eq!(bench.state(id), State::Failed);
    assert_eq!(bench.tracker.add(&draft, bench.now), Err(AddError::Full));
    // Its slot is free when its end is acknowledged, and it is forgotten in the store, too.
    bench.settle();
    assert_eq!((bench.tracker.message(id), bench.saved.len()), (None, 1));
    assert!(bench.tracker.add(&draft, bench.now).is_ok());
}

#[test]
fn a_delivered_message_is_remembered_for_two_hours() {
    let mut memory = Memory::of(2);
    let mut bench = Bench::new(&mut memory);
    let id = bench.sent("10086", 2, 7, NOON);
    bench.answer_reports(&[report("10086", 2, 7, NOON, 0)]);
    assert_eq!((bench.state(id), bench.tracker.room()), (State::Delivered, 1));
    let end = bench.now;
    let mut steps = 0;
    while bench.tracker.message(id).is_some() {
        let Ask::Wait(Some(until)) = bench.tracker.step(bench.now) else { panic!() };
        bench.settle();
        steps += 1;
        if bench.tracker.message(id).is_some() {
            bench.now = until;
        }
    }
    // In between it only saves how much time has passed.
    assert_eq!((bench.since(end), steps, bench.tracker.room()), (7200, 14, 2));
    assert!(matches!(bench.tracker.step(bench.now), Ask::Wait(None)));
}

#[test]
fn a_tracker_without_memory_is_harmless() {
    let mut tracker = Tracker::new(&mut [], &mut [], super::Settings::default(), core::time::Duration::ZERO);
    let draft = Draft::new(Number::new("10010").unwrap());
    assert_eq!(tracker.add(&draft, core::time::Duration::ZERO), Err(AddError::Full));
    assert!(matches!(tracker.step(core::time::Duration::ZERO), Ask::Wait(None)));
}
