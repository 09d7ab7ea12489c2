//! Whether the connection can carry another exchange.

use core::fmt;

/// Whether a connection can be used again behind an answer (RFC 9112 §9.3).
///
/// It is about what the answer says. A client that has asked for the connection to be closed
/// ([`Head::close`](crate::http::Head::close)) does not use it again in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It can.
    Keep,
    /// It can't, and is to be closed.
    Close(CloseReason),
}

/// Why a connection can't be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The answer was in error: where the next one begins is not known.
    Unreadable,
    /// The body has no length and ends with the connection.
    BodyToEnd,
    /// The gateway asks for it (`Connection: close`, RFC 9112 §9.6).
    Asked,
    /// The gateway speaks HTTP/1.0 and does not say `keep-alive`.
    Http10,
    /// The gateway has closed it.
    Closed,
    /// The answer has not been read to its end. It is the one reason that goes away: when the rest is read.
    NotRead,
    /// Bytes came behind the answer that nobody has asked for. They are not the beginning of the next one.
    Surplus,
}

impl CloseReason {
    const fn describe(self) -> &'static str {
        match self {
            Self::Unreadable => "its answer could not be read",
            Self::BodyToEnd => "the answer's body ends with it",
            Self::Asked => "the gateway asked for it",
            Self::Http10 => "the gateway speaks HTTP/1.0",
            Self::Closed => "the gateway has closed it",
            Self::NotRead => "the answer was not read to its end",
            Self::Surplus => "there were bytes behind the answer",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the connection is closed: {}", self.describe())
    }
}
