//! Connections over TLS, on top of the gateway's connector.

use std::{
    future::poll_fn,
    io,
    pin::Pin as Pinned,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use rustls::{
    ClientConfig,
    crypto::{CryptoProvider, ring},
    pki_types::ServerName,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    Certificate,
    error::{HandshakeError, Untrusted},
    first_bytes::FirstBytes,
    verifier::{Trust, Verifier},
};
use crate::connect::{Connector, Stage};

/// The time during which no connection is opened after the gateway's certificate was refused. It keeps a caller that retries
/// in a loop from loading the gateway with handshakes that cannot succeed.
const REFUSED_FOR: Duration = Duration::from_secs(30);
/// The maximum number of bytes of a write. They fit one TLS record, which the gateway decrypts as a whole or not at all.
const MAX_RECORD_BYTES: usize = 16 * 1024;

/// The TLS settings of a gateway.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) trust: Trust,
    /// The cryptography provider; ring by default.
    pub(crate) provider: Option<Arc<CryptoProvider>>,
}

impl Settings {
    /// Wraps the connections of `plain` to a host in TLS. Returns `None` if TLS cannot verify the host's name, or if the
    /// provider has no usable cipher.
    pub(crate) fn connector(self, plain: Connector, host: &str) -> Option<Connector> {
        let client = Arc::new(Client::new(self, host)?);
        Some(Connector::staged(move |address, stage| {
            let (plain, client) = (plain.clone(), Arc::clone(&client));
            async move { client.open(&plain, &address, &stage).await }
        }))
    }

    /// Connects to a host and returns the certificate that it shows, trusted or not. Nothing but the handshake is sent.
    pub(crate) async fn inspect(
        mut self,
        plain: &Connector,
        host: &str,
        address: &str,
        stage: &Stage,
    ) -> io::Result<Certificate> {
        self.trust = Trust::Inspection;
        let client = Client::new(self, host).ok_or(io::ErrorKind::InvalidInput)?;
        let mut stream = client.open(plain, address, stage).await?.0;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = certificates.first().map(|certificate| Certificate::from_der(certificate));
        // The certificate is known, even if TLS cannot be closed properly.
        let _ = poll_fn(|context| Pinned::new(&mut stream).poll_shutdown(context)).await;
        certificate.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, HandshakeError::Malformed))
    }
}

/// The TLS client of one gateway, which resumes its sessions.
struct Client {
    tls: TlsConnector,
    name: ServerName<'static>,
    refused: Mutex<Option<(Instant, Untrusted)>>,
}

impl Client {
    fn new(settings: Settings, host: &str) -> Option<Self> {
        let provider = settings.provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
        let verifier = Verifier::new(settings.trust, Arc::clone(&provider));
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        let tls = TlsConnector::from(Arc::new(config.with_no_client_auth()));
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(host.to_owned()).ok()?;
        Some(Self { tls, name, refused: Mutex::default() })
    }

    async fn open(&self, plain: &Connector, address: &str, stage: &Stage) -> io::Result<Records> {
        if let Some(untrusted) = self.recently_refused() {
            return Err(HandshakeError::Untrusted(untrusted).into());
        }
        let stream = FirstBytes::new(plain.open(address, stage).await?);
        stage.begin_handshake();
        match self.tls.connect(self.name.clone(), stream).into_fallible().await {
            Ok(stream) => Ok(Records(stream)),
            Err((error, stream)) => {
                let error = HandshakeError::of(error, address, stream.obsolete_version())?;
                if let HandshakeError::Untrusted(untrusted) = &error {
                    let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                    *refused = Some((Instant::now(), untrusted.clone()));
                }
                Err(error.into())
            }
        }
    }

    fn recently_refused(&self) -> Option<Untrusted> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.as_ref().filter(|(at, _)| at.elapsed() < REFUSED_FOR).map(|(_, untrusted)| untrusted.clone())
    }
}

/// A TLS stream that writes at most one record at a time, so that a failed write has sent nothing that can be decrypted.
struct Records(TlsStream<FirstBytes>);

impl AsyncRead for Records {
    fn poll_read(
        mut self: Pinned<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pinned::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Records {
    fn poll_write(
        mut self: Pinned<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (record, _) = bytes.split_at_checked(MAX_RECORD_BYTES).unwrap_or((bytes, &[]));
        Pinned::new(&mut self.0).poll_write(context, record)
    }

    fn poll_flush(mut self: Pinned<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pinned::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pinned<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pinned::new(&mut self.0).poll_shutdown(context)
    }
}
