//! A socket whose connections follow a script, with or without TLS.

use std::sync::Arc;

use sms_gateway::tls::{Pin, rustls};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::common::{Run, run_talking};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// The certificate and the key of sockets with TLS.
const IDENTITY: &[u8] = include_bytes!("peer.pem");

/// The user name with which `doctor` logs in.
pub(super) const USER: &str = "Benutzer";

pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}
pub(super) type Stream = Box<dyn Duplex>;

/// Listens on a socket, serves each connection with `serve`, and returns the URL.
pub(super) async fn start<S, F>(is_https: bool, serve: S) -> String
where
    S: Fn(Stream) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scheme = if is_https { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    let (serve, tls) = (Arc::new(serve), is_https.then(acceptor));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (serve, tls) = (Arc::clone(&serve), tls.clone());
            tokio::spawn(async move {
                match tls {
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(Box::new(stream)).await;
                        }
                    }
                    None => serve(Box::new(stream)).await,
                }
            });
        }
    });
    url
}

fn acceptor() -> TlsAcceptor {
    let chain = vec![CertificateDer::from_pem_slice(IDENTITY).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(IDENTITY).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Returns the pin of sockets with TLS.
pub(super) fn pin() -> String {
    Pin::of_certificate(&CertificateDer::from_pem_slice(IDENTITY).unwrap()).to_string()
}

/// Reads a request with its body. Returns `None` at the end of the connection.
pub(super) async fn request(stream: &mut Stream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().filter_map(|line| line.split_once(": "));
            let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            if length.find_map(|(_, value)| value.parse().ok()).unwrap_or(0) <= body.len() {
                return Some(text.into_owned());
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(length) if length > 0 => bytes.extend_from_slice(&piece[..length]),
            _ => return None,
        }
    }
}

/// Runs `doctor` against a socket. With TLS, its certificate is pinned.
pub(super) async fn examine(url: &str, more: &[&str]) -> Run {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_sms-client"));
    command.args(["doctor", "--gateway", url]).args(more).env("SMS_GATEWAY_USER", USER);
    if url.starts_with("https:") {
        command.args(["--pin", &pin()]);
    }
    command
        .env("SMS_GATEWAY_PASSWORD", super::PASSWORD)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    run_talking(command).await
}
