//! A connection to a gateway: sends a request and reads the head of its response.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use sms_gateway_core::client::{Broken, Cause, Progress, Session, Wait};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::AbortHandle,
    time::Instant,
};

use crate::{
    WireEvent,
    connect::{Settings, Stage},
    error::BoxError,
    hint::hint,
    observe::Observer,
};

/// The maximum wait until a kept connection takes another request. An open connection takes it at once.
const READY_TIMEOUT: Duration = Duration::from_millis(500);

/// An open connection. Dropping this closes the connection.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: AbortHandle,
    traffic: Arc<Traffic>,
    /// Whether the connection has carried a response before. The gateway may have closed it since then.
    is_kept: bool,
    /// A time at which the gateway was known to be reachable. Its latest bytes may have arrived later.
    heard: Instant,
    is_https: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An exchange that failed before the head of its response was complete.
pub(crate) struct BrokenExchange {
    pub(crate) broken: Broken,
    pub(crate) source: Option<BoxError>,
}

/// The session of a gateway.
pub(crate) type GatewaySession = Session<Vec<u8>>;

/// Returns the `kept` connection if it can carry another request, and otherwise opens a new one.
pub(crate) async fn open(
    kept: Option<Connection>,
    settings: &Settings,
    session: &mut GatewaySession,
) -> Result<Connection, BrokenExchange> {
    if let Some(mut connection) = kept
        && session.may_reuse(connection.heard.elapsed())
        && connection.is_reusable().await
    {
        return Ok(connection);
    }
    tracing::debug!("connecting");
    let stage = Stage::default();
    let (cause, source) = match timed(session, Wait::Connect, connect(settings, &stage)).await {
        Ok(Ok(connection)) => return Ok(connection),
        Ok(Err(error)) => (Cause::Transport, Some(error.into())),
        Err(cause) => (cause, stage.stalled()),
    };
    Err(BrokenExchange { broken: Broken::unopened(cause), source })
}

impl Connection {
    /// Records that a response was read to its end. Its last bytes arrived at this time or later.
    pub(crate) const fn heard(&mut self, at: Instant) {
        self.heard = at;
    }

    /// Whether the connection can carry another request. If the last request was not written completely, it cannot,
    /// because the gateway would take the next request for the rest of the last one.
    async fn is_reusable(&mut self) -> bool {
        self.is_kept = true;
        self.traffic.is_request_whole()
            && matches!(tokio::time::timeout(READY_TIMEOUT, self.sender.ready()).await, Ok(Ok(())))
    }

    /// Sends a request and waits for the head of its response.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        session: &mut GatewaySession,
    ) -> Result<Response<Incoming>, BrokenExchange> {
        self.traffic.begin();
        let sent = self.sender.try_send_request(request);
        let mut progress = Progress { is_kept: self.is_kept, has_written: false, has_read: false };
        let (cause, source) = match timed(session, Wait::Response, sent).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(mut error)) => {
                progress.has_written = error.take_message().is_none() && self.traffic.has_written();
                let error = error.into_error();
                let is_first_plain = !self.is_kept && !self.is_https;
                let source =
                    if is_first_plain { hint(error, self.traffic.first_byte()) } else { error.into() };
                (Cause::Transport, Some(source))
            }
            Err(cause) => (cause, None),
        };
        progress.has_read = self.traffic.has_read();
        Err(BrokenExchange { broken: Broken::during(progress, cause), source })
    }
}

/// Awaits a future within the session's time limit for this wait, and reports the duration to the session.
async fn timed<T>(
    session: &mut GatewaySession,
    wait: Wait,
    future: impl Future<Output = T>,
) -> Result<T, Cause> {
    let limit = session.wait_limit(wait);
    let began = Instant::now();
    let outcome = tokio::time::timeout(limit.duration, future).await;
    session.waited(began.elapsed());
    outcome.map_err(|_| limit.expired)
}

/// Opens a connection and spawns the task that drives it.
async fn connect(settings: &Settings, stage: &Stage) -> io::Result<Connection> {
    let stream = settings.connector.open(&settings.address, stage).await?;
    let traffic = Arc::new(Traffic::default());
    settings.observer.report(WireEvent::Opened);
    let stream = Observed { stream, traffic: Arc::clone(&traffic), observer: settings.observer.clone() };
    // Real devices send heads of responses that only these options accept.
    let (sender, connection) = http1::Builder::new()
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .ignore_invalid_headers_in_responses(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let task = tokio::spawn(async move {
        // An error of the connection also reaches the call that waits for a response.
        let _ = connection.await;
    });
    let is_https = settings.is_https;
    Ok(Connection {
        sender,
        task: task.abort_handle(),
        traffic,
        is_kept: false,
        heard: Instant::now(),
        is_https,
    })
}

/// The traffic on a connection since the last request began, which hyper does not report.
#[derive(Default)]
struct Traffic {
    written: AtomicUsize,
    /// The number of bytes of the last write that the stream did not take.
    untaken: AtomicUsize,
    has_read: AtomicBool,
    first_byte: AtomicU8,
}

impl Traffic {
    fn begin(&self) {
        self.written.store(0, Ordering::Relaxed);
        self.untaken.store(0, Ordering::Relaxed);
        self.has_read.store(false, Ordering::Relaxed);
    }

    fn write(&self, offered: usize, taken: &Poll<io::Result<usize>>) {
        let taken = match taken {
            Poll::Ready(Ok(taken)) => *taken,
            _ => 0,
        };
        self.written.fetch_add(taken, Ordering::Relaxed);
        self.untaken.store(offered.saturating_sub(taken), Ordering::Relaxed);
    }

    fn has_written(&self) -> bool {
        self.written.load(Ordering::Relaxed) > 0
    }

    fn read(&self, bytes: &[u8]) {
        if let Some(first) = bytes.first()
            && !self.has_read.swap(true, Ordering::Relaxed)
        {
            self.first_byte.store(*first, Ordering::Relaxed);
        }
    }

    /// Returns the first byte that was read since the last request began.
    fn first_byte(&self) -> Option<u8> {
        self.has_read().then(|| self.first_byte.load(Ordering::Relaxed))
    }

    fn has_read(&self) -> bool {
        self.has_read.load(Ordering::Relaxed)
    }

    /// Whether the last request was written completely. hyper collects the head and a body of one piece before its first
    /// write, so each write offers the whole rest of the request.
    fn is_request_whole(&self) -> bool {
        self.has_written() && self.untaken.load(Ordering::Relaxed) == 0
    }
}

/// A stream whose traffic is observed. It does not support vectored writes, so that each write is one piece.
struct Observed<S> {
    stream: S,
    traffic: Arc<Traffic>,
    observer: Observer,
}

impl<S: AsyncRead + Unpin> AsyncRead for Observed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        self.traffic.read(bytes);
        if !bytes.is_empty() {
            self.observer.report(WireEvent::Received(bytes));
        } else if read.is_ready() {
            self.observer.report(WireEvent::Closed);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Observed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.traffic.write(bytes.len(), &written);
        if let Poll::Ready(Ok(length)) = written {
            self.observer.report(WireEvent::Sent(bytes.get(..length).unwrap_or_default()));
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
