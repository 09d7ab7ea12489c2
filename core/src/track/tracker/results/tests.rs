//! The gateway's list of results, as evidence of the messages of all programs.

use std::vec::Vec;

use super::*;
use crate::{
    Number,
    json::Text,
    track::{
        Draft,
        clock::{PER_SECOND, Sequence},
        matching::Verdict,
        plan::View,
        tests,
    },
};

const HOUR: u32 = 3600 * PER_SECOND;
const STRANGER: &str = "13900000001";

fn tracker(places: usize) -> Tracker<'static> {
    tests::lasting(places, Duration::from_secs(1_000_000))
}

/// Returns the result of a message of one segment, sent this number of seconds after noon.
fn listed(number: &'static str, reference: u32, second: u32) -> SmsResult<'static> {
    let time = std::format!("2026-01-01 12:00:{second:02}").leak();
    tests::result(UserId::new(77).unwrap(), number, 3, reference, time)
}

fn of_three(status: Status, succeeded: u32, result: SmsResult<'static>) -> SmsResult<'static> {
    let [count, succ_count] = [3, succeeded].map(Field::Known);
    SmsResult { status: Field::Known(status), count, succ_count, ..result }
}

/// Adds a message that the gateway has accepted.
fn accepted(tracker: &mut Tracker<'_>, now: Duration) -> SlotId {
    let id = tracker.add(&Draft::new(Number::new("13800000007").unwrap()), now).unwrap();
    let id = matching::find(&tracker.table, id.get()).unwrap();
    assert!(tracker.happen(id, Input::Submit) && tracker.happen(id, Input::Accept));
    id
}

/// Handles a complete list of results.
fn list(tracker: &mut Tracker<'_>, results: &[SmsResult<'static>]) {
    tracker.clock.ledger.begin(tracker.now);
    for result in results {
        tracker.note_listed(result);
    }
    tracker.clock.ledger.complete();
}

/// Returns whether the list shows that it hides no message.
fn tells(tracker: &Tracker<'_>) -> bool {
    tracker.clock.ledger.tells(3, tracker.now, tracker.now, 75 * HOUR)
}

/// Returns whether a listed message of another program may own a report.
fn may_be_a_strangers(tracker: &mut Tracker<'_>, number: &str, reference: u8) -> bool {
    let number = PackedNumber::parse(number).unwrap();
    let report = RawReport { number, time: GatewaySeconds::new(1), port: 3, reference, status: 0x20 };
    let sighting = Sighting { at: tracker.now, first: tracker.counter.draw(), absent: None };
    let view = View { now: tracker.now, clock: &tracker.clock };
    let judgement =
        tracker.matching.judge(&tracker.table, view, tracker.planner.waits(), (&report, sighting));
    judgement.verdict == Verdict::Unknown { is_foreign: false }
}

#[test]
fn each_segment_of_another_programs_message_is_listed() {
    let mut tracker = tracker(64);
    list(&mut tracker, &[of_three(Status::SentOk, 3, listed(STRANGER, 10, 0)), listed(STRANGER, 13, 1)]);
    assert!(tells(&tracker));
    let found =
        [9, 10, 11, 12, 13, 14].map(|reference| may_be_a_strangers(&mut tracker, STRANGER, reference));
    assert_eq!(found, [false, true, true, true, true, false]);
    list(&mut tracker, &[listed(STRANGER, 15, 2)]);
    assert!(!tells(&tracker), "14 is hidden");
}

#[test]
fn a_message_that_failed_may_have_used_one_reference_more_than_were_sent() {
    for (next, is_whole) in [(11, true), (12, true), (13, false)] {
        let mut tracker = tracker(64);
        let failed = of_three(Status::Failed, 1, listed(STRANGER, 10, 0));
        list(&mut tracker, &[failed, listed(STRANGER, next, 1)]);
        assert_eq!(tells(&tracker), is_whole, "{next}");
    }
    // A message of which nothing was sent has no reference, so no report belongs to it.
    let mut tracker = tracker(64);
    let unsent = of_three(Status::Failed, 0, listed(STRANGER, 0, 1));
    list(&mut tracker, &[listed(STRANGER, 10, 0), unsent, listed(STRANGER, 12, 2)]);
    assert!(tells(&tracker) && !may_be_a_strangers(&mut tracker, STRANGER, 0));
}

#[test]
fn a_message_that_is_being_sent_is_counted_once_it_was() {
    let mut tracker = tracker(64);
    let at = |status, succeeded| of_three(status, succeeded, listed(STRANGER, 11, 1));
    list(&mut tracker, &[listed(STRANGER, 10, 0), at(Status::Sending, 1)]);
    list(&mut tracker, &[at(Status::Failed, 1), listed(STRANGER, 13, 2)]);
    assert!(tells(&tracker));
}

#[test]
fn a_listed_message_is_this_clients_if_user_id_and_number_say_so() {
    let mut tracker = tracker(64);
    let draft = Draft::new(Number::new("13800000007").unwrap());
    let id = tracker.add(&draft, Duration::from_secs(1_000_000)).unwrap();
    let of_id = |result| SmsResult { user_id: Field::Known(id.get().into()), ..result };
    list(&mut tracker, &[of_id(listed("+8613800000007", 10, 0))]);
    assert!(!tells(&tracker), "no message of another program is shown");
    assert!(!may_be_a_strangers(&mut tracker, "13800000007", 10));
    list(&mut tracker, &[of_id(listed(STRANGER, 11, 1))]);
    assert!(tells(&tracker) && may_be_a_strangers(&mut tracker, STRANGER, 11));
}

#[test]
fn a_list_proves_nothing_if_it_hides_numbers_or_finds_no_room() {
    let masked = |result| SmsResult { number: Text::Exact("139****0001"), ..result };
    let mut tracker = tracker(64);
    list(&mut tracker, &[listed(STRANGER, 10, 0), masked(listed(STRANGER, 11, 1))]);
    assert!(!tells(&tracker));
    for places in [0, 8] {
        let mut tracker = self::tracker(places);
        let results: Vec<_> = (0..9).map(|it| listed(STRANGER, 10 + it, it)).collect();
        list(&mut tracker, &results);
        assert!(tells(&tracker));
        let _ = tracker.step(Duration::from_secs(1_000_000));
        assert!(!tells(&tracker), "{places}");
    }
}

#[test]
fn up_to_32_segments_are_followed_from_when_the_first_was_sent() {
    for (status, count, succeeded, is_known) in [
        (Status::SentOk, 32, 32, true),
        (Status::SentOk, 33, 33, false),
        (Status::SentOk, 0, 0, false),
        (Status::Sending, 3, 1, true),
        (Status::Sending, 3, 0, false),
        (Status::Failed, 3, 1, true),
        (Status::Failed, 3, 0, false),
    ] {
        let [count, succ_count] = [count, succeeded].map(Field::Known);
        let result = SmsResult { count, succ_count, ..listed(STRANGER, 10, 0) };
        assert_eq!(Place::of(&result, Some(status)).is_some(), is_known, "{status:?} {count:?}");
    }
}

#[test]
fn a_message_of_this_client_that_failed_may_have_used_one_reference_more_than_were_sent() {
    for (next, is_alone) in [(11, true), (12, true), (13, false)] {
        let mut tracker = tracker(64);
        let results = [of_three(Status::Failed, 1, listed("", 10, 0)), listed("", next, 1)];
        let times = [1_000_000, 1_000_100].map(Duration::from_secs);
        for (result, now) in results.iter().zip(times) {
            let id = accepted(&mut tracker, now);
            tracker.take_result(id, result, false);
        }
        assert_eq!(tracker.clock.runs.is_alone(3, tracker.now, 99 * PER_SECOND), is_alone, "{next}");
    }
}

#[test]
fn a_message_is_submitted_at_the_latest_when_it_had_not_begun_to_be_sent() {
    for (not_begun, submitted) in [(4, 5), (6, 6)] {
        let mut tracker = tracker(64);
        let id = accepted(&mut tracker, Duration::from_secs(1_000_000));
        let slot = tracker.table.get_mut(id).unwrap();
        (slot.submitted, slot.not_begun) = (Sequence::new(5), Sequence::new(not_begun));
        tracker.take_result(id, &listed("", 10, 0), false);
        assert_eq!(tracker.table.get(id).unwrap().submitted, Sequence::new(submitted));
    }
}

#[test]
fn the_reports_of_a_message_whose_result_says_delivered_have_times_until_then() {
    let mut tracker = tracker(64);
    let now = Duration::from_secs(1_000_000);
    let ids = [accepted(&mut tracker, now), accepted(&mut tracker, now)];
    tracker.take_result(ids[0], &listed("", 10, 9), false);
    tracker.take_result(ids[1], &of_three(Status::Delivered, 3, listed("", 7, 5)), false);
    let slot = tracker.table.get(ids[1]).unwrap();
    let sent = slot.sent.unwrap();
    assert_eq!((slot.first_report, slot.last_report), (Some(sent), tracker.clock.latest()));
    assert!(tracker.clock.latest().unwrap().get() > sent.get());
}

#[test]
fn a_failure_listed_by_time_lets_no_finished_message_be_queried_again() {
    let mut tracker = tracker(64);
    let id = accepted(&mut tracker, Duration::from_secs(1_000_000));
    let of_port = listed("", 10, 0);
    let queue = |tracker: &Tracker<'_>| tracker.table.get(id).unwrap().queue();
    tracker.take_result(id, &of_three(Status::Delivered, 3, of_port), false);
    let before = queue(&tracker);
    tracker.take_result(id, &of_three(Status::Failed, 3, of_port), true);
    assert!(queue(&tracker) == before);
}
