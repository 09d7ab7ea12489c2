//! The grammar of an answer (RFC 9112 §2.1): what has come and what may come.

use super::{
    MAX_HEAD_BYTES, Part, ResponseErrorKind,
    fields::{Field, Fields},
    kept::Kept,
};
use crate::http::word::{Word, is_space};

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The byte of the status line with this number, up to the space behind the status code.
    Status(u8),
    /// The rest of the status line.
    Reason,
    /// A line that is a field, goes on with the last one, or ends the head or the trailers.
    Line,
    /// The rest of a field's name.
    Name,
    /// The rest of a field's line.
    Value,
    /// The rest of a chunk's size.
    Size,
    /// The rest of a chunk's line, behind the size.
    Extension,
    /// The body: as many bytes as are left of it or of its chunk, or whatever comes.
    Body,
    /// The line end behind a chunk.
    ChunkEnd,
    /// Nothing. That the answer is whole has not been told yet.
    End,
    /// Nothing.
    Done,
}

/// Where the body ends (§6.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Behind so many bytes.
    Length(u64),
    /// Behind the last of its chunks.
    Chunks,
    /// Where the connection does.
    ToEnd,
}

pub(super) struct Machine {
    pub(super) state: State,
    /// 0 up to the status line.
    pub(super) status: u16,
    /// HTTP/1.0.
    pub(super) old: bool,
    pub(super) fields: Fields,
    /// Known when the head has been read: fields that come are trailers.
    pub(super) framing: Option<Framing>,
    pub(super) kept: Kept,
    /// Bytes left of the body or of its chunk; as good as no end for a body up to the connection's.
    pub(super) left: u64,
    pub(super) field: Field,
    pub(super) word: Word,
    /// A carriage return came last.
    carriage_return: bool,
    /// The head's last line ended without one.
    bare: bool,
    /// How many bytes may still come before the next one of the body.
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

    /// Reads on to the next part; `None` when the input is used up or the answer is whole.
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

    /// Takes what there is of the body.
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

    /// Takes a byte of a line. A line ends with a line feed, with or without a carriage return before it (§2.2).
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
            // An empty line in front of an answer is let pass, as §2.2 has it for requests.
            State::Status(0) => {}
            State::Status(_) | State::Reason => self.status_line_end()?,
            State::Name => return Err(ResponseErrorKind::Field),
            State::Line => {
                self.bare = bare;
                self.end_field()?;
                self.state = self.end_fields()?;
            }
            State::Value => self.state = State::Line,
            // Chunks are looked at more closely: with a size that is one too large, a carriage return would be taken for content.
            _ if bare && !self.bare => return Err(ResponseErrorKind::ChunkEnd),
            State::ChunkEnd => self.state = State::Size,
            _ => self.size_end()?,
        }
        Ok(())
    }

    /// Takes a byte of a chunk's size (§7.1); white space may follow it (§7.1.1).
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
        // What comes behind the last chunk are lines of fields.
        self.field = Field::None;
        self.state = if self.left == 0 { State::Line } else { State::Body };
        Ok(())
    }
}
