//! The peer as a stream of tokio and as a transport of adapter-embassy.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use embedded_io_async::{ErrorType, Read, Write};
use sms_gateway_embassy::Transport;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

use crate::{peer::Peer, record::Closing};

/// An open connection to the peer.
pub struct Stream {
    peer: Peer,
    index: usize,
    timer: Option<Pin<Box<Sleep>>>,
    closing: Closing,
}

impl Stream {
    pub async fn open(peer: Peer) -> io::Result<Self> {
        let index = peer.open().await?;
        Ok(Self { peer, index, timer: None, closing: Closing::Dropped })
    }

    fn read_some(&mut self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.peer.read(self.index, room, context.waker()) {
                Ok(read) => return Poll::Ready(read),
                Err(None) => return Poll::Pending,
                Err(Some(due)) => {
                    let timer = self.timer.insert(Box::pin(tokio::time::sleep_until(due)));
                    if timer.as_mut().poll(context).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.peer.closed(self.index, self.closing);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.read_some(context, room.initialize_unfilled()).map_ok(|count| room.advance(count))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.peer.write(self.index, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = slices.iter().flat_map(|slice| slice.iter().copied()).collect::<Vec<_>>();
        self.peer.write(self.index, &bytes)
    }

    /// As those of TCP do.
    fn is_write_vectored(&self) -> bool {
        true
    }
}

/// Connections to the peer, one after the other.
pub struct PeerTransport {
    peer: Peer,
    stream: Option<Stream>,
}

impl PeerTransport {
    pub const fn new(peer: Peer) -> Self {
        Self { peer, stream: None }
    }

    fn stream(&mut self) -> io::Result<&mut Stream> {
        self.stream.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl ErrorType for PeerTransport {
    type Error = io::Error;
}

impl Read for PeerTransport {
    async fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let stream = self.stream()?;
        poll_fn(|context| stream.read_some(context, room)).await
    }
}

impl Write for PeerTransport {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let stream = self.stream()?;
        poll_fn(|_| stream.peer.write(stream.index, bytes)).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for PeerTransport {
    async fn connect(&mut self) -> io::Result<()> {
        assert!(self.stream.is_none(), "the former connection was not closed");
        self.stream = Some(Stream::open(self.peer.clone()).await?);
        Ok(())
    }

    async fn close(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.closing = Closing::Closed;
        }
        self.stream = None;
    }

    fn is_ready(&mut self) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.peer.is_quiet(stream.index))
    }
}
