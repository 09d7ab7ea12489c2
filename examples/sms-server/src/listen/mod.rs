//! The connections of the API's clients.
//!
//! Their number and every wait for a client are bounded, so that slow clients cannot keep others out for long.

#[cfg(test)]
mod tests;
mod tls;

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;

pub use tls::{Tls, TlsError};

/// The time after which accepting is tried again, after the system refused a connection, usually for want of file descriptors.
const RETRY: Duration = Duration::from_millis(100);

/// The limits of connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of open connections. Further ones wait until one ends.
    pub connections: usize,
    /// The time for a TLS handshake.
    pub handshake: Duration,
    /// The time from the moment a connection can send a request to the end of that request's head.
    pub head: Duration,
    /// The time in which a client must read a part of a response.
    pub write: Duration,
    /// The time for requests to finish once the server ends.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            write: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// The number of open connections. Clones share it.
#[derive(Clone, Debug)]
pub struct Connections {
    permits: Arc<Semaphore>,
    maximum: usize,
}

impl Connections {
    fn new(maximum: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(maximum)), maximum }
    }

    /// Returns the number.
    pub fn count(&self) -> usize {
        // One permit waits for the next connection, unless none is left.
        self.maximum.saturating_sub(self.permits.available_permits() + 1)
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self::new(Limits::default().connections)
    }
}

/// A listening socket, with TLS if it has a certificate.
pub struct Door {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    limits: Limits,
    connections: Connections,
}

impl Door {
    /// Takes a socket that listens.
    pub fn new(listener: TcpListener, tls: Option<Arc<Tls>>, limits: Limits) -> Self {
        Self { listener, tls, limits, connections: Connections::new(limits.connections) }
    }

    /// Returns the open connections.
    pub fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// Returns the listening socket's address.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<std::net::SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `end` is ready. Then no connection is accepted, and requests may finish within the limit. Others are dropped.
    pub async fn serve(self, router: Router, end: impl Future<Output = ()>) {
        let Self { listener, tls, limits, connections: Connections { permits, .. } } = self;
        let graceful = GracefulShutdown::new();
        let mut tasks = JoinSet::new();
        let mut end = std::pin::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => break,
                (stream, permit) = accept(&listener, &permits) => {
                    let visit = Visit { tls: tls.clone(), limits, watcher: graceful.watcher(), _permit: permit };
                    tasks.spawn(visit.serve(stream, router.clone()));
                }
                Some(_) = tasks.join_next() => {}
            }
        }
        drop(listener);
        if timeout(limits.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!(connections = tasks.len(), "requests did not finish in time and are dropped");
        }
        tasks.shutdown().await;
    }
}

/// Accepts a connection once there is room for it.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(permits).acquire_owned().await else { std::future::pending().await };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(RETRY).await;
            }
        }
    }
}

/// A connection that is being served.
struct Visit {
    tls: Option<Arc<Tls>>,
    limits: Limits,
    watcher: Watcher,
    _permit: OwnedSemaphorePermit,
}

impl Visit {
    /// Serves a connection until it ends. Its faults concern its client only.
    async fn serve(self, stream: TcpStream, router: Router) {
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write));
        let stream = Box::pin(stream);
        let Some(tls) = self.tls.clone() else { return self.answer(stream, router).await };
        match timeout(self.limits.handshake, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => self.answer(stream, router).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn answer(self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static, router: Router) {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.limits.head);
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%error, "a connection failed");
        }
    }
}
