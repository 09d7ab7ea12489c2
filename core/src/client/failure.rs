//! The reason why a call failed, for both adapters, and what it means for the caller.

use core::{fmt, mem::discriminant, time::Duration};

use crate::{
    Invalid,
    call::Refusal,
    http::{ChallengeError, LoginError, ResponseError, login::LoginDenied},
    json::ReadError,
};

/// The reason a call failed.
///
/// Failures are grouped by their origin: the caller's input, the caller's memory, the connection, the login, and the gateway's
/// response. The adapters add the transport's own error, which this crate does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Failure {
    /// The input breaks a limit of the API. Nothing was sent.
    Invalid(Invalid),
    /// The gateway's host cannot be written into a request. Nothing was sent.
    Host,
    /// A buffer lent by the caller is too small.
    TooSmall {
        /// The buffer.
        buffer: Buffer,
        /// The size that suffices, in bytes.
        needed: usize,
    },
    /// Earlier calls still use the connection, or their callers are still reading the responses. Nothing was sent.
    Busy {
        /// The time limit that expired.
        limit: Duration,
    },
    /// Responses to earlier calls hold all connections, and their callers do not read them. Nothing was sent.
    Unread,
    /// No connection could be opened, or no byte of the request was written. Nothing was sent.
    Unreachable(Cause),
    /// At least part of the request may have been written, and its response is missing or incomplete.
    Lost(Cause),
    /// The harmless GET that comes before the call got no complete response. This GET fetches a login challenge, or shows whether the
    /// gateway responds at all. The call's own request was not sent.
    ChallengeLost(Cause),
    /// The gateway's certificate is not trusted. Nothing was sent.
    Untrusted,
    /// The gateway refused the user name or password. The client sends nothing more until the credentials change,
    /// because gateways count refusals and lock clients out.
    LoginRefused,
    /// The gateway requires a login, and there are no credentials.
    NoCredentials,
    /// The gateway offers only Basic login, which exposes the password to the network, and the caller has not allowed it.
    BasicNotAllowed,
    /// The login challenge cannot be answered.
    Challenge(ChallengeError),
    /// The credentials cannot be written into a request.
    Credentials(LoginError),
    /// The gateway redirects to another address. The client does not follow, because that would send credentials there.
    Redirect,
    /// An HTTP status that is not a success, and that no other variant covers.
    Http {
        /// The status code.
        status: u16,
        /// Whether this status responds to the call's own request, not to the harmless GET that fetches a login challenge.
        request_sent: bool,
    },
    /// The response is longer than the caller's limit, or has more than 16 MiB without a record. Records read before remain valid.
    TooLarge {
        /// The limit, in bytes.
        limit: u32,
    },
    /// The response cannot be read. Records read before the error remain valid.
    Malformed(ReadError),
    /// The error_code of the response does not mean success, or it is missing or unreadable.
    Refused(Refusal),
    /// An earlier error has already ended the response.
    Ended,
}

/// A buffer that a caller lends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Buffer {
    /// The buffer for a request.
    Request,
    /// The buffer for the bytes of a response.
    Response,
    /// The buffer for one record of a response.
    Record,
    /// The buffer for the login challenge.
    Challenge,
    /// The buffer lent to the call itself.
    Lent,
    /// The buffer for the texts of one request.
    Texts,
}

/// The reason why a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Cause {
    /// The transport failed. The adapter's error contains the transport's error.
    Transport,
    /// The bytes are not an HTTP response, or not a complete one.
    Response(ResponseError),
    /// A time limit expired.
    TimedOut {
        /// The event that did not occur in time.
        wait: Wait,
        /// The limit.
        limit: Duration,
    },
}

/// An event that the client waits for, with a time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Wait {
    /// The connection is open.
    Connect,
    /// The head of the response is complete.
    Response,
    /// The next bytes of the response arrive.
    Body,
    /// The call as a whole ends: connecting, logging in, sending, and reading the response.
    Exchange,
}

impl Failure {
    /// Whether the gateway may have carried out the request.
    ///
    /// If so, an operation that must not happen twice, such as sending a message, must not simply be repeated.
    pub const fn may_have_arrived(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Malformed(_) | Self::TooLarge { .. } | Self::Ended => true,
            Self::Http { status, request_sent } => *request_sent && !matches!(*status, 200..500),
            Self::Refused(refusal) => refusal.code.is_none(),
            _ => false,
        }
    }

    /// Whether the same request may succeed later, with the same input, memory and credentials.
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::Unread
                | Self::Unreachable(_)
                | Self::Lost(_)
                | Self::ChallengeLost(_)
                | Self::Http { .. }
                | Self::TooLarge { .. }
                | Self::Malformed(_)
                | Self::Refused(_)
        )
    }

    /// Whether the HTTP status is 403 or 429, by which gateways lock clients out. Further requests may prolong a lock-out.
    pub const fn is_lock_out(&self) -> bool {
        matches!(self, Self::Http { status: 403 | 429, .. })
    }

    /// Whether the gateway refused the request itself, by an error_code or an HTTP 4xx status. The HTTP statuses 401, 403, 408 and 429 do
    /// not count, because they concern the login or the connection.
    pub(super) const fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.code.is_some(),
            Self::Http { status, request_sent } => {
                *request_sent && matches!(*status, 400..500) && !matches!(*status, 401 | 403 | 408 | 429)
            }
            _ => false,
        }
    }

    /// Whether both failures have the same reason. Details such as lengths and positions may differ.
    pub(super) fn has_reason_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Http { status, .. }, Self::Http { status: others, .. }) => status == others,
            (Self::Refused(refusal), Self::Refused(others)) => {
                refusal.code == others.code && refusal.call == others.call
            }
            (Self::Invalid(error), Self::Invalid(others)) => discriminant(error) == discriminant(others),
            (Self::Challenge(error), Self::Challenge(others)) => error.kind == others.kind,
            _ => discriminant(self) == discriminant(other),
        }
    }

    /// Returns the error_code of a response that refuses the request.
    pub const fn error_code(&self) -> Option<u32> {
        match self {
            Self::Refused(refusal) => refusal.code,
            _ => None,
        }
    }

    /// Returns the cause of a failed connection.
    pub const fn cause(&self) -> Option<Cause> {
        match self {
            Self::Unreachable(cause) | Self::Lost(cause) | Self::ChallengeLost(cause) => Some(*cause),
            _ => None,
        }
    }
}

impl From<LoginDenied> for Failure {
    fn from(denial: LoginDenied) -> Self {
        match denial {
            LoginDenied::Refused => Self::LoginRefused,
            LoginDenied::NoCredentials => Self::NoCredentials,
            LoginDenied::BasicNotAllowed => Self::BasicNotAllowed,
            LoginDenied::Challenge(error) => Self::Challenge(error),
            LoginDenied::Unwritable(error) => Self::Credentials(error),
            LoginDenied::TooSmall(error) => {
                Self::TooSmall { buffer: Buffer::Challenge, needed: error.needed }
            }
        }
    }
}

impl From<Invalid> for Failure {
    fn from(error: Invalid) -> Self {
        Self::Invalid(error)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Malformed(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Shows a duration in seconds, without floating-point arithmetic.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::show::Decimal::from(self.0.as_secs()).fmt(f)?;
        let mut rest = self.0.subsec_nanos();
        let mut place = 100_000_000;
        if rest > 0 {
            f.write_str(".")?;
        }
        while rest > 0 && place > 0 {
            write!(f, "{}", rest / place)?;
            (rest, place) = (rest % place, place / 10);
        }
        f.write_str(" s")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport => f.write_str("the transport failed"),
            Self::Response(error) => error.fmt(f),
            Self::TimedOut { wait, limit } => {
                let what = match wait {
                    Wait::Connect => "no connection to the gateway",
                    Wait::Response => "no response from the gateway",
                    Wait::Body => "the gateway's response stopped",
                    Wait::Exchange => "the call did not end",
                };
                write!(f, "{what}, after {}", Seconds(*limit))
            }
        }
    }
}

const NO_LOGIN: &str = "no login, the request was not sent";

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::Host => f.write_str("the gateway's host name can't be part of a request"),
            Self::TooSmall { buffer: Buffer::Record, needed } => {
                write!(f, "a text of the response needs a buffer of {needed} bytes")
            }
            Self::TooSmall { buffer, needed } => {
                write!(f, "a lent buffer is too small: {buffer:?} needs {needed} bytes")
            }
            // These failures are not expected on microcontrollers: a client has one caller at a time, and the transport checks
            // certificates. Separate texts would only take up flash.
            Self::Busy { .. } | Self::Unread | Self::Untrusted if cfg!(target_os = "none") => {
                f.write_str("the connection can't be used")
            }
            Self::Busy { limit } => {
                write!(f, "the response to an earlier call is still being read, after {}", Seconds(*limit))
            }
            Self::Unread => {
                f.write_str("responses to earlier calls are held and not read; read or drop them first")
            }
            Self::Unreachable(cause) => show_cause("the gateway can't be reached", cause, false, f),
            Self::Lost(cause) => show_cause("the connection to the gateway broke", cause, false, f),
            Self::ChallengeLost(cause) => show_cause(NO_LOGIN, cause, true, f),
            Self::Untrusted => f.write_str("the gateway's certificate is not trusted"),
            Self::LoginRefused => LoginDenied::Refused.fmt(f),
            Self::NoCredentials => LoginDenied::NoCredentials.fmt(f),
            Self::BasicNotAllowed => LoginDenied::BasicNotAllowed.fmt(f),
            Self::Challenge(error) => LoginDenied::Challenge(*error).fmt(f),
            Self::Credentials(error) => error.fmt(f),
            Self::Redirect => f.write_str("the gateway redirects to another place"),
            Self::Http { status: 404, .. } => f.write_str(
                "HTTP status 404: no such API here; is \"New Version API\" enabled (firmware 1102 or later)?",
            ),
            Self::Http { status, request_sent } => {
                if !request_sent {
                    f.write_str(NO_LOGIN)?;
                    f.write_str(": ")?;
                }
                write!(f, "HTTP status {status}")
            }
            Self::TooLarge { limit } => write!(f, "the gateway's response is longer than {limit} bytes"),
            Self::Malformed(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Ended => f.write_str("the response has ended with an error"),
        }
    }
}

/// Shows what failed and why. The transport's own error is the source of the adapter's error, so it is not repeated here. The text
/// of a timeout usually suffices, so `what` is added to it only if `always` is set.
#[cfg_attr(target_os = "none", inline(never))]
fn show_cause(what: &str, cause: &Cause, always: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (what, border) = match cause {
        Cause::Transport => return f.write_str(what),
        Cause::TimedOut { .. } if !always => ("", ""),
        _ => (what, ": "),
    };
    write!(f, "{what}{border}{cause}")
}

impl core::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn only_a_status_that_refuses_the_request_says_that_it_did_not_arrive() {
        let may_have_arrived = |status| Failure::Http { status, request_sent: true }.may_have_arrived();
        assert!([101, 199, 500, 503, 999].into_iter().all(may_have_arrived));
        assert!(![300, 304, 400, 404, 499].into_iter().any(may_have_arrived));
        assert!(!Failure::Http { status: 101, request_sent: false }.may_have_arrived());
    }

    #[test]
    fn status_404_hints_at_the_new_version_api() {
        let text = |status| Failure::Http { status, request_sent: true }.to_string();
        assert!(text(404).contains("New Version API"));
        assert_eq!(text(503), "HTTP status 503");
    }
}
