//! The errors of a messenger.

use std::sync::Arc;

use sms_gateway_core::{Invalid, track::RestoreError};
use thiserror::Error;

use super::Sms;
use crate::store::StoreError;

/// The reason a messenger does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(StoreError),
    /// The store holds a record of a later version, more messages than there are slots, or no readable record. The store was
    /// not changed.
    #[error("the stored record {key} can't be used")]
    Record {
        /// The record's key.
        key: u32,
        /// The reason.
        #[source]
        error: RestoreError,
    },
    /// The messenger's task ended before the messenger was ready.
    #[error(transparent)]
    Closed(Closed),
}

/// The reason a message was not accepted. The message is not stored and will not be sent, except perhaps after
/// [`Closed`](Self::Closed).
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// It breaks a limit of the API.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Its reference is too long.
    #[error("the reference has {bytes} bytes, at most {} are allowed", Sms::MAX_REFERENCE_BYTES)]
    Reference {
        /// Its length in bytes.
        bytes: usize,
    },
    /// Its idempotency key is empty or too long.
    #[error("the idempotency key has {bytes} bytes, 1 to {} are allowed", Sms::MAX_IDEMPOTENCY_KEY_BYTES)]
    IdempotencyKey {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A message with the same [idempotency key](Sms::idempotency_key) has another number or text.
    #[error("another message has the same idempotency key")]
    KeyConflict,
    /// All slots are in use. Only [`Messenger::try_send`](super::Messenger::try_send) returns this.
    #[error("all slots for messages are in use")]
    Full,
    /// The messenger has ended. If it ended during a save, the message may have been stored; the next start then restores it.
    #[error(transparent)]
    Closed(Closed),
}

/// The reason a messenger has ended. The next start restores everything that was stored.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Closed {
    /// It was shut down, or all its clones were dropped.
    #[error("the messenger was shut down")]
    ShutDown,
    /// The store failed. Nothing has been sent to the gateway since then.
    #[error("the messenger has ended because its store failed")]
    Store(#[source] Arc<StoreError>),
    /// Its task was aborted, for example by the end of the runtime.
    #[error("the messenger's task was aborted")]
    Aborted,
}
