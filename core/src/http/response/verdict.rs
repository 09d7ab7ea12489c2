//! The decision whether a connection can carry another exchange.

use core::fmt;

/// Whether a connection can be used again after a response (RFC 9112 §9.3).
///
/// The verdict depends only on the response. A client that has sent [`Head::close`](crate::http::Head::close) must not use the
/// connection again, whatever the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The connection can be used again.
    Keep,
    /// The connection can't be used again and must be closed.
    Close(CloseReason),
}

/// The reason why a connection can't be used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The response could not be read, so the start of the next one is unknown.
    Unreadable,
    /// The body has no length and ends with the connection.
    BodyToEnd,
    /// The gateway asked to close the connection (`Connection: close`, RFC 9112 §9.6).
    Asked,
    /// The gateway uses HTTP/1.0 without `keep-alive`.
    Http10,
    /// The gateway has closed the connection.
    Closed,
    /// The response has not been read to its end. Only this reason is not permanent: reading the rest removes it.
    NotRead,
    /// Bytes followed the response. They cannot belong to the next response, which was not requested yet.
    Surplus,
}

impl CloseReason {
    const fn describe(self) -> &'static str {
        match self {
            Self::Unreadable => "its response could not be read",
            Self::BodyToEnd => "the body of the response ends with it",
            Self::Asked => "the gateway asked for it",
            Self::Http10 => "the gateway speaks HTTP/1.0",
            Self::Closed => "the gateway has closed it",
            Self::NotRead => "the response was not read to its end",
            Self::Surplus => "there were bytes after the response",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the connection is closed: {}", self.describe())
    }
}
