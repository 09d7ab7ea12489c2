//! Messages that the gateway does not accept: divided, held, looked up, and submitted again.

use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec,
    vec::Vec,
};

use super::{Harness, Memory, result};
use crate::{
    Number, Ports, TaskId, UserId,
    call::{SendSms, SmsResult, Status},
    json::Field,
    track::{Ask, Draft, Limits, MessageFailure, Settings, State, Token},
};

const NOON: &str = "2026-01-01 12:00:00";

fn add(harness: &mut Harness<'_>, number: &str, ports: u32, bytes: u16) -> UserId {
    let ports: Ports = Ports::from_bits(ports);
    let draft = Draft::new(Number::new(number).unwrap()).ports(ports).text_bytes(bytes);
    harness.tracker.add(&draft, harness.now).unwrap()
}

fn add_many(harness: &mut Harness<'_>, count: u32) -> Vec<UserId> {
    (0..count).map(|index| add(harness, &format!("1380000{index:04}"), 0, 100)).collect()
}

/// Returns the next submission and its messages. Requests before it get empty responses.
fn submission(harness: &mut Harness<'_>) -> (Token<SendSms<'static>>, Vec<UserId>) {
    loop {
        match harness.next() {
            Ask::Submit(token) => {
                let ids = harness.tracker.submission(&token).unwrap().unwrap().map(|message| message.id);
                let ids = ids.collect();
                return (token, ids);
            }
            Ask::Results(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Queue(token) => harness.tracker.handle_queue(token, Some(0), harness.now),
            other => panic!("{other:?}"),
        }
    }
}

fn accept(harness: &mut Harness<'_>, token: Token<SendSms<'static>>) {
    harness.tracker.handle_accepted(token, Some(TaskId::new(1)), harness.now);
    harness.settle();
}

#[test]
fn a_refused_request_is_divided_until_the_message_at_fault_stands_alone() {
    let mut memory = Memory::of(64);
    let mut harness = Harness::new(&mut memory);
    let ids = add_many(&mut harness, 20);
    let mut requests = Vec::new();
    while !harness.tracker.message(ids[13]).is_some_and(|message| message.is_final) {
        let (token, messages) = submission(&mut harness);
        requests.push(messages.len());
        if messages.contains(&ids[13]) {
            harness.tracker.handle_refused(token, 400, harness.now);
        } else {
            accept(&mut harness, token);
        }
    }
    assert_eq!(requests, [20, 8, 8, 4, 4, 2, 1, 1]);
    assert_eq!(harness.message(ids[13]).failure, Some(MessageFailure::Refused(400)));
    for expected in [2, 4] {
        let (token, messages) = submission(&mut harness);
        assert_eq!(messages.len(), expected);
        accept(&mut harness, token);
    }
    let is_accepted =
        |id: &&UserId| harness.tracker.message(**id).is_some_and(|it| it.state == State::Accepted);
    assert_eq!(ids.iter().filter(is_accepted).count(), 19);
}

#[test]
fn messages_after_a_refused_request_do_not_wait_for_its_division() {
    let mut memory = Memory::of(512);
    let mut harness = Harness::new(&mut memory);
    let bad = add_many(&mut harness, 128);
    let before = harness.now;
    let (token, _) = submission(&mut harness);
    let good = add_many(&mut harness, 128);
    harness.tracker.handle_refused(token, 400, harness.now);
    // Requests with any of the first messages are refused.
    while harness.state(good[0]) == State::Unsent {
        let (token, messages) = submission(&mut harness);
        if messages.iter().any(|id| bad.contains(id)) {
            harness.tracker.handle_refused(token, 400, harness.now);
        } else {
            accept(&mut harness, token);
        }
        harness.settle();
    }
    assert!(harness.since(before) < 2, "{}", harness.since(before));
}

#[test]
fn a_size_that_is_too_large_is_learned() {
    let mut memory = Memory::of(512);
    let mut harness = Harness::new(&mut memory);
    let _ = add_many(&mut harness, 300);
    let (mut refused, mut accepted) = (0, 0);
    while accepted < 300 {
        let (token, messages) = submission(&mut harness);
        if messages.len() > 10 {
            refused += 1;
            harness.tracker.handle_refused(token, 413, harness.now);
        } else {
            accepted += messages.len();
            accept(&mut harness, token);
        }
    }
    assert!(refused <= 12, "{refused}");
    let _ = add_many(&mut harness, 100);
    for _ in 0..12 {
        let (token, messages) = submission(&mut harness);
        assert_eq!(messages.len(), 8);
        accept(&mut harness, token);
    }
}

#[test]
fn messages_wait_for_a_port_and_others_do_not() {
    let mut memory = Memory::of(64);
    let mut harness = Harness::new(&mut memory);
    let before = harness.now;
    let held = [add(&mut harness, "10086", 0b1000, 9), add(&mut harness, "10010", 0b1000, 9)];
    let (token, _) = submission(&mut harness);
    harness.tracker.handle_refused(token, 550, harness.now);
    let later = add(&mut harness, "10011", 0b1000, 9);
    let free = add(&mut harness, "10012", 0, 9);
    let (token, messages) = submission(&mut harness);
    assert_eq!((messages, harness.since(before)), (vec![free], 0));
    accept(&mut harness, token);
    // The waits are 2 s, 4 s and 8 s.
    for (seconds, code) in [(2, 550), (6, 550), (14, 202)] {
        let (token, messages) = submission(&mut harness);
        assert_eq!((messages, harness.since(before)), (vec![held[0], held[1], later], seconds));
        if code == 202 {
            accept(&mut harness, token);
        } else {
            harness.tracker.handle_refused(token, code, harness.now);
        }
    }
    assert_eq!(held.map(|id| harness.state(id)), [State::Accepted; 2]);
}

#[test]
fn messages_that_waited_for_a_port_follow_at_once_when_there_is_one() {
    let mut memory = Memory::of(512);
    let limits = Limits { recipients: 3, ..Limits::default() };
    let mut harness = Harness::with(&mut memory, Settings { limits, ..Settings::default() });
    let before = harness.now;
    let ids = add_many(&mut harness, 300);
    for _ in 0..2 {
        let (token, _) = submission(&mut harness);
        harness.tracker.handle_refused(token, 550, harness.now);
    }
    while ids.iter().any(|id| harness.state(*id) == State::Unsent) {
        let (token, _) = submission(&mut harness);
        accept(&mut harness, token);
    }
    // The waits are 2 s and 4 s.
    assert!(harness.since(before) < 12, "{}", harness.since(before));
}

#[test]
fn a_message_that_need_not_wait_for_a_port_any_more_still_expires() {
    let mut memory = Memory::of(64);
    let limits = Limits { recipients: 1, under_way: 1, ..Limits::default() };
    let mut harness = Harness::with(&mut memory, Settings { limits, ..Settings::default() });
    let before = harness.now;
    let [first, _next] = ["10086", "10011"].map(|number| add(&mut harness, number, 0, 9));
    let mut add_valid_for = |seconds| {
        let draft = Draft::new(Number::new("10010").unwrap()).valid_for(Duration::from_secs(seconds));
        harness.tracker.add(&draft, harness.now).unwrap()
    };
    let (second, third) = (add_valid_for(64), add_valid_for(9));
    // The third message expires first, while all wait.
    loop {
        let (token, messages) = submission(&mut harness);
        if harness.since(before) > 12 {
            assert_eq!(messages, [first]);
            accept(&mut harness, token);
            break;
        }
        harness.tracker.handle_refused(token, 550, harness.now);
    }
    assert_eq!(harness.state(third), State::Expired);
    // The gateway does not send the first message, so there is no room for the second one.
    while harness.state(second) == State::Unsent {
        match harness.next() {
            Ask::Results(token) => {
                let sending = result(first, "10086", 1, 1, NOON);
                let sending = SmsResult { status: Field::Known(Status::Sending), ..sending };
                harness.tracker.handle_result(&token, &sending, harness.now);
                harness.tracker.handle_end(token, harness.now);
            }
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(harness.state(second), State::Expired);
    assert!(harness.since(before) < 80, "{}", harness.since(before));
}

#[test]
fn a_message_without_a_port_expires() {
    let mut memory = Memory::of(64);
    let mut harness = Harness::new(&mut memory);
    let before = harness.now;
    let id = add(&mut harness, "10086", 0b1000, 9);
    let mut requests = 0;
    loop {
        let ask = harness.step();
        harness.save();
        if harness.state(id) == State::Expired {
            break;
        }
        match ask {
            Ask::Submit(token) => {
                requests += 1;
                harness.tracker.handle_refused(token, 550, harness.now);
            }
            Ask::Wait(until) => harness.now = until.unwrap(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(harness.since(before), 72 * 3600);
    assert!(requests < 900, "{requests}");
}

/// Responds to the next submission with an error, and then shows the gateway's queue empty.
fn unclear(harness: &mut Harness<'_>) -> Vec<UserId> {
    let (token, messages) = submission(harness);
    harness.tracker.handle_unclear(token, harness.now);
    loop {
        match harness.next() {
            Ask::Results(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Queue(token) => {
                harness.tracker.handle_queue(token, Some(0), harness.now);
                return messages;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_error_is_followed_by_halves_if_the_gateway_has_no_result_under_the_user_ids() {
    let mut memory = Memory::of(64);
    let mut harness = Harness::new(&mut memory);
    let known = harness.add("10086");
    harness.accept(1);
    harness.answer_results(&[result(known, "10086", 1, 1, NOON)]);
    let ids = add_many(&mut harness, 8);
    let before = harness.now;
    assert_eq!(unclear(&mut harness).len(), 8);
    assert_eq!(harness.state(ids[0]), State::Uncertain);
    let (token, messages) = submission(&mut harness);
    assert!((8..60).contains(&harness.since(before)), "{}", harness.since(before));
    assert_eq!(messages, ids[..4]);
    accept(&mut harness, token);
    let (token, messages) = submission(&mut harness);
    assert_eq!(messages, ids[4..]);
    accept(&mut harness, token);
    assert!(ids.iter().all(|id| harness.state(*id) == State::Accepted));
}

#[test]
fn a_message_that_arrived_despite_an_error_is_not_submitted_again() {
    let mut memory = Memory::of(64);
    let mut harness = Harness::new(&mut memory);
    let id = harness.add("10086");
    let _ = unclear(&mut harness);
    harness.answer_results(&[result(id, "10086", 1, 1, NOON)]);
    assert_eq!(harness.state(id), State::Sent);
}

/// Each condition of the proof is necessary.
#[test]
fn an_error_without_proof_is_unresolved() {
    for missing in ["user_ids", "contact", "restart", "stop"] {
        let mut memory = Memory::of(64);
        let mut harness = Harness::new(&mut memory);
        let known = (missing != "user_ids").then(|| {
            let known = harness.add("10086");
            harness.accept(1);
            harness.answer_results(&[result(known, "10086", 1, 1, NOON)]);
            known
        });
        let id = harness.add("10010");
        let _ = unclear(&mut harness);
        match missing {
            "contact" => {
                let token = harness.results();
                harness.tracker.handle_lost(token, harness.now);
            }
            "stop" => drop(harness.tracker.stop(id, harness.now)),
            _ => {}
        }
        let mut other = Memory::of(64);
        if missing == "restart" {
            let saved = core::mem::take(&mut harness.saved);
            harness = Harness::new(&mut other);
            for record in saved.values() {
                harness.tracker.restore(record).unwrap();
            }
            harness.tracker.start(harness.now);
        }
        for _ in 0..20 {
            match harness.next() {
                Ask::Results(token) => {
                    if let Some(known) = known {
                        harness.tracker.handle_result(
                            &token,
                            &result(known, "10086", 1, 1, NOON),
                            harness.now,
                        );
                    }
                    harness.tracker.handle_end(token, harness.now);
                }
                Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
                Ask::Queue(token) => harness.tracker.handle_queue(token, Some(0), harness.now),
                other => panic!("{missing}: {other:?}"),
            }
            harness.settle();
            if harness.message(id).is_final {
                break;
            }
        }
        assert_eq!(harness.state(id), State::Unresolved, "{missing}");
    }
}

/// A gateway that refuses requests by its own rules.
struct Gateway {
    random: u64,
    most_recipients: usize,
    most_bytes: u32,
    /// For each message, the number of its accepted submissions, and its size in bytes and whether the gateway refuses it.
    accepted: BTreeMap<UserId, u32>,
    messages: BTreeMap<UserId, (u16, bool)>,
    /// The times of two kinds of requests: those with a message that was refused before with a code other than 550, and those refused with
    /// 550 although they had a message that was refused with 550 before.
    extra: Vec<Duration>,
    refused: BTreeMap<UserId, usize>,
    held: BTreeSet<UserId>,
    /// The end of a period without an available port.
    no_port_until: Duration,
}

impl Gateway {
    fn below(&mut self, limit: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % limit
    }

    fn new(seed: u64) -> Self {
        let mut gateway = Self {
            random: seed,
            most_recipients: 128,
            most_bytes: u32::MAX,
            accepted: BTreeMap::new(),
            messages: BTreeMap::new(),
            extra: Vec::new(),
            refused: BTreeMap::new(),
            held: BTreeSet::new(),
            no_port_until: Duration::ZERO,
        };
        gateway.most_recipients = [128, 128, 10, 1][usize::try_from(gateway.below(4)).unwrap()];
        gateway.most_bytes = [u32::MAX, 3000, 1500][usize::try_from(gateway.below(3)).unwrap()];
        gateway
    }

    fn add(&mut self, harness: &mut Harness<'_>) {
        let share = [0, 1, 10][usize::try_from(self.below(3)).unwrap()];
        for _ in 0..=self.below(150) {
            let bytes = u16::try_from(1 + self.below(if self.random & 1 == 0 { 160 } else { 1500 })).unwrap();
            let number: String = format!("138{:08}", self.messages.len());
            let ports = if self.below(4) == 0 { 0b10 } else { 0 };
            let id = add(harness, &number, ports, bytes);
            let is_bad = self.below(100) < share || u32::from(bytes) > self.most_bytes;
            self.messages.insert(id, (bytes, is_bad));
        }
    }

    /// Returns the error_code for a request.
    fn judge(&mut self, ids: &[UserId], now: Duration) -> u32 {
        let bytes: u32 = ids.iter().map(|id| u32::from(self.messages[id].0)).sum();
        let code = match () {
            () if now < self.no_port_until => 550,
            () if ids.len() > self.most_recipients || bytes > self.most_bytes => 413,
            () if ids.iter().any(|id| self.messages[id].1) => 400,
            () => 202,
        };
        let was_held = ids.iter().any(|id| self.held.contains(id));
        if (was_held && code == 550) || ids.iter().any(|id| self.refused.contains_key(id)) {
            self.extra.push(now);
        }
        for id in ids {
            match code {
                202 => *self.accepted.entry(*id).or_default() += 1,
                550 => drop(self.held.insert(*id)),
                _ => drop(self.refused.insert(*id, ids.len())),
            }
        }
        code
    }
}

fn play(seed: u64) {
    let mut memory = Memory::of(8192);
    let mut harness = Harness::with(&mut memory, Settings { first_block: 1, ..Settings::default() });
    let mut gateway = Gateway::new(seed);
    let end = harness.now + Duration::from_secs(120);
    let mut add_at = harness.now;
    gateway.no_port_until = harness.now + Duration::from_secs([0, 30][usize::from(seed.is_multiple_of(3))]);
    let last = harness.now + Duration::from_secs(12 * 3600);
    while gateway
        .messages
        .keys()
        .any(|id| harness.tracker.message(*id).is_some_and(|it| it.state == State::Unsent))
        || harness.now < end
    {
        assert!(harness.now < last, "seed {seed}: messages wait for ever");
        if harness.now < end && harness.now >= add_at {
            gateway.add(&mut harness);
            add_at = harness.now + Duration::from_secs(1 + gateway.below(40));
        }
        let ask = harness.step();
        harness.settle();
        match ask {
            Ask::Wait(until) => {
                let next = if add_at < end { add_at } else { end };
                let until = until.unwrap_or(end);
                let until = if harness.now < end { until.min(next.max(harness.now)) } else { until };
                harness.now = until.max(harness.now + Duration::from_millis(10));
            }
            Ask::Submit(token) => {
                let ids: Vec<_> =
                    harness.tracker.submission(&token).unwrap().unwrap().map(|message| message.id).collect();
                match gateway.judge(&ids, harness.now) {
                    202 => harness.tracker.handle_accepted(token, Some(TaskId::new(1)), harness.now),
                    code => harness.tracker.handle_refused(token, code, harness.now),
                }
            }
            Ask::Results(token) => {
                let ids: Vec<_> = gateway.accepted.keys().copied().collect();
                for id in ids {
                    if let Some(number) = harness.tracker.number(id) {
                        let sent = result(id, number.as_str(), 1, 1, NOON);
                        harness.tracker.handle_result(&token, &sent, harness.now);
                    }
                }
                harness.tracker.handle_end(token, harness.now);
            }
            Ask::Reports(token) => harness.tracker.handle_end(token, harness.now),
            Ask::Queue(token) => harness.tracker.handle_queue(token, Some(0), harness.now),
            other => panic!("{other:?}"),
        }
    }
    for (id, (_, is_bad)) in &gateway.messages {
        let count = gateway.accepted.get(id).copied().unwrap_or(0);
        assert_eq!(count, u32::from(!is_bad), "seed {seed}, {id:?}, bad {is_bad}");
        if *is_bad {
            assert_eq!(gateway.refused[id], 1, "seed {seed}: {id:?} has failed in company");
        }
    }
    let minute = Duration::from_secs(60);
    let is_rare = |window: &[Duration]| window[16] + Duration::from_millis(10) >= window[0] + minute;
    assert!(gateway.extra.windows(17).all(is_rare), "seed {seed}: more than 16 extra requests in a minute");
}

#[test]
fn each_good_message_is_accepted_once_and_each_bad_one_fails_alone() {
    for seed in 0..60 {
        play(seed);
    }
}

#[test]
fn messages_that_waited_for_a_port_are_submitted_before_others_and_wait_shortly_again() {
    let mut memory = Memory::of(64);
    let limits = Limits { recipients: 1, ..Limits::default() };
    let mut harness = Harness::with(&mut memory, Settings { limits, ..Settings::default() });
    let mut held = add_many(&mut harness, 3);
    // Their waits grow.
    for _ in 0..9 {
        let (token, _) = submission(&mut harness);
        harness.tracker.handle_refused(token, 550, harness.now);
    }
    let (token, messages) = submission(&mut harness);
    held.retain(|id| !messages.contains(id));
    let later = add(&mut harness, "10086", 0, 9);
    accept(&mut harness, token);
    let before = harness.now;
    let (token, messages) = submission(&mut harness);
    assert!(held.contains(&messages[0]), "before the later one");
    harness.tracker.handle_refused(token, 550, harness.now);
    let (token, messages) = submission(&mut harness);
    assert_eq!(harness.since(before), 2);
    accept(&mut harness, token);
    held.retain(|id| !messages.contains(id));
    // The later message waited with the others.
    let rest = [(); 2].map(|()| {
        let (token, messages) = submission(&mut harness);
        accept(&mut harness, token);
        messages[0]
    });
    assert!(rest.contains(&later) && held.iter().all(|id| rest.contains(id)));
}

#[test]
fn the_next_submission_waits_after_an_error() {
    let mut memory = Memory::of(64);
    let mut harness = Harness::new(&mut memory);
    harness.add("10086");
    let (token, _) = submission(&mut harness);
    let next = harness.add("10010");
    let before = harness.now;
    harness.tracker.handle_unclear(token, harness.now);
    let (_, messages) = submission(&mut harness);
    assert_eq!((messages, harness.since(before)), (vec![next], 2));
}

#[test]
fn messages_with_reports_and_those_without_share_no_request() {
    let mut memory = Memory::of(64);
    let mut harness = Harness::new(&mut memory);
    let draft = Draft::new(Number::new("10086").unwrap());
    let ids = [true, false, true]
        .map(|wants_report| harness.tracker.add(&draft.status_report(wants_report), harness.now).unwrap());
    let (token, messages) = submission(&mut harness);
    assert_eq!(messages, [ids[0], ids[2]]);
    accept(&mut harness, token);
    assert_eq!(submission(&mut harness).1, [ids[1]]);
}

#[test]
fn larger_requests_are_tried_an_hour_after_each_message_of_a_refused_one_was_accepted() {
    let mut memory = Memory::of(64);
    let mut harness = Harness::new(&mut memory);
    add_many(&mut harness, 2);
    let (token, ids) = submission(&mut harness);
    assert_eq!(ids.len(), 2);
    harness.tracker.handle_refused(token, 400, harness.now);
    for _ in 0..2 {
        let (token, ids) = submission(&mut harness);
        assert_eq!(ids.len(), 1);
        accept(&mut harness, token);
    }
    for (seconds, count) in [(0, 1), (3600, 2)] {
        harness.wait(seconds);
        add_many(&mut harness, 2);
        let (token, ids) = submission(&mut harness);
        assert_eq!(ids.len(), count);
        accept(&mut harness, token);
    }
}
