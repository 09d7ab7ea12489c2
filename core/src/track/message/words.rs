//! Messages in words, for people.

use core::fmt;

use super::{
    state::State,
    view::{Message, MessageFailure},
};
use crate::call::{Call, Delivery, SendSms};

impl State {
    /// Returns the state as a word in lower case, for example `sent`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsent => "unsent",
            Self::Submitted => "submitted",
            Self::Uncertain => "uncertain",
            Self::Accepted => "accepted",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Expired => "expired",
            Self::Unresolved => "unresolved",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The TP-Status of a status report (3GPP TS 23.040 §9.2.3.15). `Display` shows it with its meaning: `status 70, validity expired`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TpStatus(
    /// Its value.
    pub u8,
);

impl fmt::Display for TpStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.0 {
            32 | 96 => "congestion",
            33 | 97 => "recipient busy",
            34 | 98 => "no response from the recipient",
            35 | 99 => "service rejected",
            36 | 68 | 100 => "quality of service not available",
            37 | 101 => "error at the recipient",
            64 => "remote procedure error",
            65 => "incompatible destination",
            66 => "rejected by the recipient",
            67 => "not obtainable",
            69 => "no interworking available",
            70 => "validity expired",
            71 => "deleted by the sender",
            72 => "deleted by the SMSC's administration",
            73 => "the SMSC does not know the message",
            status => Delivery::from(status).as_str(),
        };
        write!(f, "status {}, {meaning}", self.0)
    }
}

impl fmt::Display for MessageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Refused(code) => {
                write!(f, "the gateway refused it: {code}")?;
                match SendSms::MEANINGS.iter().find(|(known, _)| *known == code) {
                    Some((_, meaning)) => write!(f, ", {meaning}"),
                    None => Ok(()),
                }
            }
            Self::NotSent => f.write_str("the gateway could not send it"),
            Self::Reported { status, .. } => fmt::Display::fmt(&TpStatus(status), f),
        }
    }
}

impl Message {
    /// Returns a text that says why the message failed, or describes what is unusual about its state. It is empty if there is nothing
    /// to say.
    pub const fn reason(&self) -> Reason<'_> {
        Reason(self)
    }
}

/// A text that says why a message failed, or describes what is unusual about its state.
#[derive(Clone, Copy, Debug)]
pub struct Reason<'a>(&'a Message);

impl Reason<'_> {
    /// Returns whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.failure.is_none() && self.of_state().is_empty() && !self.0.ambiguous
    }

    fn of_state(self) -> &'static str {
        match self.0.state {
            State::Uncertain => "the gateway's response was lost",
            State::Sent if self.0.segments.temporary != 0 => "not delivered yet, the network tries",
            State::Stopped => "before it was sent",
            State::Expired => "no outcome arrived in time",
            State::Unresolved => "the gateway's response was lost, and the gateway does not have the message",
            _ => "",
        }
    }

    fn of_failure(self, failure: MessageFailure, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sent = self.0.sent.as_ref();
        match (failure, sent) {
            (MessageFailure::NotSent, Some(sent)) if sent.succeeded > 0 => {
                write!(f, "only {} of {} segments could be sent", sent.succeeded, sent.segments)
            }
            (MessageFailure::Reported { segment, status }, Some(sent)) if sent.segments > 1 => {
                write!(f, "segment {}: {}", u32::from(segment).saturating_add(1), TpStatus(status))
            }
            _ => fmt::Display::fmt(&failure, f),
        }
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_state = self.of_state();
        match self.0.failure {
            Some(failure) => self.of_failure(failure, f)?,
            None => f.write_str(of_state)?,
        }
        if !self.0.ambiguous {
            return Ok(());
        }
        let is_first = self.0.failure.is_none() && of_state.is_empty();
        f.write_str(if is_first { "" } else { "; " })?;
        f.write_str("ambiguous: a report may be another message's")
    }
}

/// Shows state, port, segments and reason: `sent, port 2, 1/3 segments`.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.state.as_str())?;
        let is_sent = matches!(self.state, State::Sent | State::Delivered);
        match (self.state, self.task, self.sent.as_ref()) {
            (State::Accepted, Some(task), _) => write!(f, ", task {task}")?,
            (State::Sending | State::Sent | State::Delivered, _, Some(sent)) => {
                write!(f, ", port {}", sent.port)?;
                if is_sent && sent.segments > 1 {
                    let delivered = self.segments.delivered.count_ones();
                    write!(f, ", {delivered}/{} segments", sent.segments)?;
                }
            }
            _ => {}
        }
        let reason = self.reason();
        if reason.is_empty() { Ok(()) } else { write!(f, ": {reason}") }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::{
        Number, UserId,
        track::{NumberBuf, Segments, Sent},
    };

    fn message(state: State, segments: u8) -> Message {
        let number = NumberBuf::from(Number::new("10086").unwrap());
        let mut message = Message::new(UserId::new(1).unwrap(), number, state);
        message.sent = Some(Sent { port: 2, time: None, reference: 7, segments, succeeded: segments });
        message.segments = Segments { delivered: 1, ..Segments::default() };
        message
    }

    #[test]
    fn messages_are_shown_with_port_and_segments() {
        assert_eq!(message(State::Delivered, 1).to_string(), "delivered, port 2");
        let mut sent = message(State::Sent, 3);
        assert_eq!(sent.to_string(), "sent, port 2, 1/3 segments");
        sent.ambiguous = true;
        assert_eq!(sent.reason().to_string(), "ambiguous: a report may be another message's");
        sent.segments.temporary = 2;
        let reason = "not delivered yet, the network tries; ambiguous: a report may be another message's";
        assert_eq!(sent.reason().to_string(), reason);
        assert_eq!(std::format!("{:>8}|", State::Unsent), "  unsent|");
    }

    #[test]
    fn failures_are_shown_with_their_meaning() {
        let failed = |failure| {
            let mut message = message(State::Failed, 3);
            message.failure = Some(failure);
            message
        };
        let reported = failed(MessageFailure::Reported { segment: 1, status: 70 });
        assert_eq!(reported.to_string(), "failed: segment 2: status 70, validity expired");
        let refused = |code| failed(MessageFailure::Refused(code)).reason().to_string();
        assert_eq!(refused(500), "the gateway refused it: 500, other error");
        assert_eq!(refused(7), "the gateway refused it: 7");
        let mut not_sent = failed(MessageFailure::NotSent);
        assert_eq!(not_sent.reason().to_string(), "only 3 of 3 segments could be sent");
        not_sent.sent = None;
        assert_eq!(not_sent.reason().to_string(), "the gateway could not send it");
        assert_eq!(TpStatus(130).to_string(), "status 130, reserved");
    }
}
