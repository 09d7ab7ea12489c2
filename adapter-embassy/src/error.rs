//! The error of a call.

use core::fmt;

use sms_gateway_core::{Invalid, client::Failure};

/// The error of a failed call. `E` is the transport's error.
///
/// [`may_have_arrived`](Self::may_have_arrived) returns whether the gateway may have executed the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Error<E> {
    /// The reason.
    pub failure: Failure,
    /// The transport's own error, if the connection failed because of one.
    pub transport: Option<E>,
}

impl<E> Error<E> {
    /// Creates an error, with the transport's own error if there is one.
    pub const fn new(failure: Failure, transport: Option<E>) -> Self {
        Self { failure, transport }
    }

    /// Whether the gateway may have executed the request: [`Failure::may_have_arrived`].
    pub const fn may_have_arrived(&self) -> bool {
        self.failure.may_have_arrived()
    }

    /// Whether the same request may succeed later: [`Failure::may_pass`].
    pub const fn may_pass(&self) -> bool {
        self.failure.may_pass()
    }
}

impl<E> From<Failure> for Error<E> {
    fn from(failure: Failure) -> Self {
        Self { failure, transport: None }
    }
}

impl<E> From<Invalid> for Error<E> {
    fn from(error: Invalid) -> Self {
        Failure::Invalid(error).into()
    }
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)?;
        match &self.transport {
            Some(error) => write!(f, ": {error:?}"),
            None => Ok(()),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Error<E> {}
