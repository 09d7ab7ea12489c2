//! Opens connections: over TCP by default, or with a function of the caller.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::header::HeaderValue;
use sms_gateway_core::{
    call::CommaEncoding,
    client::{Failure, Timeouts},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::{Error, error::BoxError, observe::Observer};

/// The settings of a gateway that do not change.
pub(crate) struct Settings {
    /// `host:port`, to connect to.
    pub(crate) address: Arc<str>,
    pub(crate) is_https: bool,
    pub(crate) connector: Connector,
    pub(crate) observer: Observer,
    pub(crate) host: HeaderValue,
    pub(crate) commas: CommaEncoding,
    pub(crate) is_basic_allowed: bool,
    pub(crate) timeouts: Timeouts,
    /// The size of the buffer for one record, in bytes.
    pub(crate) record_buffer: usize,
    /// The maximum time that a call waits for its turn.
    pub(crate) turn_timeout: Duration,
}

/// Returns the error of a call whose connection failed.
pub(crate) fn failed(failure: Failure, source: Option<BoxError>) -> Error {
    #[cfg(feature = "tls")]
    if source.as_deref().is_some_and(|source| crate::tls::is_untrusted(source)) {
        return Error::new(Failure::Untrusted, source);
    }
    Error::new(failure, source)
}

/// An open connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

type Opening = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// The stage that the opening of a connection has reached, which can explain a timeout.
#[derive(Clone, Default)]
pub(crate) struct Stage(Arc<AtomicBool>);

impl Stage {
    /// Records that the connection is open and the TLS handshake begins.
    #[cfg(feature = "tls")]
    pub(crate) fn begin_handshake(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Explains why the connection was not ready in time, if the reason is known.
    pub(crate) fn stalled(&self) -> Option<BoxError> {
        let text = "the gateway accepted the connection, and the TLS handshake did not end; is this port for http://?";
        self.0.load(Ordering::Relaxed).then(|| text.into())
    }
}

/// Opens connections to an address of the form `host:port`.
#[derive(Clone)]
pub(crate) struct Connector(Arc<dyn Fn(String, Stage) -> Opening + Send + Sync>);

impl Connector {
    /// Wraps a function that opens connections.
    pub(crate) fn new<F, O, S>(open: F) -> Self
    where
        F: Fn(String) -> O + Send + Sync + 'static,
        O: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self::staged(move |address, _| open(address))
    }

    /// Wraps a function that opens connections and records its [`Stage`].
    pub(crate) fn staged<F, O, S>(open: F) -> Self
    where
        F: Fn(String, Stage) -> O + Send + Sync + 'static,
        O: Future<Output = io::Result<S>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self(Arc::new(move |address, stage| {
            let opening = open(address, stage);
            Box::pin(async move { Ok(Box::new(opening.await?) as Box<dyn Stream>) })
        }))
    }

    /// Opens a connection.
    pub(crate) fn open(&self, address: &str, stage: &Stage) -> Opening {
        (self.0)(address.to_owned(), stage.clone())
    }
}

/// Opens TCP connections that send small writes at once (`TCP_NODELAY`).
impl Default for Connector {
    fn default() -> Self {
        Self::new(|address| async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }
}
