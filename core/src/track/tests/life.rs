//! Rules of the lifecycle.

use std::vec::Vec;

use super::{Harness, Memory, report, result};
use crate::{
    Number, TaskId, UserId,
    call::{SmsResult, Status},
    json::Field,
    track::{AddError, Ask, Draft, Event, MessageFailure, State, StopResult, Tracker},
};

const NOON: &str = "2026-01-01 12:00:00";

fn told(harness: &Harness<'_>, id: UserId) -> Vec<State> {
    let states = harness.events.iter().filter_map(|event| match event {
        Event::Update(message) if message.id == id => Some(message.state),
        _ => None,
    });
    states.collect()
}

#[test]
fn reports_of_all_segments_deliver_a_message() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    harness.accept(5);
    let sending = SmsResult {
        status: Field::Known(Status::Sending),
        succ_count: Field::Known(0),
        ref_id: Field::Known(0),
        count: Field::Known(3),
        ..result(id, "10086", 2, 0, NOON)
    };
    harness.answer_results(&[sending]);
    assert_eq!(harness.message(id).sent, None);
    let sent = SmsResult {
        count: Field::Known(3),
        succ_count: Field::Known(3),
        ..result(id, "10086", 2, 254, NOON)
    };
    harness.answer_results(&[sent]);
    harness.answer_reports(&[report("10086", 2, 0, NOON, 0), report("10086", 2, 254, NOON, 33)]);
    let message = harness.message(id);
    assert_eq!((message.segments.delivered, message.segments.temporary), (0b100, 0b001));
    assert_eq!(message.task, Some(TaskId::new(5)));
    harness.answer_reports(&[report("10086", 2, 255, NOON, 0), report("10086", 2, 254, NOON, 0)]);
    assert_eq!(harness.state(id), State::Delivered);
    let expected = [State::Accepted, State::Sending, State::Sent, State::Sent, State::Delivered];
    assert_eq!(told(&harness, id), expected);
}

#[test]
fn results_deliver_and_fail_messages() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let (delivered, failed) = (harness.add("10086"), harness.add("10010"));
    assert_eq!(harness.accept(1), 2);
    harness.answer_results(&[
        SmsResult { status: Field::Known(Status::Delivered), ..result(delivered, "10010", 0, 1, NOON) },
        SmsResult {
            status: Field::Known(Status::Failed),
            succ_count: Field::Known(1),
            count: Field::Known(3),
            ..result(failed, "10010", 0, 2, NOON)
        },
    ]);
    // Another program used the same user_id for another number.
    assert_eq!(harness.state(delivered), State::Accepted);
    let message = harness.message(failed);
    assert_eq!((message.state, message.failure), (State::Failed, Some(MessageFailure::NotSent)));
    assert_eq!(message.sent.map(|sent| sent.succeeded), Some(1));
    let delivered_now =
        SmsResult { status: Field::Known(Status::Delivered), ..result(delivered, "10086", 0, 1, NOON) };
    harness.answer_results(&[delivered_now]);
    assert_eq!(harness.state(delivered), State::Delivered);
}

#[test]
fn a_reported_failure_is_confirmed_by_the_result() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    for (status, outcome) in [(Status::SentOk, State::Failed), (Status::Delivered, State::Delivered)] {
        let id = harness.sent("10086", 2, 7, NOON);
        harness.answer_reports(&[report("10086", 2, 7, "2026-01-01 12:00:09", 70)]);
        assert_eq!(harness.state(id), State::Sent);
        harness
            .answer_results(&[SmsResult { status: Field::Known(status), ..result(id, "10086", 2, 7, NOON) }]);
        assert_eq!(harness.state(id), outcome);
        if outcome == State::Failed {
            assert_eq!(
                harness.message(id).failure,
                Some(MessageFailure::Reported { segment: 0, status: 70 })
            );
        }
        // After 3 days, the next message is not confused with this one.
        harness.wait(3 * 24 * 3600);
        harness.settle();
        let _ = harness.step();
        harness.settle();
    }
}

#[test]
fn a_refused_message_has_failed() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    let Ask::Submit(token) = harness.next() else { panic!() };
    harness.tracker.handle_refused(token, 400, harness.now);
    assert_eq!(harness.message(id).failure, Some(MessageFailure::Refused(400)));
    assert!(harness.message(id).is_final);
}

#[test]
fn unsent_requests_are_submitted_again() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let ids = [harness.add("10086"), harness.add("10010")];
    let before = harness.now;
    for _ in 0..3 {
        let Ask::Submit(token) = harness.next() else { panic!() };
        let order: Vec<_> =
            harness.tracker.submission(&token).unwrap().unwrap().map(|outgoing| outgoing.id).collect();
        assert_eq!(order, ids);
        harness.tracker.handle_not_sent(token, harness.now);
        harness.settle();
    }
    // The waits were 2 s and 4 s.
    assert_eq!(harness.since(before), 6);
    harness.accept(1);
    assert_eq!(harness.state(ids[0]), State::Accepted);
}

/// Loses the response to the submission, and then shows the gateway's queue empty.
fn lose(harness: &mut Harness<'_>, dropped: bool) {
    let Ask::Submit(token) = harness.next() else { panic!() };
    if dropped {
        drop(token);
    } else {
        harness.tracker.handle_lost(token, harness.now);
    }
    loop {
        match harness.next() {
            Ask::Results(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Queue(token) => return harness.tracker.handle_queue(token, Some(0), harness.now),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_uncertain_message_is_queried() {
    for dropped in [false, true] {
        let mut memory = Memory::of(4);
        let mut harness = Harness::new(&mut memory);
        let id = harness.add("10086");
        lose(&mut harness, dropped);
        assert_eq!(harness.state(id), State::Uncertain);
        // A truncated response is not evidence, and one complete response is not enough.
        let token = harness.results();
        harness.tracker.handle_lost(token, harness.now);
        harness.answer_results(&[]);
        assert_eq!(harness.state(id), State::Uncertain);
        harness.answer_results(&[result(id, "10086", 1, 1, NOON)]);
        assert_eq!(harness.state(id), State::Sent);
    }
}

#[test]
fn a_message_that_the_gateway_does_not_have_is_unresolved() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    lose(&mut harness, false);
    harness.answer_results(&[]);
    harness.answer_results(&[]);
    assert_eq!(harness.state(id), State::Unresolved);
    assert_eq!(told(&harness, id), [State::Uncertain, State::Unresolved]);
}

#[test]
fn a_message_is_resent_only_if_allowed() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let draft = Draft::new(Number::new("10086").unwrap()).resend(true);
    let id = harness.tracker.add(&draft, harness.now).unwrap();
    lose(&mut harness, false);
    harness.answer_results(&[]);
    harness.answer_results(&[]);
    assert_eq!(harness.state(id), State::Unsent);
    assert_eq!(harness.accept(1), 1);
}

#[test]
fn a_message_that_the_gateway_lost_is_unresolved() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    harness.accept(1);
    for _ in 0..20 {
        match harness.next() {
            Ask::Results(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Queue(token) => harness.tracker.handle_queue(token, Some(0), harness.now),
            other => panic!("{other:?}"),
        }
        harness.settle();
        if harness.message(id).is_final {
            break;
        }
    }
    assert_eq!(harness.state(id), State::Unresolved);
}

#[test]
fn a_message_without_reports_expires() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.sent("10086", 2, 7, NOON);
    let mut questions = 0;
    while !harness.message(id).is_final {
        match harness.next() {
            Ask::Results(token) => {
                let same = result(id, "10086", 2, 7, NOON);
                harness.tracker.handle_result(&token, &same, harness.now);
                harness.tracker.handle_end(token, harness.now);
            }
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            other => panic!("{other:?}"),
        }
        questions += 1;
    }
    assert_eq!(harness.state(id), State::Expired);
    // 72 hours with a query for new reports every 5 minutes, and with other queries from 5 up to 80 minutes apart.
    assert!((900..1000).contains(&questions), "{questions}");
}

#[test]
fn sent_is_final_without_reports() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let draft = Draft::new(Number::new("10086").unwrap()).status_report(false);
    let id = harness.tracker.add(&draft, harness.now).unwrap();
    harness.accept(1);
    harness.answer_results(&[result(id, "10086", 1, 1, NOON)]);
    assert_eq!((harness.state(id), harness.message(id).is_final), (State::Sent, true));
}

#[test]
fn messages_are_stopped_before_and_after_submission() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let before = harness.add("10086");
    assert_eq!(harness.tracker.stop(before, harness.now), StopResult::Stopped);
    assert_eq!(harness.state(before), State::Stopped);
    let (gone, waits) = (harness.add("10010"), harness.add("10011"));
    harness.accept(9);
    assert_eq!(harness.tracker.stop(gone, harness.now), StopResult::SharedTask { messages: 2 });
    assert_eq!(harness.tracker.stop_task_of(gone, harness.now), StopResult::Requested);
    let Ask::Stop(token) = harness.next() else { panic!() };
    harness.tracker.handle_stopped(token, true, harness.now);
    // One message of the task was being sent.
    harness.answer_results(&[result(gone, "10010", 0, 1, NOON)]);
    harness.answer_results(&[]);
    assert_eq!((harness.state(gone), told(&harness, waits).last()), (State::Sent, Some(&State::Stopped)));
    assert_eq!(harness.tracker.stop(gone, harness.now), StopResult::TooLate);
}

#[test]
fn stopping_a_message_that_shares_its_task_stops_nothing() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let ids = [harness.add("10010"), harness.add("10011"), harness.add("10012")];
    let alone = StopResult::SharedTask { messages: 3 };
    let Ask::Submit(token) = harness.next() else { panic!() };
    assert_eq!(harness.tracker.stop(ids[1], harness.now), alone);
    harness.tracker.handle_accepted(token, Some(TaskId::new(9)), harness.now);
    assert_eq!(harness.tracker.stop(ids[1], harness.now), alone);
    let token = harness.results();
    harness.tracker.handle_result(&token, &result(ids[0], "10010", 0, 1, NOON), harness.now);
    assert_eq!(harness.tracker.stop(ids[1], harness.now), StopResult::SharedTask { messages: 2 });
    harness.tracker.handle_result(&token, &result(ids[2], "10012", 0, 2, NOON), harness.now);
    harness.tracker.handle_end(token, harness.now);
    // The other messages of its task are sent, so stopping the task stops only this one.
    assert_eq!(harness.tracker.stop(ids[1], harness.now), StopResult::Requested);
    assert!(matches!(harness.next(), Ask::Stop(_)));
}

#[test]
fn all_messages_in_flight_can_be_stopped_together() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let ids = [harness.add("10010"), harness.add("10011")];
    let Ask::Submit(token) = harness.next() else { panic!() };
    assert_eq!(harness.tracker.stop_task_of(ids[0], harness.now), StopResult::Requested);
    harness.tracker.handle_accepted(token, Some(TaskId::new(9)), harness.now);
    let Ask::Stop(token) = harness.next() else { panic!() };
    harness.tracker.handle_stopped(token, true, harness.now);
    harness.answer_results(&[]);
    harness.answer_results(&[]);
    assert_eq!(ids.map(|id| told(&harness, id).last().copied()), [Some(State::Stopped); 2]);
}

#[test]
fn a_message_is_stopped_as_unsent_only_while_no_request_submits_it() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let (before, id) = (harness.add("10010"), harness.add("10011"));
    assert_eq!(harness.tracker.stop_unsent(before, harness.now), StopResult::Stopped);
    let Ask::Submit(token) = harness.next() else { panic!() };
    assert_eq!(harness.tracker.stop_unsent(id, harness.now), StopResult::TooLate);
    harness.tracker.handle_accepted(token, Some(TaskId::new(9)), harness.now);
    assert_eq!(harness.tracker.stop_unsent(id, harness.now), StopResult::TooLate);
    harness.answer_results(&[result(id, "10011", 0, 1, NOON)]);
    assert_eq!(told(&harness, before).last(), Some(&State::Stopped));
    assert_eq!(harness.state(id), State::Sent);
}

/// A stop that is requested while the message is alone in flight must not reach messages with which it is submitted later.
#[test]
fn a_message_to_be_stopped_is_not_submitted_again() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10010");
    let Ask::Submit(token) = harness.next() else { panic!() };
    assert_eq!(harness.tracker.stop(id, harness.now), StopResult::Requested);
    harness.tracker.handle_not_sent(token, harness.now);
    assert_eq!(harness.state(id), State::Stopped);
}

#[test]
fn an_unsent_message_can_be_withdrawn() {
    let mut memory = Memory::of(1);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    assert!(harness.tracker.cancel(id));
    assert_eq!((harness.tracker.message(id), harness.tracker.cancel(id)), (None, false));
    harness.save();
    assert_eq!((harness.tracker.next_event(), harness.tracker.room(), harness.saved.len()), (None, 1, 1));
    let id = harness.add("10086");
    harness.accept(1);
    assert!(!harness.tracker.cancel(id));
    assert_eq!(harness.state(id), State::Accepted);
}

#[test]
fn a_full_tracker_rejects_messages_until_a_slot_is_free() {
    let mut memory = Memory::of(1);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    let draft = Draft::new(Number::new("10010").unwrap());
    assert_eq!(harness.tracker.add(&draft, harness.now), Err(AddError::Full));
    let Ask::Submit(token) = harness.next() else { panic!() };
    harness.tracker.handle_refused(token, 400, harness.now);
    assert_eq!(harness.state(id), State::Failed);
    assert_eq!(harness.tracker.add(&draft, harness.now), Err(AddError::Full));
    // After its end is acknowledged, its slot is free and its record is deleted from the store.
    harness.settle();
    assert_eq!((harness.tracker.message(id), harness.saved.len()), (None, 1));
    assert!(harness.tracker.add(&draft, harness.now).is_ok());
}

#[test]
fn a_delivered_message_is_kept_for_two_hours() {
    let mut memory = Memory::of(2);
    let mut harness = Harness::new(&mut memory);
    let id = harness.sent("10086", 2, 7, NOON);
    harness.answer_reports(&[report("10086", 2, 7, NOON, 0)]);
    assert_eq!((harness.state(id), harness.tracker.room()), (State::Delivered, 1));
    let end = harness.now;
    let mut steps = 0;
    while harness.tracker.message(id).is_some() {
        let Ask::Wait(Some(until)) = harness.step() else { panic!() };
        harness.settle();
        steps += 1;
        if harness.tracker.message(id).is_some() {
            harness.now = until;
        }
    }
    // In between, the tracker only saves how much time has passed.
    assert_eq!((harness.since(end), steps, harness.tracker.room()), (7200, 14, 2));
    assert!(matches!(harness.step(), Ask::Wait(None)));
}

#[test]
fn a_tracker_without_memory_is_harmless() {
    let mut tracker = Tracker::new(&mut [], &mut [], super::Settings::default(), core::time::Duration::ZERO);
    let draft = Draft::new(Number::new("10010").unwrap());
    assert_eq!(tracker.add(&draft, core::time::Duration::ZERO), Err(AddError::Full));
    assert!(matches!(tracker.step(core::time::Duration::ZERO), Ask::Wait(None)));
}

#[test]
fn a_static_tracker_works_once_it_has_memory() {
    static TRACKER: std::sync::Mutex<Tracker<'static>> = std::sync::Mutex::new(Tracker::empty());
    let mut tracker = TRACKER.lock().unwrap();
    let draft = Draft::new(Number::new("10010").unwrap());
    let now = core::time::Duration::ZERO;
    assert_eq!((tracker.add(&draft, now), tracker.room()), (Err(AddError::Full), 0));
    let slots = std::vec![crate::track::Slot::EMPTY; 2].leak();
    tracker.begin(slots, &mut [], &super::Settings::default(), now);
    assert!(tracker.add(&draft, now).is_ok());
    // Memory is lent only once.
    tracker.begin(&mut [], &mut [], &super::Settings::default(), now);
    assert_eq!(tracker.room(), 1);
}

/// Gives empty responses and shows the gateway's queue empty, until results were queried this many times.
fn answer_nothing(harness: &mut Harness<'_>, times: u32) {
    let mut answered = 0;
    while answered < times {
        match harness.next() {
            Ask::Results(token) => {
                harness.tracker.handle_end(token, harness.now);
                answered += 1;
            }
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Queue(token) => harness.tracker.handle_queue(token, Some(0), harness.now),
            other => panic!("{other:?}"),
        }
        harness.settle();
    }
}

fn sending(id: UserId, sent: u32) -> SmsResult<'static> {
    let [count, succ_count] = [3, sent].map(Field::Known);
    SmsResult { status: Field::Known(Status::Sending), count, succ_count, ..result(id, "10086", 2, 7, NOON) }
}

#[test]
fn a_queue_that_was_empty_before_a_message_was_submitted_proves_nothing_nor_does_one_without_a_number() {
    for in_queue in [None, Some(0)] {
        let mut memory = Memory::of(4);
        let mut harness = Harness::new(&mut memory);
        if in_queue.is_some() {
            let first = harness.add("10010");
            lose(&mut harness, false);
            answer_nothing(&mut harness, 2);
            assert_eq!(told(&harness, first).last(), Some(&State::Unresolved));
        }
        let id = harness.add("10086");
        harness.accept(1);
        let mut answered = 0;
        while answered < 5 {
            match harness.next() {
                Ask::Results(token) => {
                    harness.tracker.handle_end(token, harness.now);
                    answered += 1;
                }
                Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
                Ask::Queue(token) => harness.tracker.handle_queue(token, None, harness.now),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(harness.state(id), State::Accepted, "{in_queue:?}");
    }
}

#[test]
fn a_message_of_which_a_segment_was_sent_does_not_end_because_no_result_shows_it_any_more() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    harness.accept(1);
    harness.answer_results(&[sending(id, 1)]);
    answer_nothing(&mut harness, 6);
    assert_eq!(harness.state(id), State::Sending);
}

#[test]
fn responses_without_a_message_are_counted_anew_after_one_with_it() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    lose(&mut harness, false);
    answer_nothing(&mut harness, 1);
    harness.answer_results(&[sending(id, 0)]);
    answer_nothing(&mut harness, 1);
    assert_eq!(harness.state(id), State::Sending);
    answer_nothing(&mut harness, 1);
    assert_eq!(told(&harness, id).last(), Some(&State::Unresolved));
}

#[test]
fn responses_without_a_message_are_counted_anew_after_it_is_submitted_again() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let draft = Draft::new(Number::new("10086").unwrap()).resend(true);
    let id = harness.tracker.add(&draft, harness.now).unwrap();
    lose(&mut harness, false);
    answer_nothing(&mut harness, 2);
    assert_eq!(harness.state(id), State::Unsent);
    lose(&mut harness, false);
    answer_nothing(&mut harness, 1);
    assert_eq!(harness.state(id), State::Uncertain);
}

#[test]
fn failed_is_forgotten_after_a_better_result_of_the_same_response() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    harness.accept(1);
    let failed = SmsResult { status: Field::Known(Status::Failed), ..sending(id, 0) };
    harness.answer_results(&[failed, sending(id, 0)]);
    harness.answer_results(&[]);
    assert_eq!(harness.state(id), State::Sending);
}

/// Stops a message. `found` is whether the gateway has its task.
fn stop(harness: &mut Harness<'_>, found: bool) -> UserId {
    let id = harness.add("10086");
    harness.accept(9);
    assert_eq!(harness.tracker.stop(id, harness.now), StopResult::Requested);
    let Ask::Stop(token) = harness.next() else { panic!() };
    harness.tracker.handle_stopped(token, found, harness.now);
    id
}

#[test]
fn a_message_is_stopped_only_if_the_gateway_had_its_task_and_shows_it_no_more() {
    for (found, is_lost, is_sending, expected) in [
        (true, false, false, State::Stopped),
        (false, false, false, State::Accepted),
        (true, true, false, State::Unresolved),
        (true, false, true, State::Sending),
    ] {
        let mut memory = Memory::of(4);
        let mut harness = Harness::new(&mut memory);
        let id = stop(&mut harness, found);
        if is_lost {
            // The gateway may have restarted meanwhile.
            let token = harness.results();
            harness.tracker.handle_lost(token, harness.now);
        }
        if is_sending {
            harness.answer_results(&[sending(id, 0)]);
        }
        harness.answer_results(&[]);
        harness.answer_results(&[]);
        assert_eq!(told(&harness, id).last(), Some(&expected), "{found} {is_lost} {is_sending}");
    }
}

#[test]
fn an_uncertain_message_is_not_submitted_again_after_it_was_to_be_stopped() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let draft = Draft::new(Number::new("10086").unwrap()).resend(true);
    let id = harness.tracker.add(&draft, harness.now).unwrap();
    lose(&mut harness, false);
    assert_eq!(harness.tracker.stop(id, harness.now), StopResult::TooLate);
    answer_nothing(&mut harness, 2);
    assert_eq!(told(&harness, id).last(), Some(&State::Unresolved));
}

#[test]
fn a_stop_whose_response_is_lost_is_asked_for_again() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    harness.accept(5);
    assert_eq!(harness.tracker.stop(id, harness.now), StopResult::Requested);
    for _ in 0..2 {
        let Ask::Stop(token) = harness.next() else { panic!("it is not stopped") };
        harness.tracker.handle_lost(token, harness.now);
    }
}

#[test]
fn stopping_a_task_changes_no_message_that_was_sent() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let ids = ["10086", "10010"].map(|number| harness.add(number));
    harness.accept(5);
    harness.answer_results(&[result(ids[0], "10086", 2, 7, NOON)]);
    assert_eq!(harness.tracker.stop_task(TaskId::new(5), harness.now), StopResult::Requested);
    let changes = core::iter::from_fn(|| harness.tracker.next_change()).count();
    assert_eq!(changes, 1);
}

#[test]
fn a_result_that_says_delivered_delivers_each_segment() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    harness.accept(5);
    let [count, succ_count] = [Field::Known(3); 2];
    let status = Field::Known(Status::Delivered);
    harness.answer_results(&[SmsResult { status, count, succ_count, ..result(id, "10086", 2, 7, NOON) }]);
    assert_eq!(harness.message(id).segments.delivered, 0b111);
}

#[test]
fn reports_of_the_place_from_which_a_message_was_not_sent_are_forgotten() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    harness.accept(5);
    let of_three = |port, reference| {
        let [count, succ_count] = [Field::Known(3); 2];
        SmsResult { count, succ_count, ..result(id, "10086", port, reference, NOON) }
    };
    harness.answer_results(&[of_three(2, 7)]);
    harness.answer_reports(&[report("10086", 2, 8, NOON, 0)]);
    assert_eq!(harness.message(id).segments.delivered, 0b010);
    harness.answer_results(&[of_three(3, 20)]);
    assert_eq!(harness.message(id).segments.delivered, 0);
    assert_eq!(harness.message(id).sent.map(|sent| sent.port), Some(3));
}
