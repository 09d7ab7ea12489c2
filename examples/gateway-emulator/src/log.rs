//! What a gateway has seen, for those who test against it.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    closing::Closed,
    device::{
        inbox::Incoming,
        message::{Message, Status},
    },
};

/// How many requests are remembered.
const REMEMBERED: usize = 4096;

/// A request and what it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSeen {
    /// Its place among all requests, from 1.
    pub serial: u64,
    /// The connection it came by, from 1.
    pub connection: u64,
    /// `GET` or `POST`, or what it said instead.
    pub method: String,
    /// The request target exactly as it was sent.
    pub uri: String,
    /// Whether it had an `Authorization` header.
    pub authorization: bool,
    /// The body; what is not UTF-8 is replaced.
    pub body: String,
    /// The HTTP status it was answered with; `None` when it was not answered.
    pub status: Option<u16>,
    /// The `error_code` of the answer, when the call was carried out.
    pub error_code: Option<u16>,
    /// Where [`Options::closing`](crate::Options::closing) closed the connection, if it did.
    pub closed: Option<Closed>,
}

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSeen {
    /// Its task.
    pub task: u64,
    /// The recipient's number as it was given.
    pub number: String,
    /// The text with its parameters filled in.
    pub text: String,
    /// The client's id, if it gave one.
    pub user_id: Option<u64>,
    /// Where it is now.
    pub status: Status,
    /// The port that sends or sent it.
    pub port: Option<u8>,
    /// The reference of its first segment, once that is out.
    pub ref_id: Option<u8>,
    /// How many segments it has.
    pub segments: u32,
    /// How many of them have gone out.
    pub sent: u32,
}

impl From<&Message> for MessageSeen {
    fn from(message: &Message) -> Self {
        Self {
            task: message.task,
            number: message.number.clone(),
            text: message.text.clone(),
            user_id: message.user_id,
            status: message.status,
            port: message.sending.map(|sending| sending.port),
            ref_id: message.sending.and_then(|sending| sending.first_ref),
            segments: message.segments,
            sent: message.sent,
        }
    }
}

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingSeen {
    /// The id that the gateway gave it.
    pub id: u64,
    /// The port it came in by.
    pub port: u8,
    /// The sender's number.
    pub number: String,
    /// Its text.
    pub text: String,
    /// Whether it is marked as read.
    pub read: bool,
}

impl From<&Incoming> for IncomingSeen {
    fn from(sms: &Incoming) -> Self {
        let Incoming { id, port, number, text, read, .. } = sms;
        Self { id: *id, port: *port, number: number.clone(), text: text.clone(), read: *read }
    }
}

/// How often things happened since the gateway started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Requests read.
    pub requests: u64,
    /// Requests carried out, by call.
    pub calls: BTreeMap<String, u64>,
    /// 401 to requests without a login.
    pub challenged: u64,
    /// 401 to right logins with a nonce that is no longer accepted.
    pub expired: u64,
    /// Those of them whose nonce was issued and never accepted.
    pub expired_unused: u64,
    /// 401 to wrong logins.
    pub refused: u64,
    /// How often an address was locked out.
    pub lock_outs: u64,
    /// Requests turned away meanwhile.
    pub turned_away: u64,
    /// Messages accepted.
    pub accepted: u64,
    /// Segments that went out, by port.
    pub segments_sent: Vec<u64>,
}

impl Counts {
    pub(crate) fn carried_out(&mut self, call: &str) {
        *self.calls.entry(call.to_owned()).or_default() += 1;
    }
}

/// The newest requests.
#[derive(Debug, Default)]
pub(crate) struct Log(VecDeque<RequestSeen>);

impl Log {
    pub(crate) fn add(&mut self, seen: RequestSeen) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(seen);
    }

    /// Those with a serial greater than `after`.
    pub(crate) fn after(&self, after: u64) -> Vec<RequestSeen> {
        self.0.iter().filter(|seen| seen.serial > after).cloned().collect()
    }
}
