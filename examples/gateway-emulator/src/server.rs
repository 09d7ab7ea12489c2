//! Connections: hyper reads the requests and writes ordinary answers; others are written here, byte by byte.

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
    io::{AsyncReadExt, AsyncWriteExt, Chain, Join},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep},
};

use crate::{
    emulator::Shared,
    exchange::Request,
    reply::{End, Outcome, Reply, Step},
};

/// More than any request of the document has.
const BODY_BYTES: usize = 1 << 20;

/// What was read ahead, then the socket.
type Io = Join<Chain<Cursor<Bytes>, OwnedReadHalf>, OwnedWriteHalf>;

/// Exact answers on their way from the service to the connection, which takes the socket back from hyper to write them.
type Exact = (Vec<Step>, End);

/// Accepts connections until the task is aborted. A change of `stop`, or its end, closes them.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: watch::Receiver<u64>) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file handles, most likely: others must close first.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let number = shared.control(|world| {
            world.counts.connections += 1;
            world.counts.connections
        });
        let mut stop = stop.clone();
        stop.mark_unchanged();
        let connection = Connection { number, peer, shared: shared.clone(), answered: AtomicU32::new(0) };
        tokio::spawn(async move {
            tokio::select! {
                () = Arc::new(connection).run(stream) => {}
                _ = stop.changed() => {}
            }
        });
    }
}

struct Connection {
    number: u64,
    peer: SocketAddr,
    shared: Arc<Shared>,
    answered: AtomicU32,
}

impl Connection {
    async fn run(self: Arc<Self>, stream: TcpStream) {
        // Small pieces of an answer must go out as such.
        let _ = stream.set_nodelay(true);
        let mut next = Some(join(Bytes::new(), stream.into_split()));
        while let Some(io) = next {
            next = match self.until_exact(io).await {
                Some((io, exact)) => write(io, exact).await,
                None => None,
            };
        }
    }

    /// Lets hyper serve the connection until it ends or an exact answer is due.
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
        // What hyper has read ahead comes before what it has not.
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
                // The connection drops this once it has the bytes.
                std::future::pending().await
            }
        }
    }

    /// The whole request; `None` when it breaks off or is too large.
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

fn join(ahead: Bytes, (reader, writer): (OwnedReadHalf, OwnedWriteHalf)) -> Io {
    tokio::io::join(Cursor::new(ahead).chain(reader), writer)
}

/// Writes an exact answer; gives the connection back if it goes on.
async fn write(mut io: Io, (steps, end): Exact) -> Option<Io> {
    for step in steps {
        match step {
            Step::Write(bytes) => io.write_all(&bytes).await.ok()?,
            Step::Pause(pause) => sleep(pause).await,
        }
    }
    match end {
        End::KeepAlive => return Some(io),
        End::Close => io.shutdown().await.ok()?,
        // Until the client gives up; what it sends meanwhile goes nowhere.
        End::Stall => while io.read_u8().await.is_ok() {},
    }
    None
}
