//! What can go wrong with a call, by who can act on it.

use core::fmt;

use embassy_time::Duration;
use sms_gateway_core::{
    Invalid, TooSmall,
    call::Refusal,
    http::{AnswerError, ChallengeError, LoginError, login::Denial},
    json::ReadError,
};

/// A call that failed; `E` is the transport's error.
///
/// Whether the gateway may have done what was asked all the same: [`may_have_arrived`](Self::may_have_arrived).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error<E> {
    /// The input breaks a limit of the API; nothing was sent.
    Invalid(Invalid),
    /// The gateway's host name can't stand in a request; nothing was sent.
    Host,
    /// A lent buffer is too small.
    TooSmall {
        /// Which.
        buffer: Buffer,
        /// The size that would do, in bytes.
        needed: usize,
    },
    /// No connection to the gateway, or nothing of the request left; nothing was sent.
    Unreachable(Fault<E>),
    /// The request left, or some of it, and its answer is missing or cut.
    Lost(Fault<E>),
    /// The login's challenge could not be fetched, so that the request itself was not sent.
    Login(Fault<E>),
    /// The gateway refused the user name or password. It is not asked again until the credentials change, since gateways
    /// count refusals and lock a client out.
    LoginRefused,
    /// The gateway wants a login and there are no credentials.
    NoCredentials,
    /// The gateway offers only Basic login, which shows the password to the network, and the caller has not allowed that.
    BasicNotAllowed,
    /// The gateway's login challenge can't be answered.
    Challenge(ChallengeError),
    /// The credentials can't be written into a request.
    Credentials(LoginError),
    /// The gateway answered with a redirect; credentials don't follow it. [`Gateway::location`](crate::Gateway::location) tells where to.
    Redirect,
    /// The answer's HTTP status is neither success nor anything above.
    Http {
        /// The status code.
        status: u16,
    },
    /// The answer can't be read. What came before stands.
    Malformed(ReadError),
    /// The gateway answered, and refused.
    Refused(Refusal),
    /// The answer has ended with an error before.
    Ended,
}

/// A buffer of [`Buffers`](crate::Buffers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Buffer {
    /// [`Buffers::request`](crate::Buffers::request).
    Request,
    /// [`Buffers::answer`](crate::Buffers::answer).
    Answer,
    /// [`Buffers::record`](crate::Buffers::record).
    Record,
    /// [`Buffers::login`](crate::Buffers::login).
    Login,
    /// One that was lent to the call itself.
    Lent,
    /// [`Room::texts`](crate::Room::texts).
    Texts,
}

/// What went wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<E> {
    /// The transport's own error.
    Transport(E),
    /// What came is no HTTP answer, or not a whole one.
    Answer(AnswerError),
    /// A time limit ran out.
    TimedOut {
        /// What was waited for.
        wait: Wait,
        /// The limit.
        limit: Duration,
    },
}

/// What a time limit was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Wait {
    /// The connection.
    Connect,
    /// The request's leaving and the answer's beginning.
    Answer,
    /// The next piece of the answer.
    Body,
}

impl<E> Error<E> {
    /// Whether the gateway may have done what the request asked. Then something that is not to be done twice, such as sending a
    /// message, must not simply be asked again.
    pub const fn may_have_arrived(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Malformed(_) | Self::Ended | Self::Http { status: 500.. } => true,
            Self::Refused(refusal) => refusal.code.is_none(),
            _ => false,
        }
    }

    /// Whether a question that changes nothing may well be answered when it is asked again later.
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Lost(_)
                | Self::Login(_)
                | Self::Http { .. }
                | Self::Malformed(_)
                | Self::Refused(_)
        )
    }

    pub(crate) const fn too_small(buffer: Buffer, error: TooSmall) -> Self {
        Self::TooSmall { buffer, needed: error.needed }
    }
}

impl<E> From<Invalid> for Error<E> {
    fn from(error: Invalid) -> Self {
        Self::Invalid(error)
    }
}

impl<E> From<ReadError> for Error<E> {
    fn from(error: ReadError) -> Self {
        Self::Malformed(error)
    }
}

impl<E> From<Refusal> for Error<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<E> From<Denial> for Error<E> {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::NoCredentials => Self::NoCredentials,
            Denial::BasicNotAllowed => Self::BasicNotAllowed,
            Denial::Challenge(error) => Self::Challenge(error),
            Denial::Unwritable(error) => Self::Credentials(error),
            Denial::TooSmall(error) => Self::too_small(Buffer::Login, error),
            _ => Self::LoginRefused,
        }
    }
}

impl<E: fmt::Debug> fmt::Display for Fault<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::Answer(error) => error.fmt(f),
            Self::TimedOut { wait, limit } => {
                let what = match wait {
                    Wait::Connect => "no connection",
                    Wait::Answer => "no answer",
                    Wait::Body => "the answer stopped",
                };
                write!(f, "{what}, after {} ms", limit.as_millis())
            }
        }
    }
}

impl<E: fmt::Debug> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Host => f.write_str("the gateway's host can't stand in a request"),
            Self::TooSmall { buffer, needed } => {
                write!(f, "a lent buffer is too small: {buffer:?} needs {needed} bytes")
            }
            Self::Unreachable(fault) => write!(f, "the gateway can't be reached: {fault}"),
            Self::Lost(fault) => write!(f, "the connection to the gateway broke: {fault}"),
            Self::Login(fault) => write!(f, "no login, the request was not sent: {fault}"),
            Self::LoginRefused => Denial::Refused.fmt(f),
            Self::NoCredentials => Denial::NoCredentials.fmt(f),
            Self::BasicNotAllowed => Denial::BasicNotAllowed.fmt(f),
            Self::Challenge(error) => Denial::Challenge(*error).fmt(f),
            Self::Credentials(error) => error.fmt(f),
            Self::Redirect => f.write_str("the gateway redirects to another place"),
            Self::Http { status: 404 } => f.write_str(
                "HTTP status 404: no such API here; is \"New Version API\" enabled (firmware 1102 or later)?",
            ),
            Self::Http { status } => write!(f, "HTTP status {status}"),
            Self::Malformed(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Ended => f.write_str("the answer has ended with an error"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for Fault<E> {}

impl<E: fmt::Debug> core::error::Error for Error<E> {}

#[cfg(feature = "defmt")]
mod log {
    use core::fmt::Debug;
    use defmt::{Debug2Format, Display2Format, Format, Formatter};

    use super::{Error, Fault};
    use crate::{Accepted, Event, Incoming, OpenedError, SendError, StoreError, Ussd, UssdWait};

    /// What the core has in it knows nothing of defmt: it goes out as text.
    macro_rules! formats {
        ($as:ident: $([$($of:tt)*] $name:ty),+) => {$(
            impl<$($of)*> Format for $name {
                fn format(&self, f: Formatter<'_>) {
                    defmt::write!(f, "{}", $as(self));
                }
            }
        )+};
    }

    formats!(Display2Format: [E: Debug] Fault<E>, [E: Debug] Error<E>, [E: Debug] OpenedError<E>);
    formats!(Display2Format: [S: Debug] SendError<S>, [S: Debug] StoreError<S>);
    formats!(Debug2Format: [] Accepted, [] Incoming<'_>, [] Ussd<'_>, [] UssdWait, [E: Debug] Event<'_, E>);
}
