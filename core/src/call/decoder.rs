//! The typed side of the reader.

use core::{fmt, marker::PhantomData};

use super::Call;
use crate::json::{ReadError, Reader};

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
