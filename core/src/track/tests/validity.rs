//! Messages with a validity of their own.

use super::*;

const MINUTE: u64 = 60;

fn add(harness: &mut Harness<'_>, number: &str, minutes: u64) -> UserId {
    let limit = Duration::from_secs(minutes * MINUTE);
    let draft = Draft::new(Number::new(number).unwrap()).valid_for(limit).resend(true);
    harness.tracker.add(&draft, harness.now).unwrap()
}

/// Makes a step while the gateway cannot be reached. Returns when the next step is due.
fn step_alone(harness: &mut Harness<'_>) -> Option<Duration> {
    let until = match harness.step() {
        Ask::Wait(until) => until,
        Ask::Submit(token) => {
            harness.tracker.handle_not_sent(token, harness.now);
            None
        }
        Ask::Reports(token) => {
            harness.tracker.handle_not_sent(token, harness.now);
            None
        }
        other => panic!("{other:?}"),
    };
    harness.settle();
    until
}

/// Waits without the gateway until all these messages are final. Returns the minutes that each message took, rounded.
fn minutes_until_final<const N: usize>(harness: &mut Harness<'_>, ids: [UserId; N]) -> [u64; N] {
    let (began, mut taken) = (harness.now, [None; N]);
    while taken.contains(&None) {
        let next = step_alone(harness);
        for (taken, id) in taken.iter_mut().zip(ids) {
            if harness.message(id).is_final && taken.is_none() {
                *taken = Some((harness.since(began) + MINUTE / 2) / MINUTE);
            }
        }
        harness.now = next.unwrap_or(harness.now);
    }
    taken.map(Option::unwrap)
}

/// Returns the last reported state of a message.
fn last_state(harness: &Harness<'_>, id: UserId) -> State {
    let state = |event: &Event| match event {
        Event::Update(message) if message.id == id => Some(message.state),
        _ => None,
    };
    harness.events.iter().rev().find_map(state).unwrap()
}

#[test]
fn each_message_expires_in_its_own_time_in_any_order() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let ids = [60, 4, 16, 4].map(|minutes| add(&mut harness, "10086", minutes));
    let other = harness.add("10087");
    let taken = minutes_until_final(&mut harness, ids);
    assert_eq!(taken, [60, 4, 16, 4]);
    for id in ids {
        assert_eq!(last_state(&harness, id), State::Expired);
    }
    assert_eq!(harness.state(other), State::Unsent);
}

#[test]
fn a_message_is_not_submitted_after_its_time() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let ids = [add(&mut harness, "10086", 4), add(&mut harness, "10087", 16)];
    // No step was made meanwhile, as if the program had been busy.
    harness.wait(5 * MINUTE);
    assert_eq!(harness.accept(1), 1);
    assert_eq!(harness.state(ids[1]), State::Accepted);
    assert_eq!(last_state(&harness, ids[0]), State::Expired);
}

#[test]
fn a_submitted_message_keeps_the_usual_time() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let id = add(&mut harness, "10086", 4);
    harness.accept(1);
    while harness.since(Duration::from_secs(1000)) < 3600 {
        let token = harness.results();
        harness.tracker.handle_lost(token, harness.now);
    }
    assert_eq!(harness.state(id), State::Accepted);
}

#[test]
fn a_message_that_may_have_been_sent_ends_unresolved() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    let id = add(&mut harness, "10086", 4);
    let Ask::Submit(token) = harness.next() else { panic!() };
    harness.tracker.handle_lost(token, harness.now);
    harness.wait(10 * MINUTE);
    while !harness.message(id).is_final {
        match harness.step() {
            Ask::Results(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Queue(token) => harness.tracker.handle_queue(token, Some(0), harness.now),
            Ask::Wait(until) => harness.now = until.unwrap_or(harness.now),
            other => panic!("{other:?}"),
        }
        harness.settle();
    }
    assert_eq!(harness.state(id), State::Unresolved);
}

#[test]
fn the_time_is_saved() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    let mut harness = Harness::new(old);
    let ids = [add(&mut harness, "10086", 64), harness.add("10087")];
    harness.save();
    let lengths: Vec<_> = ids.iter().map(|id| harness.saved[&id.get()].len()).collect();
    // A record without a validity has the format of former versions, which is a byte shorter.
    assert_eq!(lengths[0], lengths[1] + 1);
    let mut life = Harness::new(new);
    for record in harness.saved.values() {
        life.tracker.restore(record).unwrap();
    }
    life.tracker.start(life.now);
    assert_eq!(minutes_until_final(&mut life, [ids[0]]), [64]);
    assert_eq!(last_state(&life, ids[0]), State::Expired);
    assert_eq!(life.state(ids[1]), State::Unsent);
}

#[test]
fn the_settings_limit_the_time() {
    let mut memory = Memory::of(8);
    let mut settings = Settings { first_block: 1, ..Settings::default() };
    settings.timing.expire = Duration::from_secs(8 * MINUTE);
    let mut harness = Harness::with(&mut memory, settings);
    let ids = [add(&mut harness, "10086", 64), add(&mut harness, "10087", 4)];
    assert_eq!(minutes_until_final(&mut harness, ids), [8, 4]);
}

#[test]
fn many_messages_are_looked_at_once_in_a_second() {
    let mut memory = Memory::of(64);
    let mut harness = Harness::new(&mut memory);
    let ids = [(); 64].map(|()| {
        harness.now += Duration::from_millis(10);
        add(&mut harness, "10086", 4)
    });
    let mut steps = 0;
    while ids.iter().any(|id| !harness.message(*id).is_final) {
        harness.now = step_alone(&mut harness).unwrap_or(harness.now);
        steps += 1;
    }
    // The steps of failing requests, and those of the two seconds in which the messages expire.
    assert!((10..25).contains(&steps), "{steps}");
}

#[test]
fn a_message_is_not_submitted_between_two_looks() {
    let mut memory = Memory::of(8);
    let mut harness = Harness::new(&mut memory);
    add(&mut harness, "10086", 4);
    harness.now += Duration::from_millis(500);
    let late = add(&mut harness, "10087", 4);
    while harness.since(Duration::from_secs(1000)) < 4 * MINUTE {
        harness.now = step_alone(&mut harness).unwrap_or(harness.now);
    }
    let _ = harness.step();
    harness.settle();
    harness.now += Duration::from_millis(700);
    harness.tracker.retry_now(harness.now);
    let ask = harness.step();
    assert!(matches!(ask, Ask::Wait(_)), "{ask:?}");
    assert_eq!(harness.state(late), State::Expired);
}

#[test]
fn a_message_behind_one_without_a_time_of_its_own_expires_after_a_restart() {
    let mut memories = [Memory::of(8), Memory::of(8)];
    let [old, new] = &mut memories;
    // Nothing is submitted meanwhile.
    let limits = Limits { under_way: 0, ..Limits::default() };
    let settings = Settings { limits, ..Settings::default() };
    let mut harness = Harness::with(old, settings);
    harness.add("10087");
    let id = add(&mut harness, "10086", 4);
    harness.save();
    let (saved, now) = (harness.saved.clone(), harness.now);
    let mut harness = Harness::with(new, settings);
    harness.now = now;
    for record in saved.values() {
        harness.tracker.restore(record).unwrap();
    }
    harness.tracker.start(now);
    assert_eq!(minutes_until_final(&mut harness, [id]), [4]);
}
