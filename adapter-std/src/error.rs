//! What can go wrong with a call, by who can act on it.

use std::{fmt, time::Duration};

use sms_gateway_core::{
    Invalid,
    call::Refusal,
    http::{ChallengeError, LoginError, login::Denial},
    json::ReadError,
};

/// A call that failed.
///
/// Whether the gateway may have done what was asked all the same: [`may_have_arrived`](Self::may_have_arrived).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The input breaks a limit of the API; nothing was sent.
    Invalid(Invalid),
    /// The request can't be written as HTTP; nothing was sent.
    Unwritable(Box<dyn std::error::Error + Send + Sync>),
    /// A text of the answer is longer than the buffer for a record.
    TooLong {
        /// The size that would do, in bytes: see [`Builder::record_buffer`](crate::Builder::record_buffer).
        needed: usize,
    },
    /// The gateway's URL can't be used.
    Url(UrlError),
    /// No connection to the gateway; nothing was sent.
    Unreachable(std::io::Error),
    /// The connection broke before the request had an answer, or amid the answer.
    Lost(Box<dyn std::error::Error + Send + Sync>),
    /// A time limit ran out.
    TimedOut {
        /// What was waited for.
        wait: Wait,
        /// The limit.
        limit: Duration,
    },
    /// The login's challenge could not be fetched, so that the request itself was not sent.
    Login(Box<Error>),
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
    /// The gateway answered with a redirect; credentials don't follow it.
    Redirect {
        /// Where to.
        location: String,
    },
    /// The answer's HTTP status is neither success nor anything above.
    Http {
        /// The status code.
        status: u16,
    },
    /// The answer can't be read. What came before stands.
    Malformed(ReadError),
    /// The gateway answered, and refused.
    Refused(Refusal),
}

impl Error {
    /// What went wrong with the request for a challenge, which came before the one that was asked for.
    pub(crate) fn of_challenge(self) -> Self {
        if self.may_have_arrived() { Self::Login(Box::new(self)) } else { self }
    }

    /// Whether a question that changes nothing may well be answered when it is asked again later.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Lost(_)
                | Self::Login(_)
                | Self::TimedOut { .. }
                | Self::Http { .. }
                | Self::Malformed(_)
                | Self::Refused(_)
        )
    }

    /// Whether the gateway may have done what the request asked. Then something that is not to be done twice, such as sending a
    /// message, must not simply be asked again.
    pub const fn may_have_arrived(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Malformed(_) | Self::Http { status: 500.. } => true,
            Self::TimedOut { wait, .. } => matches!(wait, Wait::Answer | Wait::Body),
            Self::Refused(refusal) => refusal.code.is_none(),
            _ => false,
        }
    }
}

/// What a time limit was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// An earlier call's answer, which is still being read on the one connection.
    Turn,
    /// The connection.
    Connect,
    /// The answer's beginning.
    Answer,
    /// The next piece of the answer.
    Body,
}

/// Why a gateway's URL can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no URL of the form `http://host[:port]`.
    Malformed,
    /// Its scheme is `https`, which this version does not speak.
    Https,
    /// It holds a user name or password, which would show where URLs are shown. They are set apart from it.
    Userinfo,
    /// It has a path or query; the API's paths are fixed.
    Path,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "no URL of the form http://host[:port]",
            Self::Https => "https is not supported yet, only http",
            Self::Userinfo => "user name and password don't belong into the URL",
            Self::Path => "the URL is to end with the host and port; the API's paths are fixed",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Unwritable(error) => write!(f, "the request can't be written: {error}"),
            Self::TooLong { needed } => write!(f, "a text of the answer needs a buffer of {needed} bytes"),
            Self::Url(error) => error.fmt(f),
            Self::Unreachable(error) => write!(f, "the gateway can't be reached: {error}"),
            Self::Lost(error) => write!(f, "the connection to the gateway broke: {error}"),
            Self::TimedOut { wait, limit } => {
                let what = match wait {
                    Wait::Turn => "an earlier call's answer is still being read",
                    Wait::Connect => "no connection to the gateway",
                    Wait::Answer => "no answer from the gateway",
                    Wait::Body => "the gateway's answer stopped",
                };
                write!(f, "{what}, after {} s", limit.as_secs_f32())
            }
            Self::Login(error) => write!(f, "no login, the request was not sent: {error}"),
            Self::LoginRefused => Denial::Refused.fmt(f),
            Self::NoCredentials => Denial::NoCredentials.fmt(f),
            Self::BasicNotAllowed => Denial::BasicNotAllowed.fmt(f),
            Self::Challenge(error) => Denial::Challenge(*error).fmt(f),
            Self::Credentials(error) => error.fmt(f),
            Self::Redirect { location } => write!(f, "the gateway redirects to {}", location.escape_debug()),
            Self::Http { status: 404 } => f.write_str(
                "HTTP status 404: no such API here; is \"New Version API\" enabled (firmware 1102 or later)?",
            ),
            Self::Http { status } => write!(f, "HTTP status {status}"),
            Self::Malformed(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreachable(error) => Some(error),
            Self::Lost(error) | Self::Unwritable(error) => Some(error.as_ref()),
            Self::Login(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<Invalid> for Error {
    fn from(error: Invalid) -> Self {
        Self::Invalid(error)
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        Self::Malformed(error)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::NoCredentials => Self::NoCredentials,
            Denial::BasicNotAllowed => Self::BasicNotAllowed,
            Denial::Challenge(error) => Self::Challenge(error),
            Denial::Unwritable(error) => Self::Credentials(error),
            _ => Self::LoginRefused,
        }
    }
}
