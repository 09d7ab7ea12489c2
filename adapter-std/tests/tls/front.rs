//! A TLS server in front of a plain one. It counts connections and records the data that it decrypts.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use sms_gateway::{
    Builder, Gateway,
    tls::rustls::{
        Error, HandshakeKind, ServerConfig, SignatureAlgorithm, SignatureScheme, SupportedProtocolVersion,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::{ClientHello, ResolvesServerCert},
        sign::{CertifiedKey, Signer, SigningKey},
        version::{TLS12, TLS13},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::peer::Identity;

/// The bytes of a response that reports 3 waiting messages.
const RESPONSE: &[u8] = b"HTTP/1.0 200 OK\r\n\r\n{\"error_code\":200,\"in_queue\":3}";

pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];

/// The record of the connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: u32,
    /// The kinds of the completed handshakes.
    pub(crate) handshakes: Vec<HandshakeKind>,
    /// Whether a client has sent data with its first message.
    pub(crate) has_early_data: bool,
    pub(crate) decrypted: Vec<u8>,
}

/// The server. Dropping this ends it.
pub(crate) struct Front {
    listener: Arc<TcpListener>,
    target: Option<SocketAddr>,
    seen: Arc<Mutex<Seen>>,
    accepting: JoinHandle<()>,
}

impl Front {
    /// Starts a server that forwards requests to a target. Without a target, the server answers each connection itself.
    pub(crate) async fn start(config: ServerConfig, target: Option<SocketAddr>) -> Self {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let seen = Arc::default();
        let accepting = accept(Arc::clone(&listener), config, target, Arc::clone(&seen));
        Self { listener, target, seen, accepting }
    }

    /// Restarts the server with another configuration. Its connections end, and its sessions are forgotten.
    pub(crate) async fn restart(&mut self, config: ServerConfig) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
        self.accepting = accept(Arc::clone(&self.listener), config, self.target, Arc::clone(&self.seen));
    }

    pub(crate) fn builder(&self) -> Builder {
        let url = format!("https://{}", self.listener.local_addr().unwrap());
        Gateway::builder(&url).credentials("admin", "admin")
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn accept(
    listener: Arc<TcpListener>,
    config: ServerConfig,
    target: Option<SocketAddr>,
    seen: Arc<Mutex<Seen>>,
) -> JoinHandle<()> {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        // The connections end with this task.
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            seen.lock().unwrap().connections += 1;
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
            connections.spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                // A connection that the client closes is an error, which is ignored.
                let _ = serve(stream, target, &seen).await;
            });
            while connections.try_join_next().is_some() {}
        }
    })
}

async fn serve(
    mut stream: TlsStream<TcpStream>,
    target: Option<SocketAddr>,
    seen: &Mutex<Seen>,
) -> std::io::Result<()> {
    let kind = stream.get_ref().1.handshake_kind().unwrap();
    let has_early_data = stream.get_mut().1.early_data().is_some();
    let note = |seen: &mut Seen| {
        seen.handshakes.push(kind);
        seen.has_early_data |= has_early_data;
    };
    note(&mut seen.lock().unwrap());
    let mut buffer = vec![0; 16 * 1024];
    let Some(target) = target else {
        let count = stream.read(&mut buffer).await?;
        seen.lock().unwrap().decrypted.extend(&buffer[..count]);
        stream.write_all(RESPONSE).await?;
        return stream.shutdown().await;
    };
    let mut server = TcpStream::connect(target).await?;
    let mut response = buffer.clone();
    loop {
        tokio::select! {
            read = stream.read(&mut buffer) => match read? {
                0 => return Ok(()),
                count => {
                    seen.lock().unwrap().decrypted.extend(&buffer[..count]);
                    server.write_all(&buffer[..count]).await?;
                }
            },
            read = server.read(&mut response) => match read? {
                0 => return stream.shutdown().await,
                count => {
                    stream.write_all(&response[..count]).await?;
                    stream.flush().await?;
                }
            },
        }
    }
}

#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A key that signs with OpenSSL, because rustls refuses short keys.
#[derive(Clone, Debug)]
struct OpensslKey(PathBuf);

impl SigningKey for OpensslKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&self.scheme()).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

impl Signer for OpensslKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let path = self.0.with_extension("message");
        std::fs::write(&path, message).unwrap();
        let mut command = std::process::Command::new("openssl");
        command.args([
            "dgst",
            "-sha256",
            "-sigopt",
            "rsa_padding_mode:pss",
            "-sigopt",
            "rsa_pss_saltlen:digest",
        ]);
        let output = command.arg("-sign").args([&self.0, &path]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(output.stdout)
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::RSA_PSS_SHA256
    }
}

/// Returns the configuration of a server that shows these certificates, and signs with the key of an identity.
pub(crate) fn config(
    chain: Vec<CertificateDer<'static>>,
    owner: &Identity,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let key = PrivateKeyDer::from_pem_slice(&owner.key_pem()).unwrap();
    let key = ring::sign::any_supported_type(&key)
        .unwrap_or_else(|_| Arc::new(OpensslKey(owner.path("key.pem").into())));
    let resolver = Shows(Arc::new(CertifiedKey::new(chain, key)));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_protocol_versions(versions).unwrap().with_no_client_auth();
    config.with_cert_resolver(Arc::new(resolver))
}
