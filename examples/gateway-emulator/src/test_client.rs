//! A raw HTTP client for the tests. It returns the bytes of each response, and has its own Digest implementation.

use std::{fmt::Write as _, io, sync::Arc};

use md5::{Digest as _, Md5};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::IpAddr},
};

use crate::{Emulator, Options, server::Stream};

/// Starts a gateway without a login, and connects a client to it.
pub(crate) async fn open(options: Options) -> (Emulator, Client) {
    let gateway = Emulator::start(Options { auth: crate::Auth::None, ..options }).await.unwrap();
    let client = Client::connect(&gateway).await;
    (gateway, client)
}

/// A response as it arrived.
pub(crate) struct Raw {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Raw {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// Returns the value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status(), 200, "{}", self.head);
        serde_json::from_str(&self.body).expect(&self.body)
    }
}

/// One connection.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    /// Bytes read ahead after the last response.
    ahead: Vec<u8>,
}

impl Client {
    /// Connects over TLS if the gateway serves HTTPS, and trusts its certificate.
    pub(crate) async fn connect(gateway: &Emulator) -> Self {
        let mut roots = RootCertStore::empty();
        if let Some(certificate) = gateway.certificate() {
            roots.add(certificate.der().into()).unwrap();
        }
        Self::connect_trusting(gateway, roots).await.unwrap()
    }

    /// Uses a connection that is open.
    pub(crate) fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), ahead: Vec::new() }
    }

    pub(crate) async fn connect_trusting(gateway: &Emulator, roots: RootCertStore) -> io::Result<Self> {
        let stream = TcpStream::connect(gateway.addr()).await?;
        if gateway.certificate().is_none() {
            return Ok(Self::over(stream));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = IpAddr::from(gateway.addr().ip()).into();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        Ok(Self::over(stream))
    }

    pub(crate) async fn get(&mut self, target: &str) -> Value {
        self.request("GET", target, "", "").await.unwrap().json()
    }

    pub(crate) async fn post(&mut self, call: &str, body: &str) -> Value {
        self.request("POST", &format!("/api/{call}"), "", body).await.unwrap().json()
    }

    /// Returns the error code in the response to a call.
    pub(crate) async fn code(&mut self, call: &str, body: &str) -> u64 {
        self.post(call, body).await["error_code"].as_u64().unwrap()
    }

    /// Sends a request in one write, and reads the response. `headers` are whole header lines.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> io::Result<Raw> {
        self.send(method, target, headers, body).await?;
        self.answer().await
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> io::Result<()> {
        let length = match method {
            "POST" => format!("Content-Length: {}\r\n", body.len()),
            _ => String::new(),
        };
        let text = format!("{method} {target} HTTP/1.1\r\nHost: gateway\r\n{headers}{length}\r\n{body}");
        self.stream.write_all(text.as_bytes()).await
    }

    /// Reads one whole response. Its length, its chunks or the end of the connection shows where it ends. Chunks stay encoded.
    pub(crate) async fn answer(&mut self) -> io::Result<Raw> {
        let head = self.until(b"\r\n\r\n").await?;
        let mut raw = Raw { head, body: String::new() };
        if let Some(length) = raw.header("content-length") {
            let length = length.parse().unwrap();
            raw.body = self.take(length).await?;
        } else if raw.header("transfer-encoding").is_some() {
            raw.body = self.until(b"\r\n\r\n").await?;
        } else {
            raw.body = self.remaining().await;
        }
        Ok(raw)
    }

    /// Reads this number of bytes.
    pub(crate) async fn take(&mut self, length: usize) -> io::Result<String> {
        while self.ahead.len() < length {
            self.more().await?;
        }
        Ok(text(self.ahead.drain(..length).collect()))
    }

    /// Reads everything up to the end of the connection.
    pub(crate) async fn remaining(&mut self) -> String {
        while self.more().await.is_ok() {}
        text(std::mem::take(&mut self.ahead))
    }

    /// Reads everything up to and including `end`.
    async fn until(&mut self, end: &[u8]) -> io::Result<String> {
        loop {
            if let Some(at) = self.ahead.windows(end.len()).position(|window| window == end) {
                return Ok(text(self.ahead.drain(..at + end.len()).collect()));
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.ahead).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// A login, which tests can change before they use it.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    pub(crate) nonce: String,
    pub(crate) opaque: String,
    pub(crate) nc: u32,
    pub(crate) cnonce: &'static str,
    pub(crate) qop: &'static str,
    pub(crate) realm: &'static str,
}

impl Login {
    /// Creates the login for the challenge in a 401 response.
    pub(crate) fn new(refusal: &Raw) -> Self {
        let challenge = refusal.header("www-authenticate").unwrap();
        let part = |name: &str| challenge.split(name).nth(1).unwrap().split('"').next().unwrap().to_owned();
        Self {
            user: "admin",
            password: "admin",
            nonce: part("nonce=\""),
            opaque: part("opaque=\""),
            nc: 1,
            cnonce: "0a4f113b",
            qop: "auth",
            realm: "Web Server",
        }
    }

    /// Returns the `Authorization` header line for a request.
    pub(crate) fn line(&self, method: &str, uri: &str) -> String {
        let Self { user, password, nonce, opaque, nc, cnonce, qop, realm } = self;
        let secret = md5(&format!("{user}:{realm}:{password}"));
        let request = md5(&format!("{method}:{uri}"));
        let response = md5(&format!("{secret}:{nonce}:{nc:08x}:{cnonce}:{qop}:{request}"));
        format!(
            "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", algorithm=MD5, \
             response=\"{response}\", opaque=\"{opaque}\", qop={qop}, nc={nc:08x}, cnonce=\"{cnonce}\"\r\n"
        )
    }
}

fn md5(text: &str) -> String {
    let mut hex = String::new();
    for byte in Md5::digest(text) {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}
