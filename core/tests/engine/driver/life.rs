//! One life of a driver, from a start to the next restart.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use serde_json::Value;
use sms_gateway_core::{
    Number, UserId,
    call::{
        Call, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, SendSms, StopSms,
    },
    client::{Buffer, Cause, Driver, Failure, InFlight, Question, Read, Session, Step, Taken},
    track::{Draft, Event, InboxMark, PendingReport, Slot, Tracker},
};

use super::{World, gateway::response};

/// The reason why a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Restart,
    Done,
}

pub(crate) struct Life<'w, 'm> {
    world: &'w mut World,
    driver: Driver<'m>,
    session: Session<[u8; 512]>,
    /// Incoming messages that are not acknowledged yet.
    unread: VecDeque<InboxMark>,
    /// For each kind of request, the number of its consecutive failures, and the number of successes of other kinds since. Failures other
    /// than refusals are counted under an empty name.
    failures: BTreeMap<&'static str, (u32, u32)>,
    /// Number of consecutive waits for a time that has already passed. Each such wait must retire at least one message or report.
    waits: usize,
    /// Number of turns since the world became calm.
    calm_turns: u32,
}

/// Number of slots for messages and for reports.
const SLOTS: usize = 48;
const REPORTS: usize = 24;

/// Maximum number of turns in which all messages must end after the world has become calm.
const CALM_TURNS: u32 = 50_000;

/// The kind of request that submits.
const SUBMIT: &str = "send_sms";

/// The limits on the length of responses are divided by this, so that a few records exceed them.
const SCALE: u32 = 8192;

pub(crate) fn live(world: &mut World) -> End {
    let (mut slots, mut pending) = (vec![Slot::EMPTY; SLOTS], vec![PendingReport::EMPTY; REPORTS]);
    let tracker = Tracker::new(&mut slots, &mut pending, world.settings(), world.now());
    let session = Session::new([0; 512], [0; 512]);
    let driver = Driver::new(tracker);
    let mut life = Life {
        world,
        driver,
        session,
        unread: VecDeque::new(),
        failures: BTreeMap::new(),
        waits: 0,
        calm_turns: 0,
    };
    life.restore();
    loop {
        if let Some(end) = life.turn() {
            return end;
        }
    }
}

impl Life<'_, '_> {
    fn restore(&mut self) {
        for record in self.world.store.values() {
            self.driver.restore(record).expect("a record of an earlier life");
            self.world.calls += 1;
        }
        self.driver.start(self.world.now()).expect("records are readable");
        let World { truths, store_ids, .. } = &mut *self.world;
        truths.restarted(store_ids);
        self.world.handed_out = self.world.acknowledged;
    }

    /// Takes a turn: the caller's commands, a step, and an exchange.
    fn turn(&mut self) -> Option<End> {
        if self.world.is_calm() {
            let has_all_incoming = self.world.handed_out == self.world.gateway.inbox;
            if self.world.truths.0.is_empty() && self.unread.is_empty() && has_all_incoming {
                return Some(End::Done);
            }
            self.calm_turns += 1;
            assert!(self.calm_turns < CALM_TURNS, "the driver does not end");
        } else {
            self.command();
            if self.world.rng.below(500) == 0 {
                return Some(End::Restart);
            }
        }
        self.acknowledge();
        self.world.calls += 1;
        let now = self.world.now();
        match self.driver.step(now) {
            Step::Wait(until) => {
                self.save();
                self.events();
                self.wait(until);
            }
            Step::Exchange(in_flight) => {
                self.waits = 0;
                self.save();
                self.events();
                self.exchange(in_flight);
                self.check_health();
            }
        }
        None
    }

    fn wait(&mut self, until: Option<Duration>) {
        let now = self.world.now();
        let until = until.expect("the inbox is polled forever");
        self.waits = if until > now { 0 } else { self.waits + 1 };
        assert!(self.waits <= SLOTS + REPORTS, "the driver waits for a time that has passed");
        let seconds = (until.saturating_sub(now)).as_millis().div_ceil(1000) as u64;
        // Sometimes the caller acts before the wait is over.
        let seconds = if self.world.rng.below(4) == 0 { self.world.rng.between(0, seconds) } else { seconds };
        self.world.seconds += seconds.max(1);
    }

    /// Carries out an action of the caller.
    fn command(&mut self) {
        self.world.calls += 1;
        let now = self.world.now();
        match self.world.rng.below(12) {
            0..=3 => self.add(),
            4 => self.stop(),
            5 => self.driver.credentials_changed(now),
            6 => {
                let has_room = self.world.rng.below(2) == 0;
                self.driver.set_inbox_room(has_room);
            }
            7 => self.world.gateway.inbox += self.world.rng.below(8) as i64,
            _ => {}
        }
    }

    fn add(&mut self) {
        for _ in 0..=self.world.rng.below(6) {
            self.world.numbers += 1;
            let number = 13_000_000_000 + self.world.numbers;
            let text = number.to_string();
            let (wants_report, may_resend) = (self.world.rng.below(8) > 0, self.world.rng.below(4) == 0);
            let draft = Draft::new(Number::new(&text).expect("a number"))
                .text_bytes(100)
                .status_report(wants_report)
                .resend(may_resend);
            let Ok(id) = self.driver.tracker_mut().add(&draft, self.world.now()) else {
                assert_eq!(self.driver.tracker().room(), 0);
                return;
            };
            let added_at = self.world.seconds;
            self.world.truths.add(id.get(), number, wants_report, may_resend, added_at);
        }
    }

    fn stop(&mut self) {
        let ids: Vec<u32> = self.world.truths.0.keys().copied().collect();
        if let Some(id) = ids.get(self.world.rng.below(ids.len().max(1) as u64) as usize) {
            let (id, now) = (user_id(*id), self.world.now());
            let _ = match self.world.rng.below(2) {
                0 => self.driver.tracker_mut().stop(id, now),
                _ => self.driver.tracker_mut().stop_task_of(id, now),
            };
        }
    }

    /// Acknowledges some incoming messages. After the world has become calm, acknowledges all of them.
    fn acknowledge(&mut self) {
        while !self.unread.is_empty() && (self.world.is_calm() || self.world.rng.below(2) == 0) {
            if let Some(mark) = self.unread.pop_front() {
                self.world.calls += 1;
                self.driver.tracker_mut().acknowledge_incoming(mark);
                self.world.acknowledging = mark.id;
            }
        }
        if self.world.is_calm() {
            self.driver.set_inbox_room(true);
        }
    }

    /// Stores all changes.
    fn save(&mut self) {
        let tracker = self.driver.tracker_mut();
        while let Some(change) = tracker.next_change() {
            match change.record() {
                Some(record) => drop(self.world.store.insert(change.key(), record.to_vec())),
                None => drop(self.world.store.remove(&change.key())),
            }
        }
        self.world.truths.stored();
        self.world.store_ids = self.world.truths.0.keys().copied().collect();
        self.world.acknowledged = self.world.acknowledging;
    }

    /// Reads the events, and acknowledges most updates.
    fn events(&mut self) {
        while let Some(event) = self.driver.tracker_mut().next_event() {
            self.world.calls += 1;
            match event {
                Event::Update(message) => {
                    let World { truths, gateway, seconds, .. } = &mut *self.world;
                    truths.check(&message, gateway, super::EXPIRE, *seconds);
                    truths.of(message.id.get()).is_closed |= message.is_final;
                    self.driver.tracker_mut().acknowledge(message.id, message.revision);
                }
                // Any report may be returned. Its message may have ended without it, or the result with its reference may be late. Its time
                // of arrival may be unknown, because queries for reports fail and the driver restarts.
                Event::Unmatched(_) | Event::Ambiguous(_) => {}
                Event::InboxRestarted => panic!("the inbox did not restart"),
                Event::Unreadable { id } => panic!("message {id} is readable"),
                Event::UnknownStatus { status, .. } => panic!("the gateway does not write {status}"),
            }
        }
    }

    fn exchange(&mut self, in_flight: InFlight) {
        self.world.seconds += self.world.rng.below(3);
        let Some(question) = self.driver.question(&in_flight) else { return self.submit(in_flight) };
        let now = self.world.seconds;
        let is_refused = !self.world.is_calm() && self.world.rng.below(4) == 0;
        let gateway = &mut self.world.gateway;
        let (spec, body) = match question {
            Question::Results(call) => {
                (QuerySmsResult::SPEC, response("result", &gateway.results(&value(&call), now)))
            }
            Question::Reports(call) => {
                (QuerySmsDeliverStatus::SPEC, response("result", &gateway.reports(&value(&call), now)))
            }
            Question::Queue(_) => (
                QuerySmsInQueue::SPEC,
                format!(r#"{{"error_code":200,"in_queue":{}}}"#, gateway.in_queue(now)),
            ),
            Question::Incoming(call) => {
                let most = self.world.rng.between(1, 12) as usize;
                (QueryIncomingSms::SPEC, response("sms", &gateway.incoming(&value(&call), most)))
            }
            Question::Stop(call) => {
                let task = value(&call)["task_id"].as_i64().expect("a task");
                let code = match (is_refused, gateway.stop(task, now)) {
                    (true, _) => 500,
                    (false, true) => 200,
                    (false, false) => 404,
                };
                (StopSms::SPEC, format!(r#"{{"error_code":{code}}}"#))
            }
        };
        self.session.begin(spec, true);
        self.read(in_flight, spec.name(), &body);
    }

    /// Reads all or part of the response to a query.
    fn read(&mut self, in_flight: InFlight, kind: &'static str, body: &str) {
        let is_calm = self.world.is_calm();
        let fault = if is_calm { 9 } else { self.world.rng.below(10) };
        self.session.limit_bytes(self.driver.response_bytes() / SCALE);
        let mut input = body.as_bytes();
        if fault < 3 {
            input = &input[..self.world.rng.below(input.len() as u64) as usize];
        }
        let outcome = self.read_records(&in_flight, &mut input);
        self.world.calls += 1;
        let now = self.world.now();
        match fault {
            1 => self.driver.abandon(in_flight, now),
            // The next step treats the exchange as lost.
            2 => drop(in_flight),
            3 => self.fail(in_flight, kind, Failure::Http { status: 500, request_sent: true }),
            4 => self.fail(in_flight, kind, Failure::LoginRefused),
            _ => {
                let outcome = outcome.map_err(|failure| match failure {
                    Failure::TooLarge { limit } => Failure::TooLarge { limit: limit * SCALE },
                    failure => failure,
                });
                // A stop that is refused with 404 is not a failure: the gateway does not know the task.
                let is_unknown = |failure: Failure| failure.error_code() == Some(404);
                // A page that breaks is not a failure, because the messages after the break are queried later.
                let is_passed = |failure: Failure| {
                    matches!(failure, Failure::Malformed(_)) && self.session.page_break().is_some()
                };
                let failure = outcome.err().filter(|failure| !is_unknown(*failure) && !is_passed(*failure));
                self.note(kind, failure.as_ref());
                let _ = self.driver.finish(in_flight, &self.session, outcome, now);
            }
        }
    }

    fn read_records(&mut self, in_flight: &InFlight, input: &mut &[u8]) -> Result<(), Failure> {
        loop {
            match self.session.read(input)? {
                Read::Record => self.take(in_flight),
                Read::Drain => {}
                Read::End => return Ok(()),
                Read::More => return self.session.body_ended(),
            }
        }
    }

    fn take(&mut self, in_flight: &InFlight) {
        if self.world.rng.below(4) == 0 {
            let has_room = self.world.is_calm() || self.world.rng.below(2) == 0;
            self.driver.set_inbox_room(has_room);
        }
        self.world.calls += 1;
        match self.driver.take(in_flight, &self.session, self.world.now()) {
            Taken::Nothing | Taken::Imsi { .. } | Taken::Unmatched(_) => {}
            Taken::Incoming { mark, sms } => {
                assert_eq!(sms.text.as_str(), mark.id.to_string());
                assert_eq!(mark.id, self.world.handed_out + 1, "a message is missing or repeated");
                self.world.handed_out = mark.id;
                self.unread.push_back(mark);
            }
        }
    }

    fn note(&mut self, kind: &'static str, failure: Option<&Failure>) {
        let is_refusal = failure.is_some_and(|failure| failure.error_code().is_some());
        let at = if failure.is_none() || is_refusal { kind } else { "" };
        if !at.is_empty() {
            self.failures.remove("");
        }
        if failure.is_some() {
            let count = self.failures.get(at).map_or(1, |it| it.0 + 1);
            self.failures.insert(at, (count, 0));
            return;
        }
        self.failures.remove(at);
        // A kind that is no longer requested is forgotten.
        self.failures.retain(|_, (_, others)| {
            *others += 1;
            *others <= 16
        });
    }

    fn fail(&mut self, in_flight: InFlight, kind: &'static str, failure: Failure) {
        self.note(kind, Some(&failure));
        let now = self.world.now();
        let _ = self.driver.fail(in_flight, failure, now);
    }

    fn submit(&mut self, in_flight: InFlight) {
        assert!(in_flight.is_submission());
        let submission = self.driver.submission(&in_flight).expect("all changes are stored");
        let messages: Vec<(u32, u64)> = submission
            .map(|message| (message.id.get(), message.number().as_str().parse().expect("a number")))
            .collect();
        assert!(!messages.is_empty(), "a submission without messages");
        for (id, number) in &messages {
            assert_eq!(self.world.truths.of(*id).number, *number);
            self.world.truths.submitting(*id);
        }
        let kind = if self.world.is_calm() { 99 } else { self.world.rng.below(20) };
        self.world.calls += 1;
        let now = self.world.now();
        match kind {
            0 => {
                let missing = messages.first().map(|(id, _)| user_id(*id));
                self.driver.texts_missing(in_flight, missing, now);
            }
            1..=4 => self.fail(in_flight, SUBMIT, not_sent(kind)),
            5..=9 => self.submit_and_lose(in_flight, &messages, kind),
            10 => {
                for (id, _) in &messages {
                    self.world.truths.refused(*id);
                }
                let code = [400, 413, 550][self.world.rng.below(3) as usize];
                self.respond(in_flight, &format!(r#"{{"error_code":{code}}}"#));
            }
            _ => {
                let task = self.accept(&messages, false);
                let task = if self.world.rng.below(8) == 0 {
                    String::new()
                } else {
                    format!(r#","task_id":{task}"#)
                };
                self.respond(in_flight, &format!(r#"{{"error_code":202{task}}}"#));
            }
        }
    }

    fn accept(&mut self, messages: &[(u32, u64)], is_uncertain: bool) -> i64 {
        let World { gateway, seconds, rng, truths, .. } = &mut *self.world;
        for (id, _) in messages {
            truths.submitted(*id, true, is_uncertain);
        }
        // All messages of a request want reports, or none of them does.
        let wants_report = messages.iter().all(|(id, _)| truths.of(*id).wants_report);
        gateway.accept(messages, wants_report, *seconds, rng)
    }

    /// Loses the response to a submission. The submission itself may have arrived.
    fn submit_and_lose(&mut self, in_flight: InFlight, messages: &[(u32, u64)], kind: u64) {
        if self.world.rng.below(2) == 0 {
            self.accept(messages, true);
        } else {
            for (id, _) in messages {
                match kind {
                    8 => self.world.truths.answered_with_error(*id),
                    _ => self.world.truths.submitted(*id, false, true),
                }
            }
        }
        let now = self.world.now();
        match kind {
            5 => self.driver.abandon(in_flight, now),
            6 => drop(in_flight),
            7 => self.fail(in_flight, SUBMIT, Failure::Lost(Cause::Transport)),
            8 => self.fail(in_flight, SUBMIT, Failure::Http { status: 502, request_sent: true }),
            _ => self.respond(in_flight, "<html>"),
        }
    }

    fn respond(&mut self, in_flight: InFlight, body: &str) {
        self.session.begin(SendSms::SPEC, false);
        let outcome = self.read_records(&in_flight, &mut body.as_bytes());
        match outcome {
            Ok(()) => {
                self.note(SUBMIT, None);
                let now = self.world.now();
                let _ = self.driver.finish(in_flight, &self.session, Ok(()), now);
            }
            // This refusal is due to the messages. It counts as a success, because it shows that the gateway responds.
            Err(failure @ Failure::Refused(_)) if failure.error_code().is_some_and(|code| code != 550) => {
                self.note(SUBMIT, None);
                let now = self.world.now();
                let _ = self.driver.fail(in_flight, failure, now);
            }
            Err(failure) => self.fail(in_flight, SUBMIT, failure),
        }
    }

    fn check_health(&self) {
        let health = self.driver.health();
        let whole = self.failures.get("").copied();
        assert!(whole.is_none_or(|whole| health.failures == whole.0));
        assert!(health.failures == 0 || self.failures.values().any(|count| count.0 == health.failures));
        assert_eq!(health.failure.is_some(), !self.failures.is_empty());
        assert!(health.is_known || self.failures.is_empty());
    }
}

/// Returns a failure of a submission that did not reach the gateway.
fn not_sent(kind: u64) -> Failure {
    match kind {
        1 => Failure::Unreachable(Cause::Transport),
        2 => Failure::LoginRefused,
        3 => Failure::Http { status: 500, request_sent: false },
        _ => Failure::TooSmall { buffer: Buffer::Response, needed: 9000 },
    }
}

fn value(call: &impl serde::Serialize) -> Value {
    serde_json::to_value(call).expect("a request")
}

fn user_id(id: u32) -> UserId {
    UserId::new(id.into()).expect("an id")
}
