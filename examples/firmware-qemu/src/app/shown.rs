//! The form of a message in the log.

use core::fmt;

use sms_gateway_embassy::core::track::{Message, MessageFailure, State};

/// A message's state and its delivered segments: `Delivered, segments delivered: 2 of 2`.
pub(super) struct Shown<'a>(pub(super) &'a Message);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message { state, sent, segments, failure, .. } = self.0;
        write!(f, "{state:?}")?;
        match failure {
            Some(MessageFailure::Reported { status, .. }) => write!(f, " (reported: {status})")?,
            Some(other) => write!(f, " ({other:?})")?,
            None => {}
        }
        match sent {
            Some(sent) if !matches!(state, State::Sending) => {
                write!(f, ", segments delivered: {} of {}", segments.delivered.count_ones(), sent.segments)
            }
            _ => Ok(()),
        }
    }
}
