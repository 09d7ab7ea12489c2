//! The one connection to a gateway: opening, writing, reading, closing, each within its time limit.
//!
//! Its state lives here and not in futures. A future that is dropped leaves the connection [`Busy`](State::Busy), and the
//! next exchange closes such a connection before it opens a new one.

use core::future::Future;

use embassy_time::{Duration, Instant, with_deadline, with_timeout};
use sms_gateway_core::client::{
    Broken, Cause, DRAIN_TIMEOUT, Progress, ResponseHead, Session, Wait, Wire, WireEvent,
};

use crate::{
    Error, Transport,
    clock::{from_core, since, waited},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// An exchange is under way, or was given up.
    Busy,
    /// Open after a response that was read to its end.
    Kept,
}

/// A connection, and the response that arrives on it.
pub(crate) struct Connection<'m, T> {
    transport: T,
    state: State,
    /// A time at which the gateway was still there: no later than the arrival of its latest bytes. Only waits advance it, since bytes
    /// that arrived long ago may be read late.
    heard: Instant,
    pub(crate) wire: Wire<&'m mut [u8]>,
}

/// An exchange that broke before the head of its response.
pub(crate) struct BrokenExchange<E> {
    pub(crate) broken: Broken,
    pub(crate) transport: Option<E>,
}

/// Why reading or writing failed.
struct Fault<E> {
    cause: Cause,
    transport: Option<E>,
}

impl<E> From<Cause> for Fault<E> {
    fn from(cause: Cause) -> Self {
        Self { cause, transport: None }
    }
}

impl<E> Fault<E> {
    const fn of_transport(error: E) -> Self {
        Self { cause: Cause::Transport, transport: Some(error) }
    }
}

/// The session of a gateway.
pub(crate) type GatewaySession<'m> = Session<&'m mut [u8]>;

/// The deadline of a wait, and its meaning.
struct Deadline {
    began: Instant,
    at: Instant,
    expired: Cause,
}

impl Deadline {
    fn of(session: &GatewaySession<'_>, wait: Wait) -> Self {
        let limit = session.wait_limit(wait);
        let began = Instant::now();
        Self { began, at: began.saturating_add(from_core(limit.duration)), expired: limit.expired }
    }

    /// The deadline for the rest of a response that has no use.
    fn of_drain(session: &GatewaySession<'_>) -> Self {
        let deadline = Self::of(session, Wait::Body);
        Self { at: deadline.began.saturating_add(from_core(DRAIN_TIMEOUT)), ..deadline }
    }

    async fn bound<O, E>(&self, future: impl Future<Output = O>) -> Result<O, Fault<E>> {
        with_deadline(self.at, future).await.map_err(|_| self.expired.into())
    }

    /// Reports the wait to the session, and returns it.
    fn is_over(&self, session: &mut GatewaySession<'_>) -> Duration {
        let wait = Instant::now().saturating_duration_since(self.began);
        session.waited(waited(wait));
        wait
    }
}

impl<'m, T> Connection<'m, T> {
    /// A connection that is closed. `values` keeps values of a response's head, `bytes` is read into.
    pub(crate) const fn new(transport: T, values: &'m mut [u8], bytes: &'m mut [u8]) -> Self {
        Self { transport, state: State::Closed, heard: Instant::MIN, wire: Wire::new(values, bytes) }
    }

    /// The same memory with another transport, which is closed.
    pub(crate) fn with_transport<U>(self, transport: U) -> (Connection<'m, U>, T) {
        let Self { wire, .. } = self;
        (Connection { transport, state: State::Closed, heard: Instant::MIN, wire }, self.transport)
    }

    pub(crate) const fn transport(&self) -> &T {
        &self.transport
    }
}

impl<T: Transport> Connection<'_, T> {
    /// Sends a request and reads the head of its response.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        session: &mut GatewaySession<'_>,
    ) -> Result<ResponseHead, BrokenExchange<T::Error>> {
        let outcome = self.try_exchange(request, session).await;
        if outcome.is_err() {
            self.close().await;
        }
        outcome
    }

    async fn try_exchange(
        &mut self,
        request: &[u8],
        session: &mut GatewaySession<'_>,
    ) -> Result<ResponseHead, BrokenExchange<T::Error>> {
        let kept = match self.open(session).await {
            Ok(kept) => kept,
            Err(Fault { cause, transport }) => {
                return Err(BrokenExchange { broken: Broken::unopened(cause), transport });
            }
        };
        self.wire.begin();
        self.state = State::Busy;
        let deadline = Deadline::of(session, Wait::Response);
        let mut written = 0;
        let sent = deadline.bound(send(&mut self.transport, request, &mut written)).await;
        let head = match sent {
            Ok(Ok(())) => self.head(&deadline).await,
            // Bytes that were being written at the deadline may have been sent.
            Err(fault) => Err(fault),
            Ok(Err(error)) => Err(Fault::of_transport(error)),
        };
        deadline.is_over(session);
        self.heard = Instant::now();
        self.settle(head, kept, written > 0)
    }

    fn settle(
        &self,
        head: Result<ResponseHead, Fault<T::Error>>,
        is_kept: bool,
        has_written: bool,
    ) -> Result<ResponseHead, BrokenExchange<T::Error>> {
        head.map_err(|Fault { cause, transport }| {
            let progress = Progress { is_kept, has_written, has_read: !self.wire.is_silent() };
            BrokenExchange { broken: Broken::during(progress, cause), transport }
        })
    }

    /// Opens the connection unless it is, and returns whether it was kept from an earlier exchange.
    async fn open(&mut self, session: &mut GatewaySession<'_>) -> Result<bool, Fault<T::Error>> {
        let idle = since(self.heard);
        if self.state == State::Kept && self.transport.is_ready() && session.may_reuse(idle) {
            return Ok(true);
        }
        self.close().await;
        // If this future is dropped while it connects, the next attempt closes the connection first.
        self.state = State::Busy;
        let deadline = Deadline::of(session, Wait::Connect);
        let connected = deadline.bound(self.transport.connect()).await;
        deadline.is_over(session);
        connected?.map_err(Fault::of_transport)?;
        Ok(false)
    }

    async fn head(&mut self, deadline: &Deadline) -> Result<ResponseHead, Fault<T::Error>> {
        loop {
            match self.wire.parse()? {
                WireEvent::Head(head) => return Ok(head),
                WireEvent::More => self.fill(deadline).await?,
                WireEvent::Body | WireEvent::End => {}
            }
        }
    }

    /// Reads the next piece of the body into the wire's [`body`](Wire::body); `false` at its end.
    pub(crate) async fn piece(
        &mut self,
        session: &mut GatewaySession<'_>,
    ) -> Result<bool, (Cause, Option<T::Error>)> {
        let deadline = Deadline::of(session, Wait::Body);
        let piece = self.piece_before(&deadline).await;
        let waited = deadline.is_over(session);
        self.heard = Instant::from_ticks(self.heard.as_ticks().wrapping_add(waited.as_ticks()));
        piece.map_err(|fault| (fault.cause, fault.transport))
    }

    async fn piece_before(&mut self, deadline: &Deadline) -> Result<bool, Fault<T::Error>> {
        loop {
            match self.wire.parse()? {
                WireEvent::Body => return Ok(true),
                WireEvent::End => return Ok(false),
                WireEvent::More => self.fill(deadline).await?,
                WireEvent::Head(_) => {}
            }
        }
    }

    async fn fill(&mut self, deadline: &Deadline) -> Result<(), Fault<T::Error>> {
        let read = deadline.bound(self.transport.read(self.wire.space())).await?;
        let count = read.map_err(Fault::of_transport)?;
        self.wire.received(count).map_err(Fault::from)
    }

    /// Ends the exchange: reads what is left of a response that has no use, unless that takes long, and keeps the
    /// connection if it can carry another exchange.
    pub(crate) async fn finish(&mut self, session: &mut GatewaySession<'_>) {
        let deadline = Deadline::of_drain(session);
        while self.wire.may_drain() {
            if !matches!(self.piece_before(&deadline).await, Ok(true)) {
                break;
            }
            session.keep(self.wire.body());
        }
        deadline.is_over(session);
        if self.wire.is_reusable() {
            self.state = State::Kept;
        } else {
            self.close().await;
        }
    }

    /// Closes the connection if an exchange is under way.
    pub(crate) async fn abandon(&mut self) {
        if self.state == State::Busy {
            self.close().await;
        }
    }

    /// Closes the connection, if there is one.
    pub(crate) async fn close(&mut self) {
        if self.state != State::Closed {
            // If this future is dropped while it closes, the connection is closed again.
            self.state = State::Busy;
            let _ = with_timeout(from_core(DRAIN_TIMEOUT), self.transport.close()).await;
            self.state = State::Closed;
        }
    }
}

/// Reports an error of the connection as the call's.
pub(crate) fn body_lost<E>(
    session: &mut GatewaySession<'_>,
    (cause, transport): (Cause, Option<E>),
) -> Error<E> {
    Error { failure: session.body_lost(cause), transport }
}

/// Writes a request in as few writes as the transport takes it, and counts the bytes that it has taken.
async fn send<T: Transport>(transport: &mut T, request: &[u8], written: &mut usize) -> Result<(), T::Error> {
    while let Some(rest) = request.get(*written..).filter(|rest| !rest.is_empty()) {
        let count = transport.write(rest).await?;
        if count == 0 {
            // No transport should return 0; it would be called without end.
            core::future::pending::<()>().await;
        }
        *written = written.saturating_add(count);
    }
    transport.flush().await
}
