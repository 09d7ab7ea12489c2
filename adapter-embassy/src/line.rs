//! The one connection to a gateway, and the exchange of a request for an answer over it.
//!
//! The answer's state lives here, not in the futures: a future that is dropped leaves the line [`Busy`](Link::Busy), and the next
//! exchange closes such a connection before it opens a new one.

use core::{future::Future, ops::Range};

use embassy_time::{Duration, Instant, with_deadline};
use sms_gateway_core::{
    TooSmall,
    http::{Answer, CloseReason, Part, Verdict},
};

use crate::{Fault, Limits, Transport, Wait};

/// How long the end of a body without use is waited for, and a connection's closing. Some gateways neither tell the length nor close.
const END_LIMIT: Duration = Duration::from_millis(500);
/// The longest rest of an answer without use that is read for the sake of the connection, in reads.
const MAX_DRAINED: usize = 64;

/// The state of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Closed,
    /// An exchange is under way, or was given up.
    Busy,
    /// Open behind an answer that was read to its end.
    Kept,
}

/// A connection, and the answer that it brings.
pub(crate) struct Line<'m, T> {
    transport: T,
    link: Link,
    answer: Answer<&'m mut [u8]>,
    bytes: &'m mut [u8],
    /// What of the bytes is not read by `answer` yet.
    unread: Range<usize>,
    limits: Limits,
}

/// An exchange that gave no answer.
pub(crate) enum Broken<E> {
    /// Nothing of the request left.
    Unsent(Fault<E>),
    /// The connection was kept from an earlier answer, and may have been closed before this request.
    Stale(Fault<E>),
    Lost(Fault<E>),
}

impl<E> Broken<E> {
    pub(crate) fn into_fault(self) -> Fault<E> {
        match self {
            Self::Unsent(fault) | Self::Stale(fault) | Self::Lost(fault) => fault,
        }
    }
}

/// What comes next of an answer.
enum Step {
    Head(u16),
    /// These of the bytes are of the body.
    Body(Range<usize>),
    End,
}

impl<'m, T> Line<'m, T> {
    /// A line that is closed. `values` is for the head's values.
    pub(crate) fn new(transport: T, bytes: &'m mut [u8], values: &'m mut [u8], limits: Limits) -> Self {
        Self { transport, link: Link::Closed, answer: Answer::new(values), bytes, unread: 0..0, limits }
    }

    /// The same memory with another transport, which is closed.
    pub(crate) fn with_transport<U>(self, transport: U) -> (Line<'m, U>, T) {
        let Self { bytes, answer, limits, .. } = self;
        let line = Line { transport, link: Link::Closed, answer, bytes, unread: 0..0, limits };
        (line, self.transport)
    }

    pub(crate) fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    pub(crate) fn transport(&self) -> &T {
        &self.transport
    }

    /// Room for what precedes a request. It ends what is known of an earlier answer's body.
    pub(crate) fn scratch(&mut self) -> &mut [u8] {
        self.unread = 0..0;
        self.bytes
    }

    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    pub(crate) fn challenges(&self) -> Result<impl Iterator<Item = &str>, TooSmall> {
        self.answer.challenges()
    }

    pub(crate) fn location(&self) -> Result<Option<&str>, TooSmall> {
        self.answer.location()
    }

    /// An answer begins, or may.
    fn begin(&mut self) {
        let values = core::mem::replace(&mut self.answer, Answer::new(&mut [])).into_buffer();
        self.answer = Answer::new(values);
        (self.link, self.unread) = (Link::Busy, 0..0);
    }
}

impl<T: Transport> Line<'_, T> {
    /// Sends a request and reads the head of its answer: its status. A request of which nothing was sent, since the connection that
    /// was kept from an earlier answer has closed, goes out again on a new one.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<u16, Broken<T::Error>> {
        let outcome = self.try_exchange(request).await;
        if outcome.is_err() {
            self.close().await;
        }
        outcome
    }

    async fn try_exchange(&mut self, request: &[u8]) -> Result<u16, Broken<T::Error>> {
        loop {
            let used = self.open().await.map_err(Broken::Unsent)?;
            self.begin();
            let limit = self.limits.answer;
            let deadline = Instant::now().saturating_add(limit);
            let mut written = 0;
            let sent =
                within(deadline, Wait::Answer, limit, send(&mut self.transport, request, &mut written));
            let fault = match sent.await {
                Ok(Ok(())) => return self.head(deadline, used).await,
                // What was under way when the time was over may have left.
                Err(fault) => return Err(Broken::Lost(fault)),
                Ok(Err(error)) => Fault::Transport(error),
            };
            match (written, used) {
                // The connection is not kept, so that the next one is a new one.
                (0, true) => {}
                (0, false) => return Err(Broken::Unsent(fault)),
                (_, true) => return Err(Broken::Stale(fault)),
                (_, false) => return Err(Broken::Lost(fault)),
            }
        }
    }

    /// Sees to it that the connection is open, and tells whether it has carried an answer before.
    async fn open(&mut self) -> Result<bool, Fault<T::Error>> {
        if self.link == Link::Kept && self.transport.is_ready() {
            return Ok(true);
        }
        self.close().await;
        let limit = self.limits.connect;
        let deadline = Instant::now().saturating_add(limit);
        // Given up amid connecting, it is closed before the next try.
        self.link = Link::Busy;
        let connected = within(deadline, Wait::Connect, limit, self.transport.connect()).await?;
        connected.map_err(Fault::Transport)?;
        Ok(false)
    }

    async fn head(&mut self, deadline: Instant, used: bool) -> Result<u16, Broken<T::Error>> {
        loop {
            match self.step(deadline, Wait::Answer, self.limits.answer).await {
                Ok(Step::Head(status)) => return Ok(status),
                Ok(_) => {}
                Err(fault @ Fault::TimedOut { .. }) => return Err(Broken::Lost(fault)),
                Err(fault) if used && self.has_nothing() => return Err(Broken::Stale(fault)),
                Err(fault) => return Err(Broken::Lost(fault)),
            }
        }
    }

    /// Whether not a byte of the answer came.
    fn has_nothing(&self) -> bool {
        self.unread.end == 0
    }

    /// The next piece of the body, as a range of the [bytes](Self::bytes); `None` at its end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Range<usize>>, Fault<T::Error>> {
        let limit = self.limits.idle;
        let deadline = Instant::now().saturating_add(limit);
        self.piece_until(deadline, limit).await
    }

    async fn piece_until(
        &mut self,
        deadline: Instant,
        limit: Duration,
    ) -> Result<Option<Range<usize>>, Fault<T::Error>> {
        loop {
            match self.step(deadline, Wait::Body, limit).await? {
                Step::Head(_) => {}
                Step::Body(range) => return Ok(Some(range)),
                Step::End => return Ok(None),
            }
        }
    }

    async fn step(
        &mut self,
        deadline: Instant,
        wait: Wait,
        limit: Duration,
    ) -> Result<Step, Fault<T::Error>> {
        loop {
            let mut input = self.bytes.get(self.unread.clone()).unwrap_or_default();
            let part = self.answer.next(&mut input).map_err(Fault::Answer)?;
            let read_to = self.unread.end.saturating_sub(input.len());
            self.unread.start = read_to;
            match part {
                Some(Part::Head { status }) => return Ok(Step::Head(status)),
                // It ends where reading has come to.
                Some(Part::Body(piece)) => {
                    return Ok(Step::Body(read_to.saturating_sub(piece.len())..read_to));
                }
                Some(Part::End) => return Ok(Step::End),
                None if self.answer.is_complete() => return Ok(Step::End),
                None => self.fill(deadline, wait, limit).await?,
            }
        }
    }

    /// Reads more bytes in place of those that are there.
    async fn fill(&mut self, deadline: Instant, wait: Wait, limit: Duration) -> Result<(), Fault<T::Error>> {
        let read = within(deadline, wait, limit, self.transport.read(self.bytes)).await?;
        let count = read.map_err(Fault::Transport)?;
        if count == 0 {
            return self.answer.closed().map_err(Fault::Answer);
        }
        self.unread = 0..count;
        Ok(())
    }

    /// Reads what is left of an answer that has no use, so that the connection can be used again, unless that takes long. Then the
    /// answer is over.
    pub(crate) async fn discard(&mut self) {
        let deadline = Instant::now().saturating_add(END_LIMIT);
        for _ in 0..MAX_DRAINED {
            if self.answer.verdict() != Verdict::Close(CloseReason::NotRead) {
                break;
            }
            if !matches!(self.piece_until(deadline, END_LIMIT).await, Ok(Some(_))) {
                break;
            }
        }
        self.end().await;
    }

    /// The exchange is over: keeps the connection if it can be used again.
    pub(crate) async fn end(&mut self) {
        if self.answer.verdict() == Verdict::Keep {
            self.link = Link::Kept;
        } else {
            self.close().await;
        }
    }

    /// Closes the connection, if there is one.
    pub(crate) async fn close(&mut self) {
        if self.link != Link::Closed {
            // Given up amid closing, it is closed again.
            self.link = Link::Busy;
            let deadline = Instant::now().saturating_add(END_LIMIT);
            let _ = with_deadline(deadline, self.transport.close()).await;
            self.link = Link::Closed;
        }
    }
}

/// Writes a request in as few writes as the transport takes it, and counts the bytes that it has taken.
async fn send<T: Transport>(transport: &mut T, request: &[u8], written: &mut usize) -> Result<(), T::Error> {
    while let Some(rest) = request.get(*written..).filter(|rest| !rest.is_empty()) {
        let count = transport.write(rest).await?;
        if count == 0 {
            // No transport should say so; it would be asked without end.
            core::future::pending::<()>().await;
        }
        *written = written.saturating_add(count);
    }
    transport.flush().await
}

/// Awaits with a time limit.
async fn within<O, E>(
    deadline: Instant,
    wait: Wait,
    limit: Duration,
    future: impl Future<Output = O>,
) -> Result<O, Fault<E>> {
    with_deadline(deadline, future).await.map_err(|_| Fault::TimedOut { wait, limit })
}
