//! The tracker's rules one by one, with a gateway that responds as the test wants. The simulation in `core/tests/simulation` covers them together.

mod again;
mod asking;
mod inbox;
mod life;
mod matching;
mod results;
mod saving;
mod schema;
mod urgent;
mod validity;
mod whose;

use core::time::Duration;
use std::{collections::BTreeMap, vec, vec::Vec};

use super::{
    Ask, Change, Draft, Event, Limits, Message, PendingReport, ReportOutcome, Settings, Slot, State, Token,
    Tracker,
};
use crate::{
    Number, TaskId, Timestamp, UserId,
    call::{QuerySmsDeliverStatus, QuerySmsResult, SmsResult, Status, StatusReport},
    json::{Field, Text},
};

/// A tracker with its clock, its saved records and its events.
pub(super) struct Harness<'m> {
    pub(super) tracker: Tracker<'m>,
    pub(super) now: Duration,
    pub(super) saved: BTreeMap<u32, Vec<u8>>,
    pub(super) events: Vec<Event>,
    /// The added messages, and whether reports were queried before the first one.
    added: Vec<UserId>,
    has_looked: bool,
}

pub(super) struct Memory {
    slots: Vec<Slot>,
    early: Vec<PendingReport>,
}

impl Memory {
    pub(super) fn of(slots: usize) -> Self {
        Self { slots: vec![Slot::EMPTY; slots], early: vec![PendingReport::EMPTY; slots.max(16)] }
    }
}

impl<'m> Harness<'m> {
    pub(super) fn new(memory: &'m mut Memory) -> Self {
        Self::with(memory, Settings { first_block: 1, ..Settings::default() })
    }

    pub(super) fn with(memory: &'m mut Memory, settings: Settings) -> Self {
        let now = Duration::from_secs(1000);
        let tracker = Tracker::new(&mut memory.slots, &mut memory.early, settings, now);
        Self { tracker, now, saved: BTreeMap::new(), events: vec![], added: vec![], has_looked: false }
    }

    pub(super) fn add(&mut self, number: &str) -> UserId {
        let draft = Draft::new(Number::new(number).unwrap());
        let id = self.tracker.add(&draft, self.now).unwrap();
        self.added.push(id);
        id
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Returns the seconds that have passed.
    pub(super) fn since(&self, before: Duration) -> u64 {
        self.now.saturating_sub(before).as_secs()
    }

    /// Stores all changes, takes all events, and acknowledges them.
    pub(super) fn settle(&mut self) {
        self.save();
        while let Some(event) = self.tracker.next_event() {
            if let Event::Update(message) = event {
                self.tracker.acknowledge(message.id, message.revision);
            }
            self.events.push(event);
        }
        self.save();
    }

    pub(super) fn save(&mut self) {
        while let Some(change) = self.tracker.next_change() {
            store(&mut self.saved, &change);
        }
    }

    /// Returns the next request, after the waits before it. See [`step`](Self::step) for reports.
    pub(super) fn next(&mut self) -> Ask {
        loop {
            let ask = self.step();
            self.settle();
            match ask {
                Ask::Wait(until) => self.now = until.expect("something is to be done"),
                ask => return ask,
            }
        }
    }

    /// Returns what to do next. Queries for reports before a message is submitted get an empty response, because there are no reports
    /// yet.
    pub(super) fn step(&mut self) -> Ask {
        let is_unsent = |id: &UserId| self.tracker.message(*id).is_some_and(|it| it.state == State::Unsent);
        let is_first = !self.has_looked || self.added.iter().any(is_unsent);
        match self.tracker.step(self.now) {
            Ask::Reports(token) if is_first => {
                self.has_looked = true;
                self.tracker.handle_end(token, self.now);
                self.now += Limits::default().request_gap;
                self.step()
            }
            ask => ask,
        }
    }

    pub(super) fn state(&self, id: UserId) -> State {
        self.message(id).state
    }

    pub(super) fn message(&self, id: UserId) -> Message {
        self.tracker.message(id).unwrap()
    }

    /// Submits waiting messages, which the gateway accepts.
    pub(super) fn accept(&mut self, task: i64) -> usize {
        let Ask::Submit(token) = self.next() else { panic!("nothing to submit") };
        let count = self.tracker.submission(&token).unwrap().unwrap().count();
        self.tracker.handle_accepted(token, Some(TaskId::new(task)), self.now);
        self.settle();
        count
    }

    /// Returns the next request for results. Other requests before it get empty responses.
    pub(super) fn results(&mut self) -> Token<QuerySmsResult<'static>> {
        loop {
            match self.next() {
                Ask::Results(token) => return token,
                Ask::Reports(token) => self.tracker.handle_end(token, self.now),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Returns the next request for reports. Other requests before it get empty responses.
    pub(super) fn reports(&mut self) -> Token<QuerySmsDeliverStatus<'static>> {
        loop {
            match self.next() {
                Ask::Reports(token) => return token,
                Ask::Results(token) => self.tracker.handle_end(token, self.now),
                Ask::Queue(token) => self.tracker.handle_queue(token, Some(1), self.now),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Responds to the next request for results.
    pub(super) fn answer_results(&mut self, results: &[SmsResult<'_>]) {
        let token = self.results();
        for result in results {
            self.tracker.handle_result(&token, result, self.now);
        }
        self.tracker.handle_end(token, self.now);
        self.settle();
    }

    /// Responds to the next request for reports.
    pub(super) fn answer_reports(&mut self, reports: &[StatusReport<'_>]) -> Vec<ReportOutcome> {
        let token = self.reports();
        let made =
            reports.iter().map(|report| self.tracker.handle_report(&token, report, self.now)).collect();
        self.tracker.handle_end(token, self.now);
        self.settle();
        made
    }

    /// Adds a message that is sent through this port, with this reference, at this time of the gateway's clock.
    pub(super) fn sent(&mut self, number: &str, port: u32, reference: u32, time: &str) -> UserId {
        let id = self.add(number);
        self.accept(1);
        self.answer_results(&[result(id, number, port, reference, time)]);
        assert_eq!(self.state(id), State::Sent);
        id
    }

    pub(super) fn count(&self, which: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| which(event)).count()
    }
}

/// Returns a tracker for four messages, whose memory is never freed.
pub(super) fn lasting(places: usize, now: Duration) -> Tracker<'static> {
    let (slots, places) = (vec![Slot::EMPTY; 4].leak(), vec![PendingReport::EMPTY; places].leak());
    Tracker::new(slots, places, Settings::default(), now)
}

pub(super) fn store(saved: &mut BTreeMap<u32, Vec<u8>>, change: &Change) {
    match change.record() {
        Some(record) => saved.insert(change.key(), record.to_vec()),
        None => saved.remove(&change.key()),
    };
}

fn time(text: &str) -> Field<'_, Timestamp> {
    Field::Known(text.parse().unwrap())
}

/// A result of a message with one segment, SENT_OK.
pub(super) fn result<'a>(
    id: UserId,
    number: &'a str,
    port: u32,
    reference: u32,
    at: &'a str,
) -> SmsResult<'a> {
    SmsResult {
        port: Field::Known(port),
        user_id: Field::Known(id.get().into()),
        number: Text::Exact(number),
        time: time(at),
        status: Field::Known(Status::SentOk),
        count: Field::Known(1),
        succ_count: Field::Known(1),
        ref_id: Field::Known(reference),
        imsi: Text::Missing,
    }
}

pub(super) fn report<'a>(
    number: &'a str,
    port: u32,
    reference: u32,
    at: &'a str,
    status: u32,
) -> StatusReport<'a> {
    StatusReport {
        port: Field::Known(port),
        number: Text::Exact(number),
        time: time(at),
        ref_id: Field::Known(reference),
        status_code: Field::Known(status),
        imsi: Text::Missing,
    }
}
