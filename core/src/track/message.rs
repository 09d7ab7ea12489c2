//! What a caller hands over, and what it hears.

use super::{
    early::Report,
    slot::{AMBIGUOUS, GSM_7BIT, LOCATED, NO_TIME, NOT_SENT, Slot, State, UNICODE},
};
use crate::{Number, Ports, TaskId, Timestamp, UserId, text::Alphabet, value::from_seconds};

/// A message to be sent, without its text, which stays with the caller until the gateway has accepted it.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    pub(super) number: Number<'a>,
    pub(super) ports: Ports,
    pub(super) alphabet: Option<Alphabet>,
    pub(super) text_bytes: u16,
    pub(super) status_report: bool,
    pub(super) resend: bool,
}

impl<'a> Draft<'a> {
    /// A message to this number: by any port, in the gateway's default encoding, with status reports, never sent twice.
    pub const fn new(number: Number<'a>) -> Self {
        Self { number, ports: Ports::NONE, alphabet: None, text_bytes: 0, status_report: true, resend: false }
    }

    /// The ports it may be sent through.
    #[must_use]
    pub const fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// How it is encoded. Messages of one request are encoded alike.
    #[must_use]
    pub const fn alphabet(self, alphabet: Alphabet) -> Self {
        Self { alphabet: Some(alphabet), ..self }
    }

    /// How many bytes its text takes in a request, by which [`Limits::request_bytes`](super::Limits::request_bytes) bounds one.
    #[must_use]
    pub const fn text_bytes(self, bytes: u16) -> Self {
        Self { text_bytes: bytes, ..self }
    }

    /// Whether status reports are asked for. Without, the message is finished once it is sent.
    #[must_use]
    pub const fn status_report(self, request: bool) -> Self {
        Self { status_report: request, ..self }
    }

    /// Whether it is sent again when the gateway's answer was lost and the gateway, its queue empty, twice does not know it.
    /// Then it may be sent twice, and its outcome is that of the second time; otherwise it ends [`State::Unresolved`].
    #[must_use]
    pub const fn resend(self, allowed: bool) -> Self {
        Self { resend: allowed, ..self }
    }
}

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Message {
    /// The message: the user_id by which the gateway knows it.
    pub id: UserId,
    /// The number of its latest news. It grows by one with each, and wraps; the same number again is a repetition.
    pub news: u16,
    /// How far it has come.
    pub state: State,
    /// Whether nothing more will become of it.
    pub is_final: bool,
    /// The gateway's number of the request, by which that can be stopped.
    pub task: Option<TaskId>,
    /// How it was sent, as far as the gateway has told.
    pub sent: Option<Sent>,
    /// What became of its segments.
    pub segments: Segments,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// A report may be this message's or another's. It decided nothing.
    pub ambiguous: bool,
}

/// How a message was sent (document §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sent {
    /// The port.
    pub port: u8,
    /// When, by the gateway's clock; times before 1969 and behind 2105 are shown as these.
    pub time: Option<Timestamp>,
    /// The message reference of the first segment; those of the others follow, modulo 256.
    pub reference: u8,
    /// How many segments it has: 1 to 32.
    pub segments: u8,
    /// How many of them were sent.
    pub succeeded: u8,
}

/// What became of segments: a bit for each, the first one's lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Segments {
    /// The recipient has it.
    pub delivered: u32,
    /// Not delivered yet, or forwarded without confirmation.
    pub temporary: u32,
    /// Failed for good.
    pub failed: u32,
}

/// Why a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Failure {
    /// The gateway refused the request, with this error_code.
    Refused(u32),
    /// The gateway could not send it, or not all of it: query_sms_result says FAILED.
    NotSent,
    /// A status report says so.
    Reported {
        /// Of the segment, counted from 0.
        segment: u8,
        /// TP-Status; see [`Delivery`](crate::call::Delivery).
        status: u8,
    },
}

/// What the caller is to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Event {
    /// News of a message: to be [acknowledged](super::Tracker::acknowledge).
    News(Message),
    /// A report that belongs to no message here, such as one of another client's. Each is handed out once. One that is older than
    /// what is remembered ([`Timing::reported`](super::Timing::reported)) is not: it may be of a message that is forgotten.
    Unmatched(Report),
    /// A report that may be of one of several messages. They are marked and it decides nothing. Each is handed out once.
    Ambiguous(Report),
    /// The gateway numbers its incoming messages anew, so that some may be handed out again.
    InboxRestarted,
}

impl Slot {
    pub(super) fn alphabet(&self) -> Option<Alphabet> {
        if self.has(GSM_7BIT) {
            Some(Alphabet::Gsm7Bit)
        } else {
            self.has(UNICODE).then_some(Alphabet::Unicode)
        }
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        if self.state != State::Failed {
            None
        } else if self.has(NOT_SENT) {
            Some(Failure::NotSent)
        } else if self.failed != 0 {
            // A report's status has eight bits.
            Some(Failure::Reported { segment: self.failed_segment, status: self.code.to_le_bytes()[0] })
        } else {
            Some(Failure::Refused(self.code))
        }
    }

    /// `None` for a slot that holds no message.
    pub(super) fn message(&self) -> Option<Message> {
        Some(Message {
            id: UserId::new(self.user_id.into()).ok()?,
            news: self.news,
            state: self.state,
            is_final: self.is_over(),
            task: self.task(),
            sent: self.has(LOCATED).then(|| Sent {
                port: self.port,
                time: (self.sent != NO_TIME).then(|| from_seconds(self.sent)),
                reference: self.reference,
                segments: self.segments,
                succeeded: self.succeeded,
            }),
            segments: Segments { delivered: self.delivered, temporary: self.temporary, failed: self.failed },
            failure: self.failure(),
            ambiguous: self.has(AMBIGUOUS),
        })
    }
}
