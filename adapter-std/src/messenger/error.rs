//! The errors of a messenger.

use std::{error, fmt, sync::Arc};

use sms_gateway_core::{Invalid, track::RestoreError};

use super::Sms;
use crate::store::StoreError;

/// Why a messenger does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The store cannot be read or written.
    Store(StoreError),
    /// The store holds a record of a later version, more messages than there are slots, or nothing readable. Nothing was
    /// changed.
    Record {
        /// The record's key.
        key: u32,
        /// The reason.
        error: RestoreError,
    },
    /// The messenger's task ended before it began.
    Closed(Closed),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Record { key, .. } => write!(f, "the stored record {key} can't be used"),
            Self::Closed(closed) => closed.fmt(f),
        }
    }
}

impl error::Error for StartError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Store(error) => error.source(),
            Self::Record { error, .. } => Some(error),
            Self::Closed(closed) => closed.source(),
        }
    }
}

/// Why a message was not accepted. It is not stored and will not be sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SendError {
    /// It breaks a limit of the API.
    Invalid(Invalid),
    /// Its reference is too long.
    Reference {
        /// Its length in bytes.
        bytes: usize,
    },
    /// All slots are in use. Only [`Messenger::try_send`](super::Messenger::try_send) returns this.
    Full,
    /// The messenger has ended.
    Closed(Closed),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Reference { bytes } => {
                write!(f, "the reference has {bytes} bytes, at most {} are allowed", Sms::MAX_REFERENCE_BYTES)
            }
            Self::Full => f.write_str("all slots for messages are in use"),
            Self::Closed(closed) => closed.fmt(f),
        }
    }
}

impl error::Error for SendError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Closed(closed) => closed.source(),
            Self::Invalid(_) | Self::Reference { .. } | Self::Full => None,
        }
    }
}

impl From<Invalid> for SendError {
    fn from(error: Invalid) -> Self {
        Self::Invalid(error)
    }
}

/// Why a messenger has ended. Everything it has stored is there when it starts again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Closed {
    /// It was shut down, or all its clones were dropped.
    ShutDown,
    /// The store failed. Nothing was sent to the gateway since.
    Store(Arc<StoreError>),
    /// Its task was aborted, for example by the end of the runtime.
    Aborted,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShutDown => f.write_str("the messenger was shut down"),
            Self::Store(_) => f.write_str("the messenger has ended because its store failed"),
            Self::Aborted => f.write_str("the messenger's task was aborted"),
        }
    }
}

impl error::Error for Closed {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error.as_ref()),
            Self::ShutDown | Self::Aborted => None,
        }
    }
}
