//! Rules of saving and restoring.

use core::time::Duration;
use std::{vec, vec::Vec};

use super::{Harness, Memory, report, result, store};
use crate::{
    call::{SmsResult, Status},
    json::Field,
    track::{Ask, Event, MAX_RECORD_BYTES, MessageFailure, RestoreError, Settings, State, StopResult},
};

const NOON: &str = "2026-01-01 12:00:00";

/// Returns a tracker after a restart, with the records that `old` saved.
fn reborn<'m>(old: &Harness<'_>, memory: &'m mut Memory, backwards: bool) -> Harness<'m> {
    let settings = Settings { exclusive: true, first_block: 1, ..Settings::default() };
    let mut harness = Harness::with(memory, settings);
    let mut records: Vec<_> = old.saved.values().cloned().collect();
    if backwards {
        records.reverse();
    }
    for record in &records {
        harness.tracker.restore(record).unwrap();
    }
    harness.saved = old.saved.clone();
    harness.tracker.start(harness.now);
    harness
}

#[test]
fn messages_continue_after_a_restart() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    let sent = harness.sent("10086", 2, 7, NOON);
    let accepted = harness.add("10010");
    harness.accept(4);
    let left = harness.add("10011");
    let Ask::Submit(token) = harness.next() else { panic!() };
    let asked = harness.add("10012");
    harness.settle();
    drop(token);

    for backwards in [false, true] {
        let mut harness = reborn(&harness, new, backwards);
        let states = [sent, accepted, left, asked].map(|id| harness.state(id));
        assert_eq!(states, [State::Sent, State::Accepted, State::Uncertain, State::Unsent]);
        assert_eq!(harness.accept(5), 1);
        harness.answer_results(&[result(left, "10011", 0, 1, "2026-01-01 12:00:09")]);
        assert_eq!(harness.state(left), State::Sent);
        harness.answer_reports(&[report("10086", 2, 7, "2026-01-01 12:00:05", 0)]);
        assert_eq!(harness.state(sent), State::Delivered);
    }
}

#[test]
fn tombstones_age_across_restarts() {
    let mut memories = [Memory::of(2), Memory::of(2)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    let id = harness.sent("10086", 2, 7, NOON);
    harness.answer_reports(&[report("10086", 2, 7, NOON, 0)]);
    assert_eq!(harness.state(id), State::Delivered);
    // A board that restarts every quarter of an hour still forgets the message in time.
    let mut saved = harness.saved.clone();
    for _ in 0..12 {
        let mut life = Harness::new(new);
        for record in saved.values() {
            life.tracker.restore(record).unwrap();
        }
        (life.saved, life.now) = (saved, Duration::from_secs(3));
        life.tracker.start(life.now);
        for _ in 0..90 {
            let ask = life.step();
            assert!(matches!(ask, Ask::Wait(_)), "{ask:?}");
            life.settle();
            life.wait(10);
        }
        saved = life.saved;
    }
    assert_eq!(saved.len(), 1, "only the epoch is left");
}

#[test]
fn updates_are_repeated_after_a_restart_until_they_are_acknowledged() {
    let mut memories = [Memory::of(8), Memory::of(8), Memory::of(8)];
    let [old, new, newest] = &mut memories;
    let mut harness = Harness::new(old);
    let id = harness.sent("10086", 2, 7, NOON);
    let Ask::Reports(token) = harness.next() else { panic!() };
    let _ = harness.tracker.handle_report(&token, &report("10086", 2, 7, NOON, 0), harness.now);
    harness.tracker.handle_end(token, harness.now);
    harness.save();
    let Some(Event::Update(first)) = harness.tracker.next_event() else { panic!() };
    assert_eq!((first.id, first.state, harness.tracker.next_event()), (id, State::Delivered, None));

    let mut again = reborn(&harness, new, false);
    assert_eq!(again.tracker.next_event(), Some(Event::Update(first)));
    again.tracker.acknowledge(id, first.revision);
    again.save();
    let mut after = reborn(&again, newest, false);
    assert_eq!(after.tracker.next_event(), None);
    assert_eq!(after.state(id), State::Delivered);
}

#[test]
fn records_are_short_and_damaged_ones_are_rejected() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    harness.sent("+12345678901234567890123", 2, 7, NOON);
    let mut fresh = Harness::new(new);
    for record in harness.saved.values() {
        assert!(record.len() <= MAX_RECORD_BYTES);
        for length in 0..record.len() {
            assert_eq!(fresh.tracker.restore(&record[..length]), Err(RestoreError::Torn));
        }
        for at in 0..record.len() {
            let mut torn = record.clone();
            torn[at] ^= 0x10;
            assert_eq!(fresh.tracker.restore(&torn), Err(RestoreError::Torn));
        }
    }
}

#[test]
fn the_latest_record_of_a_message_is_restored() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    let id = harness.add("10086");
    let mut all = vec![];
    while let Some(change) = harness.tracker.next_change() {
        all.push(change);
    }
    harness.accept(1);
    let accepted = harness.saved.clone();
    for newest_first in [true, false] {
        let mut harness = Harness::new(new);
        let older = all.iter().filter_map(|change| change.record()).map(<[u8]>::to_vec);
        let mut records: Vec<_> = older.chain(accepted.values().cloned()).collect();
        if newest_first {
            records.reverse();
        }
        for record in &records {
            harness.tracker.restore(record).unwrap();
        }
        harness.tracker.start(harness.now);
        assert_eq!(harness.state(id), State::Accepted);
    }
}

#[test]
fn user_ids_are_never_used_twice() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    let first = harness.add("10086");
    // The block of user_ids is saved, the message is not.
    let change = harness.tracker.next_change().unwrap();
    assert_eq!(change.message(), None);
    store(&mut harness.saved, &change);
    let mut harness = reborn(&harness, new, false);
    assert_eq!(harness.tracker.message(first), None);
    assert_ne!(harness.add("10086"), first);
}

#[test]
fn restoring_more_messages_than_slots_is_an_error() {
    let mut memories = [Memory::of(3), Memory::of(2)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    (0..3).for_each(|_| _ = harness.add("10086"));
    harness.save();
    let mut fresh = Harness::new(new);
    let failed = harness.saved.values().filter(|record| fresh.tracker.restore(record).is_err()).count();
    assert_eq!(failed, 1);
}

#[test]
fn acknowledgements_do_not_delay_events() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    for number in ["10086", "10010"] {
        let id = harness.add(number);
        let _ = harness.tracker.stop(id, harness.now);
    }
    let more = harness.add("10000");
    harness.wait(1);
    let ask = harness.step();
    assert!(harness.tracker.next_event().is_none(), "changes wait to be saved");
    harness.save();
    for _ in 0..2 {
        let Some(Event::Update(message)) = harness.tracker.next_event() else { panic!() };
        assert!(message.is_final);
        harness.tracker.acknowledge(message.id, message.revision);
    }
    // The acknowledgements need not be saved before the next submission either.
    let Ask::Submit(token) = ask else { panic!("{ask:?}") };
    assert_eq!(
        harness.tracker.submission(&token).unwrap().unwrap().map(|sms| sms.id).collect::<Vec<_>>(),
        [more]
    );
}

#[test]
fn acknowledging_an_update_early_keeps_the_other_updates() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let ids = ["10086", "10010", "10000"].map(|number| harness.add(number));
    for id in ids {
        assert_eq!(harness.tracker.stop(id, harness.now), StopResult::Stopped);
    }
    let first = harness.message(ids[0]);
    harness.tracker.acknowledge(first.id, first.revision);
    harness.save();
    let told: Vec<_> = core::iter::from_fn(|| match harness.tracker.next_event() {
        Some(Event::Update(message)) => Some(message.id),
        _ => None,
    })
    .collect();
    assert_eq!(told, ids[1..]);
    harness.save();
    assert_eq!(harness.tracker.message(ids[0]), None);
}

#[test]
fn the_times_of_a_repeated_report_are_recognised_after_a_restart() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    harness.sent("10086", 2, 7, NOON);
    let times = ["2026-01-01 12:00:05", "2026-01-01 12:00:30"];
    harness.answer_reports(&times.map(|time| report("10086", 2, 7, time, 0)));
    let mut harness = reborn(&harness, new, false);
    let second = harness.sent("10086", 2, 7, "2026-01-01 12:20:00");
    harness.answer_reports(&[report("10086", 2, 7, times[1], 0)]);
    assert_eq!((harness.state(second), harness.message(second).ambiguous), (State::Sent, false));
}

#[test]
fn a_message_that_was_not_sent_has_failed_for_that_reason_after_a_restart() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    let id = harness.add("10086");
    harness.accept(1);
    let failed = SmsResult { status: Field::Known(Status::Failed), ..result(id, "10086", 2, 7, NOON) };
    let token = harness.results();
    harness.tracker.handle_result(&token, &failed, harness.now);
    harness.tracker.handle_end(token, harness.now);
    harness.save();
    let harness = reborn(&harness, new, false);
    assert_eq!(harness.message(id).failure, Some(MessageFailure::NotSent));
}

#[test]
fn reports_of_the_last_segments_find_their_message_after_a_restart() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    let id = harness.add("10086");
    harness.accept(1);
    let nine = Field::Known(9);
    harness.answer_results(&[SmsResult { count: nine, succ_count: nine, ..result(id, "10086", 2, 7, NOON) }]);
    let mut harness = reborn(&harness, new, false);
    let before = harness.message(id).revision;
    harness.answer_reports(&[]);
    harness.answer_reports(&[report("10086", 2, 15, "2026-01-01 12:00:50", 0)]);
    assert_ne!(harness.message(id).revision, before, "it is told");
}

#[test]
fn a_task_is_stopped_after_a_restart() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    let id = harness.add("10086");
    harness.accept(9);
    assert_eq!(harness.tracker.stop(id, harness.now), StopResult::Requested);
    harness.save();
    let mut harness = reborn(&harness, new, false);
    let Ask::Stop(token) = harness.next() else { panic!("it is not stopped") };
    harness.tracker.handle_stopped(token, true, harness.now);
    harness.save();
    let mut memory = Memory::of(8);
    let mut harness = reborn(&harness, &mut memory, false);
    assert!(!matches!(harness.next(), Ask::Stop(_)), "twice");
}

#[test]
fn a_reported_failure_is_confirmed_after_a_restart() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    let id = harness.sent("10086", 2, 7, NOON);
    harness.answer_reports(&[report("10086", 2, 7, "2026-01-01 12:00:09", 70)]);
    assert_eq!(harness.state(id), State::Sent);
    let mut harness = reborn(&harness, new, false);
    let Ask::Results(token) = harness.tracker.step(harness.now) else { panic!("its result is not queried") };
    harness.tracker.handle_end(token, harness.now);
    assert_eq!(harness.state(id), State::Failed);
}
