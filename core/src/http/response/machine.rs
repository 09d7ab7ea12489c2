//! The state machine of a response's grammar (RFC 9112 §2.1).

use super::{
    MAX_HEAD_BYTES, Part, ResponseErrorKind,
    fields::{Field, Fields},
    kept::Kept,
};
use crate::http::word::{Word, is_space};

/// The element that is read next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The byte of the status line at this offset, up to the space after the status code.
    Status(u8),
    /// The rest of the status line.
    Reason,
    /// A line that is a field, continues the last one, or ends the head or the trailers.
    Line,
    /// The rest of a field's name.
    Name,
    /// The rest of a field's line.
    Value,
    /// The rest of a chunk's size.
    Size,
    /// The rest of a chunk's line, after the size.
    Extension,
    /// The remaining bytes of the body or its current chunk, or all bytes up to the end of the connection.
    Body,
    /// The line end after a chunk.
    ChunkEnd,
    /// Nothing. Only [`Part::End`] remains to be returned.
    End,
    /// Nothing. The response has ended.
    Done,
}

/// The rule for the end of the body (§6.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After this number of bytes.
    Length(u64),
    /// After the last chunk.
    Chunks,
    /// At the end of the connection.
    ToEnd,
}

pub(super) struct Machine {
    pub(super) state: State,
    /// The status code, or 0 until the status line has been read.
    pub(super) status: u16,
    /// Whether the version is HTTP/1.0.
    pub(super) old: bool,
    pub(super) fields: Fields,
    /// The framing, or `None` before the head has been read. Fields after the head are trailers.
    pub(super) framing: Option<Framing>,
    pub(super) kept: Kept,
    /// Number of remaining bytes of the body or its current chunk. Practically unlimited for a body that ends with the connection.
    pub(super) left: u64,
    pub(super) field: Field,
    pub(super) word: Word,
    /// Whether the last byte was a carriage return.
    carriage_return: bool,
    /// Whether the head's last line ended without a carriage return.
    bare: bool,
    /// Number of bytes that may still arrive before the next byte of the body.
    allowance: usize,
}

impl Machine {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Status(0),
            status: 0,
            old: false,
            fields: Fields::NONE,
            framing: None,
            kept: Kept::NOTHING,
            left: 0,
            field: Field::None,
            word: Word::EMPTY,
            carriage_return: false,
            bare: false,
            allowance: MAX_HEAD_BYTES,
        }
    }

    /// Reads up to the next part. `None` means that the input is consumed or the response is complete.
    pub(super) fn run<'i>(
        &mut self,
        input: &mut &'i [u8],
        buffer: &mut [u8],
    ) -> Result<Option<Part<'i>>, ResponseErrorKind> {
        while self.state != State::Done {
            if self.state == State::End {
                self.state = State::Done;
                return Ok(Some(Part::End));
            }
            let [byte, rest @ ..] = *input else { break };
            if self.state == State::Body {
                return Ok(Some(Part::Body(self.body(input))));
            }
            self.allowance = self.allowance.checked_sub(1).ok_or(ResponseErrorKind::TooLong)?;
            let had_head = self.framing.is_some();
            self.byte(*byte, buffer)?;
            *input = rest;
            if self.framing.is_some() != had_head {
                return Ok(Some(Part::Head { status: self.status }));
            }
        }
        Ok(None)
    }

    /// Returns the bytes of the body that the input contains.
    fn body<'i>(&mut self, input: &mut &'i [u8]) -> &'i [u8] {
        self.allowance = MAX_HEAD_BYTES;
        let whole = *input;
        let length = usize::try_from(self.left).map_or(whole.len(), |left| left.min(whole.len()));
        let (piece, rest) = whole.split_at_checked(length).unwrap_or((whole, &[]));
        *input = rest;
        self.left = self.left.saturating_sub(piece.len() as u64);
        if self.left == 0 {
            self.state = if self.framing == Some(Framing::Chunks) { State::ChunkEnd } else { State::End };
        }
        piece
    }

    /// Reads a byte of a line. A line ends with a line feed, with or without a carriage return before it (§2.2).
    fn byte(&mut self, byte: u8, buffer: &mut [u8]) -> Result<(), ResponseErrorKind> {
        let after_return = core::mem::replace(&mut self.carriage_return, byte == b'\r');
        match byte {
            b'\n' => self.line_end(!after_return),
            _ if after_return => Err(ResponseErrorKind::Control),
            b'\r' => Ok(()),
            _ => self.text(byte, buffer),
        }
    }

    fn text(&mut self, byte: u8, buffer: &mut [u8]) -> Result<(), ResponseErrorKind> {
        match self.state {
            State::Status(at) => self.status_line(at, byte),
            State::Line => self.line(byte, buffer),
            State::Name => self.name(byte, buffer),
            _ if byte.is_ascii_control() && byte != b'\t' => Err(ResponseErrorKind::Control),
            State::Value => self.value(byte, buffer),
            State::Size => self.size(byte),
            State::ChunkEnd => Err(ResponseErrorKind::ChunkEnd),
            _ => Ok(()),
        }
    }

    fn line_end(&mut self, bare: bool) -> Result<(), ResponseErrorKind> {
        match self.state {
            // An empty line before a response is ignored, as §2.2 allows for requests.
            State::Status(0) => {}
            State::Status(_) | State::Reason => self.status_line_end()?,
            State::Name => return Err(ResponseErrorKind::Field),
            State::Line => {
                self.bare = bare;
                self.end_field()?;
                self.state = self.end_fields()?;
            }
            State::Value => self.state = State::Line,
            // The rule is stricter between chunks. If a chunk's stated size is one too large, the carriage return after the chunk is read
            // as content, and only a line feed is left.
            _ if bare && !self.bare => return Err(ResponseErrorKind::ChunkEnd),
            State::ChunkEnd => self.state = State::Size,
            _ => self.size_end()?,
        }
        Ok(())
    }

    /// Reads a byte of a chunk's size (§7.1). White space may follow it (§7.1.1).
    fn size(&mut self, byte: u8) -> Result<(), ResponseErrorKind> {
        match byte {
            b';' => self.state = State::Extension,
            _ if byte.is_ascii_hexdigit() || is_space(byte) => self.word.push(byte),
            _ => return Err(ResponseErrorKind::ChunkSize),
        }
        Ok(())
    }

    fn size_end(&mut self) -> Result<(), ResponseErrorKind> {
        self.left = self.word.number(16).ok_or(ResponseErrorKind::ChunkSize)?;
        self.word.clear();
        // The last chunk is followed by fields, which are trailers.
        self.field = Field::None;
        self.state = if self.left == 0 { State::Line } else { State::Body };
        Ok(())
    }
}
