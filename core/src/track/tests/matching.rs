//! Rules of matching reports to messages.

use super::{Harness, Memory, report, result};
use crate::{
    call::{SmsResult, Status},
    json::{Field, Text},
    track::{Ask, Event, ReportOutcome, State},
};

const NOON: &str = "2026-01-01 12:00:00";
const LATER: &str = "2026-01-01 12:30:00";

#[test]
fn a_report_before_its_result_is_kept() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    harness.sent("10010", 2, 1, NOON);
    let id = harness.add("10086");
    harness.accept(1);
    harness.answer_reports(&[report("10086", 2, 7, LATER, 0)]);
    assert_eq!(harness.state(id), State::Accepted);
    harness.answer_results(&[result(id, "10086", 2, 7, LATER)]);
    assert_eq!(harness.state(id), State::Delivered);
    assert_eq!(harness.count(|event| matches!(event, Event::Unmatched(_))), 0);
}

#[test]
fn unmatched_reports_are_returned_once() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let id = harness.sent("10086", 2, 7, NOON);
    let others = [
        report("10086", 3, 7, LATER, 0),
        report("10010", 2, 7, LATER, 0),
        report("10086", 2, 8, LATER, 0),
        report("10086", 2, 6, LATER, 0),
    ];
    for _ in 0..8 {
        harness.answer_reports(&others);
    }
    assert_eq!(harness.state(id), State::Sent);
    assert_eq!(harness.count(|event| matches!(event, Event::Unmatched(_))), others.len());
}

#[test]
fn unreadable_reports_are_rejected() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    harness.sent("10086", 2, 7, NOON);
    let lettered = super::StatusReport { number: Text::Exact("MyBank"), ..report("1", 2, 7, NOON, 0) };
    let lacking = super::StatusReport { ref_id: Field::Missing, ..report("10086", 2, 7, NOON, 0) };
    assert_eq!(harness.answer_reports(&[lettered, lacking]), [ReportOutcome::Unreadable; 2]);
}

/// Sends two messages to one number through one port with one reference. The second message follows the first by half an hour.
fn two(harness: &mut Harness<'_>) -> [crate::UserId; 2] {
    let first = harness.sent("13800123456", 2, 7, NOON);
    let second = harness.sent("13800123456", 2, 7, LATER);
    [first, second]
}

#[test]
fn a_report_that_fits_two_messages_decides_nothing() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let ids = two(&mut harness);
    for _ in 0..3 {
        harness.answer_reports(&[report("+8613800123456", 2, 7, "2026-01-01 12:30:05", 0)]);
    }
    assert!(ids.iter().all(|id| harness.state(*id) == State::Sent && harness.message(*id).ambiguous));
    assert_eq!(harness.count(|event| matches!(event, Event::Ambiguous(_))), 1);
    // A certain outcome is still reported.
    let delivered =
        SmsResult { status: Field::Known(Status::Delivered), ..result(ids[1], "13800123456", 2, 7, LATER) };
    harness.answer_results(&[delivered]);
    assert_eq!((harness.state(ids[1]), harness.message(ids[1]).ambiguous), (State::Delivered, false));
}

#[test]
fn the_send_time_decides_once_reports_carry_it() {
    let mut memory = Memory::of(16);
    let mut harness = Harness::new(&mut memory);
    for reference in 20..24 {
        let time = std::format!("2026-01-01 11:59:{reference}");
        let id = harness.add("10010");
        harness.accept(1);
        // The second segment's report carries the send time of the message, too.
        let two = Field::Known(2);
        let shown = SmsResult { count: two, succ_count: two, ..result(id, "10010", 2, 2 * reference, &time) };
        harness.answer_results(&[shown]);
        let reports = [0, 1].map(|segment| report("10010", 2, 2 * reference + segment, &time, 0));
        harness.answer_reports(&reports);
        assert_eq!(harness.state(id), State::Delivered);
    }
    let ids = two(&mut harness);
    harness.answer_reports(&[
        report("13800123456", 2, 7, LATER, 70),
        report("13800123456", 2, 7, "2026-01-01 12:31:00", 0),
    ]);
    // The failure needs no confirmation, and a report with a different time belongs to neither.
    assert_eq!((harness.state(ids[0]), harness.state(ids[1])), (State::Sent, State::Failed));
}

#[test]
fn time_decides_nothing_after_the_clock_jumped_back() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let first = harness.sent("10086", 2, 7, NOON);
    harness.sent("10010", 1, 9, "1970-01-01 00:00:20");
    // Before the jump was noticed, requests may have missed reports because of the times in them.
    harness.answer_reports(&[]);
    harness.answer_reports(&[report("10086", 2, 7, "1970-01-01 00:00:30", 0)]);
    assert_eq!(harness.state(first), State::Delivered);
}

#[test]
fn a_finished_message_still_owns_its_reports() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let first = harness.add("13800123456");
    harness.accept(1);
    let failed = SmsResult {
        status: Field::Known(Status::Failed),
        count: Field::Known(2),
        ..result(first, "13800123456", 2, 7, NOON)
    };
    harness.answer_results(&[failed]);
    let second = harness.sent("13800123456", 2, 7, LATER);
    // The report may belong to a segment of the first message, whose report has not arrived.
    harness.answer_reports(&[report("13800123456", 2, 7, "2026-01-01 12:30:09", 0)]);
    assert_eq!((harness.state(second), harness.message(second).ambiguous), (State::Sent, true));
}

#[test]
fn a_report_waits_for_a_message_that_may_own_it() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let first = harness.sent("13800123456", 2, 7, NOON);
    let second = harness.add("13800123456");
    harness.accept(2);
    // The second may have been sent by now, with the same reference.
    harness.answer_reports(&[report("13800123456", 2, 7, LATER, 0)]);
    assert_eq!(harness.state(first), State::Sent);
    // Responses without a result show that the second message was not sent yet. The report need not arrive again.
    harness.answer_results(&[]);
    harness.answer_results(&[]);
    assert_eq!((harness.state(first), harness.state(second)), (State::Delivered, State::Accepted));
}

#[test]
fn a_report_does_not_wait_for_a_message_that_stays_without_reference() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let first = harness.sent("13800123456", 2, 7, NOON);
    let second = harness.add("13800123456");
    harness.accept(2);
    // The second message was sent, with an unknown reference.
    let unlocated = SmsResult { ref_id: Field::Missing, ..result(second, "13800123456", 2, 7, LATER) };
    harness.answer_results(&[unlocated]);
    harness.answer_reports(&[report("13800123456", 2, 7, LATER, 0)]);
    assert_eq!((harness.state(first), harness.message(first).ambiguous), (State::Sent, true));
    assert_eq!(harness.count(|event| matches!(event, Event::Ambiguous(_))), 1);
}

/// Adds two messages to one number. The report of the first one waits, because the second one may own the report.
fn with_claim(harness: &mut Harness<'_>) -> [crate::UserId; 2] {
    let first = harness.sent("13800123456", 2, 7, NOON);
    let second = harness.add("13800123456");
    harness.accept(2);
    harness.answer_reports(&[report("13800123456", 2, 7, LATER, 0)]);
    assert_eq!(harness.state(first), State::Sent);
    [first, second]
}

#[test]
fn the_result_of_a_message_for_which_a_report_waits_is_queried_soon() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    harness.sent("13800123456", 2, 7, NOON);
    let second = harness.add("13800123456");
    harness.accept(2);
    let accepted = harness.now;
    harness.answer_reports(&[report("13800123456", 2, 7, LATER, 0)]);
    let _ = harness.results();
    assert!(harness.since(accepted) < 8, "{} s", harness.since(accepted));
    assert_eq!(harness.state(second), State::Accepted);
}

#[test]
fn a_report_that_waited_is_returned_if_its_message_turns_out_to_have_another_reference() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let [first, second] = with_claim(&mut harness);
    harness.answer_results(&[
        result(first, "13800123456", 2, 8, NOON),
        result(second, "13800123456", 2, 9, LATER),
    ]);
    // The report is judged again, and has waited long enough.
    for _ in 0..2 {
        harness.wait(60);
        let _ = harness.step();
        harness.settle();
    }
    assert_eq!(harness.count(|event| matches!(event, Event::Unmatched(_))), 1);
}

#[test]
fn a_report_of_long_ago_is_not_returned_since_it_may_be_that_of_a_deleted_message() {
    for (time, is_returned) in [("2026-01-01 09:00:00", false), ("2026-01-01 11:00:00", true)] {
        let mut memory = Memory::of(8);
        let mut harness = Harness::new(&mut memory);
        harness.sent("10086", 2, 7, NOON);
        harness.answer_reports(&[report("10010", 2, 7, time, 0)]);
        harness.wait(120);
        let _ = harness.step();
        harness.settle();
        let returned = harness.count(|event| matches!(event, Event::Unmatched(_)));
        assert_eq!(returned, usize::from(is_returned), "{time}");
    }
}

/// Lets eight reports in a row carry the send time.
fn learn_equality(harness: &mut Harness<'_>) {
    for second in 20..28 {
        let time = std::format!("2026-01-01 11:59:{second}");
        harness.sent("10010", 2, second, &time);
        harness.answer_reports(&[report("10010", 2, second, &time, 0)]);
    }
}

#[test]
fn a_failure_is_confirmed_by_the_result_if_the_send_time_is_not_known() {
    for (is_known, expected) in [(true, State::Failed), (false, State::Sent)] {
        let mut memory = Memory::of(16);
        let mut harness = Harness::new(&mut memory);
        learn_equality(&mut harness);
        let id = harness.add("10086");
        harness.accept(1);
        let mut shown = result(id, "10086", 2, 7, NOON);
        if !is_known {
            shown.time = Field::Missing;
        }
        harness.answer_results(&[shown]);
        harness.answer_reports(&[report("10086", 2, 7, NOON, 70)]);
        assert_eq!(harness.state(id), expected);
    }
}

#[test]
fn reports_that_carry_the_send_time_are_known_to_do_so_after_a_restart() {
    let mut memories = [Memory::of(16), Memory::of(16)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    learn_equality(&mut harness);
    let mut again = Harness::new(new);
    again.now = harness.now;
    for record in harness.saved.values() {
        again.tracker.restore(record).unwrap();
    }
    again.tracker.start(again.now);
    let ids = two(&mut again);
    again.answer_reports(&[report("13800123456", 2, 7, LATER, 70)]);
    assert_eq!(ids.map(|id| again.state(id)), [State::Sent, State::Failed]);
}

#[test]
fn a_report_that_was_returned_still_belongs_to_a_message_whose_result_is_late() {
    let mut memory = Memory::of(8);
    let settings = super::Settings { exclusive: true, first_block: 1, ..super::Settings::default() };
    let mut harness = Harness::with(&mut memory, settings);
    harness.sent("10010", 2, 1, NOON);
    let id = harness.add("10086");
    harness.accept(1);
    harness.answer_reports(&[report("10086", 2, 7, LATER, 0)]);
    let sending = SmsResult {
        status: Field::Known(Status::Sending),
        succ_count: Field::Known(0),
        ..result(id, "10086", 2, 7, LATER)
    };
    harness.answer_results(&[sending]);
    while harness.count(|event| matches!(event, Event::Unmatched(_))) == 0 {
        harness.answer_reports(&[]);
    }
    assert_eq!(harness.state(id), State::Sending);
    while harness.state(id) == State::Sending {
        match harness.next() {
            Ask::Results(token) => {
                harness.tracker.handle_result(&token, &result(id, "10086", 2, 7, LATER), harness.now);
                harness.tracker.handle_end(token, harness.now);
            }
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Queue(token) => harness.tracker.handle_queue(token, Some(1), harness.now),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(harness.state(id), State::Delivered);
}
