//! Whose a report is.

use super::{Bench, Memory, report, result};
use crate::{
    call::{SmsResult, Status},
    json::{Field, Text},
    track::{Event, State, Taken},
};

const NOON: &str = "2026-01-01 12:00:00";
const LATER: &str = "2026-01-01 12:30:00";

#[test]
fn a_report_before_its_result_is_kept() {
    let mut memory = Memory::of(8);
    let mut bench = Bench::new(&mut memory);
    bench.sent("10010", 2, 1, NOON);
    let id = bench.add("10086");
    bench.accept(1);
    bench.answer_reports(&[report("10086", 2, 7, LATER, 0)]);
    assert_eq!(bench.state(id), State::Accepted);
    bench.answer_results(&[result(id, "10086", 2, 7, LATER)]);
    assert_eq!(bench.state(id), State::Delivered);
    assert_eq!(bench.count(|event| matches!(event, Event::Unmatched(_))), 0);
}

#[test]
fn what_matches_nothing_is_handed_out_once() {
    let mut memory = Memory::of(8);
    let mut bench = Bench::new(&mut memory);
    let id = bench.sent("10086", 2, 7, NOON);
    let others = [
        report("10086", 3, 7, LATER, 0),
        report("10010", 2, 7, LATER, 0),
        report("10086", 2, 8, LATER, 0),
        report("10086", 2, 6, LATER, 0),
        // Before it was sent.
        report("10086", 2, 7, "2026-01-01 11:59:00", 0),
    ];
    for _ in 0..8 {
        bench.answer_reports(&others);
    }
    assert_eq!(bench.state(id), State::Sent);
    assert_eq!(bench.count(|event| matches!(event, Event::Unmatched(_))), others.len());
}

#[test]
fn an_unreadable_report_is_said_to_be_so() {
    let mut memory = Memory::of(8);
    let mut bench = Bench::new(&mut memory);
    bench.sent("10086", 2, 7, NOON);
    let lettered = super::StatusReport { number: Text::Exact("MyBank"), ..report("1", 2, 7, NOON, 0) };
    let lacking = super::StatusReport { ref_id: Field::Missing, ..report("10086", 2, 7, NOON, 0) };
    assert_eq!(bench.answer_reports(&[lettered, lacking]), [Taken::Unreadable; 2]);
}

/// Two messages to one number by one port with one reference, the second half an hour after the first.
fn two(bench: &mut Bench<'_>) -> [crate::UserId; 2] {
    let first = bench.sent("13800123456", 2, 7, NOON);
    let second = bench.sent("13800123456", 2, 7, LATER);
    [first, second]
}

#[test]
fn a_report_that_may_be_of_two_decides_nothing() {
    let mut memory = Memory::of(8);
    let mut bench = Bench::new(&mut memory);
    let ids = two(&mut bench);
    for _ in 0..3 {
        bench.answer_reports(&[report("+8613800123456", 2, 7, "2026-01-01 12:30:05", 0)]);
    }
    assert!(ids.iter().all(|id| bench.state(*id) == State::Sent && bench.message(*id).ambiguous));
    assert_eq!(bench.count(|event| matches!(event, Event::Ambiguous(_))), 1);
    // What is certain is told all the same.
    let delivered =
        SmsResult { status: Field::Known(Status::Delivered), ..result(ids[1], "13800123456", 2, 7, LATER) };
    bench.answer_results(&[delivered]);
    assert_eq!((bench.state(ids[1]), bench.message(ids[1]).ambiguous), (State::Delivered, false));
}

#[test]
fn a_report_older_than_the_second_is_the_first_s() {
    let mut memory = Memory::of(8);
    let mut bench = Bench::new(&mut memory);
    let ids = two(&mut bench);
    bench.answer_reports(&[report("13800123456", 2, 7, "2026-01-01 12:00:06", 0)]);
    assert_eq!((bench.state(ids[0]), bench.state(ids[1])), (State::Delivered, State::Sent));
    // That again is nobody else's; a new one long after is the second's.
    bench.answer_reports(&[report("13800123456", 2, 7, "2026-01-01 12:00:06", 0)]);
    assert_eq!(bench.state(ids[1]), State::Sent);
    bench.answer_reports(&[report("13800123456", 2, 7, "2026-01-01 12:30:06", 70)]);
    bench.answer_results(&[result(ids[1], "13800123456", 2, 7, LATER)]);
    assert_eq!(bench.state(ids[1]), State::Failed);
}

#[test]
fn where_reports_carry_the_time_of_sending_that_decides() {
    let mut memory = Memory::of(16);
    let mut bench = Bench::new(&mut memory);
    for reference in 20..28 {
        let id = bench.sent("10010", 2, reference, NOON);
        bench.answer_reports(&[report("10010", 2, reference, NOON, 0)]);
        assert_eq!(bench.state(id), State::Delivered);
    }
    let ids = two(&mut bench);
    bench.answer_reports(&[
        report("13800123456", 2, 7, LATER, 70),
        report("13800123456", 2, 7, "2026-01-01 12:31:00", 0),
    ]);
    // The failure needs no confirmation, and a report of another time is none of theirs.
    assert_eq!((bench.state(ids[0]), bench.state(ids[1])), (State::Sent, State::Failed));
}

#[test]
fn after_the_clock_jumped_back_time_decides_nothing() {
    let mut memory = Memory::of(8);
    let mut bench = Bench::new(&mut memory);
    let first = bench.sent("10086", 2, 7, NOON);
    bench.sent("10010", 1, 9, "1970-01-01 00:00:20");
    bench.answer_reports(&[report("10086", 2, 7, "1970-01-01 00:00:30", 0)]);
    assert_eq!(bench.state(first), State::Delivered);
}

#[test]
fn a_finished_message_still_takes_its_reports() {
    let mut memory = Memory::of(8);
    let mut bench = Bench::new(&mut memory);
    let first = bench.add("13800123456");
    bench.accept(1);
    let failed = SmsResult {
        status: Field::Known(Status::Failed),
        count: Field::Known(2),
        ..result(first, "13800123456", 2, 7, NOON)
    };
    bench.answer_results(&[failed]);
    let second = bench.sent("13800123456", 2, 7, LATER);
    // It may be of the first one's segment, whose report has not come.
    bench.answer_reports(&[report("13800123456", 2, 7, "2026-01-01 12:30:09", 0)]);
    assert_eq!((bench.state(second), bench.message(second).ambiguous), (State::Sent, true));
}

#[test]
fn a_report_waits_for_a_message_that_may_be_its_own() {
    let mut memory = Memory::of(8);
    let mut bench = Bench::new(&mut memory);
    let first = bench.sent("13800123456", 2, 7, NOON);
    let second = bench.add("13800123456");
    bench.accept(2);
    // The second may have been sent by now, with the same reference.
    bench.answer_reports(&[report("13800123456", 2, 7, LATER, 0)]);
    assert_eq!(bench.state(first), State::Sent);
    // It was not: the gateway does not know it yet. The report need not come again.
    bench.answer_results(&[]);
    bench.answer_results(&[]);
    assert_eq!((bench.state(first), bench.state(second)), (State::Delivered, State::Accepted));
}

#[test]
fn a_report_does_not_wait_for_what_the_gateway_will_not_tell() {
    let mut memory = Memory::of(8);
    let mut bench = Bench::new(&mut memory);
    let first = bench.sent("13800123456", 2, 7, NOON);
    let second = bench.add("13800123456");
    bench.accept(2);
    // It was sent, with whatever reference.
    let unlocated = SmsResult { ref_id: Field::Missing, ..result(second, "13800123456", 2, 7, LATER) };
    bench.answer_results(&[unlocated]);
    bench.answer_reports(&[report("13800123456", 2, 7, LATER, 0)]);
    assert_eq!((bench.state(first), bench.message(first).ambiguous), (State::Sent, true));
    assert_eq!(bench.count(|event| matches!(event, Event::Ambiguous(_))), 1);
}
