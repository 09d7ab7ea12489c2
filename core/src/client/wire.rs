//! Reading one response after the other from a byte stream, for adapters without an HTTP library.

use core::{fmt, ops::Range};

use super::{Cause, ResponseHead, timeouts::MAX_DRAINED_BYTES};
use crate::{
    TooSmall,
    http::{CloseReason, Part, Response, Verdict},
};

/// Reads responses through two lent buffers, without I/O.
///
/// The buffer `values` holds the login challenges or the redirect target of the current response. The buffer `bytes` holds bytes
/// from the connection. This buffer may be smaller than the response, but must not be empty.
///
/// # Order of calls
/// 1. Call [`begin`](Self::begin) when a request is sent.
/// 2. Call [`parse`](Self::parse) for each event. After [`WireEvent::More`], read from the connection into
///    [`space`](Self::space) and report the number of bytes with [`received`](Self::received). After [`WireEvent::Body`],
///    [`body`](Self::body) returns the piece until the next call of `parse`.
/// 3. After the exchange, [`is_reusable`](Self::is_reusable) returns whether the connection can carry another exchange.
///
/// ```
/// use sms_gateway_core::client::{Wire, WireEvent};
///
/// let mut incoming = &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"[..];
/// let mut wire = Wire::new([0; 64], [0; 64]);
/// let mut body = Vec::new();
/// wire.begin();
/// loop {
///     match wire.parse()? {
///         WireEvent::More => {
///             let space = wire.space();
///             let count = space.len().min(incoming.len());
///             space[..count].copy_from_slice(&incoming[..count]);
///             incoming = &incoming[count..];
///             wire.received(count)?;
///         }
///         WireEvent::Head(head) => assert_eq!(head.status, 200),
///         WireEvent::Body => body.extend_from_slice(wire.body()),
///         WireEvent::End => break,
///     }
/// }
/// assert_eq!(body, b"{}");
/// assert!(wire.is_reusable());
/// # Ok::<(), sms_gateway_core::client::Cause>(())
/// ```
pub struct Wire<B> {
    response: Response<B>,
    bytes: B,
    /// The received bytes that have not been parsed yet.
    unread: Range<usize>,
    /// The piece of the body that was parsed last, without the bytes that the caller has consumed.
    body: Range<usize>,
    /// Whether any byte of the current response has arrived.
    has_received: bool,
    /// The number of bytes that may still be drained from a body that is not needed.
    drain_left: usize,
}

/// The next part of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum WireEvent {
    /// More bytes are needed.
    More,
    /// The head is complete. This event occurs once, before the body and the end.
    Head(ResponseHead),
    /// A piece of the body is in [`Wire::body`].
    Body,
    /// The response is complete.
    End,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Wire<B> {
    /// Creates a wire without a response. `values` stores values of the head, `bytes` stores received bytes.
    pub const fn new(values: B, bytes: B) -> Self {
        Self {
            response: Response::new(values),
            bytes,
            unread: 0..0,
            body: 0..0,
            has_received: false,
            drain_left: MAX_DRAINED_BYTES,
        }
    }

    /// Begins an exchange.
    pub fn begin(&mut self) {
        self.response.restart();
        (self.unread, self.body) = (0..0, 0..0);
        (self.has_received, self.drain_left) = (false, MAX_DRAINED_BYTES);
    }

    /// Returns the buffer for received bytes, for other use before a request is sent. Drops unread bytes of an earlier response.
    pub fn scratch(&mut self) -> &mut [u8] {
        (self.unread, self.body) = (0..0, 0..0);
        self.bytes.as_mut()
    }

    /// Returns the buffer for the next bytes from the connection. Use it only after [`WireEvent::More`].
    pub fn space(&mut self) -> &mut [u8] {
        self.bytes.as_mut()
    }

    /// Reports that `count` bytes were read into [`space`](Self::space), or 0 if the connection has ended.
    ///
    /// # Errors
    /// [`Cause::Response`] if the connection ended too early.
    pub fn received(&mut self, count: usize) -> Result<(), Cause> {
        if count == 0 {
            return self.response.closed().map_err(Cause::Response);
        }
        self.has_received = true;
        self.unread = 0..count;
        Ok(())
    }

    /// Parses the received bytes up to the next event.
    ///
    /// # Errors
    /// [`Cause::Response`] if the bytes are not an HTTP response.
    pub fn parse(&mut self) -> Result<WireEvent, Cause> {
        let mut input = self.bytes.as_ref().get(self.unread.clone()).unwrap_or_default();
        let part = self.response.next(&mut input).map_err(Cause::Response)?;
        let read_to = self.unread.end.saturating_sub(input.len());
        self.unread.start = read_to;
        Ok(match part {
            Some(Part::Head { status }) => {
                let has_location = !matches!(self.response.location(), Ok(None));
                WireEvent::Head(ResponseHead { status, has_location })
            }
            Some(Part::Body(piece)) => {
                self.body = read_to.saturating_sub(piece.len())..read_to;
                WireEvent::Body
            }
            Some(Part::End) => WireEvent::End,
            None if self.response.is_complete() => WireEvent::End,
            None => WireEvent::More,
        })
    }

    /// Returns the piece of the body that was parsed last, without its [consumed](Self::consume) bytes.
    pub fn body(&self) -> &[u8] {
        self.bytes.as_ref().get(self.body.clone()).unwrap_or_default()
    }

    /// Removes bytes from the front of [`body`](Self::body).
    pub fn consume(&mut self, count: usize) {
        self.body.start = self.body.start.saturating_add(count).min(self.body.end);
    }

    /// Whether no byte of the response has arrived.
    pub const fn is_silent(&self) -> bool {
        !self.has_received
    }

    /// Drops the piece of the body that was parsed last. Returns whether to go on reading a body that is not needed: reading it to
    /// its end may make the connection reusable.
    pub fn may_drain(&mut self) -> bool {
        let dropped = self.body().len();
        self.consume(dropped);
        self.drain_left = self.drain_left.saturating_sub(dropped);
        let is_open = self.response.verdict() == Verdict::Close(CloseReason::NotRead);
        is_open && self.drain_left > 0
    }

    /// Whether the connection can carry another exchange.
    pub fn is_reusable(&self) -> bool {
        self.response.verdict() == Verdict::Keep
    }

    /// Returns the values of `WWW-Authenticate` in a response with status 401.
    ///
    /// # Errors
    /// [`TooSmall`] if the buffer for values is too small.
    pub fn challenges(&self) -> Result<impl Iterator<Item = &str>, TooSmall> {
        self.response.challenges()
    }

    /// Returns the target of a redirect.
    ///
    /// # Errors
    /// [`TooSmall`] if the buffer for values is too small.
    pub fn location(&self) -> Result<Option<&str>, TooSmall> {
        self.response.location()
    }
}

/// Shows nothing of the bytes.
impl<B> fmt::Debug for Wire<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("response", &self.response).finish_non_exhaustive()
    }
}
