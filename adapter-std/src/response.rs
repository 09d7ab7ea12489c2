//! A response that is still arriving.

use std::{
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use hyper::body::{Body, Frame, Incoming};
use sms_gateway_core::{
    call::{Call, QueryIncomingSms},
    client::{Cause, DRAIN_TIMEOUT, MAX_DRAINED_BYTES, Read, Wait},
    track::PageBreak,
};
use tokio::time::{Instant, Sleep};
use tracing::Span;

use crate::{Error, connect::Settings, connection::GatewaySession, error::BoxError, turns::Turn};

/// The response to a call, read record by record while it arrives.
///
/// It holds a connection until it is read to its end or dropped. Other calls wait while it is being read. If it is held unread, they
/// use a second connection: see [`Gateway`](crate::Gateway). Dropping it early closes the connection, and the next call opens a new
/// one. Dropping a future of [`next`](Self::next) loses nothing.
///
/// If the gateway refuses the call, or the response is truncated or malformed, [`next`](Self::next) returns an error after the
/// records that arrived before it.
pub struct Response<C: Call> {
    reader: Reader,
    call: PhantomData<fn() -> C>,
}

/// A response without its call's type, so that the code that reads is compiled once.
pub(crate) struct Reader {
    turn: Turn,
    settings: Arc<Settings>,
    body: Incoming,
    piece: Bytes,
    pending: Option<Pending>,
    /// The number of further bytes that may be drained, so that the connection can be reused; `None` until the document is complete.
    drain_left: Option<usize>,
    /// A time at which the gateway was known to be reachable. Only waits advance it: bytes that are read without a wait may have
    /// arrived long before, while the caller held a record.
    heard: Instant,
    /// Whether nothing more of this response will be read from the connection.
    is_over: bool,
    span: Span,
}

/// The reason a piece of the body did not arrive.
type Fault = (Cause, Option<BoxError>);

/// Ends the wait of a reader when the future that reads is ready or dropped. The time until the next read does not count as a wait.
struct Waiting<'r>(&'r mut Reader);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.stop_waiting();
        self.0.turn.unread();
    }
}

/// A wait for the next piece of the body.
struct Pending {
    timer: Pin<Box<Sleep>>,
    began: Instant,
    expired: Cause,
}

impl<C: Call> Response<C> {
    pub(crate) const fn new(reader: Reader) -> Self {
        Self { reader, call: PhantomData }
    }

    /// Returns the next record as soon as it has arrived; `None` after the end of a response that reports success.
    ///
    /// # Errors
    /// [`Failure`](sms_gateway_core::client::Failure)`::Refused`, `Malformed` or `Lost`. The records before the error are valid.
    pub async fn next(&mut self) -> Result<Option<C::Record<'_>>, Error> {
        self.reader.advance().await?;
        Ok(self.reader.session().record::<C>())
    }

    /// Reads the rest of the response and returns its summary.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn finish(&mut self) -> Result<C::Summary<'_>, Error> {
        while self.reader.advance().await? {}
        Ok(self.summary())
    }

    /// Returns the part of the summary that has arrived so far, even after an error.
    pub fn summary(&self) -> C::Summary<'_> {
        self.reader.session().summary::<C>()
    }

    /// Returns the records as a stream. `own` converts each record to an owned value.
    pub const fn into_stream<T, F>(self, own: F) -> Records<C, F>
    where
        F: FnMut(C::Record<'_>) -> T,
    {
        Records { response: self, own, is_over: false }
    }
}

impl Response<QueryIncomingSms> {
    /// After an error, returns the position at which the response became malformed; `None` if the list of messages had not begun. An
    /// [`InboxSearch`](sms_gateway_core::track::InboxSearch) finds the id after which the remaining messages can be queried.
    pub fn page_break(&self) -> Option<PageBreak> {
        self.reader.session().page_break()
    }
}

impl Reader {
    pub(crate) fn new(body: Incoming, turn: Turn, settings: Arc<Settings>) -> Self {
        turn.unread();
        Self {
            turn,
            settings,
            body,
            piece: Bytes::new(),
            pending: None,
            drain_left: None,
            heard: Instant::now(),
            is_over: false,
            span: Span::current(),
        }
    }

    /// Returns the session, which holds the record read last.
    pub(crate) fn session(&self) -> &GatewaySession {
        &self.turn.session
    }

    /// Limits the number of bytes of the body that are read.
    pub(crate) fn limit_bytes(&mut self, limit: u32) {
        self.turn.session.limit_bytes(limit);
    }

    /// Reads up to the next record (`true`) or the end (`false`). Dropping the future loses nothing.
    pub(crate) async fn advance(&mut self) -> Result<bool, Error> {
        let waiting = Waiting(self);
        poll_fn(|context| waiting.0.poll_advance(context)).await
    }

    /// Reads the next piece of the body of a raw call; `None` at its end. Dropping the future loses nothing.
    pub(crate) async fn raw_piece(&mut self) -> Result<Option<&[u8]>, Error> {
        let waiting = Waiting(self);
        let is_piece = poll_fn(|context| {
            let outcome = ready!(waiting.0.poll_raw(context));
            Poll::Ready(waiting.0.judge(outcome))
        })
        .await?;
        drop(waiting);
        Ok(is_piece.then_some(&self.piece[..]))
    }

    fn poll_advance(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        let outcome = ready!(self.poll_read(context));
        Poll::Ready(self.judge(outcome))
    }

    /// Adds the gateway's address to an error. After an error, nothing more is read.
    fn judge(&mut self, outcome: Result<bool, Error>) -> Result<bool, Error> {
        outcome.map_err(|error| {
            let error = error.at(&self.settings.address);
            tracing::debug!(parent: &self.span, %error, "the response failed");
            self.abandon();
            error
        })
    }

    /// Waits for the next piece of the body of a raw call (`true`) or its end (`false`).
    fn poll_raw(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.piece = Bytes::new();
        // This returns the error again if the call has failed before, so that nothing more is read.
        self.turn.session.piece(0)?;
        match ready!(self.poll_piece(context)) {
            Ok(Some(piece)) => {
                self.turn.session.piece(piece.len())?;
                self.piece = piece;
                Poll::Ready(Ok(true))
            }
            Ok(None) => {
                self.end();
                Poll::Ready(Ok(false))
            }
            Err((cause, source)) => {
                let failure = self.turn.session.body_lost(cause);
                Poll::Ready(Err(Error::new(failure, source)))
            }
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        loop {
            if !self.is_over && self.drain_left.is_some() {
                ready!(self.poll_drain(context));
                self.end();
            }
            let mut input = &self.piece[..];
            let read = self.turn.session.read(&mut input);
            let consumed = self.piece.len() - input.len();
            self.piece.advance(consumed);
            match read? {
                Read::Record => return Poll::Ready(Ok(true)),
                Read::End => return Poll::Ready(Ok(false)),
                Read::Drain => self.drain_left = Some(MAX_DRAINED_BYTES),
                Read::More => match ready!(self.poll_piece(context)) {
                    Ok(Some(piece)) => self.piece = piece,
                    Ok(None) => self.turn.session.body_ended()?,
                    Err((cause, source)) => {
                        let failure = self.turn.session.body_lost(cause);
                        return Poll::Ready(Err(Error::new(failure, source)));
                    }
                },
            }
        }
    }

    /// Drains the rest of the body, so that the connection can be reused. If the rest is too long, or takes too long, the
    /// connection is closed instead.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.body.is_end_stream() {
            let left = self.drain_left.unwrap_or_default();
            match ready!(self.poll_piece(context)) {
                Ok(Some(piece)) if piece.len() <= left => {
                    self.turn.session.keep(&piece);
                    self.drain_left = Some(left - piece.len());
                }
                Ok(Some(piece)) => {
                    self.turn.session.keep(&piece);
                    self.turn.close();
                    break;
                }
                Ok(None) => break,
                _ => {
                    self.turn.close();
                    break;
                }
            }
        }
        self.stop_waiting();
        Poll::Ready(())
    }

    /// Polls for the next piece of the body; `None` at its end.
    fn poll_piece(&mut self, context: &Context<'_>) -> Poll<Result<Option<Bytes>, Fault>> {
        loop {
            let frame = match self.poll_frame(Waker::noop()) {
                // Most frames are available at once and need no waker.
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    let waker = self.turn.awaiting(context.waker());
                    match self.poll_frame(&waker) {
                        Poll::Ready(frame) => frame,
                        Poll::Pending => return self.poll_limit(&waker).map(Err),
                    }
                }
            };
            // During a drain, the wait continues, because one time limit applies to the whole drain.
            if self.drain_left.is_none() {
                self.stop_waiting();
            }
            match frame.transpose() {
                Ok(None) => return Poll::Ready(Ok(None)),
                Err(error) => return Poll::Ready(Err((Cause::Transport, Some(error.into())))),
                Ok(Some(frame)) => {
                    // Trailers are ignored.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Ok(Some(data)));
                    }
                }
            }
        }
    }

    fn poll_frame(&mut self, waker: &Waker) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.body).poll_frame(&mut Context::from_waker(waker))
    }

    /// Polls the time limit on the wait for a frame.
    fn poll_limit(&mut self, waker: &Waker) -> Poll<Fault> {
        let session = &self.turn.session;
        let is_draining = self.drain_left.is_some();
        let pending = self.pending.get_or_insert_with(|| Pending::new(session, is_draining));
        ready!(pending.timer.as_mut().poll(&mut Context::from_waker(waker)));
        let expired = pending.expired;
        self.stop_waiting();
        Poll::Ready((expired, None))
    }

    /// Ends the current wait, and counts its duration against the time limit of the call.
    fn stop_waiting(&mut self) {
        if let Some(pending) = self.pending.take() {
            let waited = pending.began.elapsed();
            self.heard += waited;
            self.turn.session.waited(waited);
        }
    }

    /// Lets other calls use the connection, after the response was read to its end.
    fn end(&mut self) {
        self.is_over = true;
        self.turn.heard(self.heard);
        self.turn.end();
    }

    /// Closes the connection unless the response was read to its end.
    fn abandon(&mut self) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.turn.close();
            self.turn.end();
        }
    }
}

impl Pending {
    fn new(session: &GatewaySession, is_draining: bool) -> Self {
        let limit = session.wait_limit(Wait::Body);
        let duration = if is_draining { DRAIN_TIMEOUT } else { limit.duration };
        let timer = Box::pin(tokio::time::sleep(duration));
        Self { timer, began: Instant::now(), expired: limit.expired }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.is_over {
            self.turn.close();
        }
    }
}

impl<C: Call> fmt::Debug for Response<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("call", &C::NAME).finish_non_exhaustive()
    }
}

/// The records of a [`Response`] as a stream of owned values. The stream ends after the first error.
pub struct Records<C: Call, F> {
    response: Response<C>,
    own: F,
    is_over: bool,
}

impl<C, T, F> Stream for Records<C, F>
where
    C: Call,
    F: FnMut(C::Record<'_>) -> T + Unpin,
{
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        let reader = &mut this.response.reader;
        let outcome = ready!(reader.poll_advance(context));
        reader.turn.unread();
        this.is_over = !matches!(outcome, Ok(true));
        Poll::Ready(match outcome {
            Err(error) => Some(Err(error)),
            Ok(_) => reader.session().record::<C>().map(|record| Ok((this.own)(record))),
        })
    }
}

impl<C: Call, F> Records<C, F> {
    /// Returns the response, for its summary.
    pub const fn response(&self) -> &Response<C> {
        &self.response
    }
}

impl<C: Call, F> fmt::Debug for Records<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("response", &self.response).finish_non_exhaustive()
    }
}
