//! The errors of a messenger that works in lent memory.

use core::fmt;

use super::Buffer;
use crate::track::RestoreError;

/// The reason why a message was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SendError<S> {
    /// All slots are in use.
    Full,
    /// The text does not fit into the lent buffer for texts, or its request does not fit into the lent buffer for requests.
    ///
    /// The length of the `Authorization` is known only after the first login. If an accepted message turns out not to fit because
    /// of that length, it ends as if the gateway had refused it with error_code 413.
    TooLong {
        /// The buffer.
        buffer: Buffer,
        /// The size that suffices, in bytes.
        needed: usize,
    },
    /// The message could not be stored.
    Store(StoreError<S>),
}

/// The reason why a messenger can't continue with its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StoreError<S> {
    /// The store can't be read or written.
    Store(S),
    /// The stored records can't be restored.
    Restore(RestoreError),
    /// The text of an unsent message does not fit into the lent buffer for texts. This buffer was larger before the restart. No
    /// message is lost.
    TextTooLong {
        /// The size that suffices, in bytes.
        needed: usize,
    },
}

impl<S: fmt::Debug> fmt::Display for SendError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("no slot is free for another message"),
            Self::TooLong { buffer, needed } => {
                write!(f, "a lent buffer is too small: {buffer:?} needs {needed} bytes")
            }
            Self::Store(error) => write!(f, "the message could not be stored: {error}"),
        }
    }
}

impl<S: fmt::Debug> core::error::Error for SendError<S> {}

impl<S> From<S> for StoreError<S> {
    fn from(error: S) -> Self {
        Self::Store(error)
    }
}

impl<S: fmt::Debug> fmt::Display for StoreError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => write!(f, "the store failed: {error:?}"),
            Self::Restore(error) => write!(f, "the stored records can't be restored: {error}"),
            Self::TextTooLong { needed } => {
                write!(f, "a stored text needs a buffer of {needed} bytes")
            }
        }
    }
}

impl<S: fmt::Debug> core::error::Error for StoreError<S> {}
