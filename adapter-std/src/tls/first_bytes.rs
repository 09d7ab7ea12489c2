//! The first bytes that a gateway sends in a handshake, which explain why the handshake failed.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connect::Stream;

/// The length of a `ServerHello` up to its version: the headers of the record and of the message, and the version.
const LENGTH: usize = 11;

/// A stream that keeps the first bytes that it reads.
pub(super) struct FirstBytes {
    stream: Box<dyn Stream>,
    bytes: Vec<u8>,
}

impl FirstBytes {
    pub(super) const fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, bytes: Vec::new() }
    }

    /// Returns the newest version that the gateway offers, if that is older than TLS 1.2 (RFC 5246 §7.4.1.3).
    pub(super) fn obsolete_version(&self) -> Option<&'static str> {
        match *self.bytes {
            [0x16, 3, _, _, _, 2, _, _, _, 3, minor] => {
                ["SSL 3.0", "TLS 1.0", "TLS 1.1"].get(usize::from(minor)).copied()
            }
            _ => None,
        }
    }
}

impl AsyncRead for FirstBytes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let missing = LENGTH.saturating_sub(self.bytes.len());
        if missing > 0 {
            let new = buffer.filled().get(before..).unwrap_or_default();
            self.bytes.extend(new.iter().take(missing));
        }
        read
    }
}

impl AsyncWrite for FirstBytes {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
