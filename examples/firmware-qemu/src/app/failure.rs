//! Errors that end the application before its work is done.

use core::fmt;

use log::error;
use sms_gateway_embassy::{Error, SendError, StoreError, core::Invalid, net::TcpError, store::FlashError};

/// The reason why the application ends. The content of the flash is not lost.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call failed with a permanent error.
    Call(Error<TcpError>),
    /// The flash failed. The log has the details.
    Store,
    /// A message was rejected.
    Send(&'static str),
    /// A call failed repeatedly, or the time limit has passed. The log lists what is missing.
    Missing,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => write!(f, "{error}"),
            Self::Store => f.write_str("the store failed"),
            Self::Send(why) => f.write_str(why),
            Self::Missing => f.write_str("not all is done"),
        }
    }
}

impl From<Error<TcpError>> for Failure {
    fn from(error: Error<TcpError>) -> Self {
        Self::Call(error)
    }
}

impl From<Invalid> for Failure {
    fn from(error: Invalid) -> Self {
        Self::Call(error.into())
    }
}

impl<E: fmt::Debug> From<FlashError<E>> for Failure {
    fn from(error: FlashError<E>) -> Self {
        error!("{error}");
        Self::Store
    }
}

impl<E: fmt::Debug> From<StoreError<FlashError<E>>> for Failure {
    fn from(error: StoreError<FlashError<E>>) -> Self {
        error!("{error}");
        Self::Store
    }
}

impl<E: fmt::Debug> From<SendError<FlashError<E>>> for Failure {
    fn from(error: SendError<FlashError<E>>) -> Self {
        match error {
            SendError::Full => Self::Send("no slot is free for a message"),
            SendError::TooLong { .. } => Self::Send("a text is too long"),
            SendError::Store(error) => error.into(),
        }
    }
}
