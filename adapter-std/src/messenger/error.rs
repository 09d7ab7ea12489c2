//! What can go wrong with a messenger.

use std::{error, fmt, sync::Arc};

use sms_gateway_core::{Invalid, track::RestoreError};

use super::Sms;
use crate::store::StoreError;

/// Why a messenger does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The store can't be read or written.
    Store(StoreError),
    /// The store holds records of a later version, more messages than there is room for, or nothing that can be read.
    /// Nothing was changed.
    Record {
        /// The record's key.
        key: u32,
        /// What is wrong with it.
        error: RestoreError,
    },
    /// The messenger's task ended before it began.
    Closed(Closed),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Record { key, error } => write!(f, "what is stored under {key} can't be used: {error}"),
            Self::Closed(closed) => closed.fmt(f),
        }
    }
}

impl error::Error for StartError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Record { error, .. } => Some(error),
            Self::Closed(closed) => closed.source(),
        }
    }
}

/// Why a message was not taken. Nothing of it was stored, and it will not be sent.
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
    /// There is no room for another message, of [`Messenger::try_send`](super::Messenger::try_send) alone.
    Full,
    /// The messenger has ended.
    Closed(Closed),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Reference { bytes } => {
                write!(f, "the reference has {bytes} bytes, {} are allowed", Sms::MAX_REFERENCE_BYTES)
            }
            Self::Full => f.write_str("there is no room for another message"),
            Self::Closed(closed) => closed.fmt(f),
        }
    }
}

impl error::Error for SendError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Invalid(error) => Some(error),
            Self::Closed(closed) => closed.source(),
            Self::Reference { .. } | Self::Full => None,
        }
    }
}

impl From<Invalid> for SendError {
    fn from(error: Invalid) -> Self {
        Self::Invalid(error)
    }
}

/// Why a messenger has ended. What it has stored is there when it starts again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Closed {
    /// It was shut down, or all its clones were dropped.
    ShutDown,
    /// The store failed. Nothing left for the gateway since.
    Store(Arc<StoreError>),
    /// Its task was ended from outside, as by the end of the runtime.
    Aborted,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShutDown => f.write_str("the messenger was shut down"),
            Self::Store(error) => write!(f, "the messenger has ended: {error}"),
            Self::Aborted => f.write_str("the messenger's task was ended from outside"),
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
