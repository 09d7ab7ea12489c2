//! One life of a tracker.

use std::time::Duration;

use sms_gateway_core::{
    Number, Port, Ports, UserId,
    track::{
        Ask, Draft, Event, Limits, MAX_RECORD_BYTES, PendingReport, Settings, Slot, State, StopResult,
        Timing, Tracker,
    },
};

use super::{
    PENDING_REPORTS, SLOTS, Store,
    input::Input,
    model::{Messages, Model, restored},
};

/// Maximum number of submitted messages that the gateway has not sent yet: in all, and for one port.
const MAX_IN_FLIGHT: u8 = 4;
const MAX_IN_FLIGHT_PER_PORT: u8 = 2;

pub(super) struct Life<'m> {
    pub(super) tracker: Tracker<'m>,
    store: &'m mut Store,
    pub(super) model: &'m mut Model,
    pub(super) now: Duration,
    /// Whether a request is in flight, and the time at which the latest one began or ended.
    pub(super) in_flight: bool,
    pub(super) last: Duration,
    /// The request in flight.
    pub(super) request: Option<Ask>,
    /// The messages of the latest submission.
    pub(super) submission: Vec<UserId>,
}

fn settings() -> Settings {
    let seconds = Duration::from_secs;
    Settings {
        timing: Timing {
            expire: seconds(3600),
            late: seconds(1200),
            doubled: seconds(300),
            unmatched: seconds(20),
            ..Timing::default()
        },
        limits: Limits {
            under_way: MAX_IN_FLIGHT.into(),
            under_way_per_port: MAX_IN_FLIGHT_PER_PORT.into(),
            ..Limits::default()
        },
        incoming: true,
        first_block: 0,
        ..Settings::default()
    }
}

impl<'m> Life<'m> {
    pub(super) fn new(
        slots: &'m mut [Slot],
        pending: &'m mut [PendingReport],
        store: &'m mut Store,
        model: &'m mut Model,
        now: Duration,
    ) -> Self {
        let mut tracker = Tracker::new(slots, pending, settings(), now);
        for record in store.values().flatten() {
            tracker.restore(record).expect("it was saved");
        }
        tracker.start(now);
        model.restart();
        let life = Self {
            tracker,
            store,
            model,
            now,
            in_flight: false,
            last: now,
            request: None,
            submission: vec![],
        };
        assert_eq!(life.found(), life.model.now());
        life
    }

    /// Carries out one event. Returns `false` when this life ends.
    pub(super) fn carry_out(&mut self, input: &mut Input<'_>) -> bool {
        let choice = input.byte();
        match choice % 16 {
            0 | 1 => self.add(input),
            2 => self.now += input.wait(),
            3..=5 => self.step(input),
            6..=9 => self.record(input),
            10 | 11 => self.complete(input),
            12 => self.fail(choice),
            13 => self.stop(input),
            14 => self.acknowledge(input),
            _ => return false,
        }
        self.model.observe(|id| self.tracker.message(id));
        self.model.within(MAX_IN_FLIGHT.into(), MAX_IN_FLIGHT_PER_PORT.into());
        true
    }

    /// Ends the life after reading all events.
    pub(super) fn end(mut self) {
        self.save();
        self.read_events();
    }

    fn add(&mut self, input: &mut Input<'_>) {
        let (number, bits) = (input.number(), input.byte());
        let port = (bits & 1 == 1).then_some(bits >> 1 & 1);
        let ports: Ports = port.map(|port| Port::new(port).expect("small")).into_iter().collect();
        let resend = bits & 4 != 0;
        let to = Number::new(number).expect("digits");
        let draft = Draft::new(to).ports(ports).resend(resend).status_report(bits & 8 == 0);
        let room = self.tracker.room();
        match self.tracker.add(&draft, self.now) {
            Ok(id) => self.model.add(id, number, port, resend),
            Err(_) => assert_eq!(room, 0),
        }
    }

    /// Takes a step. Then saves all changes, reads all events and begins the request, unless the input chooses to stop after the step.
    fn step(&mut self, input: &mut Input<'_>) {
        let is_lost = std::mem::take(&mut self.in_flight);
        self.request = None;
        let ask = self.tracker.step(self.now);
        self.model.observe(|id| self.tracker.message(id));
        // If a message can be submitted and the latest request ended at least `slowest` ago, the tracker asks for the submission.
        // A stop or a query for reports may come first.
        let is_first = matches!(ask, Ask::Submit(_) | Ask::Stop(_) | Ask::Reports(_));
        let is_rested = !is_lost && self.now >= self.last + settings().timing.slowest;
        self.in_flight = !matches!(ask, Ask::Wait(_));
        if is_lost || self.in_flight {
            self.last = self.now;
        }
        assert!(
            is_first || !is_rested || !self.model.within(MAX_IN_FLIGHT.into(), MAX_IN_FLIGHT_PER_PORT.into())
        );
        let bits = input.byte();
        if bits.is_multiple_of(8) {
            return;
        }
        self.save();
        self.read_events();
        if bits & 8 != 0 {
            self.acknowledge(input);
            self.save();
        }
        if let Ask::Wait(until) = ask {
            assert!(until.is_none_or(|until| until + Duration::from_millis(10) > self.now));
            return;
        }
        if let Ask::Submit(token) = &ask {
            self.submission = self
                .tracker
                .submission(token)
                .expect("all changes are saved")
                .expect("a fresh token")
                .map(|to| to.id)
                .collect();
            assert!(!self.submission.is_empty());
            self.submission.iter().for_each(|id| self.model.submit(*id));
        }
        self.request = Some(ask);
    }
}

impl Life<'_> {
    fn stop(&mut self, input: &mut Input<'_>) {
        let ids: Vec<_> = self.found().into_keys().collect();
        let Some(id) = input.pick(&ids) else { return };
        let mut stopping = self.tracker.stop(id, self.now);
        if matches!(stopping, StopResult::SharedTask { .. }) {
            stopping = self.tracker.stop_task_of(id, self.now);
        }
        let state = self.tracker.message(id).map(|message| message.state);
        let known = self.model.messages.get_mut(&id).expect("it was found");
        known.now.resend &= state != Some(State::Uncertain);
        let is_unsent = known.now.message.is_none_or(|message| message.state == State::Unsent);
        assert_eq!(is_unsent, stopping == StopResult::Stopped);
    }

    /// Acknowledges a message's latest update.
    fn acknowledge(&mut self, input: &mut Input<'_>) {
        let updated: Vec<_> =
            self.model.messages.iter().filter_map(|(id, known)| Some((*id, known.returned?))).collect();
        let Some((id, revision)) = input.pick(&updated) else { return };
        self.tracker.acknowledge(id, revision);
        self.model.messages.get_mut(&id).expect("it was reported").now.acknowledged = revision;
    }

    /// Saves all changes, and checks that other trackers can restore the records, in the store's order and in reverse.
    fn save(&mut self) {
        while let Some(change) = self.tracker.next_change() {
            match change.record() {
                Some(record) => {
                    assert!(record.len() <= MAX_RECORD_BYTES);
                    self.store.entry(change.key()).or_default().push(record.to_vec());
                }
                None => drop(self.store.remove(&change.key())),
            }
        }
        self.model.observe(|id| self.tracker.message(id));
        self.model.save();
        let found = self.found();
        assert_eq!(self.tracker.room() as usize + found.len(), SLOTS);
        let expected: Messages = found.into_iter().map(|(id, message)| (id, restored(message))).collect();
        assert_eq!(self.restore_elsewhere(self.store.values().flatten()), expected);
        assert_eq!(self.restore_elsewhere(self.store.values().flatten().rev()), expected);
    }

    fn restore_elsewhere<'r>(&self, records: impl Iterator<Item = &'r Vec<u8>>) -> Messages {
        let (mut slots, mut pending) =
            (vec![Slot::EMPTY; SLOTS], vec![PendingReport::EMPTY; PENDING_REPORTS]);
        let mut tracker = Tracker::new(&mut slots, &mut pending, settings(), self.now);
        records.for_each(|record| tracker.restore(record).expect("it was saved"));
        tracker.start(self.now);
        self.model.messages.keys().filter_map(|id| Some((*id, tracker.message(*id)?))).collect()
    }

    fn read_events(&mut self) {
        while let Some(event) = self.tracker.next_event() {
            if let Event::Update(message) = event {
                self.model.update(&message);
            }
        }
        self.model.check_all_reported();
    }

    pub(super) fn found(&self) -> Messages {
        self.model.messages.keys().filter_map(|id| Some((*id, self.tracker.message(*id)?))).collect()
    }
}
