//! A message as the caller sees it.

use super::{
    entry::{AMBIGUOUS, GSM_7BIT, HAS_REFERENCE, NOT_SENT, Slot, UNICODE},
    state::State,
};
use crate::{
    TaskId, Timestamp, UserId,
    text::Alphabet,
    track::{clock::GatewaySeconds, number::NumberBuf},
};

/// The public view of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Message {
    /// The user_id by which the gateway knows the message.
    pub id: UserId,
    /// The recipient's number.
    pub number: NumberBuf,
    /// The number of its latest update. The number grows by one with each update, and wraps. An update with the same number is a
    /// repetition.
    pub revision: u16,
    /// Its state.
    pub state: State,
    /// Whether its state is final.
    pub is_final: bool,
    /// The task_id that the gateway gave the request. With it, all messages of the request can be stopped.
    pub task: Option<TaskId>,
    /// How it was sent; `None` until the gateway has reported this.
    pub sent: Option<Sent>,
    /// The outcomes of its segments.
    pub segments: Segments,
    /// Why it failed.
    pub failure: Option<MessageFailure>,
    /// Whether there is a report that may belong to this message or to another one. Such a report does not affect the outcome.
    pub ambiguous: bool,
}

/// How a message was sent (document §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sent {
    /// The port.
    pub port: u8,
    /// The time by the gateway's clock. Times before 1969 and after 2105 are shown as these limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// The message reference of the first segment. Those of the other segments count up from it, modulo 256.
    #[serde(rename = "ref_id")]
    pub reference: u8,
    /// The number of segments, 1 to 32.
    #[serde(rename = "count")]
    pub segments: u8,
    /// The number of segments that were sent.
    #[serde(rename = "succ_count")]
    pub succeeded: u8,
}

/// The outcomes of segments, as masks with a bit for each segment. The lowest bit is that of the first segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Segments {
    /// Delivered to the recipient.
    pub delivered: u32,
    /// Not delivered yet, or forwarded without confirmation.
    pub temporary: u32,
    /// Failed for good.
    pub failed: u32,
}

/// The reason why a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MessageFailure {
    /// The gateway refused the request, with this error_code.
    Refused(u32),
    /// The gateway could not send all of the message: query_sms_result returned FAILED.
    NotSent,
    /// A status report says that a segment failed.
    Reported {
        /// The segment, counted from 0.
        segment: u8,
        /// TP-Status; see [`Delivery`](crate::call::Delivery).
        status: u8,
    },
}

impl Message {
    /// Creates a message of which only the state is known, for tests of programs. The messages that a program gets come from the
    /// tracker.
    pub const fn new(id: UserId, number: NumberBuf, state: State) -> Self {
        Self {
            id,
            number,
            revision: 0,
            state,
            is_final: state.is_final(),
            task: None,
            sent: None,
            segments: Segments { delivered: 0, temporary: 0, failed: 0 },
            failure: None,
            ambiguous: false,
        }
    }
}

impl Slot {
    pub(in crate::track) fn alphabet(&self) -> Option<Alphabet> {
        if self.has(GSM_7BIT) {
            Some(Alphabet::Gsm7Bit)
        } else {
            self.has(UNICODE).then_some(Alphabet::Unicode)
        }
    }

    fn failure(&self) -> Option<MessageFailure> {
        if self.state() != State::Failed {
            None
        } else if self.has(NOT_SENT) {
            Some(MessageFailure::NotSent)
        } else if self.fates.failed() != 0 {
            Some(MessageFailure::Reported { segment: self.failed_segment(), status: self.failed_status })
        } else if self.has(HAS_REFERENCE) {
            Some(MessageFailure::Refused(self.failed_status.into()))
        } else {
            Some(MessageFailure::Refused(self.refusal))
        }
    }

    /// Returns the public view; `None` for a slot without a message.
    pub(in crate::track) fn message(&self) -> Option<Message> {
        Some(Message {
            id: self.id()?,
            number: NumberBuf::new(&self.number()),
            revision: self.revision,
            state: self.state(),
            is_final: self.is_over(),
            task: self.task(),
            sent: self.has(HAS_REFERENCE).then(|| Sent {
                port: self.port,
                time: self.sent.map(GatewaySeconds::to_time),
                reference: self.reference,
                segments: self.segments,
                succeeded: self.succeeded,
            }),
            segments: Segments {
                delivered: self.fates.delivered(),
                temporary: self.fates.temporary(),
                failed: self.fates.failed(),
            },
            failure: self.failure(),
            ambiguous: self.has(AMBIGUOUS),
        })
    }
}
