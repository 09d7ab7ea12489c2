//! A response's head and the framing of its body (RFC 9112), read in pieces of any size.

mod error;
mod fields;
mod head;
mod kept;
mod machine;
mod verdict;

use core::fmt;

use crate::TooSmall;
pub use error::{ResponseError, ResponseErrorKind};
use kept::Kept;
use machine::{Framing, Machine, State};
pub use verdict::{CloseReason, Verdict};

/// Maximum number of consecutive bytes outside the body: in the head with all interim responses before it, between two pieces
/// of a chunked body, or in the trailers.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// A part of a response. Parts are returned in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'i> {
    /// The head. It is returned once, before other parts. From then on, [`Response::challenges`] and [`Response::location`] are
    /// available.
    Head {
        /// The status code, 200 to 999.
        status: u16,
    },
    /// The next bytes of the body, at least one. They are borrowed from the input.
    Body(&'i [u8]),
    /// The end of the response. It is returned once, but not after a body that ends with the connection: see
    /// [`Response::closed`].
    End,
}

/// A reader of one HTTP/1.1 or HTTP/1.0 response to a GET or POST, in pieces of any size.
///
/// The buffer holds only the values of `WWW-Authenticate` if the status is 401, or of `Location` if it is 3xx. 256 bytes are
/// usually enough. If the buffer is too small, [`challenges`](Self::challenges) and [`location`](Self::location) return an error, but
/// the rest of the response is still read. Other fields need no space, however long they are.
///
/// For each piece that arrives, call [`next`](Self::next) until it returns `None`. Call [`closed`](Self::closed) when the
/// connection ends. At any time, [`is_complete`](Self::is_complete) returns whether the response is complete, and
/// [`verdict`](Self::verdict) whether the connection can be used again. Before the next response, call [`restart`](Self::restart).
///
/// # Accepted and refused responses
/// - Interim responses (1xx) are skipped. 101 is refused, because the request did not ask for it.
/// - A body has the length in `Content-Length`, or is chunked, or ends with the connection. The body of 204 and 304 is empty,
///   regardless of their fields. Chunk extensions and trailers are skipped.
/// - `Content-Length` may be repeated or be a list if all values are the same number. RFC 9110 §8.6 leaves this to the recipient.
/// - `Content-Length` together with `Transfer-Encoding` is refused, and so is any coding except a single `chunked`, because the end of
///   such a body would be a guess.
/// - Lines end with a line feed, with or without a carriage return before it. Between chunks, the carriage return may be missing
///   only if it is missing in the head's last line, too.
/// - Folded lines are joined with spaces (RFC 9112 §5.2). Empty lines before the status line and white space before a field's colon
///   are skipped.
/// - Control characters except tab are refused in the head and between chunks, and so is a carriage return that
///   does not end a line.
/// - At most [`MAX_HEAD_BYTES`] may arrive before the body, and between two bytes of the body.
///
/// # Example
/// ```
/// use sms_gateway_core::{
///     call::{Decoder, QuerySmsInQueue},
///     http::{Response, Part, Verdict},
/// };
///
/// let mut connection = &b"HTTP/1.1 200 Data follows\r\nTransfer-Encoding: chunked\r\n\r\n\
///     14\r\n{\"error_code\":200,\"i\r\nB\r\nn_queue\":3}\r\n0\r\n\r\n"[..];
/// let mut buffer = [0; 256];
/// let mut response = Response::new(&mut buffer);
/// let mut decoder = Decoder::<QuerySmsInQueue, _>::new([0; 64]);
///
/// while !response.is_complete() {
///     // Read bytes from the connection here. If it has ended, call `response.closed()?`.
///     let mut input = connection.split_off(..connection.len().min(7)).unwrap_or_default();
///     while let Some(part) = response.next(&mut input)? {
///         match part {
///             Part::Head { status } => assert_eq!(status, 200),
///             Part::Body(mut piece) => assert_eq!(decoder.next(&mut piece)?, None),
///             Part::End => assert_eq!(response.verdict(), Verdict::Keep),
///         }
///     }
/// }
/// assert_eq!(decoder.finish()?.in_queue.get(), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Response<B> {
    machine: Machine,
    buffer: B,
    /// Number of bytes read.
    offset: u64,
    /// Whether bytes followed the response.
    surplus: bool,
    /// Whether the connection has ended.
    closed: bool,
    failed: Option<ResponseErrorKind>,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Response<B> {
    /// Creates a reader of one response over `buffer`: a lent `&mut [u8]`, or an owned array or vector.
    pub const fn new(buffer: B) -> Self {
        Self { machine: Machine::new(), buffer, offset: 0, surplus: false, closed: false, failed: None }
    }

    /// Begins another response over the same buffer.
    pub const fn restart(&mut self) {
        self.machine = Machine::new();
        (self.offset, self.surplus, self.closed, self.failed) = (0, false, false, None);
    }

    /// Reads up to the end of the next part and advances `input` past it.
    ///
    /// `None` means that either all of `input` is consumed and the next piece is needed, or the response is complete. In the
    /// latter case, `input` keeps any bytes after the response, which are [`Surplus`](CloseReason::Surplus). [`Part::End`] may be
    /// returned even if `input` is empty.
    ///
    /// # Errors
    /// [`ResponseError`] if the response can't be read any further. Every later call returns the same error.
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Part<'i>>, ResponseError> {
        self.check()?;
        let length = input.len();
        let result = self.machine.run(input, self.buffer.as_mut());
        self.offset = self.offset.saturating_add(length.saturating_sub(input.len()) as u64);
        self.surplus |= self.machine.state == State::Done && !input.is_empty();
        result.map_err(|kind| self.fail(kind))
    }

    /// Reports the end of the connection. This completes a response whose body ends with the connection.
    ///
    /// # Errors
    /// The error that [`next`](Self::next) returned before. Otherwise, if the response is not complete,
    /// [`NoAnswer`](ResponseErrorKind::NoAnswer), [`HeadCutOff`](ResponseErrorKind::HeadCutOff) or
    /// [`BodyCutOff`](ResponseErrorKind::BodyCutOff).
    pub fn closed(&mut self) -> Result<(), ResponseError> {
        self.check()?;
        self.closed = true;
        let framing = self.machine.framing;
        if framing == Some(Framing::ToEnd) || self.is_complete() {
            self.machine.state = State::Done;
            return Ok(());
        }
        let kind = match framing {
            Some(_) => ResponseErrorKind::BodyCutOff,
            None if self.offset > 0 => ResponseErrorKind::HeadCutOff,
            None => ResponseErrorKind::NoAnswer,
        };
        Err(self.fail(kind))
    }

    /// Returns the values of `WWW-Authenticate` for [`challenge::best`](super::challenge::best). There are values only if the
    /// status is 401. Values that are not UTF-8 are omitted.
    ///
    /// # Errors
    /// [`TooSmall`] if they did not all fit the buffer.
    pub fn challenges(&self) -> Result<impl Iterator<Item = &str>, TooSmall> {
        self.kept(|status| status == 401)
    }

    /// Returns the target of a redirect with status 3xx (`Location`, RFC 9110 §10.2.2), if there is one that is valid UTF-8.
    ///
    /// # Errors
    /// [`TooSmall`] if it did not fit the buffer.
    pub fn location(&self) -> Result<Option<&str>, TooSmall> {
        Ok(self.kept(|status| status != 401)?.next())
    }

    fn kept(&self, wanted: impl Fn(u16) -> bool) -> Result<impl Iterator<Item = &str>, TooSmall> {
        let none = Kept::NOTHING;
        let kept = if self.status().is_some_and(wanted) { &self.machine.kept } else { &none };
        kept.values(self.buffer.as_ref())
    }

    /// Returns the buffer.
    pub fn into_buffer(self) -> B {
        self.buffer
    }
}

impl<B> Response<B> {
    /// Returns the status code, or `None` before the head has been read.
    pub const fn status(&self) -> Option<u16> {
        if self.machine.framing.is_some() { Some(self.machine.status) } else { None }
    }

    /// Returns whether the response is complete.
    pub const fn is_complete(&self) -> bool {
        matches!(self.machine.state, State::End | State::Done)
    }

    /// Returns the number of bytes of the body that are still to arrive. It is known only if `Content-Length` states it or the response
    /// is complete. It helps to decide whether to read the rest.
    pub const fn remaining(&self) -> Option<u64> {
        match (self.machine.state, self.machine.framing) {
            (State::End | State::Done, _) => Some(0),
            (_, Some(Framing::Length(_))) => Some(self.machine.left),
            _ => None,
        }
    }

    /// Returns whether the connection can be used again. [`NotRead`](CloseReason::NotRead) may become [`Keep`](Verdict::Keep)
    /// when the rest is read. Any other reason is permanent.
    pub fn verdict(&self) -> Verdict {
        self.close_reason().map_or(Verdict::Keep, Verdict::Close)
    }

    fn close_reason(&self) -> Option<CloseReason> {
        let Machine { state, framing, old, fields, .. } = &self.machine;
        // HTTP/1.0 has no chunked responses. If one arrives, it is read, but its connection is not used again (RFC 9112 §6.1).
        let kept_old = fields.keep_alive && !fields.chunked;
        if self.failed.is_some() {
            Some(CloseReason::Unreadable)
        } else if *framing == Some(Framing::ToEnd) {
            Some(CloseReason::BodyToEnd)
        } else if fields.close {
            Some(CloseReason::Asked)
        } else if *old && !kept_old {
            Some(CloseReason::Http10)
        } else if self.closed {
            Some(CloseReason::Closed)
        } else if *state != State::Done {
            Some(CloseReason::NotRead)
        } else {
            self.surplus.then_some(CloseReason::Surplus)
        }
    }

    fn check(&self) -> Result<(), ResponseError> {
        match self.failed {
            Some(kind) => Err(ResponseError { offset: self.offset, kind }),
            None => Ok(()),
        }
    }

    fn fail(&mut self, kind: ResponseErrorKind) -> ResponseError {
        self.failed = Some(kind);
        ResponseError { offset: self.offset, kind }
    }
}

impl<B> fmt::Debug for Response<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("offset", &self.offset)
            .field("verdict", &self.verdict())
            .finish_non_exhaustive()
    }
}
