//! Connections. hyper reads the requests and writes ordinary responses. This module itself writes exact responses
//! (`Outcome::Exact`), whose bytes are given.

use std::{
    convert::Infallible,
    io::Cursor,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Response, Version, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Chain, Join, ReadHalf, WriteHalf},
    net::TcpListener,
    sync::{mpsc, watch},
    time::{Instant, sleep},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    emulator::Shared,
    reply::{End, Outcome, Reply, Step},
    request::Request,
};

/// The maximum size of a body in bytes. No documented request is that large.
const BODY_BYTES: usize = 1 << 20;

/// A connection, or TLS over one.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

type Reader = ReadHalf<Box<dyn Stream>>;
type Writer = WriteHalf<Box<dyn Stream>>;

/// The bytes that were read ahead, then the stream.
type Io = Join<Chain<Cursor<Bytes>, Reader>, Writer>;

/// An exact response that the service passes to the connection. To write this response, the connection takes the stream back from
/// hyper.
type Exact = (Vec<Step>, End);

/// Accepts connections until the task is aborted. A change of `stop`, or the drop of its sender, closes the connections.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    stop: watch::Receiver<u64>,
) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Most likely there are no file handles left until other connections close.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Small pieces of a response must not be merged.
        let _ = stream.set_nodelay(true);
        tokio::spawn(serve(Box::new(stream), peer, tls.clone(), shared.clone(), stop.clone()));
    }
}

/// Serves a connection to its end, or until `stop` changes.
pub(crate) async fn serve(
    stream: Box<dyn Stream>,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<u64>,
) {
    let number = shared.control(|world| {
        world.counts.connections += 1;
        world.counts.connections
    });
    stop.mark_unchanged();
    let connection = Connection { number, peer, shared, answered: AtomicU32::new(0) };
    tokio::select! {
        () = Arc::new(connection).run(stream, tls) => {}
        _ = stop.changed() => {}
    }
}

struct Connection {
    number: u64,
    peer: SocketAddr,
    shared: Arc<Shared>,
    answered: AtomicU32,
}

impl Connection {
    async fn run(self: Arc<Self>, stream: Box<dyn Stream>, tls: Option<TlsAcceptor>) {
        let Some(stream) = self.secured(stream, tls).await else { return };
        let mut next = Some(join(Bytes::new(), tokio::io::split(stream)));
        while let Some(io) = next {
            next = match self.until_exact(io).await {
                Some((io, exact)) => write(io, exact).await,
                None => None,
            };
        }
    }

    /// Completes the TLS handshake if the gateway serves HTTPS. Returns `None` if it fails.
    async fn secured(&self, stream: Box<dyn Stream>, tls: Option<TlsAcceptor>) -> Option<Box<dyn Stream>> {
        let Some(tls) = tls else { return Some(stream) };
        let secured = tls.accept(stream).await;
        self.shared.control(|world| match secured {
            Ok(_) => world.counts.handshakes += 1,
            Err(_) => world.counts.failed_handshakes += 1,
        });
        Some(Box::new(secured.ok()?))
    }

    /// Lets hyper serve the connection until the connection ends or an exact response is due.
    async fn until_exact(self: &Arc<Self>, io: Io) -> Option<(Io, Exact)> {
        let (sender, mut receiver) = mpsc::channel(1);
        let service = service_fn(move |request| self.clone().serve(request, sender.clone()));
        let mut http =
            http1::Builder::new().title_case_headers(true).serve_connection(TokioIo::new(io), service);
        let exact = tokio::select! {
            exact = receiver.recv() => exact?,
            _ = &mut http => return None,
        };
        let parts = http.into_parts();
        let (reader, writer) = parts.io.into_inner().into_inner();
        let (unread, reader) = reader.into_inner();
        // First the bytes that hyper has read ahead, then the bytes that it has not read.
        let kept = unread.get_ref().iter().skip(usize::try_from(unread.position()).unwrap_or(usize::MAX));
        let ahead = parts.read_buf.iter().chain(kept).copied().collect();
        Some((join(ahead, (reader, writer)), exact))
    }

    async fn serve(
        self: Arc<Self>,
        request: hyper::Request<Incoming>,
        exact: mpsc::Sender<Exact>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let outcome = match self.read(request).await {
            Some(request) => self.shared.control(|world| world.handle(&request, Instant::now())),
            None => Outcome::Ordinary(Reply::page(413)),
        };
        self.answered.fetch_add(1, Ordering::Relaxed);
        match outcome {
            Outcome::Ordinary(reply) => Ok(reply.into_response()),
            Outcome::Exact(steps, end) => {
                let _ = exact.send((steps, end)).await;
                // This never completes. `until_exact` drops this future after it has received the exact response.
                std::future::pending().await
            }
        }
    }

    /// Reads the whole request. Returns `None` if the request breaks off or is too large.
    async fn read(&self, request: hyper::Request<Incoming>) -> Option<Request> {
        let (head, body) = request.into_parts();
        let text =
            |name| head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let body = Limited::new(body, BODY_BYTES).collect().await.ok()?.to_bytes();
        Some(Request {
            connection: self.number,
            answered: self.answered.load(Ordering::Relaxed),
            address: self.peer.ip(),
            method: head.method.to_string(),
            uri: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            authorization: text(header::AUTHORIZATION),
            host: text(header::HOST).unwrap_or_default(),
            last: head.version == Version::HTTP_10
                || text(header::CONNECTION).is_some_and(|word| word.eq_ignore_ascii_case("close")),
            body,
        })
    }
}

fn join(ahead: Bytes, (reader, writer): (Reader, Writer)) -> Io {
    tokio::io::join(Cursor::new(ahead).chain(reader), writer)
}

/// Writes an exact response. Returns the connection if it stays open.
async fn write(mut io: Io, (steps, end): Exact) -> Option<Io> {
    for step in steps {
        match step {
            Step::Write(bytes) => {
                io.write_all(&bytes).await.ok()?;
                // TLS may buffer a part of the bytes.
                io.flush().await.ok()?;
            }
            Step::Pause(pause) => sleep(pause).await,
        }
    }
    match end {
        End::KeepAlive => return Some(io),
        End::Close => io.shutdown().await.ok()?,
        // Ignores all bytes until the client closes the connection.
        End::Stall => while io.read_u8().await.is_ok() {},
    }
    None
}
