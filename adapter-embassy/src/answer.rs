//! An answer that is still coming in.

use core::{fmt, ops::Range};

use sms_gateway_core::call::{Call, Decoder};

use crate::{Error, Transport, line::Line};

/// The answer to a call, record by record while it comes in.
///
/// It borrows the gateway. Dropping it before its end costs the connection: the next call closes it and opens a new one. A record lives
/// in [`Buffers::record`](crate::Buffers::record), until the next one is asked for.
///
/// An answer that refuses, is cut off or malformed is an error of [`next`](Self::next), after the records before it.
pub struct Answer<'g, 'm, T, C: Call> {
    line: &'g mut Line<'m, T>,
    decoder: Decoder<C, &'g mut [u8]>,
    /// What of the line's bytes is of the body and not decoded yet.
    piece: Range<usize>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Records may come.
    Reading,
    /// The document is complete; the body's end may come.
    Ending,
    /// All is read.
    Done,
    /// An error was given.
    Failed,
}

impl<'g, 'm, T: Transport, C: Call> Answer<'g, 'm, T, C> {
    pub(crate) fn new(line: &'g mut Line<'m, T>, record: &'g mut [u8]) -> Self {
        Self { line, decoder: Decoder::new(record), piece: 0..0, state: State::Reading }
    }

    /// The next record, as soon as it is in; `None` when the answer was read to its end and says that all is well.
    ///
    /// Dropping the future loses nothing, if the transport's `read` loses nothing when it is dropped; that of embassy-net does not.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Malformed`] or [`Error::Lost`]; the records before it stand.
    pub async fn next(&mut self) -> Result<Option<C::Record<'_>>, Error<T::Error>> {
        self.advance().await?;
        Ok(self.decoder.record())
    }

    /// Reads what is left and gives what the answer said beside its records. Dropping the future is as with [`next`](Self::next).
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn finish(&mut self) -> Result<C::Summary<'_>, Error<T::Error>> {
        while self.advance().await? {}
        Ok(self.summary())
    }

    /// What the answer has said so far beside its records; also after an error.
    pub fn summary(&self) -> C::Summary<'_> {
        self.decoder.summary()
    }

    /// Reads up to the next record (`true`) or the end.
    async fn advance(&mut self) -> Result<bool, Error<T::Error>> {
        match self.state {
            State::Reading => {}
            State::Ending | State::Done => return self.end().await,
            State::Failed => return Err(Error::Ended),
        }
        match self.read().await {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.state = State::Ending;
                self.end().await
            }
            Err(error) => {
                self.state = State::Failed;
                self.line.close().await;
                Err(error)
            }
        }
    }

    /// Reads up to the next record (`true`) or the document's end.
    async fn read(&mut self) -> Result<bool, Error<T::Error>> {
        loop {
            let mut input = self.line.bytes(self.piece.clone());
            let record = self.decoder.advance(&mut input);
            self.piece.start = self.piece.end.saturating_sub(input.len());
            if record? {
                return Ok(true);
            }
            if self.decoder.is_complete() {
                return Ok(false);
            }
            match self.line.piece().await.map_err(Error::Lost)? {
                Some(piece) => self.piece = piece,
                None => {
                    self.decoder.finish()?;
                }
            }
        }
    }

    /// The document is complete: what becomes of the connection, and whether all is well.
    async fn end(&mut self) -> Result<bool, Error<T::Error>> {
        if self.state != State::Done {
            self.line.discard().await;
            self.state = State::Done;
        }
        C::check(&self.decoder.summary())?;
        Ok(false)
    }
}

impl<T, C: Call> fmt::Debug for Answer<'_, '_, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("decoder", &self.decoder).finish_non_exhaustive()
    }
}
