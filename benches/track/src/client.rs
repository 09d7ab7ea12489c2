//! A client that follows messages with the tracker, in virtual time: its requests and the delay of its updates.

use std::{collections::HashMap, time::Duration};

use sms_gateway_core::{
    TaskId,
    call::{Call, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult},
    track::{Ask, Draft, Event, Message, PendingReport, Settings, Slot, State, Token, Tracker},
};

use crate::{
    device::{Device, Fate, Query},
    outcome::{Outcome, Requests},
    records::Numbers,
    traffic::Traffic,
};

/// Time until a response arrives.
const RESPONSE_TIME: Duration = Duration::from_millis(50);
/// Maximum length of the body of a query in bytes.
const BODY: usize = 16 * 1024;

struct Client {
    tracker: Tracker<'static>,
    device: Device,
    numbers: Numbers,
    now: Duration,
    requests: Requests,
    traffic: Traffic,
    /// For each message, the time at which the client first knew that it was sent. `delivered` is the same for the delivery.
    sent: HashMap<u32, Duration>,
    delivered: HashMap<u32, Duration>,
}

/// Follows a number of messages, added at regular intervals, to their end.
pub(crate) fn follow(many: u32, every: Duration, settings: Settings) -> Outcome {
    let slots = vec![Slot::EMPTY; many as usize].leak();
    let early = vec![PendingReport::EMPTY; slots.len() / 10 + 8].leak();
    let mut client = Client {
        tracker: Tracker::new(slots, early, settings, Duration::ZERO),
        device: Device::default(),
        numbers: Numbers::new(many),
        now: Duration::ZERO,
        requests: Requests::default(),
        traffic: Traffic::default(),
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

    /// Takes one step of the tracker and makes the request that the tracker asks for. Waits until `next` at most.
    fn exchange(&mut self, next: Duration) {
        let ask = self.tracker.step(self.now);
        self.save_and_read_events();
        let sent_at = self.now;
        if !matches!(ask, Ask::Wait(_)) {
            self.now += RESPONSE_TIME;
        }
        let (tracker, device, traffic, now) =
            (&mut self.tracker, &mut self.device, &mut self.traffic, self.now);
        let requests = &mut self.requests;
        match ask {
            Ask::Wait(until) => self.now = until.unwrap_or(next).min(next),
            Ask::Submit(token) => {
                requests.send += 1;
                let submission = tracker.submission(&token).expect("all changes are saved");
                let messages: Vec<_> = submission.expect("the token is fresh").collect();
                for message in &messages {
                    device.accept(message.id.get(), Numbers::index(message.number()), sent_at);
                }
                traffic.submit(&messages, sent_at);
                tracker.handle_accepted(token, Some(TaskId::new(1)), now);
            }
            Ask::Results(token) => self.query_results(token, sent_at),
            Ask::Reports(token) => self.query_reports(token, sent_at),
            Ask::Queue(token) => {
                requests.queue += 1;
                traffic.exchange(&QuerySmsInQueue, "in_queue", "0", sent_at);
                tracker.handle_queue(token, Some(device.in_queue(sent_at)), now);
            }
            Ask::Incoming(_) | Ask::Stop(_) => unreachable!("these requests are not enabled"),
        }
    }

    fn query_results(&mut self, token: Token<QuerySmsResult<'static>>, sent_at: Duration) {
        self.requests.result += 1;
        let mut body = [0; BODY];
        let request = self.tracker.results_request(&token).expect("the token is fresh");
        let query = Query::read(request.body(&mut body).expect("it fits"));
        let results: Vec<_> = self.device.results(&query, &self.numbers, sent_at).collect();
        let json = serde_json::to_string(&results).expect("JSON");
        self.traffic.exchange(&request, "result", &json, sent_at);
        for result in results {
            self.requests.records += 1;
            self.tracker.handle_result(&token, &result, self.now);
        }
        self.tracker.handle_end(token, self.now);
    }

    fn query_reports(&mut self, token: Token<QuerySmsDeliverStatus<'static>>, sent_at: Duration) {
        self.requests.report += 1;
        let mut body = [0; BODY];
        let request = self.tracker.reports_request(&token).expect("the token is fresh");
        let query = Query::read(request.body(&mut body).expect("it fits"));
        let reports: Vec<_> = self.device.reports(&query, &self.numbers, sent_at).collect();
        let json = serde_json::to_string(&reports).expect("JSON");
        self.traffic.exchange(&request, "result", &json, sent_at);
        for report in reports {
            self.requests.records += 1;
            let _ = self.tracker.handle_report(&token, &report, self.now);
        }
        self.tracker.handle_end(token, self.now);
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
        let Self { device, requests, traffic, sent, delivered, .. } = self;
        let lags = |times: HashMap<u32, Duration>, happened: fn(&Fate) -> Duration| {
            device.fates.iter().map(|fate| times[&fate.held.id].saturating_sub(happened(fate))).collect()
        };
        Outcome {
            requests,
            traffic,
            sent: lags(sent, |fate| fate.sent),
            delivered: lags(delivered, |fate| fate.delivered),
        }
    }
}
