//! What a messenger tells.

use sms_gateway_core::track::{Message, Report};

use super::inbox::Incoming;
use crate::Error;

/// What is new. `E` is the transport's error.
#[derive(Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'a, E> {
    /// News of a message: to be [acknowledged](crate::Messenger::acknowledge). Until then it comes again after a restart.
    Update(Message),
    /// A message came in: to be [acknowledged](crate::Messenger::acknowledge_incoming). Until then it comes again after a restart, and no
    /// other is fetched.
    Incoming(Incoming<'a>),
    /// A report that belongs to no message here, such as one of another client's. Each is handed out once.
    Unmatched(Report),
    /// A report that may be of one of several messages. They are marked and it decides nothing. Each is handed out once.
    Ambiguous(Report),
    /// The gateway numbers its incoming messages anew, so that some may be handed out again.
    InboxRestarted,
    /// The store held this many torn records at the start. They were skipped, and the messages that they belong to are
    /// unknown.
    RecordsSkipped(u32),
    /// Requests have begun to fail, or fail for another reason that does not pass by itself. They are tried again, more and more rarely;
    /// [`Messenger::error`](crate::Messenger::error) tells when that is over.
    Failing(&'a Error<E>),
}
