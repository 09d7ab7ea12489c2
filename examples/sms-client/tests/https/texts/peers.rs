//! What the program prints when the peer stalls, closes or resets the connection, or answers with something else.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{Case, Texts, Trust};

const AGAINST: &str = "test's peer";

/// The beginning of a TLS record.
const RECORD: &[u8] = b"\x16\x03\x03\x20\x00\x02\x00\x1F\xFC\x03\x03";

/// The behaviour of a peer after the beginning of a handshake.
#[derive(Clone, Copy)]
enum Peer {
    /// Reads the hello, writes these bytes, and closes the connection.
    Writes(&'static [u8]),
    /// Closes the connection without reading the whole hello, which resets the connection.
    Resets,
    /// Reads, and writes nothing.
    Stalls,
    /// Writes one byte of a TLS record every 10 ms.
    Drips,
}

impl Peer {
    async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(self.serve(stream));
            }
        });
        url
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut hello = [0; 4096];
        let room = if matches!(self, Self::Resets) { 1 } else { hello.len() };
        let _ = stream.read(&mut hello[..room]).await;
        match self {
            Self::Writes(bytes) => {
                let _ = stream.write_all(bytes).await;
            }
            Self::Resets => {}
            Self::Stalls => while stream.read(&mut hello).await.is_ok_and(|count| count > 0) {},
            Self::Drips => {
                let mut interval = tokio::time::interval(Duration::from_millis(10));
                for byte in RECORD.iter().chain(std::iter::repeat(&0)) {
                    interval.tick().await;
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Adds a row for each kind of peer.
pub(super) async fn rows(texts: &mut Texts) {
    for (name, peer) in [
        ("closes during the handshake", Peer::Writes(b"")),
        ("resets during the handshake", Peer::Resets),
        ("stalls during the handshake", Peer::Stalls),
        ("drips during the handshake", Peer::Drips),
        ("another service", Peer::Writes(b"SSH-2.0-dropbear\r\n")),
        ("alert protocol_version", Peer::Writes(b"\x15\x03\x03\x00\x02\x02\x46")),
        ("alert handshake_failure", Peer::Writes(b"\x15\x03\x03\x00\x02\x02\x28")),
        ("alert unrecognized_name", Peer::Writes(b"\x15\x03\x03\x00\x02\x02\x70")),
        ("alert internal_error", Peer::Writes(b"\x15\x03\x03\x00\x02\x02\x50")),
        ("hello of SSL 3.0", Peer::Writes(hello(0))),
        ("hello of TLS 1.0", Peer::Writes(hello(1))),
        ("hello of TLS 1.1", Peer::Writes(hello(2))),
        ("malformed handshake", Peer::Writes(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00")),
    ] {
        let url = peer.start().await;
        let case = Case { name, against: AGAINST, url: &url, certificate: None };
        let limit: &[&str] =
            if matches!(peer, Peer::Stalls | Peer::Drips) { &["--request-timeout", "1s"] } else { &[] };
        let args = [&["queue"], limit].concat();
        texts.run(case, &args, Trust::Pin(super::WRONG_PIN, "of another")).await;
    }
}

/// Returns a `ServerHello` of SSL 3.0, TLS 1.0 or TLS 1.1 with the cipher AES128-SHA.
fn hello(minor: u8) -> &'static [u8] {
    let mut bytes = b"\x16\x03\x00\x00\x2A\x02\x00\x00\x26\x03\x00".to_vec();
    (bytes[2], bytes[10]) = (minor, minor);
    bytes.extend([7; 32]);
    bytes.extend(b"\x00\x00\x2F\x00");
    bytes.leak()
}
