//! What is saved and restored.

use core::time::Duration;
use std::{vec, vec::Vec};

use super::{Bench, Memory, report, result, store};
use crate::track::{Ask, Event, MAX_RECORD_BYTES, RestoreError, State};

const NOON: &str = "2026-01-01 12:00:00";

/// A tracker of another life, with what this one saved.
fn reborn<'m>(old: &Bench<'_>, memory: &'m mut Memory, backwards: bool) -> Bench<'m> {
    let mut bench = Bench::new(memory);
    let mut records: Vec<_> = old.saved.values().cloned().collect();
    if backwards {
        records.reverse();
    }
    for record in &records {
        bench.tracker.restore(record).unwrap();
    }
    bench.saved = old.saved.clone();
    bench.tracker.start(bench.now);
    bench
}

#[test]
fn a_life_goes_on_after_a_restart() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut bench = Bench::new(old);
    let sent = bench.sent("10086", 2, 7, NOON);
    let accepted = bench.add("10010");
    bench.accept(4);
    let left = bench.add("10011");
    let Ask::Submit(token) = bench.next() else { panic!() };
    let asked = bench.add("10012");
    bench.settle();
    drop(token);

    for backwards in [false, true] {
        let mut bench = reborn(&bench, new, backwards);
        let states = [sent, accepted, left, asked].map(|id| bench.state(id));
        assert_eq!(states, [State::Sent, State::Accepted, State::Uncertain, State::Asked]);
        assert_eq!(bench.accept(5), 1);
        bench.answer_results(&[result(left, "10011", 0, 1, "2026-01-01 12:00:09")]);
        assert_eq!(bench.state(left), State::Sent);
        bench.answer_reports(&[report("10086", 2, 7, "2026-01-01 12:00:05", 0)]);
        assert_eq!(bench.state(sent), State::Delivered);
    }
}

#[test]
fn time_goes_on_after_restarts() {
    let mut memories = [Memory::of(2), Memory::of(2)];
    let [old, new] = &mut memories;
    let mut bench = Bench::new(old);
    let id = bench.sent("10086", 2, 7, NOON);
    bench.answer_reports(&[report("10086", 2, 7, NOON, 0)]);
    assert_eq!(bench.state(id), State::Delivered);
    // A board that restarts every quarter of an hour still forgets it after two hours.
    let mut saved = bench.saved.clone();
    for _ in 0..12 {
        let mut life = Bench::new(new);
        for record in saved.values() {
            life.tracker.restore(record).unwrap();
        }
        (life.saved, life.now) = (saved, Duration::from_secs(3));
        life.tracker.start(life.now);
        for _ in 0..90 {
            let ask = life.tracker.step(life.now);
            assert!(matches!(ask, Ask::Wait(_)), "{ask:?}");
            life.settle();
            life.wait(10);
        }
        saved = life.saved;
    }
    assert_eq!(saved.len(), 1, "only the epoch is left");
}

#[test]
fn news_come_again_until_they_are_acknowledged() {
    let mut memories = [Memory::of(8), Memory::of(8), Memory::of(8)];
    let [old, new, newest] = &mut memories;
    let mut bench = Bench::new(old);
    let id = bench.sent("10086", 2, 7, NOON);
    let Ask::Reports(token) = bench.next() else { panic!() };
    let _ = bench.tracker.handle_report(&token, &report("10086", 2, 7, NOON, 0), bench.now);
    bench.tracker.handle_end(token, bench.now);
    bench.save();
    let Some(Event::News(first)) = bench.tracker.next_event() else { panic!() };
    assert_eq!((first.id, first.state, bench.tracker.next_event()), (id, State::Delivered, None));

    let mut again = reborn(&bench, new, false);
    assert_eq!(again.tracker.next_event(), Some(Event::News(first)));
    again.tracker.acknowledge(id, first.news);
    again.save();
    let mut after = reborn(&again, newest, false);
    assert_eq!(after.tracker.next_event(), None);
    assert_eq!(after.state(id), State::Delivered);
}

#[test]
fn records_are_small_and_torn_ones_are_recognised() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut bench = Bench::new(old);
    bench.sent("+12345678901234567890123", 2, 7, NOON);
    let mut fresh = Bench::new(new);
    for record in bench.saved.values() {
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
fn the_latest_record_of_a_message_counts() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut bench = Bench::new(old);
    let id = bench.add("10086");
    let mut all = vec![];
    while let Some(change) = bench.tracker.next_change() {
        all.push(change);
    }
    bench.accept(1);
    let accepted = bench.saved.clone();
    for newest_first in [true, false] {
        let mut bench = Bench::new(new);
        let older = all.iter().filter_map(|change| change.record()).map(<[u8]>::to_vec);
        let mut records: Vec<_> = older.chain(accepted.values().cloned()).collect();
        if newest_first {
            records.reverse();
        }
        for record in &records {
            bench.tracker.restore(record).unwrap();
        }
        bench.tracker.start(bench.now);
        assert_eq!(bench.state(id), State::Accepted);
    }
}

#[test]
fn no_user_id_is_used_twice_whatever_is_lost() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut bench = Bench::new(old);
    let first = bench.add("10086");
    // The epoch is saved, the message is not.
    let change = bench.tracker.next_change().unwrap();
    assert_eq!(change.message(), None);
    store(&mut bench.saved, &change);
    let mut bench = reborn(&bench, new, false);
    assert_eq!(bench.tracker.message(first), None);
    assert_ne!(bench.add("10086"), first);
}

#[test]
fn more_messages_than_slots_are_not_taken_silently() {
    let mut memories = [Memory::of(3), Memory::of(2)];
    let [old, new] = &mut memories;
    let mut bench = Bench::new(old);
    (0..3).for_each(|_| _ = bench.add("10086"));
    bench.save();
    let mut fresh = Bench::new(new);
    let failed = bench.saved.values().filter(|record| fresh.tracker.restore(record).is_err()).count();
    assert_eq!(failed, 1);
}

#[test]
fn acknowledging_keeps_no_events_back() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    for number in ["10086", "10010"] {
        bench.add(number);
    }
    let Ask::Submit(token) = bench.next() else { panic!() };
    bench.tracker.handle_refused(token, 400, bench.now);
    let more = bench.add("10000");
    bench.wait(1);
    let ask = bench.tracker.step(bench.now);
    assert!(bench.tracker.next_event().is_none(), "changes wait to be saved");
    bench.save();
    for _ in 0..2 {
        let Some(Event::News(message)) = bench.tracker.next_event() else { panic!() };
        assert!(message.is_final);
        bench.tracker.acknowledge(message.id, message.news);
    }
    // Nor the next submission.
    let Ask::Submit(token) = ask else { panic!("{ask:?}") };
    assert_eq!(bench.tracker.submission(&token).unwrap().map(|sms| sms.id).collect::<Vec<_>>(), [more]);
}

#[test]
fn news_that_is_acknowledged_unheard_leaves_the_rest_in_line() {
    let mut memory = Memory::of(4);
    let mut bench = Bench::new(&mut memory);
    let ids = ["10086", "10010", "10000"].map(|number| bench.add(number));
    for id in ids {
        assert_eq!(bench.tracker.stop(id, bench.now), crate::track::Stopping::Stopped);
    }
    let first = bench.message(ids[0]);
    bench.tracker.acknowledge(first.id, first.news);
    bench.save();
    let told: Vec<_> = core::iter::from_fn(|| match bench.tracker.next_event() {
        Some(Event::News(message)) => Some(message.id),
        _ => None,
    })
    .collect();
    assert_eq!(told, ids[1..]);
    bench.save();
    assert_eq!(bench.tracker.message(ids[0]), None);
}
