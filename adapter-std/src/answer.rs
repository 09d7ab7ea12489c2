//! An answer that is still coming in.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use hyper::body::{Body, Incoming};
use sms_gateway_core::call::{Call, Decoder};
use tokio::{sync::OwnedMutexGuard, time::Sleep};
use tracing::Span;

use crate::{
    Error, Wait,
    session::{END_LIMIT, Session},
};

/// The answer to a call, record by record while it comes in.
///
/// It holds the gateway's one connection: other calls wait until it is read to its end or dropped. Dropping it early closes
/// the connection, and the next call opens a new one; dropping a future of [`next`](Self::next) loses nothing.
///
/// An answer that refuses, is cut off or malformed is an error of [`next`](Self::next), after the records before it.
pub struct Answer<C: Call> {
    decoder: Decoder<C, Vec<u8>>,
    body: Incoming,
    piece: Bytes,
    session: OwnedMutexGuard<Session>,
    limit: Duration,
    /// While a piece is waited for.
    timer: Option<Pin<Box<Sleep>>>,
    state: State,
    span: Span,
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

impl<C: Call> Answer<C> {
    pub(crate) fn new(
        body: Incoming,
        mut session: OwnedMutexGuard<Session>,
        limit: Duration,
        record_buffer: usize,
    ) -> Self {
        let mut buffer = std::mem::take(&mut session.buffer);
        buffer.resize(record_buffer, 0);
        Self {
            decoder: Decoder::new(buffer),
            body,
            piece: Bytes::new(),
            session,
            limit,
            timer: None,
            state: State::Reading,
            span: Span::current(),
        }
    }

    /// The next record, as soon as it is in; `None` when the answer was read to its end and says that all is well.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Malformed`], [`Error::Lost`] or [`Error::TimedOut`]; the records before it stand.
    pub async fn next(&mut self) -> Result<Option<C::Record<'_>>, Error> {
        poll_fn(|context| self.poll_advance(context)).await?;
        Ok(self.decoder.record())
    }

    /// Reads what is left and gives what the answer said beside its records.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn finish(&mut self) -> Result<C::Summary<'_>, Error> {
        while poll_fn(|context| self.poll_advance(context)).await? {}
        Ok(self.summary())
    }

    /// What the answer has said so far beside its records; also after an error.
    pub fn summary(&self) -> C::Summary<'_> {
        self.decoder.summary()
    }

    /// The records as a stream of what `own` makes of each.
    pub fn into_stream<T, F>(self, own: F) -> Records<C, F>
    where
        F: FnMut(C::Record<'_>) -> T,
    {
        Records { answer: self, own, over: false }
    }

    /// Reads up to the next record (`true`) or the end.
    fn poll_advance(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        let result = ready!(self.poll_step(context));
        if let Err(error) = &result {
            tracing::debug!(parent: &self.span, %error, "the answer failed");
            if self.state != State::Done {
                self.state = State::Failed;
                self.session.close();
            }
        }
        Poll::Ready(result)
    }

    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        loop {
            match self.state {
                State::Done => {
                    C::check(&self.decoder.summary())?;
                    return Poll::Ready(Ok(false));
                }
                State::Failed => {
                    return Poll::Ready(Err(Error::Lost("the answer has ended with an error".into())));
                }
                State::Reading => {
                    let mut input = &self.piece[..];
                    let record = self.decoder.advance(&mut input);
                    let taken = self.piece.len() - input.len();
                    self.piece.advance(taken);
                    if record? {
                        return Poll::Ready(Ok(true));
                    }
                    if self.decoder.is_complete() {
                        self.state = State::Ending;
                        self.timer = None;
                        continue;
                    }
                    match ready!(self.poll_piece(context, self.limit)) {
                        Ok(Some(piece)) => self.piece = piece,
                        Ok(None) => {
                            self.decoder.finish()?;
                        }
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
                State::Ending => {
                    if !self.body.is_end_stream() {
                        match ready!(self.poll_piece(context, self.limit.min(END_LIMIT))) {
                            Ok(Some(_)) => continue,
                            Ok(None) => {}
                            Err(_) => self.session.close(),
                        }
                    }
                    self.state = State::Done;
                }
            }
        }
    }

    /// The next piece of the body; `None` at its end.
    fn poll_piece(
        &mut self,
        context: &mut Context<'_>,
        limit: Duration,
    ) -> Poll<Result<Option<Bytes>, Error>> {
        loop {
            if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
                if self.state == State::Reading {
                    self.timer = None;
                }
                match frame {
                    None => return Poll::Ready(Ok(None)),
                    Some(Err(error)) => return Poll::Ready(Err(Error::Lost(Box::new(error)))),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => return Poll::Ready(Ok(Some(data))),
                        // Trailers say nothing that is of use here.
                        Err(_) => continue,
                    },
                }
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
            ready!(timer.as_mut().poll(context));
            return Poll::Ready(Err(Error::TimedOut { wait: Wait::Body, limit }));
        }
    }
}

impl<C: Call> Drop for Answer<C> {
    fn drop(&mut self) {
        if self.state != State::Done {
            self.session.close();
        }
        self.session.buffer = std::mem::replace(&mut self.decoder, Decoder::new(Vec::new())).into_buffer();
    }
}

impl<C: Call> fmt::Debug for Answer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("decoder", &self.decoder).finish_non_exhaustive()
    }
}

/// The records of an [`Answer`] as a stream, each made into a value of its own. It ends after the first error.
pub struct Records<C: Call, F> {
    answer: Answer<C>,
    own: F,
    over: bool,
}

impl<C, T, F> Stream for Records<C, F>
where
    C: Call,
    F: FnMut(C::Record<'_>) -> T + Unpin,
{
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        let step = ready!(this.answer.poll_advance(context));
        this.over = !matches!(step, Ok(true));
        Poll::Ready(match step {
            Err(error) => Some(Err(error)),
            Ok(_) => this.answer.decoder.record().map(|record| Ok((this.own)(record))),
        })
    }
}

impl<C: Call, F> Records<C, F> {
    /// The answer, for its summary.
    pub const fn answer(&self) -> &Answer<C> {
        &self.answer
    }
}

impl<C: Call, F> fmt::Debug for Records<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("answer", &self.answer).finish_non_exhaustive()
    }
}
