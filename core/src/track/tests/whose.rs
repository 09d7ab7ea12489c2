//! The scenarios from which the rules for reports were derived: two clocks, phones that are off, references that come around, and other
//! programs. A small gateway plays them, with port 3, number 7 and reference 9 unless stated otherwise.

use core::time::Duration;
use std::{format, string::ToString, vec, vec::Vec};

use super::{Harness, Memory, report, result};
use crate::{
    Number, Timestamp, UserId,
    call::Call,
    json::Field,
    track::{Ask, Draft, Event, Settings, State, clock::GatewaySeconds},
};

const HOUR: i64 = 3600;
const NUMBER: &str = "13800000007";

/// A status report: its time of arrival, in seconds from the beginning, and its content.
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
    /// The messages of other programs in the gateway's list: number, first reference, segments and send time.
    strangers: Vec<(&'static str, u8, u32, i64)>,
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
        Self { began: harness.now, harness, sent: vec![], strangers: vec![], arrivals: vec![] }
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

    /// Plans the arrival of a report that carries this time.
    fn arrive(&mut self, at: i64, reference: u8, time: i64) {
        self.arrivals.push(Arrival { at, number: NUMBER, reference, time: clock(time), status: 0 });
    }

    /// Responds to requests until a time.
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
        let mut body = [0; 512];
        let body = self.harness.tracker.results_request(&token).unwrap().body(&mut body).unwrap();
        let names_others = !std::str::from_utf8(body).unwrap().contains("user_id");
        for (number, reference, segments, at) in self.strangers.clone() {
            let shown = super::SmsResult {
                time: Field::Known(clock(at)),
                count: Field::Known(segments),
                succ_count: Field::Known(segments),
                ..result(UserId::new(77).unwrap(), number, 3, reference.into(), "2026-01-01 12:00:00")
            };
            if names_others && self.now() >= at + 5 {
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

    /// Sends messages to other numbers for 90 h. Each message gets its report soon.
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

    /// Restarts the client with its saved records, after a downtime in which its clock stands still.
    fn restart(self, memory: &mut Memory, settings: Settings, downtime: i64) -> World<'_> {
        let Self { harness, began, sent, strangers, arrivals } = self;
        let mut reborn = Harness::with(memory, settings);
        reborn.now = harness.now + Duration::from_secs(downtime.try_into().unwrap());
        for record in harness.saved.values() {
            reborn.tracker.restore(record).unwrap();
        }
        reborn.saved = harness.saved;
        reborn.tracker.start(reborn.now);
        World { harness: reborn, began, sent, strangers, arrivals }
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
        for behind in [7 * HOUR, 5 * HOUR, 120, 2] {
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
        // Another report decides nothing, because it may be a duplicate of the first one.
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
    // The report arrives between two queries, just before the other message is sent with the same reference.
    world.arrive(2 * HOUR + 1, 9, 2 * HOUR + 1);
    let second = world.send(2 * HOUR + 2, NUMBER, 9);
    world.run(3 * HOUR);
    assert_ne!(world.state(second), DELIVERED);
    assert_ne!(world.state(first).0, State::Failed);
}

/// Returns a world in which a message with reference 9 is delivered.
fn with_one_delivered(memory: &mut Memory, settings: Settings) -> World<'_> {
    let mut world = World::new(memory, settings);
    world.arrive(15, 9, 15);
    let first = world.send(0, NUMBER, 9);
    world.run(60);
    assert_eq!(world.state(first), DELIVERED);
    world
}

#[test]
fn references_that_come_around_after_the_first_report_are_told_apart() {
    for settings in [quick(), exclusive()] {
        let mut memory = Memory::of(8);
        let mut world = with_one_delivered(&mut memory, settings);
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
        let mut world = with_one_delivered(&mut memory, settings);
        world.arrive(1255, 9, 1255);
        let second = world.send(1250, NUMBER, 9);
        world.run(2000);
        assert_eq!(world.state(second), UNDECIDED);
    }
}

#[test]
fn a_report_that_arrived_during_a_restart_is_assigned_if_it_is_above_the_saved_mark() {
    for (time, expected) in [(3 * HOUR + 200, State::Delivered), (10, State::Sent)] {
        let mut memories = [Memory::of(8), Memory::of(8)];
        let [old, new] = &mut memories;
        let mut world = World::new(old, exclusive());
        // This report sets the `Mark`, because it is the latest one that was seen.
        world.arrive(10, 200, 15);
        world.send(0, NUMBER, 200);
        world.run(3 * HOUR);
        let at = world.now();
        let id = world.send(at, NUMBER, 9);
        let mut world = world.restart(new, exclusive(), 300);
        world.arrive(at + 200, 9, time);
        world.run(at + 700);
        assert_eq!(world.state(id).0, expected, "{time}");
    }
}

#[test]
fn a_report_that_was_seen_before_a_message_was_submitted_is_not_its_own() {
    let mut memory = Memory::of(8);
    let mut world = World::new(&mut memory, exclusive());
    world.send(0, "13900000001", 1);
    world.arrive(20, 9, 20);
    world.run(60);
    let id = world.send(70, NUMBER, 9);
    world.run(400);
    assert_eq!(world.state(id), (State::Sent, false));
}

#[test]
fn a_message_is_ruled_out_73_hours_after_it_was_sent() {
    for (hours, expected) in [(72, UNDECIDED), (75, DELIVERED)] {
        let mut memory = Memory::of(8);
        let mut world = World::new(&mut memory, exclusive());
        world.send(0, NUMBER, 9);
        world.run(hours * HOUR - 10);
        // Before this message is submitted, reports are queried. The response shows that the report is absent.
        world.send(hours * HOUR - 10, "13900000001", 200);
        let id = world.send(hours * HOUR + 30, NUMBER, 9);
        world.arrive(hours * HOUR + 45, 9, hours * HOUR + 45);
        world.run(hours * HOUR + 600);
        assert_eq!(world.state(id), expected, "{hours}");
    }
}

#[test]
fn a_segment_is_ruled_out_an_hour_after_it_had_its_report() {
    for (after, expected) in [(3400, UNDECIDED), (3800, DELIVERED)] {
        let mut memory = Memory::of(8);
        let mut world = World::new(&mut memory, exclusive());
        world.arrive(15, 9, 15);
        world.send(0, NUMBER, 9);
        world.run(after - 40);
        world.send(after - 40, "13900000001", 200);
        let id = world.send(after, NUMBER, 9);
        world.arrive(after + 15, 9, after + 15);
        world.run(after + 600);
        assert_eq!(world.state(id), expected, "{after}");
    }
}

#[test]
fn a_report_that_may_have_arrived_long_ago_is_assigned_if_no_message_was_forgotten() {
    for (forgets, expected) in [(false, State::Delivered), (true, State::Sent)] {
        let mut memories = [Memory::of(8), Memory::of(8)];
        let [old, new] = &mut memories;
        let mut world = World::new(old, exclusive());
        world.arrive(10, 200, 15);
        world.send(0, NUMBER, 200);
        world.run(if forgets { 3 * HOUR } else { 100 });
        let at = world.now();
        let id = world.send(at, NUMBER, 9);
        let mut world = world.restart(new, exclusive(), 300);
        world.arrive(at + 20, 9, 0);
        world.run(at + 700);
        assert_eq!(world.state(id).0, expected, "{forgets}");
    }
}

#[test]
fn a_report_of_a_restart_did_not_arrive_soon_since_the_clock_stood_still() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut world = World::new(old, quick());
    world.arrive(15, 200, 15);
    world.send(0, "13900000001", 200);
    world.run(60);
    let id = world.send(60, NUMBER, 9);
    let mut world = world.restart(new, quick(), 5);
    // As far as is known, days may have passed.
    world.arrive(71, 9, 71);
    world.run(300);
    assert_eq!(world.state(id), UNDECIDED);
}

#[test]
fn a_report_minutes_late_is_assigned_while_nobody_can_have_used_the_reference_again() {
    let play = |settings, late: i64, next: Option<u8>| {
        let mut memory = Memory::of(8);
        let mut world = World::new(&mut memory, settings);
        let id = world.send(100, NUMBER, 9);
        world.arrive(100 + late, 9, 100 + late);
        if let Some(next) = next {
            world.send(200, "13900000001", next);
        }
        world.run(3000);
        world.state(id)
    };
    assert_eq!(play(quick(), 200, None), DELIVERED);
    assert_eq!(play(quick(), 200, Some(10)), DELIVERED);
    assert_eq!(play(quick(), 200, Some(11)), UNDECIDED, "another program used 10");
    assert_eq!(play(quick(), 1000, None), UNDECIDED, "another program may have used 9");
    assert_eq!(play(quick(), 200, Some(200)), UNDECIDED);
    assert_eq!(play(strict(), 200, None), UNDECIDED);
}

#[test]
fn reports_of_other_programs_to_a_number_keep_others_from_being_assigned_by_when_they_arrived() {
    for (number, expected) in [(NUMBER, UNDECIDED), ("13900000001", DELIVERED)] {
        for waits in [false, true] {
            let mut memory = Memory::of(8);
            let mut world = World::new(&mut memory, quick());
            world.send(0, "13900000002", 1);
            if waits {
                // The foreign report may belong to this message until the message's result is known.
                world.harness.add(NUMBER);
                world.sent.push((UserId::new(99).unwrap(), NUMBER, 77, 9000));
            }
            world.arrive(20, 70, 20);
            world.run(200);
            let id = world.send(300, number, 9);
            world.arrivals.push(Arrival { at: 315, number, reference: 9, time: clock(315), status: 0 });
            world.run(500);
            assert_eq!(world.state(id), expected, "waits {waits}");
        }
    }
}

#[test]
fn a_report_of_another_program_keeps_others_from_being_assigned_at_once() {
    // The report is shown either by the first query, or by a later query while the message is under way.
    for (foreign, at) in [(0, 5), (20, 25)] {
        let mut memory = Memory::of(8);
        let mut world = World::new(&mut memory, quick());
        world.arrive(foreign, 70, foreign);
        if foreign > 0 {
            world.send(0, "13900000002", 1);
        }
        let id = world.send(at, NUMBER, 9);
        world.arrive(at + 15, 9, at + 15);
        world.run(500);
        assert_eq!(world.state(id), UNDECIDED, "{foreign}");
    }
}

#[test]
fn a_report_that_turns_out_to_be_another_programs_keeps_others_from_being_assigned() {
    for (foreign, expected) in [(true, UNDECIDED), (false, DELIVERED)] {
        let mut memory = Memory::of(8);
        let mut world = World::new(&mut memory, quick());
        world.send(0, "13900000002", 1);
        // The report may belong to this message until the message's result is known.
        let waiting = world.harness.add(NUMBER);
        world.sent.push((waiting, NUMBER, 5, 45));
        world.arrivals.push(Arrival { at: 60, number: NUMBER, reference: 5, time: clock(60), status: 0 });
        if foreign {
            world.arrive(20, 70, 20);
        }
        world.run(300);
        assert_eq!(world.state(waiting), DELIVERED);
        let id = world.send(300, NUMBER, 9);
        world.arrive(315, 9, 315);
        world.run(500);
        assert_eq!(world.state(id), expected);
    }
}

#[test]
fn a_report_that_an_earlier_life_may_have_seen_is_not_noted_as_another_programs() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut world = World::new(old, quick());
    world.arrive(20, 70, 20);
    world.arrivals.push(Arrival { at: 30, number: "13900000002", reference: 1, time: clock(30), status: 0 });
    world.send(0, "13900000002", 1);
    world.run(100);
    world.send(150, "13900000002", 2);
    let mut world = world.restart(new, quick(), 5);
    world.run(200);
    let id = world.send(300, NUMBER, 3);
    world.arrive(315, 3, 315);
    world.run(500);
    assert_eq!(world.state(id), DELIVERED);
}

#[test]
fn reports_of_other_programs_are_remembered_over_a_restart() {
    for (foreign, expected) in [(true, UNDECIDED), (false, DELIVERED)] {
        let mut memories = [Memory::of(8), Memory::of(8)];
        let [old, new] = &mut memories;
        let mut world = World::new(old, quick());
        world.send(0, "13900000002", 1);
        if foreign {
            world.arrive(20, 70, 20);
        }
        world.run(100);
        world.send(150, "13900000002", 2);
        let mut world = world.restart(new, quick(), 5);
        world.run(200);
        let id = world.send(300, NUMBER, 3);
        world.arrive(500, 3, 500);
        world.run(1500);
        assert_eq!(world.state(id), expected, "{foreign}");
    }
}

/// Sends messages whose reports arrive soon, and some whose reports arrive 1100 s late. The reports carry the send time, 7 h behind.
fn learn_sending(memory: &mut Memory, settings: Settings, late: u8) -> (World<'_>, i64, Vec<UserId>) {
    let mut world = World::new(memory, settings);
    let (at, ids) = late_reports(&mut world, 100, late);
    (world, at, ids)
}

fn late_reports(world: &mut World<'_>, mut at: i64, late: u8) -> (i64, Vec<UserId>) {
    for index in 0..8 {
        world.arrive(at + 15, 20 + index, at + 3 - 7 * HOUR);
        world.send(at, NUMBER, 20 + index);
        at += 100;
    }
    let mut ids = vec![];
    for index in 0..late {
        world.arrive(at + 1100, 40 + index, at + 3 - 7 * HOUR);
        ids.push(world.send(at, NUMBER, 40 + index));
        world.run(at + 4000);
        at += 4000;
    }
    (at, ids)
}

#[test]
#[cfg_attr(sms_gateway_small, ignore = "a microcontroller remembers too few looks at reports")]
fn the_time_of_sending_decides_once_sixteen_late_reports_carried_it() {
    let mut memory = Memory::of(256);
    let (mut world, at, ids) = learn_sending(&mut memory, strict(), 16);
    assert!(ids.iter().all(|id| world.state(*id) == DELIVERED), "they are judged once more");
    // The reference is used again while both reports are outstanding.
    world.arrive(at + 2500, 9, at + 3 - 7 * HOUR);
    let first = world.send(at, NUMBER, 9);
    world.arrive(at + 2600, 9, at + 1303 - 7 * HOUR);
    let second = world.send(at + 1300, NUMBER, 9);
    world.run(at + 9000);
    assert_eq!((world.state(first), world.state(second)), (DELIVERED, DELIVERED));
    let mut memory = Memory::of(256);
    let (world, _, ids) = learn_sending(&mut memory, strict(), 15);
    assert!(ids.iter().all(|id| world.state(*id) == UNDECIDED));
}

#[test]
fn a_late_report_with_another_time_ends_the_assumption_that_they_carry_that_of_sending() {
    let mut memory = Memory::of(256);
    let (mut world, at, _) = learn_sending(&mut memory, strict(), 16);
    world.arrive(at + 1100, 9, at + 1000 - 7 * HOUR);
    let odd = world.send(at, NUMBER, 9);
    world.arrive(at + 9100, 10, at + 8003 - 7 * HOUR);
    world.run(at + 7990);
    let next = world.send(at + 8000, NUMBER, 10);
    world.run(at + 15_000);
    assert_eq!((world.state(odd), world.state(next)), (UNDECIDED, UNDECIDED));
}

#[test]
#[cfg_attr(sms_gateway_small, ignore = "a microcontroller remembers too few looks at reports")]
fn a_late_report_shows_only_once_whether_it_carries_the_time_of_sending() {
    let mut memory = Memory::of(256);
    let mut world = World::new(&mut memory, strict());
    // This message's report carries another time.
    world.arrive(1200, 9, 1000 - 7 * HOUR);
    let odd = world.send(100, NUMBER, 9);
    let ids = late_reports(&mut world, 2000, 16).1;
    // Then the report with the other time is judged again.
    assert!(ids.iter().all(|id| world.state(*id) == DELIVERED));
    assert_eq!(world.state(odd), UNDECIDED);
    let mut returned = vec![];
    for event in world.harness.events.iter().filter(|event| matches!(event, Event::Ambiguous(_))) {
        assert!(!returned.contains(&event), "twice: {event:?}");
        returned.push(event);
    }
    assert!(returned.len() > 8, "{}", returned.len());
}

#[test]
fn messages_without_reports_are_kept_as_long_as_others_if_the_caller_is_strict() {
    for (settings, is_kept) in [(quick(), false), (strict(), true)] {
        let mut memory = Memory::of(8);
        let mut world = World::new(&mut memory, settings);
        let draft = Draft::new(Number::new(NUMBER).unwrap()).status_report(false);
        let id = world.harness.tracker.add(&draft, world.harness.now).unwrap();
        world.sent.push((id, NUMBER, 9, 1));
        world.run(100);
        assert_eq!(world.harness.state(id), State::Sent);
        world.run(3 * HOUR);
        assert_eq!(world.harness.tracker.message(id).is_some(), is_kept);
    }
}

/// Lists 254 segments of other programs, or fewer without `is_whole`. The first one (A) was sent to `number`. Then sends three messages of
/// this client, the last one (B) with A's reference. Returns B's state, and whether B is ambiguous.
fn after_listed_strangers(number: &'static str, is_whole: bool, report_of_a: Option<i64>) -> (State, bool) {
    let mut memory = Memory::of(1024);
    let mut world = World::new(&mut memory, strict());
    world.strangers.push((number, 11, 1, 0));
    world
        .strangers
        .extend((0..7).map(|index| ("13900000001", 12 + index * 32, 32, 10 + i64::from(index) * 100)));
    if is_whole {
        world.strangers.push(("13900000001", 236, 29, 750));
    }
    if let Some(at) = report_of_a {
        world.arrive(at, 11, at);
    }
    for (at, own, reference) in [(900, "13900000002", 9), (2100, "13900000003", 10), (6000, NUMBER, 11)] {
        let (time, status) = (clock(at + 15), 0);
        world.arrivals.push(Arrival { at: at + 15, number: own, reference, time, status });
        world.send(at, own, reference);
        world.run(at + 100);
    }
    world.state(world.sent[2].0)
}

#[test]
#[cfg_attr(sms_gateway_small, ignore = "a microcontroller does not remember the messages of others")]
fn the_list_of_results_shows_whether_another_program_may_have_sent_a_message() {
    assert_eq!(after_listed_strangers("13900000001", true, None), DELIVERED);
    assert_eq!(after_listed_strangers("13900000001", false, None), UNDECIDED, "one is hidden");
    assert_eq!(after_listed_strangers(NUMBER, true, None), UNDECIDED, "it may be A's");
    assert_eq!(after_listed_strangers(NUMBER, true, Some(2000)), DELIVERED, "A had its report");
    assert_eq!(after_listed_strangers(NUMBER, true, Some(3000)), UNDECIDED, "it may be the double of A's");
}
