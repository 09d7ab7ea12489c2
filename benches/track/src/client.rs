//! A client that follows messages with the tracker, in virtual time: its requests and the delay of its updates.

use std::{collections::HashMap, time::Duration};

use sms_gateway_core::{
    TaskId,
    call::Call,
    track::{Ask, Draft, Event, Message, PendingReport, Settings, Slot, State, Tracker},
};

use crate::{
    device::{Device, Fate, Query},
    outcome::{Outcome, Requests},
    records::Numbers,
};

/// Time until a response arrives.
const RESPONSE_TIME: Duration = Duration::from_millis(50);

struct Client {
    tracker: Tracker<'static>,
    device: Device,
    numbers: Numbers,
    now: Duration,
    requests: Requests,
    /// The time at which a message was known to be sent, and delivered.
    sent: HashMap<u32, Duration>,
    delivered: HashMap<u32, Duration>,
}

/// Follows a number of messages, added at regular intervals, to their end.
pub(crate) fn follow(many: u32, every: Duration) -> Outcome {
    let slots = vec![Slot::EMPTY; many as usize].leak();
    let early = vec![PendingReport::EMPTY; slots.len() / 10 + 8].leak();
    let mut client = Client {
        tracker: Tracker::new(slots, early, Settings::default(), Duration::ZERO),
        device: Device::default(),
        numbers: Numbers::new(many),
        now: Duration::ZERO,
        requests: Requests::default(),
        sent: HashMap::new(),
        delivered: HashMap::new(),
    };
    let mut numbers = 0..many;
    let mut next = Duration::ZERO;
    while client.delivered.len() < many as usize {
        while next <= client.now
            && let Some(number) = numbers.next()
        {
            client.add(number);
            next += every;
        }
        client.exchange(if numbers.is_empty() { Duration::MAX } else { next });
    }
    client.outcome()
}

impl Client {
    fn add(&mut self, number: u32) {
        let draft = Draft::new(self.numbers.get(number));
        self.tracker.add(&draft, self.now).expect("the tracker is not full");
    }

    /// Takes one step and makes its request. Waits until `next` at the longest.
    fn exchange(&mut self, next: Duration) {
        let ask = self.tracker.step(self.now);
        self.save_and_read_events();
        let sent_at = self.now;
        if !matches!(ask, Ask::Wait(_)) {
            self.now += RESPONSE_TIME;
        }
        let (tracker, device, requests, now) =
            (&mut self.tracker, &mut self.device, &mut self.requests, self.now);
        let mut body = [0; 16 * 1024];
        match ask {
            Ask::Wait(until) => self.now = until.unwrap_or(next).min(next),
            Ask::Submit(token) => {
                requests.send += 1;
                for message in
                    tracker.submission(&token).expect("all changes are saved").expect("the token is fresh")
                {
                    device.accept(message.id.get(), Numbers::index(message.number()), sent_at);
                }
                tracker.handle_accepted(token, Some(TaskId::new(1)), now);
            }
            Ask::Results(token) => {
                requests.result += 1;
                let query = tracker.results_request(&token).expect("the token is fresh").body(&mut body);
                let query = Query::read(query.expect("it fits"));
                for result in device.results(&query, &self.numbers, sent_at) {
                    requests.records += 1;
                    tracker.handle_result(&token, &result, now);
                }
                tracker.handle_end(token, now);
            }
            Ask::Reports(token) => {
                requests.report += 1;
                let query = tracker.reports_request(&token).expect("the token is fresh").body(&mut body);
                let query = Query::read(query.expect("it fits"));
                for report in device.reports(&query, &self.numbers, sent_at) {
                    requests.records += 1;
                    let _ = tracker.handle_report(&token, &report, now);
                }
                tracker.handle_end(token, now);
            }
            Ask::Queue(token) => {
                requests.queue += 1;
                tracker.handle_queue(token, Some(device.in_queue(sent_at)), now);
            }
            Ask::Incoming(_) | Ask::Stop(_) => unreachable!("these requests are not enabled"),
        }
    }

    fn save_and_read_events(&mut self) {
        loop {
            while self.tracker.next_change().is_some() {}
            match self.tracker.next_event() {
                Some(Event::Update(message)) => self.update(&message),
                Some(_) => self.requests.strays += 1,
                None => return,
            }
        }
    }

    fn update(&mut self, message: &Message) {
        self.tracker.acknowledge(message.id, message.revision);
        if matches!(message.state, State::Sent | State::Delivered) {
            self.sent.entry(message.id.get()).or_insert(self.now);
        }
        if message.is_final {
            assert_eq!(message.state, State::Delivered);
            self.delivered.entry(message.id.get()).or_insert(self.now);
        }
    }

    fn outcome(self) -> Outcome {
        let Self { device, requests, sent, delivered, .. } = self;
        let lags = |times: HashMap<u32, Duration>, happened: fn(&Fate) -> Duration| {
            device.fates.iter().map(|fate| times[&fate.held.id].saturating_sub(happened(fate))).collect()
        };
        Outcome {
            requests,
            sent: lags(sent, |fate| fate.sent),
            delivered: lags(delivered, |fate| fate.delivered),
        }
    }
}
