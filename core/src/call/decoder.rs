//! The typed side of the reader.

use core::{fmt, marker::PhantomData};

use serde::Serialize;

use super::{Call, Spec};
use crate::json::{Field, ReadError, Reader};

/// Reads the answer of one call, in pieces of any size.
///
/// The buffer is lent for as long as the answer is read and holds one record at a time beside the answer's own few
/// values: 256 bytes do for all but incoming texts. It need not be large enough for every record: see
/// [`Text::TooLong`](crate::json::Text::TooLong).
///
/// The order of calls: [`next`](Self::next) until it gives `None`, for each piece of the answer; after the last piece
/// [`finish`](Self::finish). [`summary`](Self::summary) tells at any time what is known so far, also after an error.
pub struct Decoder<C: Call, B> {
    reader: Reader,
    buffer: B,
    /// Whether the reader stopped behind a record.
    at_record: bool,
    call: PhantomData<fn() -> C>,
}

impl<C: Call, B: AsRef<[u8]> + AsMut<[u8]>> Decoder<C, B> {
    /// A reader of one answer over `buffer`: a lent `&mut [u8]`, or an array or vector of its own.
    pub const fn new(buffer: B) -> Self {
        Self { reader: Reader::new(C::SCHEMA), buffer, at_record: false, call: PhantomData }
    }

    /// Reads on to the next record, advancing `input` behind what was read.
    ///
    /// `None`: either all of `input` is used up and the next piece is due, or the document is complete; then `input`
    /// keeps what follows it.
    ///
    /// # Errors
    /// [`ReadError`] when the answer can't be read any further; every later call repeats it.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<C::Record<'_>>, ReadError> {
        self.advance(input)?;
        Ok(self.record())
    }

    /// As [`next`](Self::next), but tells only whether a record is there: [`record`](Self::record) gives it. For loops that
    /// either return a record or refill the input, which the borrow checker does not take with `next`.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn advance(&mut self, input: &mut &[u8]) -> Result<bool, ReadError> {
        self.at_record = false;
        self.at_record = self.reader.next(self.buffer.as_mut(), input)?;
        Ok(self.at_record)
    }

    /// The record that was read last; `None` unless the last [`advance`](Self::advance) told of one.
    pub fn record(&self) -> Option<C::Record<'_>> {
        if self.at_record { C::record(self.reader.record(self.buffer.as_ref())) } else { None }
    }

    /// What the answer said beside its records, after its last piece.
    ///
    /// # Errors
    /// The error that [`next`](Self::next) ended with, or [`CutOff`](crate::json::Malformed::CutOff) when the document has no end.
    pub fn finish(&self) -> Result<C::Summary<'_>, ReadError> {
        self.reader.finish()?;
        Ok(self.summary())
    }

    /// What the answer said so far beside its records.
    pub fn summary(&self) -> C::Summary<'_> {
        C::summary(self.reader.head(self.buffer.as_ref()))
    }

    /// Whether the document has come to its end.
    pub fn is_complete(&self) -> bool {
        self.reader.is_complete()
    }

    /// Gives the buffer back.
    pub fn into_buffer(self) -> B {
        self.buffer
    }
}

impl<C: Call, B> fmt::Debug for Decoder<C, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("call", &C::NAME)
            .field("complete", &self.reader.is_complete())
            .finish_non_exhaustive()
    }
}

/// The record of an answer that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Never {}

/// The gateway answered, and refused: its `error_code` is not the one of success. Or it did not say: then
/// [`code`](Self::code) is `None`, and what was asked may have been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Refusal {
    /// The call.
    pub call: &'static str,
    /// The error_code; `None` when the answer has none that is a number.
    pub code: Option<u32>,
    /// What the code means for this call (the "Response Parameter" section of each call in the document).
    pub meaning: &'static str,
}

impl Refusal {
    pub(super) fn check<C: Call>(code: Field<'_, u32>) -> Result<(), Self> {
        Self::judge(C::SPEC, code)
    }

    /// Judges a response by its error_code.
    pub(crate) fn judge(spec: &'static Spec, code: Field<'_, u32>) -> Result<(), Self> {
        let (code, meaning) = match code {
            Field::Known(code) if code == spec.success => return Ok(()),
            Field::Known(code) => {
                let meaning = spec.meanings.iter().find(|known| known.0 == code);
                (Some(code), meaning.map_or("a code that the document does not list", |known| known.1))
            }
            Field::Missing => (None, "it has no error_code"),
            Field::Other(_) => (None, "its error_code is no number"),
        };
        Err(Self { call: spec.name, code, meaning })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "the gateway refused {}: {code}, {}", self.call, self.meaning),
            None => write!(f, "the gateway's answer to {} says nothing: {}", self.call, self.meaning),
        }
    }
}

impl core::error::Error for Refusal {}
