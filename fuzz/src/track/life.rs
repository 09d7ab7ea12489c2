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
    EARLY, SLOTS, Store,
    input::Input,
    model::{Messages, Model, restored},
};

/// The maximum number of messages under way, and through one port.
const UNDER_WAY: u8 = 4;
const BY_PORT: u8 = 2;

pub(super) struct Life<'m> {
    pub(super) tracker: Tracker<'m>,
    store: &'m mut Store,
    pub(super) model: &'m mut Model,
    pub(super) now: Duration,
    /// Whether a request is in flight, and when the latest one began or ended.
    pub(super) in_question: bool,
    pub(super) last: Duration,
    /// The request in flight.
    pub(super) asked: Option<Ask>,
    /// The messages of the latest submission.
    pub(super) in_hand: Vec<UserId>,
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
            under_way: UNDER_WAY.into(),
            under_way_per_port: BY_PORT.into(),
            ..Limits::default()
        },
        incoming: true,
        first_block: 0,
    }
}

impl<'m> Life<'m> {
    pub(super) fn new(
        slots: &'m mut [Slot],
        early: &'m mut [PendingReport],
        store: &'m mut Store,
        model: &'m mut Model,
        now: Duration,
    ) -> Self {
        let mut tracker = Tracker::new(slots, early, settings(), now);
        for record in store.values().flatten() {
            tracker.restore(record).expect("it was saved");
        }
        tracker.start(now);
        model.restart();
        let life =
            Self { tracker, store, model, now, in_question: false, last: now, asked: None, in_hand: vec![] };
        assert_eq!(life.found(), life.model.now());
        life
    }

    /// Lets one thing happen; returns `false` when this life ends.
    pub(super) fn happen(&mut self, input: &mut Input<'_>) -> bool {
        let choice = input.byte();
        match choice % 16 {
            0 | 1 => self.add(input),
            2 => self.now += input.wait(),
            3..=5 => self.step(input),
            6..=9 => self.record(input),
            10 | 11 => self.answered(input),
            12 => self.failed(choice),
            13 => self.stop(input),
            14 => self.acknowledge(input),
            _ => return false,
        }
        self.model.observe(|id| self.tracker.message(id));
        self.model.within(UNDER_WAY.into(), BY_PORT.into());
        true
    }

    /// Ends the life: all events are taken.
    pub(super) fn end(mut self) {
        self.save();
        self.hear();
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

    /// Makes a step, saves all changes, takes all events, and begins the request, unless the caller stops before that.
    fn step(&mut self, input: &mut Input<'_>) {
        let is_lost = std::mem::take(&mut self.in_question);
        self.asked = None;
        let ask = self.tracker.step(self.now);
        self.model.observe(|id| self.tracker.message(id));
        let is_first = matches!(ask, Ask::Submit(_) | Ask::Stop(_));
        let rested = !is_lost && self.now >= self.last + settings().timing.slowest;
        self.in_question = !matches!(ask, Ask::Wait(_));
        if is_lost || self.in_question {
            self.last = self.now;
        }
        assert!(is_first || !rested || !self.model.within(UNDER_WAY.into(), BY_PORT.into()));
        let bits = input.byte();
        if bits.is_multiple_of(8) {
            return;
        }
        self.save();
        self.hear();
        if bits & 8 != 0 {
            self.acknowledge(input);
            self.save();
        }
        if let Ask::Wait(until) = ask {
            assert!(until.is_none_or(|until| until + Duration::from_millis(10) > self.now));
            return;
        }
        if let Ask::Submit(token) = &ask {
            self.in_hand = self
                .tracker
                .submission(token)
                .expect("all is saved")
                .expect("a fresh token")
                .map(|to| to.id)
                .collect();
            assert!(!self.in_hand.is_empty());
            self.in_hand.iter().for_each(|id| self.model.hand_over(*id));
        }
        self.asked = Some(ask);
    }
}

impl Life<'_> {
    fn stop(&mut self, input: &mut Input<'_>) {
        let ids: Vec<_> = self.found().into_keys().collect();
        let Some(id) = input.pick(&ids) else { return };
        let stopping = self.tracker.stop(id, self.now);
        let state = self.tracker.message(id).map(|message| message.state);
        let known = self.model.messages.get_mut(&id).expect("it was found");
        known.now.resend &= state != Some(State::Uncertain);
        let was_asked = known.now.message.is_none_or(|message| message.state == State::Unsent);
        assert_eq!(was_asked, stopping == StopResult::Stopped);
    }

    /// Acknowledges a message's latest update.
    fn acknowledge(&mut self, input: &mut Input<'_>) {
        let told: Vec<_> =
            self.model.messages.iter().filter_map(|(id, known)| Some((*id, known.told?))).collect();
        let Some((id, news)) = input.pick(&told) else { return };
        self.tracker.acknowledge(id, news);
        self.model.messages.get_mut(&id).expect("it was told").now.acknowledged = news;
    }

    /// Saves all changes, and lets two other trackers restore them, in this order and in reverse.
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
        assert_eq!(self.another_life(self.store.values().flatten()), expected);
        assert_eq!(self.another_life(self.store.values().flatten().rev()), expected);
    }

    fn another_life<'r>(&self, records: impl Iterator<Item = &'r Vec<u8>>) -> Messages {
        let (mut slots, mut early) = (vec![Slot::EMPTY; SLOTS], vec![PendingReport::EMPTY; EARLY]);
        let mut tracker = Tracker::new(&mut slots, &mut early, settings(), self.now);
        records.for_each(|record| tracker.restore(record).expect("it was saved"));
        tracker.start(self.now);
        self.model.messages.keys().filter_map(|id| Some((*id, tracker.message(*id)?))).collect()
    }

    fn hear(&mut self) {
        while let Some(event) = self.tracker.next_event() {
            if let Event::Update(message) = event {
                self.model.tell(&message);
            }
        }
        self.model.all_is_told();
    }

    pub(super) fn found(&self) -> Messages {
        self.model.messages.keys().filter_map(|id| Some((*id, self.tracker.message(*id)?))).collect()
    }
}
