//! Every sequence of events, from every state of the login.

use std::time::Duration;

use sms_gateway_core::client::{Failure, Loss};

use super::{
    event::{self, Body, Event, Head, Offer, broken, offer},
    world::{Phase, Setting, World},
};

const OK: Event = Event::Head(Head::Ok);
const COMPLETE: Event = Event::Body(Body::Complete);
const FRESH: Event = offer(Offer::FreshNonce);

/// The states of a login, and the events that lead to them.
const STARTS: [(&str, &[Event]); 7] = [
    ("fresh", &[]),
    ("open", &[OK, OK, COMPLETE]),
    ("logged in", &[FRESH, OK, COMPLETE]),
    ("nonces expire after one use", &[FRESH, OK, COMPLETE, FRESH, OK, COMPLETE]),
    ("in doubt, because the first use of a nonce was lost", &[FRESH, broken(Loss::Lost)]),
    ("in doubt, because a fresh nonce was refused", &[FRESH, FRESH, broken(Loss::Unsent { kept: false })]),
    ("refused", &[FRESH, FRESH, FRESH]),
];

/// The maximum number of events in a sequence.
const DEPTH: usize = 6;
/// The maximum number of events in a build without optimization.
const SHORT: usize = 4;

/// The durations of an exchange for which sequences are played. A nonce can become stale only with the second one.
const TIMES: [Duration; 2] = [Duration::ZERO, Duration::from_secs(2)];

fn settings() -> impl Iterator<Item = Setting> {
    let times = TIMES.into_iter().flat_map(|time| [true, false].map(|question| (time, question)));
    times.flat_map(|(exchange_time, is_repeatable)| {
        [true, false].map(|has_credentials| Setting { is_repeatable, has_credentials, exchange_time })
    })
}

/// A walk through all sequences.
struct Walk {
    setting: Setting,
    start: &'static [Event],
    after_request: Vec<Event>,
    after_head: Vec<Event>,
    /// Events that end a sequence. They differ from others only in the reported cause.
    last: Vec<Event>,
    /// Whether another call follows when a call has ended.
    is_long: bool,
    sequences: u64,
}

impl Walk {
    /// Returns a world after these events, with the next call begun if the last one has ended.
    fn world(&self, events: &[Event]) -> World {
        let mut world = World::new(self.setting);
        world.begin();
        for event in self.start.iter().chain(events) {
            begin_next(&mut world);
            world.play(*event);
        }
        world
    }

    /// Plays each event after these, recursively.
    fn explore(&mut self, events: &mut Vec<Event>, depth: usize) {
        self.sequences += 1;
        let mut world = self.world(events);
        if matches!(world.phase, Phase::Ended(_)) {
            if !self.is_long && !events.is_empty() {
                // The next call must see that the login was refused.
                return begin_next(&mut world);
            }
            begin_next(&mut world);
        }
        if depth == 0 {
            return;
        }
        let next = if world.phase == Phase::Body { &self.after_head } else { &self.after_request };
        for event in next.clone() {
            let is_last = self.last.contains(&event);
            events.push(event);
            self.explore(events, if is_last { 0 } else { depth - 1 });
            events.pop();
        }
    }
}

/// Begins the next call if the last one has ended.
fn begin_next(world: &mut World) {
    let Phase::Ended(end) = world.phase else { return };
    if end == Err(Failure::LoginRefused) {
        world.check_refused_login();
    }
    world.begin();
    if world.phase == Phase::Ended(Err(Failure::LoginRefused)) {
        world.check_refused_login();
        world.begin();
    }
    assert_eq!(world.phase, Phase::Head, "a call ends before its first exchange");
}

/// Plays all sequences of events from each state of the login, and returns their number.
fn walk(depth: usize, is_long: bool, after_request: &[Event], after_head: &[Event]) -> u64 {
    let mut sequences = 0;
    for setting in settings() {
        for (name, start) in STARTS {
            if !setting.has_credentials && !start.is_empty() {
                continue;
            }
            let (after_request, after_head) = (after_request.to_vec(), after_head.to_vec());
            let last = event::with_other_causes();
            let mut walk = Walk { setting, start, after_request, after_head, last, is_long, sequences: 0 };
            let mut events = Vec::new();
            let explored = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                walk.explore(&mut events, depth);
            }));
            assert!(explored.is_ok(), "{setting:?}, {name}: {events:?}");
            sequences += walk.sequences;
        }
    }
    sequences
}

fn walk_call(depth: usize) {
    let sequences = walk(depth, false, &event::after_request(), &event::after_head());
    println!("one call: {sequences} sequences");
}

fn walk_calls(depth: usize) {
    let sequences = walk(depth, true, &event::distinct_after_request(), &event::distinct_after_head());
    println!("consecutive calls: {sequences} sequences");
}

#[test]
fn rules_hold_in_short_sequences_of_one_call() {
    walk_call(SHORT);
}

#[test]
fn rules_hold_in_short_sequences_of_consecutive_calls() {
    walk_calls(SHORT - 1);
}

#[test]
#[ignore = "for release mode"]
fn rules_hold_in_every_sequence_of_one_call() {
    walk_call(DEPTH);
}

#[test]
#[ignore = "takes minutes; for release mode"]
fn rules_hold_in_every_sequence_of_consecutive_calls() {
    walk_calls(DEPTH);
}
