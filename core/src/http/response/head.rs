//! The head (RFC 9112 §4 to §6), and the trailers, which have the same syntax as the fields of the head (§7.1.2).

use super::{
    ResponseErrorKind,
    fields::{Field, Fields},
    machine::{Framing, Machine, State},
};
use crate::http::{challenge::is_token, word::is_space};

/// The start of a status line.
const VERSION: &[u8] = b"HTTP/1.";
/// Offset of the status code in a status line.
const CODE: u8 = 9;
const CODE_END: u8 = 12;

impl Machine {
    /// Reads a byte of the status line (§4). A minor version above 1, which does not exist, is read as 1.1 (RFC 9110 §2.5).
    pub(super) fn status_line(&mut self, at: u8, byte: u8) -> Result<(), ResponseErrorKind> {
        let fits = match at {
            7 => byte.is_ascii_digit(),
            8 | CODE_END => byte == b' ',
            CODE => matches!(byte, b'1'..=b'9'),
            10 | 11 => byte.is_ascii_digit(),
            _ => VERSION.get(usize::from(at)) == Some(&byte),
        };
        if !fits {
            return Err(unfit(at));
        }
        let digit = byte.wrapping_sub(b'0').into();
        match at {
            7 => self.old = byte == b'0',
            CODE => self.status = digit,
            10 | 11 => self.status = self.status.wrapping_mul(10).wrapping_add(digit),
            _ => {}
        }
        self.state = if at == CODE_END { State::Reason } else { State::Status(at.wrapping_add(1)) };
        Ok(())
    }

    /// Handles the end of a status line. The space after the code may be missing if there is no reason phrase.
    pub(super) fn status_line_end(&mut self) -> Result<(), ResponseErrorKind> {
        if let State::Status(at) = self.state
            && at != CODE_END
        {
            return Err(unfit(at));
        }
        self.state = State::Line;
        Ok(())
    }

    /// Reads the first byte of a line.
    pub(super) fn line(&mut self, byte: u8, buffer: &mut [u8]) -> Result<(), ResponseErrorKind> {
        if !is_space(byte) {
            self.end_field()?;
            self.state = State::Name;
            return self.name(byte, buffer);
        }
        if self.field == Field::None {
            return Err(ResponseErrorKind::Field);
        }
        // A folded line continues the value. A space replaces the line break (§5.2).
        self.state = State::Value;
        self.value(b' ', buffer)
    }

    /// Reads a byte of a field's name. White space before the colon is ignored (§5.1).
    pub(super) fn name(&mut self, byte: u8, buffer: &mut [u8]) -> Result<(), ResponseErrorKind> {
        if is_space(byte) || is_token(byte) && !self.word.has_ended() {
            self.word.push(byte);
            return Ok(());
        }
        if byte != b':' || self.word.is_empty() {
            return Err(ResponseErrorKind::Field);
        }
        // Trailers do not affect the body, which has already ended.
        let trailer = self.framing.is_some();
        self.field = if trailer { Field::Ignored } else { Field::named(&self.word, self.status) };
        self.word.clear();
        if matches!(self.field, Field::Challenge | Field::Location) {
            self.kept.begin(buffer);
        }
        self.state = State::Value;
        Ok(())
    }

    /// Reads a byte of a field's value.
    pub(super) fn value(&mut self, byte: u8, buffer: &mut [u8]) -> Result<(), ResponseErrorKind> {
        match self.field {
            Field::None | Field::Ignored => {}
            Field::Challenge | Field::Location => self.kept.push(byte, buffer),
            _ if byte == b',' => return self.end_field(),
            _ => self.word.push(byte),
        }
        Ok(())
    }

    /// Applies the last element of a field's value, or the one before a comma.
    pub(super) fn end_field(&mut self) -> Result<(), ResponseErrorKind> {
        self.fields.element(self.field, &self.word)?;
        self.word.clear();
        Ok(())
    }

    /// Returns the state after an empty line. An interim response (RFC 9110 §15.2) is followed by the next response.
    pub(super) fn end_fields(&mut self) -> Result<State, ResponseErrorKind> {
        if self.framing.is_some() {
            return Ok(State::End);
        }
        if self.status == 101 {
            return Err(ResponseErrorKind::Switched);
        }
        if self.status < 200 {
            self.fields = Fields::NONE;
            self.field = Field::None;
            return Ok(State::Status(0));
        }
        let framing = self.framing()?;
        self.framing = Some(framing);
        self.left = match framing {
            Framing::Length(0) => return Ok(State::End),
            Framing::Chunks => return Ok(State::Size),
            Framing::Length(length) => length,
            Framing::ToEnd => u64::MAX,
        };
        Ok(State::Body)
    }

    /// Returns the framing of the body (§6.3).
    fn framing(&self) -> Result<Framing, ResponseErrorKind> {
        match self.fields {
            Fields { chunked: true, length: Some(_), .. } => Err(ResponseErrorKind::LengthAndCoding),
            _ if matches!(self.status, 204 | 304) => Ok(Framing::Length(0)),
            Fields { chunked: true, .. } => Ok(Framing::Chunks),
            Fields { length: Some(length), .. } => Ok(Framing::Length(length)),
            _ => Ok(Framing::ToEnd),
        }
    }
}

/// Returns the error of a status line with an unexpected byte at this position.
const fn unfit(at: u8) -> ResponseErrorKind {
    if at < CODE { ResponseErrorKind::NotHttp } else { ResponseErrorKind::Status }
}
