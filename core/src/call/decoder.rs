//! Reads a response into the typed records of its call.

use core::{fmt, marker::PhantomData};

use super::Call;
use crate::json::{ReadError, Reader};

/// Reads the response to one call, in pieces of any size.
///
/// The buffer holds the few values outside the records, and one record at a time. 256 bytes are enough for everything except the
/// texts of incoming messages. A record may be larger than the buffer: see [`Text::TooLong`](crate::json::Text::TooLong).
///
/// Call [`next`](Self::next) for each piece of the response until it returns `None`, then [`finish`](Self::finish) after the last
/// piece. At any time, also after an error, [`summary`](Self::summary) returns the values read so far.
pub struct Decoder<C: Call, B> {
    reader: Reader,
    buffer: B,
    /// Whether the reader stopped after a record.
    at_record: bool,
    call: PhantomData<fn() -> C>,
}

impl<C: Call, B: AsRef<[u8]> + AsMut<[u8]>> Decoder<C, B> {
    /// Creates a decoder for one response over `buffer`: a lent `&mut [u8]`, or an array or vector that the decoder owns.
    pub const fn new(buffer: B) -> Self {
        Self { reader: Reader::new(C::SCHEMA), buffer, at_record: false, call: PhantomData }
    }

    /// Reads up to the end of the next record, and advances `input` past the bytes read.
    ///
    /// `None` means that all of `input` is consumed and the next piece is needed, or that the document is complete. Bytes after
    /// a complete document remain in `input`.
    ///
    /// # Errors
    /// [`ReadError`] if the response can't be read any further. Every later call returns the same error.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<C::Record<'_>>, ReadError> {
        self.advance(input)?;
        Ok(self.record())
    }

    /// Reads like [`next`](Self::next), but returns only whether a record was read; [`record`](Self::record) returns the record.
    /// Use it in a loop that either returns a record or refills its input: the borrow checker rejects `next` in such a loop.
    ///
    /// # Errors
    /// See [`next`](Self::next).
    pub fn advance(&mut self, input: &mut &[u8]) -> Result<bool, ReadError> {
        self.at_record = false;
        self.at_record = self.reader.next(self.buffer.as_mut(), input)?;
        Ok(self.at_record)
    }

    /// Returns the last record if the last [`advance`](Self::advance) returned `true`, otherwise `None`.
    pub fn record(&self) -> Option<C::Record<'_>> {
        if self.at_record { C::record(self.reader.record(self.buffer.as_ref())) } else { None }
    }

    /// Returns the values outside the response's records. Call it after the last piece.
    ///
    /// # Errors
    /// The error that [`next`](Self::next) returned, or [`CutOff`](crate::json::Malformed::CutOff) if the document is incomplete.
    pub fn finish(&self) -> Result<C::Summary<'_>, ReadError> {
        self.reader.finish()?;
        Ok(self.summary())
    }

    /// Returns the values outside the response's records that have been read so far.
    pub fn summary(&self) -> C::Summary<'_> {
        C::summary(self.reader.head(self.buffer.as_ref()))
    }

    /// Returns whether the end of the document has been read.
    pub fn is_complete(&self) -> bool {
        self.reader.is_complete()
    }

    /// Returns the buffer.
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
