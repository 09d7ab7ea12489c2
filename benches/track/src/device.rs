//! A gateway in virtual time. The fate of a message is decided when it is submitted.

use std::time::Duration;

use measure::Random;
use serde_json::Value;
use sms_gateway_core::call::{SmsResult, Status, StatusReport};

use crate::records::{Held, Numbers, gateway_time};

const PORTS: usize = 32;

/// A gateway whose first free port takes the message that has waited longest.
#[derive(Default)]
pub(crate) struct Device {
    /// The time at which each port is free again.
    free: [Duration; PORTS],
    random: Random,
    pub(crate) fates: Vec<Fate>,
}

/// The fate of a message, and its times.
pub(crate) struct Fate {
    pub(crate) held: Held,
    pub(crate) sent: Duration,
    pub(crate) delivered: Duration,
}

impl Device {
    /// Accepts a message. It is sent 5 to 8 s after a port began with it, and its report arrives 2 to 20 s later.
    pub(crate) fn accept(&mut self, id: u32, number: u32, now: Duration) -> &Fate {
        let (port, free) =
            self.free.iter_mut().enumerate().min_by_key(|port| *port.1).expect("there are ports");
        let begun = now.max(*free);
        let sent = begun + milliseconds(&mut self.random, 5_000..8_000);
        let delivered = sent + milliseconds(&mut self.random, 2_000..20_000);
        *free = sent;
        let port = port.try_into().expect("one of 32");
        let [reference, ..] = self.random.any().to_le_bytes();
        let held = Held { id, number, port, reference, segments: 1, begun };
        self.fates.push(Fate { held, sent, delivered });
        self.fates.last().expect("it was added")
    }

    pub(crate) fn in_queue(&self, now: Duration) -> u32 {
        let waiting = self.fates.iter().filter(|fate| fate.held.begun > now).count();
        waiting.try_into().expect("not too many")
    }

    /// Returns the response to query_sms_result: the messages that a port has begun to send.
    pub(crate) fn results<'a>(
        &'a self,
        query: &'a Query,
        numbers: &'a Numbers,
        now: Duration,
    ) -> impl Iterator<Item = SmsResult<'a>> {
        let begun = self.fates.iter().filter(move |fate| fate.held.begun <= now);
        begun.filter(|fate| query.asks_for(&fate.held)).map(move |fate| {
            let status = if fate.sent <= now { Status::SentOk } else { Status::Sending };
            fate.held.result(numbers, status)
        })
    }

    /// Returns the response to query_sms_deliver_status.
    pub(crate) fn reports<'a>(
        &'a self,
        query: &'a Query,
        numbers: &'a Numbers,
        now: Duration,
    ) -> impl Iterator<Item = StatusReport<'a>> {
        let delivered = self.fates.iter().filter(move |fate| fate.delivered <= now);
        delivered.filter(|fate| query.asks_for(&fate.held)).map(move |fate| fate.held.report(numbers, 0, 0))
    }
}

fn milliseconds(random: &mut Random, range: std::ops::Range<u32>) -> Duration {
    Duration::from_millis(u64::from(range.start + random.below(range.end - range.start)))
}

/// The restrictions that the body of a query puts on the response.
pub(crate) struct Query {
    ids: Option<Vec<u64>>,
    ports: Option<Vec<u64>>,
    after: Option<String>,
}

impl Query {
    pub(crate) fn read(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let numbers = |key: &str| {
            Some(body.get(key)?.as_array()?.iter().map(|number| number.as_u64().expect("a number")).collect())
        };
        let after = body.get("time_after").map(|time| time.as_str().expect("a text").into());
        Self { ids: numbers("user_id"), ports: numbers("port"), after }
    }

    fn asks_for(&self, held: &Held) -> bool {
        let among = |numbers: &Option<Vec<u64>>, number: u64| {
            numbers.as_ref().is_none_or(|numbers| numbers.contains(&number))
        };
        among(&self.ids, held.id.into())
            && among(&self.ports, held.port.into())
            && self.after.as_ref().is_none_or(|after| gateway_time(held.begun).to_string() > *after)
    }
}
