//! Urgent messages, which overtake the others before they are submitted.

use super::*;
use crate::{Port, Ports, track::Limits};

fn settings(recipients: u8) -> Settings {
    let limits = Limits { recipients, under_way_per_port: 1, ..Limits::default() };
    Settings { first_block: 1, limits, ..Settings::default() }
}

fn urgent(harness: &mut Harness<'_>, number: &str) -> UserId {
    let draft = Draft::new(Number::new(number).unwrap()).urgent(true);
    harness.tracker.add(&draft, harness.now).unwrap()
}

/// Returns the messages of the next submission, which the gateway accepts.
fn submitted(harness: &mut Harness<'_>) -> Vec<UserId> {
    let Ask::Submit(token) = harness.next() else { panic!("nothing to submit") };
    let ids = harness.tracker.submission(&token).unwrap().unwrap().map(|message| message.id).collect();
    harness.tracker.handle_accepted(token, Some(TaskId::new(1)), harness.now);
    harness.settle();
    ids
}

#[test]
fn urgent_messages_are_submitted_first_and_in_order() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::with(old, settings(2));
    let usual = ["1", "2"].map(|number| harness.add(number));
    let first = ["3", "4", "5"].map(|number| urgent(&mut harness, number));
    harness.save();
    let mut life = Harness::with(new, settings(2));
    for record in harness.saved.values() {
        life.tracker.restore(record).unwrap();
    }
    life.tracker.start(life.now);
    // After a restart, messages are in the order of their slots, that is, the order in which the records were restored.
    for harness in [&mut harness, &mut life] {
        assert_eq!(submitted(harness), first[..2]);
        // A message that was not sent stays in front.
        let Ask::Submit(token) = harness.next() else { panic!() };
        harness.tracker.handle_not_sent(token, harness.now);
        assert_eq!(submitted(harness), [first[2], usual[0]]);
        assert_eq!(submitted(harness), [usual[1]]);
    }
}

#[test]
fn an_urgent_message_whose_port_is_busy_does_not_hold_up_others() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::with(&mut memory, settings(1));
    let port = Ports::from_iter([Port::new(3).unwrap()]);
    let through_port = |harness: &mut Harness<'_>, number| {
        let draft = Draft::new(Number::new(number).unwrap()).urgent(true).ports(port);
        harness.tracker.add(&draft, harness.now).unwrap()
    };
    let first = through_port(&mut harness, "1");
    let second = through_port(&mut harness, "2");
    let usual = harness.add("3");
    assert_eq!(submitted(&mut harness), [first]);
    assert_eq!(submitted(&mut harness), [usual]);
    assert_eq!(harness.state(second), State::Unsent);
}

#[test]
fn urgent_messages_expire_too() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::with(&mut memory, settings(8));
    let id = urgent(&mut harness, "1");
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let draft = Draft::new(Number::new("2").unwrap()).urgent(true).valid_for(minutes(4));
    let short = harness.tracker.add(&draft, harness.now).unwrap();
    harness.now += minutes(5);
    let _ = harness.step();
    assert_eq!((harness.state(short), harness.state(id)), (State::Expired, State::Submitted));
    let late = urgent(&mut harness, "3");
    harness.now += minutes(73 * 60);
    let _ = harness.step();
    assert_eq!(harness.state(late), State::Expired);
}
