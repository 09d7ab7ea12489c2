//! A small gateway that accepts messages, sends them after a while, and stores everything.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{civil, rng::Rng};

/// The gateway's clock at the start, in seconds since 1970.
const START: i64 = 1_717_200_000;

/// The outcome that the network will give a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Delivered,
    NotDelivered,
    /// No report ever arrives.
    Unreported,
    /// The gateway can't send it.
    NotSent,
    /// It was stopped before it was sent.
    Stopped,
}

/// A message that the gateway has accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) id: u32,
    number: u64,
    task: i64,
    port: u8,
    reference: u8,
    sent_at: u64,
    reported_at: u64,
    wants_report: bool,
    pub(crate) outcome: Outcome,
}

/// The times are in seconds.
#[derive(Default)]
pub(crate) struct Gateway {
    pub(crate) held: Vec<Held>,
    tasks: i64,
    references: [u8; 8],
    /// Number of incoming messages. Their ids are consecutive and begin with 1.
    pub(crate) inbox: i64,
}

impl Gateway {
    /// Accepts messages, given by user_id and number, and returns their task.
    pub(crate) fn accept(
        &mut self,
        messages: &[(u32, u64)],
        wants_report: bool,
        now: u64,
        rng: &mut Rng,
    ) -> i64 {
        self.tasks += 1;
        for (id, number) in messages {
            let port = rng.below(8) as u8;
            let reference = self.references[usize::from(port)];
            self.references[usize::from(port)] = reference.wrapping_add(1);
            let sent_at = now + rng.between(5, 60);
            let reported_at = sent_at + rng.between(1, 300);
            let outcome = match rng.below(20) {
                0 => Outcome::NotDelivered,
                1 => Outcome::Unreported,
                2 => Outcome::NotSent,
                _ => Outcome::Delivered,
            };
            let (id, number, task) = (*id, *number, self.tasks);
            self.held.push(Held {
                id,
                number,
                task,
                port,
                reference,
                sent_at,
                reported_at,
                wants_report,
                outcome,
            });
        }
        self.tasks
    }

    /// Stops a task. Returns `false` if the gateway never had it.
    pub(crate) fn stop(&mut self, task: i64, now: u64) -> bool {
        for held in self.held.iter_mut().filter(|held| held.task == task && held.sent_at > now) {
            held.outcome = Outcome::Stopped;
        }
        (1..=self.tasks).contains(&task)
    }

    /// Returns the accepted message with this user_id.
    pub(crate) fn has(&self, id: u32) -> Option<&Held> {
        self.held.iter().rev().find(|held| held.id == id)
    }

    pub(crate) fn in_queue(&self, now: u64) -> usize {
        self.held.iter().filter(|held| held.sent_at > now && held.outcome != Outcome::Stopped).count()
    }

    pub(crate) fn results(&self, request: &Value, now: u64) -> Vec<String> {
        let ids = request.get("user_id").and_then(Value::as_array);
        let after = seconds(request, "time_after");
        let is_queried = |held: &&Held| match ids {
            Some(ids) => ids.iter().any(|id| id.as_u64() == Some(held.id.into())),
            None => after.is_none_or(|after| time(held.sent_at) >= after),
        };
        let has_result = |held: &&Held| held.sent_at <= now && held.outcome != Outcome::Stopped;
        self.held.iter().filter(is_queried).filter(has_result).map(Held::result).collect()
    }

    pub(crate) fn reports(&self, request: &Value, now: u64) -> Vec<String> {
        let (after, before) = (seconds(request, "time_after"), seconds(request, "time_before"));
        let ports = request.get("port").and_then(Value::as_array);
        let is_queried = |held: &&Held| {
            let sent = time(held.sent_at);
            ports.is_none_or(|ports| ports.iter().any(|port| port.as_u64() == Some(held.port.into())))
                && after.is_none_or(|after| sent >= after)
                && before.is_none_or(|before| sent <= before)
        };
        let is_reported = |held: &&Held| {
            held.wants_report
                && held.reported_at <= now
                && matches!(held.outcome, Outcome::Delivered | Outcome::NotDelivered)
        };
        self.held.iter().filter(is_queried).filter(is_reported).map(Held::report).collect()
    }

    /// Returns the incoming messages after an id, up to a maximum.
    pub(crate) fn incoming(&self, request: &Value, most: usize) -> Vec<String> {
        let after = request.get("incoming_sms_id").and_then(Value::as_i64).unwrap_or(0);
        (after + 1..=self.inbox).take(most).map(incoming).collect()
    }
}

impl Held {
    fn result(&self) -> String {
        let (status, succeeded) =
            if self.outcome == Outcome::NotSent { ("FAILED", 0) } else { ("SENT_OK", 1) };
        json!({
            "port": self.port, "user_id": self.id, "number": self.number.to_string(), "time": text(self.sent_at),
            "status": status, "count": 1, "succ_count": succeeded, "ref_id": self.reference,
        })
        .to_string()
    }

    fn report(&self) -> String {
        let status = if self.outcome == Outcome::Delivered { 0 } else { 65 };
        json!({
            "port": self.port, "number": self.number.to_string(), "time": text(self.sent_at),
            "ref_id": self.reference, "status_code": status,
        })
        .to_string()
    }
}

fn incoming(id: i64) -> String {
    json!({ "incoming_sms_id": id, "port": 0, "number": "10086", "timestamp": text(0), "text": id.to_string() })
        .to_string()
}

fn time(seconds: u64) -> i64 {
    START + seconds as i64
}

fn text(seconds: u64) -> String {
    civil::timestamp(time(seconds)).to_string()
}

fn seconds(request: &Value, key: &str) -> Option<i64> {
    Some(civil::seconds(request.get(key)?.as_str()?.parse().expect("a time")))
}

/// Returns a successful response with these records under a key.
pub(crate) fn response(key: &str, records: &[String]) -> String {
    let mut text = format!(r#"{{"error_code":200,"{key}":["#);
    for (index, record) in records.iter().enumerate() {
        let _ = write!(text, "{}{record}", if index > 0 { "," } else { "" });
    }
    text + "]}"
}
