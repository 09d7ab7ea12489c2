//! A steady flow: each message that ends is replaced, so the number of messages under way is constant.

use std::time::Duration;

use sms_gateway_core::{
    call::{QuerySmsDeliverStatus, QuerySmsResult, SendSms, Status},
    track::{Ask, Draft, Limits, PendingReport, Settings, Slot, Timing, Token, Tracker},
};

use crate::{
    calls::{Calls, Counts},
    gateway::{EVERY, Gateway},
    records::{Held, Numbers},
};

/// Number of recipients of our messages. Another client's messages go to the same number of other recipients.
const RECIPIENTS: u32 = 10_000;
/// Time for which finished messages are kept: ten minutes, a twelfth of the default.
const REPORTED: Duration = Duration::from_secs(600);
/// Slots for finished messages. At five messages a second, about 3,000 are needed.
const REMEMBERED: usize = 4_500;
/// Number of messages that are added before the others.
const FIRST: usize = 100;
/// Time until the number of kept messages is constant.
const SETTLED: Duration = Duration::from_secs(1_000);

/// TP-Status: delivered, and not delivered yet.
const DELIVERED: u8 = 0;
const TEMPORARY: u8 = 32;

pub(crate) struct Flow {
    calls: Calls,
    gateway: Gateway,
    numbers: Numbers,
    now: Duration,
    /// Number of messages to add.
    wanted: usize,
    /// Number of results and reports at which a run ends.
    goal: u64,
    pub(crate) saved: Saved,
}

/// The records that were saved, and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Saved {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
    /// The length of the largest record.
    pub(crate) largest: usize,
}

impl Flow {
    /// Creates a flow in its steady state, with a number of messages under way.
    pub(crate) fn new(many: usize) -> Self {
        let limits = Limits { under_way: u32::MAX, ..Limits::default() };
        let timing = Timing { reported: REPORTED, ..Timing::default() };
        let settings = Settings { timing, limits, ..Settings::default() };
        let slots = vec![Slot::EMPTY; many + REMEMBERED].leak();
        let early = vec![PendingReport::EMPTY; slots.len() / 10].leak();
        let tracker = Tracker::new(slots, early, settings, Duration::ZERO);
        let mut flow = Self {
            calls: Calls { tracker, counts: Counts::default() },
            gateway: Gateway::new(many, RECIPIENTS..2 * RECIPIENTS),
            numbers: Numbers::new(2 * RECIPIENTS),
            now: Duration::ZERO,
            wanted: FIRST.min(many),
            goal: 0,
            saved: Saved::default(),
        };
        // The tracker follows messages less closely if the gateway had them before the tracker knew the gateway's clock. So only a
        // few are added at first.
        while flow.now < EVERY * 100 {
            flow.exchange();
        }
        flow.wanted += many.saturating_sub(FIRST);
        let sent = EVERY * u32::try_from(many).expect("there are fewer messages") / 2;
        while flow.now < SETTLED + sent {
            flow.exchange();
        }
        (flow.calls.counts, flow.saved) = (Counts::default(), Saved::default());
        flow
    }

    /// Continues for this number of further results and reports.
    pub(crate) fn run(&mut self, events: u64) {
        self.goal += events;
        while self.calls.events() < self.goal {
            self.exchange();
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.calls.counts
    }

    /// Takes one step of the tracker and makes the request that the tracker asks for.
    fn exchange(&mut self) {
        self.add();
        let ask = self.calls.step(self.now);
        self.save();
        while let Some(is_final) = self.calls.tell() {
            self.wanted += usize::from(is_final);
            // An acknowledgement is a change too, and events wait until it is saved.
            self.save();
        }
        match ask {
            Ask::Wait(until) => self.now = until.expect("messages are in flight"),
            Ask::Submit(token) => self.submit(token),
            Ask::Results(token) => self.results(token),
            Ask::Reports(token) => self.reports(token),
            Ask::Queue(token) => {
                let in_queue = self.gateway.in_queue();
                self.calls.tracker.handle_queue(token, Some(in_queue), self.now);
            }
            Ask::Incoming(_) | Ask::Stop(_) => unreachable!("these requests are not enabled"),
        }
    }

    fn add(&mut self) {
        for _ in 0..core::mem::take(&mut self.wanted) {
            let number = self.gateway.random.below(RECIPIENTS);
            let added = self.calls.add(&Draft::new(self.numbers.get(number)), self.now);
            added.expect("the tracker has room for finished messages");
        }
    }

    fn save(&mut self) {
        while let Some(bytes) = self.calls.save() {
            self.saved.records += usize::from(bytes > 0);
            self.saved.bytes += bytes;
            self.saved.largest = self.saved.largest.max(bytes);
        }
    }

    fn submit(&mut self, token: Token<SendSms<'static>>) {
        let messages = self
            .calls
            .tracker
            .submission(&token)
            .expect("all changes are saved")
            .expect("the token is fresh");
        for message in messages {
            self.gateway.accept(message.id.get(), Numbers::index(message.number()));
        }
        self.calls.accepted(token, self.now);
    }

    /// Responds with all new records, and with some that were returned shortly before.
    fn results(&mut self, token: Token<QuerySmsResult<'static>>) {
        let (calls, gateway, numbers, now) = (&mut self.calls, &mut self.gateway, &self.numbers, self.now);
        for held in gateway.last_sent() {
            calls.result_again(&token, &held.result(numbers, Status::SentOk), now);
        }
        while let Some(held) = gateway.begin(now) {
            calls.result(&token, &held.result(numbers, Status::Sending), now);
        }
        while let Some(held) = gateway.finish() {
            calls.result(&token, &held.result(numbers, Status::SentOk), now);
        }
        for held in gateway.foreign(now) {
            calls.result_again(&token, &held.result(numbers, Status::SentOk), now);
        }
        calls.end(token, now);
    }

    /// Responds with reports. One message in eight has a temporary report before the final one.
    fn reports(&mut self, token: Token<QuerySmsDeliverStatus<'static>>) {
        let (calls, gateway, numbers, now) = (&mut self.calls, &mut self.gateway, &self.numbers, self.now);
        let segments = |held: &Held| 0..held.segments;
        for held in gateway.last_reported() {
            for segment in segments(held) {
                let _ = calls.report_again(&token, &held.report(numbers, segment, DELIVERED), now);
            }
        }
        while let Some(held) = gateway.report() {
            for segment in segments(&held) {
                if held.id % 8 == 0 {
                    let _ = calls.report(&token, &held.report(numbers, segment, TEMPORARY), now);
                }
                let _ = calls.report(&token, &held.report(numbers, segment, DELIVERED), now);
            }
        }
        for held in gateway.foreign(now) {
            let _ = calls.report(&token, &held.report(numbers, 0, DELIVERED), now);
        }
        calls.end(token, now);
    }
}
