//! Records of the requests and messages of a gateway, for tests.

use std::collections::{BTreeMap, VecDeque};

use tokio::time::Instant;

use crate::{
    closing::Closed,
    device::{
        inbox::Incoming,
        message::{Message, Status},
    },
};

/// The maximum number of requests that are kept.
const REMEMBERED: usize = 4096;

/// A request and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSeen {
    /// The serial number of the request, from 1.
    pub serial: u64,
    /// The number of the connection, from 1.
    pub connection: u64,
    /// The method: `GET`, `POST` or another.
    pub method: String,
    /// The request target exactly as sent.
    pub uri: String,
    /// Whether the request had an `Authorization` header.
    pub authorization: bool,
    /// The body. Bytes that are not UTF-8 are replaced.
    pub body: String,
    /// The HTTP status of the response; `None` if there was no response.
    pub status: Option<u16>,
    /// The `error_code` of the response, if the call was carried out.
    pub error_code: Option<u16>,
    /// The moment at which [`Options::closing`](crate::Options::closing) closed the connection, if it did.
    pub closed: Option<Closed>,
}

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSeen {
    /// The id of its task.
    pub task: u64,
    /// The recipient's number as in the request.
    pub number: String,
    /// The text with its parameters filled in.
    pub text: String,
    /// The `user_id` in the request, if there was one.
    pub user_id: Option<u64>,
    /// The current status.
    pub status: Status,
    /// The port that is sending or has sent the message.
    pub port: Option<u8>,
    /// The reference of the first segment. `None` until that segment is sent.
    pub ref_id: Option<u8>,
    /// The number of segments.
    pub segments: u32,
    /// The number of segments sent.
    pub sent: u32,
    /// For each segment, the status code of the latest report that has arrived.
    pub reported: Vec<Option<u8>>,
    /// The status before the restart in which the gateway forgot the message.
    pub before_restart: Option<Status>,
    /// The time at which the gateway accepted the message.
    pub accepted_at: Instant,
    /// The time at which the first segment was sent; `None` until then.
    pub sent_at: Option<Instant>,
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
            reported: message.reported.clone(),
            before_restart: message.before_restart,
            accepted_at: message.accepted_at,
            sent_at: message.sent_at,
        }
    }
}

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingSeen {
    /// The `incoming_sms_id`.
    pub id: u64,
    /// The port that received the message.
    pub port: u8,
    /// The sender's number.
    pub number: String,
    /// The text.
    pub text: String,
    /// Whether the message is marked as read.
    pub read: bool,
}

impl From<&Incoming> for IncomingSeen {
    fn from(sms: &Incoming) -> Self {
        let Incoming { id, port, number, text, read, .. } = sms;
        Self { id: *id, port: *port, number: number.clone(), text: text.clone(), read: *read }
    }
}

/// Counts since the gateway started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// TLS handshakes completed.
    pub handshakes: u64,
    /// TLS handshakes that failed, for example because the client refused the certificate.
    pub failed_handshakes: u64,
    /// Requests read.
    pub requests: u64,
    /// Requests carried out, by call.
    pub calls: BTreeMap<String, u64>,
    /// 401 responses to requests without a login.
    pub challenged: u64,
    /// 401 responses to correct logins whose nonce or nonce count is not accepted.
    pub expired: u64,
    /// The part of `expired` for logins whose nonce was issued, but had never been accepted.
    pub expired_unused: u64,
    /// 401 responses to wrong logins.
    pub refused: u64,
    /// Lock-outs of an address.
    pub lock_outs: u64,
    /// Requests refused or dropped during a lock-out.
    pub turned_away: u64,
    /// Messages accepted.
    pub accepted: u64,
    /// Segments sent, by port.
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

    /// Returns the requests with a serial greater than `after`.
    pub(crate) fn after(&self, after: u64) -> Vec<RequestSeen> {
        self.0.iter().filter(|seen| seen.serial > after).cloned().collect()
    }
}
