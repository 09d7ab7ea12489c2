//! Responses to raw calls.

use std::fmt;

use hyper::http::response::Parts;

use crate::{Error, response::Reader};

/// The response to a [raw call](crate::Gateway::raw): its status, its headers, and its body in pieces while they arrive.
///
/// It holds a connection, as a [`Response`](crate::Response) does. Dropping it before its end closes the connection.
pub struct RawResponse {
    head: Parts,
    reader: Reader,
}

impl RawResponse {
    pub(crate) const fn new(head: Parts, reader: Reader) -> Self {
        Self { head, reader }
    }

    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    /// Returns the value of the first header with this name, ignoring upper and lower case. Returns `None` if there is none, or if
    /// its value contains anything but visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// Returns the names of the headers in lower case, and their values. Headers with the same name keep their order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    /// Returns the next piece of the body; `None` at its end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Failure::Lost`](crate::Failure::Lost) if the body is incomplete, or the time limit of the call expires. The pieces before
    /// the error are valid.
    pub async fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        self.reader.raw_piece().await
    }
}

/// Shows the status, but neither headers nor body.
impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse").field("status", &self.status()).finish_non_exhaustive()
    }
}
