//! An answer's head and the framing of its body (RFC 9112), in pieces of any size.

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

/// How many bytes of an answer may come in a row that are not of its body: those of its head, with all interim answers before it;
/// those between two pieces of a body in chunks; its trailers.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// What comes out of an answer, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'i> {
    /// The head has been read. Comes once, at first; then [`Response::challenges`] and [`Response::location`] are known, too.
    Head {
        /// The status code, 200 to 999.
        status: u16,
    },
    /// The next bytes of the body, at least one: a part of the input.
    Body(&'i [u8]),
    /// The answer is whole. Comes once, at last; but not for a body that ends with the connection: see [`Response::closed`].
    End,
}

/// Reads one answer to a GET or POST, of HTTP/1.1 or HTTP/1.0, in pieces of any size: its head, its body, its end.
///
/// The lent buffer holds the values of `WWW-Authenticate` when the status is 401, or of `Location` when it is 3xx, and nothing
/// else: 256 bytes do as a rule. One that is too small is told by [`challenges`](Self::challenges), and the rest of the answer is
/// read all the same. Other fields take no room, however long they are.
///
/// The order of calls: [`next`](Self::next) until it gives `None`, for each piece that the connection brings; when the
/// connection ends, [`closed`](Self::closed). At any time [`is_complete`](Self::is_complete) tells whether the answer is whole, and
/// [`verdict`](Self::verdict) whether the connection can be used again. The next answer takes a new `Response`.
///
/// # What is read and what is refused
/// - Interim answers (1xx) are skipped, as many as there are; 101, which nobody asked for, is refused.
/// - A body is as long as `Content-Length` says, in chunks, or goes up to the connection's end; that of 204 and 304 is empty
///   whatever their fields say. Extensions of chunks and trailers are skipped.
/// - `Content-Length` may come several times or as a list as long as all values are the same number, which RFC 9110 §8.6 leaves to
///   the recipient. Together with `Transfer-Encoding` it is refused, and so is any coding but one `chunked`: where such a body ends
///   would be a guess.
/// - Lines end with a line feed, with or without a carriage return before it; between chunks only as the head's last line does.
///   Folded lines are read as one with spaces (RFC 9112 §5.2). Empty lines before the status line are skipped, and white space
///   before a field's colon.
/// - NUL and other control characters but the tab are refused in the head and between chunks, and so is a carriage return that
///   ends no line.
/// - At most [`MAX_HEAD_BYTES`] may come before the body, and between two bytes of it.
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
/// let mut answer = Response::new(&mut buffer);
/// let mut decoder = Decoder::<QuerySmsInQueue, _>::new([0; 64]);
///
/// while !answer.is_complete() {
///     // Here bytes are read from the connection; if it has ended: `answer.closed()?`.
///     let mut input = connection.split_off(..connection.len().min(7)).unwrap_or_default();
///     while let Some(part) = answer.next(&mut input)? {
///         match part {
///             Part::Head { status } => assert_eq!(status, 200),
///             Part::Body(mut piece) => assert_eq!(decoder.next(&mut piece)?, None),
///             Part::End => assert_eq!(answer.verdict(), Verdict::Keep),
///         }
///     }
/// }
/// assert_eq!(decoder.finish()?.in_queue.get(), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Response<B> {
    machine: Machine,
    buffer: B,
    /// Bytes taken.
    offset: u64,
    /// Bytes came behind the answer.
    surplus: bool,
    /// The connection has ended.
    closed: bool,
    failed: Option<ResponseErrorKind>,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Response<B> {
    /// A reader of one answer over `buffer`: a lent `&mut [u8]`, or an array or vector of its own.
    pub const fn new(buffer: B) -> Self {
        Self { machine: Machine::new(), buffer, offset: 0, surplus: false, closed: false, failed: None }
    }

    /// Begins another response over the same buffer.
    pub const fn restart(&mut self) {
        self.machine = Machine::new();
        (self.offset, self.surplus, self.closed, self.failed) = (0, false, false, None);
    }

    /// Reads on to the next part, advancing `input` behind what was read.
    ///
    /// `None`: either all of `input` is used up and the next piece is due, or the answer is whole; then `input` keeps what
    /// follows it, which is [`Surplus`](CloseReason::Surplus). The end may be told without a byte of input.
    ///
    /// # Errors
    /// [`ResponseError`] when the answer can't be read any further; every later call repeats it.
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Part<'i>>, ResponseError> {
        self.check()?;
        let length = input.len();
        let result = self.machine.run(input, self.buffer.as_mut());
        self.offset = self.offset.saturating_add(length.saturating_sub(input.len()) as u64);
        self.surplus |= self.machine.state == State::Done && !input.is_empty();
        result.map_err(|kind| self.fail(kind))
    }

    /// The connection has ended. This makes an answer whole whose body goes up to there.
    ///
    /// # Errors
    /// The error that [`next`](Self::next) ended with; or, when the answer is not whole, [`NoAnswer`](ResponseErrorKind::NoAnswer),
    /// [`HeadCutOff`](ResponseErrorKind::HeadCutOff) or [`BodyCutOff`](ResponseErrorKind::BodyCutOff).
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

    /// The values of `WWW-Authenticate` of an answer 401, for [`challenge::best`](super::challenge::best); of another answer none. A
    /// value that is no UTF-8 is left out.
    ///
    /// # Errors
    /// [`TooSmall`] when they did not all find room.
    pub fn challenges(&self) -> Result<impl Iterator<Item = &str>, TooSmall> {
        self.kept(|status| status == 401)
    }

    /// Where an answer 3xx sends to (`Location`, RFC 9110 §10.2.2), if it says so in UTF-8.
    ///
    /// # Errors
    /// [`TooSmall`] when it did not find room.
    pub fn location(&self) -> Result<Option<&str>, TooSmall> {
        Ok(self.kept(|status| status != 401)?.next())
    }

    fn kept(&self, wanted: impl Fn(u16) -> bool) -> Result<impl Iterator<Item = &str>, TooSmall> {
        let none = Kept::NOTHING;
        let kept = if self.status().is_some_and(wanted) { &self.machine.kept } else { &none };
        kept.values(self.buffer.as_ref())
    }

    /// Gives the buffer back.
    pub fn into_buffer(self) -> B {
        self.buffer
    }
}

impl<B> Response<B> {
    /// The status code, once the head has been read.
    pub const fn status(&self) -> Option<u16> {
        if self.machine.framing.is_some() { Some(self.machine.status) } else { None }
    }

    /// Whether the answer is whole: nothing more of it will come.
    pub const fn is_complete(&self) -> bool {
        matches!(self.machine.state, State::End | State::Done)
    }

    /// How many bytes of the body are still to come, where `Content-Length` tells: whether reading the rest is worth its while.
    pub const fn remaining(&self) -> Option<u64> {
        match (self.machine.state, self.machine.framing) {
            (State::End | State::Done, _) => Some(0),
            (_, Some(Framing::Length(_))) => Some(self.machine.left),
            _ => None,
        }
    }

    /// Whether the connection can be used again. [`NotRead`](CloseReason::NotRead) may become [`Keep`](Verdict::Keep) when the rest is
    /// read; any other reason stays.
    pub fn verdict(&self) -> Verdict {
        self.close_reason().map_or(Verdict::Keep, Verdict::Close)
    }

    fn close_reason(&self) -> Option<CloseReason> {
        let Machine { state, framing, old, fields, .. } = &self.machine;
        // An answer in chunks is none of HTTP/1.0: it is read, but not trusted further (RFC 9112 §6.1).
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
