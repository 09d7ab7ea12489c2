//! The scenarios by which the rules for reports were found: two clocks, phones that are off, references that come around, and other
//! programs. A small gateway plays them; port 3, number 7, reference 9 unless said otherwise.

use core::time::Duration;
use std::{format, string::ToString, vec, vec::Vec};

use super::{Harness, Memory, report, result};
use crate::{
    Timestamp, UserId,
    call::Call,
    json::Field,
    track::{Ask, Settings, State, clock::GatewaySeconds},
};

const HOUR: i64 = 3600;
const NUMBER: &str = "13800000007";

/// A status report: when it arrives, in seconds from the beginning, and what it contains.
#[derive(Clone)]
struct Arrival {
    at: i64,
    number: &'static str,
    reference: u8,
    time: Timestamp,
    status: u32,
}

struct World<'m> {
    harness: Harness<'m>,
    began: Duration,
    sent: Vec<(UserId, &'static str, u8, i64)>,
    arrivals: Vec<Arrival>,
}

fn clock(seconds: i64) -> Timestamp {
    GatewaySeconds::new(u32::try_from(1_800_000_000 + seconds).unwrap()).unwrap().to_time()
}

fn exclusive() -> Settings {
    Settings { exclusive: true, first_block: 1, ..Settings::default() }
}

fn strict() -> Settings {
    Settings { strict: true, first_block: 1, ..Settings::default() }
}

fn quick() -> Settings {
    Settings { first_block: 1, ..Settings::default() }
}

impl<'m> World<'m> {
    fn new(memory: &'m mut Memory, settings: Settings) -> Self {
        let harness = Harness::with(memory, settings);
        Self { began: harness.now, harness, sent: vec![], arrivals: vec![] }
    }

    fn now(&self) -> i64 {
        i64::try_from(self.harness.now.saturating_sub(self.began).as_secs()).unwrap()
    }

    /// Sends a message at a time, with a reference.
    fn send(&mut self, at: i64, number: &'static str, reference: u8) -> UserId {
        self.run(at);
        let id = self.harness.add(number);
        self.sent.push((id, number, reference, at));
        self.run(at + 10);
        id
    }

    /// Lets a report arrive, which carries a time.
    fn arrive(&mut self, at: i64, reference: u8, time: i64) {
        self.arrivals.push(Arrival { at, number: NUMBER, reference, time: clock(time), status: 0 });
    }

    /// Answers requests until a time.
    fn run(&mut self, until: i64) {
        let until = self.began + Duration::from_secs(until.try_into().unwrap());
        while self.harness.now < until {
            let ask = self.harness.tracker.step(self.harness.now);
            self.harness.settle();
            match ask {
                Ask::Wait(due) => {
                    let due = due.unwrap_or(until).min(until);
                    self.harness.now = due.max(self.harness.now + Duration::from_millis(1));
                }
                Ask::Submit(token) => self.harness.tracker.handle_accepted(token, None, self.harness.now),
                Ask::Results(token) => self.results(token),
                Ask::Reports(token) => self.reports(token),
                Ask::Queue(token) => self.harness.tracker.handle_queue(token, Some(0), self.harness.now),
                other => panic!("{other:?}"),
            }
            self.harness.settle();
        }
    }

    fn results(&mut self, token: super::Token<crate::call::QuerySmsResult<'static>>) {
        for (id, number, reference, at) in self.sent.clone() {
            let shown = super::SmsResult {
                time: Field::Known(clock(at)),
                ..result(id, number, 3, reference.into(), "2026-01-01 12:00:00")
            };
            if self.now() >= at + 5 {
                self.harness.tracker.handle_result(&token, &shown, self.harness.now);
            }
        }
        self.harness.tracker.handle_end(token, self.harness.now);
    }

    fn reports(&mut self, token: super::Token<crate::call::QuerySmsDeliverStatus<'static>>) {
        let mut body = [0; 256];
        let body = self.harness.tracker.reports_request(&token).unwrap().body(&mut body).unwrap();
        let body = std::str::from_utf8(body).unwrap().to_string();
        let bound = |key: &str| {
            let from = body.find(&format!("\"{key}\":\""))? + key.len() + 4;
            body.get(from..from + 19).map(ToString::to_string)
        };
        let (after, before) = (bound("time_after"), bound("time_before"));
        for arrival in self.arrivals.clone() {
            let time = arrival.time.to_string();
            let is_shown = arrival.at <= self.now()
                && after.as_ref().is_none_or(|after| time > *after)
                && before.as_ref().is_none_or(|before| time < *before);
            if is_shown {
                let shown = super::StatusReport {
                    time: Field::Known(arrival.time),
                    ..report(
                        arrival.number,
                        3,
                        arrival.reference.into(),
                        "2026-01-01 12:00:00",
                        arrival.status,
                    )
                };
                let _ = self.harness.tracker.handle_report(&token, &shown, self.harness.now);
            }
        }
        self.harness.tracker.handle_end(token, self.harness.now);
    }

    /// Sends messages to other numbers for 90 h, each of which has its report soon.
    fn settle_in(&mut self, offset: i64) {
        for index in 0..45_u8 {
            let at = 100 + i64::from(index) * 2 * HOUR;
            let number: &'static str = format!("1390000{index:04}").leak();
            self.arrivals.push(Arrival {
                at: at + 15,
                number,
                reference: 100 + index,
                time: clock(at + 15 + offset),
                status: 0,
            });
            self.send(at, number, 100 + index);
        }
    }

    fn state(&self, id: UserId) -> (State, bool) {
        let message = self.harness.message(id);
        (message.state, message.ambiguous)
    }
}

const DELIVERED: (State, bool) = (State::Delivered, false);
const UNDECIDED: (State, bool) = (State::Sent, true);

#[test]
fn the_first_report_of_a_clock_hours_behind_is_the_messages() {
    for (settings, expected) in [
        (quick(), DELIVERED),
        (exclusive(), DELIVERED),
        (Settings { strict: true, ..exclusive() }, DELIVERED),
        (strict(), UNDECIDED),
    ] {
        for behind in [7 * HOUR, 2] {
            let mut memory = Memory::of(8);
            let mut world = World::new(&mut memory, settings);
            world.arrive(105, 9, 105 - behind);
            let id = world.send(100, NUMBER, 9);
            world.run(200);
            assert_eq!(world.state(id), expected, "{behind} s behind");
        }
    }
}

#[test]
fn a_late_report_is_not_taken_for_that_of_a_newer_message() {
    for settings in [quick(), exclusive(), strict()] {
        let mut memory = Memory::of(8);
        let mut world = World::new(&mut memory, settings);
        let first = world.send(0, NUMBER, 9);
        world.arrive(1294, 9, 1293);
        let second = world.send(1290, NUMBER, 9);
        world.run(2000);
        assert_eq!((world.state(first), world.state(second)), (UNDECIDED, UNDECIDED));
        // Another report tells no more: it may be the first one's double.
        world.arrive(2001, 9, 1996);
        world.run(9000);
        assert_ne!(world.state(second), DELIVERED);
    }
}

#[test]
fn a_report_of_another_programs_message_is_not_assigned_if_the_caller_is_strict() {
    let mut memory = Memory::of(8);
    let mut world = World::new(&mut memory, strict());
    world.arrive(1294, 9, 1293);
    let id = world.send(1290, NUMBER, 9);
    world.run(2000);
    assert_eq!(world.state(id), UNDECIDED);
}

#[test]
fn a_report_hours_late_is_assigned_if_the_port_was_this_clients_alone() {
    for (offset, late) in [(0, 188 * 60), (-7 * HOUR, 47 * 60)] {
        for settings in [quick(), strict()] {
            let mut memory = Memory::of(64);
            let mut world = World::new(&mut memory, settings);
            world.settle_in(offset);
            let at = 100 + 90 * HOUR;
            world.arrive(at + late, 145, at + late + offset);
            let id = world.send(at, NUMBER, 145);
            world.run(at + late + 2 * HOUR);
            assert_eq!(world.state(id), DELIVERED, "offset {offset}");
        }
    }
}

#[test]
fn a_report_that_arrived_before_the_message_or_after_it_is_not_assigned() {
    let mut memory = Memory::of(8);
    let mut world = World::new(&mut memory, exclusive());
    let first = world.send(0, NUMBER, 9);
    world.run(2 * HOUR);
    // It arrives while nothing is asked, just before the other message is sent with the same reference.
    world.arrive(2 * HOUR + 1, 9, 2 * HOUR + 1);
    let second = world.send(2 * HOUR + 2, NUMBER, 9);
    world.run(3 * HOUR);
    assert_ne!(world.state(second), DELIVERED);
    assert_ne!(world.state(first).0, State::Failed);
}

#[test]
fn references_that_come_around_after_the_first_report_are_told_apart() {
    for settings in [quick(), exclusive()] {
        let mut memory = Memory::of(8);
        let mut world = World::new(&mut memory, settings);
        world.arrive(15, 9, 15);
        let first = world.send(0, NUMBER, 9);
        world.run(60);
        assert_eq!(world.state(first), DELIVERED);
        world.run(2 * HOUR + 30);
        world.arrive(2 * HOUR + 45, 9, 2 * HOUR + 45);
        let second = world.send(2 * HOUR + 35, NUMBER, 9);
        world.run(2 * HOUR + 120);
        assert_eq!(world.state(second), DELIVERED);
    }
}

#[test]
fn a_double_of_the_first_report_is_not_taken_for_that_of_a_newer_message() {
    for settings in [quick(), exclusive()] {
        let mut memory = Memory::of(8);
        let mut world = World::new(&mut memory, settings);
        world.arrive(15, 9, 15);
        let first = world.send(0, NUMBER, 9);
        world.run(60);
        assert_eq!(world.state(first), DELIVERED);
        world.arrive(1255, 9, 1255);
        let second = world.send(1250, NUMBER, 9);
        world.run(2000);
        assert_eq!(world.state(second), UNDECIDED);
    }
}

#[test]
fn a_report_that_arrived_during_a_restart_is_assigned_if_it_is_above_the_saved_mark() {
    for (time, expected) in [(300, State::Delivered), (-50, State::Sent)] {
        let mut memories = [Memory::of(8), Memory::of(8)];
        let [old, new] = &mut memories;
        let mut world = World::new(old, exclusive());
        // The mark: the latest report that was seen.
        world.arrive(-1, 200, 0);
        world.send(0, "13900000001", 200);
        world.run(90);
        let id = world.send(100, NUMBER, 9);
        let (sent, saved, now) = (world.sent.clone(), world.harness.saved.clone(), world.harness.now);
        let mut harness = Harness::with(new, exclusive());
        harness.now = now + Duration::from_secs(300);
        for record in saved.values() {
            harness.tracker.restore(record).unwrap();
        }
        harness.saved = saved;
        harness.tracker.start(harness.now);
        let mut world = World { harness, began: world.began, sent, arrivals: world.arrivals.clone() };
        world.arrive(300, 9, time);
        world.run(700);
        assert_eq!(world.state(id).0, expected, "{time}");
    }
}
