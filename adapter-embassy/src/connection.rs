//! The single connection to a gateway. Opening, writing, reading and closing each have a time limit.
//!
//! The state is kept here and not in futures. An exchange whose future is dropped leaves the connection [`Busy`](State::Busy). The next
//! exchange closes such a connection before it opens a new one.

use embassy_time::{Duration, Instant, TimeoutError, with_deadline, with_timeout};
use sms_gateway_core::client::{
    Broken, Cause, DRAIN_TIMEOUT, Failure, Progress, ResponseHead, Session, Wait, Wire, WireEvent,
};

use crate::{
    Error, Transport,
    clock::{from_core, since, waited},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// An exchange is in progress, or was abandoned midway.
    Busy,
    /// Open after a response that was read to its end.
    Kept,
}

/// A connection, and the response that arrives on it.
pub(crate) struct Connection<'m, T> {
    transport: T,
    state: State,
    /// A time at which the gateway was certainly reachable. It is set after the head of a response was read. While the body is read, only
    /// the time spent waiting is added, because the caller may read bytes long after they arrived.
    heard: Instant,
    /// How the latest exchange broke. At the start of each wait, the cause is set in advance to the timeout that would end the wait.
    broken: Broken,
    /// The reason why the latest call failed.
    failure: Failure,
    pub(crate) wire: Wire<&'m mut [u8]>,
}

/// A failed step, with the transport's own error if there is one. The reason is in `Connection::failure`, because a [`Failure`] is too
/// large to move from future to future.
pub(crate) struct Fault<E>(Option<E>);

/// The outcome of a transport's method, or a timeout.
type Timely<O, E> = Result<Result<O, E>, TimeoutError>;

/// The core's session with a gateway, in lent memory.
pub(crate) type GatewaySession<'m> = Session<&'m mut [u8]>;

/// The start and the deadline of a wait.
struct Deadline {
    began: Instant,
    at: Instant,
}

impl Deadline {
    /// Reports the duration of the wait to the session, and returns this duration.
    fn is_over(&self, session: &mut GatewaySession<'_>) -> Duration {
        let wait = Instant::now().saturating_duration_since(self.began);
        session.waited(waited(wait));
        wait
    }
}

impl<'m, T> Connection<'m, T> {
    /// Creates a closed connection. `values` holds values from the head of a response. Responses are read into `bytes`.
    pub(crate) const fn new(transport: T, values: &'m mut [u8], bytes: &'m mut [u8]) -> Self {
        Self {
            transport,
            state: State::Closed,
            heard: Instant::MIN,
            broken: Broken::unopened(Cause::Transport),
            failure: Failure::Ended,
            wire: Wire::new(values, bytes),
        }
    }

    /// Replaces the transport. The new one counts as closed. Also returns the old transport.
    pub(crate) fn with_transport<U>(self, transport: U) -> (Connection<'m, U>, T) {
        let Self { wire, broken, failure, .. } = self;
        let state = State::Closed;
        (Connection { transport, state, heard: Instant::MIN, broken, failure, wire }, self.transport)
    }

    pub(crate) const fn transport(&self) -> &T {
        &self.transport
    }

    /// Returns how the latest exchange broke.
    pub(crate) const fn broken(&self) -> Broken {
        self.broken
    }

    /// Keeps the reason for a failure.
    #[inline(never)]
    pub(crate) const fn fail<E>(&mut self, failure: Failure) -> Fault<E> {
        self.keep(failure);
        Fault(None)
    }

    /// Keeps the reason for a failure that another fault has caused.
    pub(crate) fn fail_by<E>(&mut self, failure: Failure, fault: Fault<E>) -> Fault<E> {
        self.keep(failure);
        fault
    }

    /// Keeps a reason, except [`Failure::Ended`]. `Ended` means that the response already failed, in a future that was dropped. The
    /// earlier reason is then still the right one.
    const fn keep(&mut self, failure: Failure) {
        if !matches!(failure, Failure::Ended) {
            self.failure = failure;
        }
    }

    /// Returns the error of a call that failed.
    pub(crate) fn error<E>(&self, fault: Fault<E>) -> Error<E> {
        Error { failure: self.failure, transport: fault.0 }
    }

    /// Begins a wait, with the session's time limit.
    fn deadline(&mut self, session: &GatewaySession<'_>, wait: Wait) -> Deadline {
        let limit = session.wait_limit(wait);
        self.broken.cause = limit.expired;
        let began = Instant::now();
        Deadline { began, at: began.saturating_add(from_core(limit.duration)) }
    }

    /// Begins the wait for the rest of a response that is only discarded.
    fn drain_deadline(&mut self, session: &GatewaySession<'_>) -> Deadline {
        let Deadline { began, .. } = self.deadline(session, Wait::Body);
        Deadline { began, at: began.saturating_add(from_core(DRAIN_TIMEOUT)) }
    }

    /// Records an error of the transport as the cause. For a timeout, the cause is already set.
    fn check<O, E>(&mut self, outcome: Timely<O, E>) -> Result<O, Fault<E>> {
        outcome.map_err(|_| Fault(None))?.map_err(|error| {
            self.broken.cause = Cause::Transport;
            Fault(Some(error))
        })
    }

    /// Records an error in a response as the cause.
    fn check_wire<O, E>(&mut self, outcome: Result<O, Cause>) -> Result<O, Fault<E>> {
        outcome.map_err(|cause| {
            self.broken.cause = cause;
            Fault(None)
        })
    }
}

impl<T: Transport> Connection<'_, T> {
    /// Sends a request and reads the head of its response.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        session: &mut GatewaySession<'_>,
    ) -> Result<ResponseHead, Fault<T::Error>> {
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
    ) -> Result<ResponseHead, Fault<T::Error>> {
        let is_kept = self.is_kept(session);
        if !is_kept && let Err(fault) = self.open(session).await {
            self.broken = Broken::unopened(self.broken.cause);
            return Err(fault);
        }
        self.wire.begin();
        self.state = State::Busy;
        let deadline = self.deadline(session, Wait::Response);
        let mut written = 0;
        // Bytes that were being written at the deadline may have been sent.
        let sent = with_deadline(deadline.at, send(&mut self.transport, request, &mut written)).await;
        let head = match self.check(sent) {
            Ok(()) => self.head(&deadline).await,
            Err(fault) => Err(fault),
        };
        deadline.is_over(session);
        self.heard = Instant::now();
        if head.is_err() {
            let progress = Progress { is_kept, has_written: written > 0, has_read: !self.wire.is_silent() };
            self.broken = Broken::during(progress, self.broken.cause);
        }
        head
    }

    /// Whether the request can use the connection that was kept after an earlier exchange.
    fn is_kept(&mut self, session: &GatewaySession<'_>) -> bool {
        self.state == State::Kept && self.transport.is_ready() && session.may_reuse(since(self.heard))
    }

    /// Closes the connection, if it is open, and opens a new one.
    async fn open(&mut self, session: &mut GatewaySession<'_>) -> Result<(), Fault<T::Error>> {
        self.close().await;
        // If this future is dropped while it connects, the next attempt closes the connection first.
        self.state = State::Busy;
        let deadline = self.deadline(session, Wait::Connect);
        let connected = with_deadline(deadline.at, self.transport.connect()).await;
        deadline.is_over(session);
        self.check(connected)
    }

    async fn head(&mut self, deadline: &Deadline) -> Result<ResponseHead, Fault<T::Error>> {
        loop {
            let event = self.wire.parse();
            match self.check_wire(event)? {
                WireEvent::Head(head) => return Ok(head),
                WireEvent::More => self.fill(deadline).await?,
                WireEvent::Body | WireEvent::End => {}
            }
        }
    }

    /// Reads the next piece of the body into the wire's [`body`](Wire::body). Returns `false` at the end of the body.
    pub(crate) async fn piece(&mut self, session: &mut GatewaySession<'_>) -> Result<bool, Fault<T::Error>> {
        let deadline = self.deadline(session, Wait::Body);
        let piece = self.piece_before(&deadline).await;
        let waited = deadline.is_over(session);
        self.heard = Instant::from_ticks(self.heard.as_ticks().wrapping_add(waited.as_ticks()));
        piece.map_err(|fault| self.fail_by(session.body_lost(self.broken.cause), fault))
    }

    async fn piece_before(&mut self, deadline: &Deadline) -> Result<bool, Fault<T::Error>> {
        loop {
            let event = self.wire.parse();
            match self.check_wire(event)? {
                WireEvent::Body => return Ok(true),
                WireEvent::End => return Ok(false),
                WireEvent::More => self.fill(deadline).await?,
                WireEvent::Head(_) => {}
            }
        }
    }

    async fn fill(&mut self, deadline: &Deadline) -> Result<(), Fault<T::Error>> {
        let read = with_deadline(deadline.at, self.transport.read(self.wire.space())).await;
        let count = self.check(read)?;
        let received = self.wire.received(count);
        self.check_wire(received)
    }

    /// Ends the exchange. Discards the rest of the response, unless that takes too long, and keeps the connection if it can carry another
    /// exchange.
    pub(crate) async fn finish(&mut self, session: &mut GatewaySession<'_>) {
        let deadline = self.drain_deadline(session);
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

    /// Closes the connection if an exchange is still in progress.
    pub(crate) async fn abandon(&mut self) {
        if self.state == State::Busy {
            self.close().await;
        }
    }

    /// Closes the connection, if there is one.
    pub(crate) async fn close(&mut self) {
        if self.state != State::Closed {
            // If this future is dropped midway, the state stays `Busy`, and the next call closes the connection again.
            self.state = State::Busy;
            let _ = with_timeout(from_core(DRAIN_TIMEOUT), self.transport.close()).await;
            self.state = State::Closed;
        }
    }
}

/// Writes a request in as few writes as the transport allows. `written` counts the bytes that the transport has accepted.
async fn send<T: Transport>(transport: &mut T, request: &[u8], written: &mut usize) -> Result<(), T::Error> {
    while let Some(rest) = request.get(*written..).filter(|rest| !rest.is_empty()) {
        let count = transport.write(rest).await?;
        if count == 0 {
            // No transport should return 0. If one does, this waits for the deadline instead of looping forever.
            core::future::pending::<()>().await;
        }
        *written = written.saturating_add(count);
    }
    transport.flush().await
}
