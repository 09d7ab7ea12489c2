//! The peer as a stream of tokio and as a transport of adapter-embassy.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use embedded_io_async::{ErrorType, Read, Write};
use sms_gateway_embassy::Transport;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
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

    /// Supports vectored writes, as TCP streams do.
    fn is_write_vectored(&self) -> bool {
        true
    }
}

/// The target of connections.
#[derive(Clone)]
pub enum Target {
    Peer(Peer),
    Tcp(SocketAddr),
}

enum Opened {
    Peer(Stream),
    Tcp(TcpStream),
}

/// Connections to the same target, one after the other.
pub struct PeerTransport {
    target: Target,
    opened: Option<Opened>,
}

impl PeerTransport {
    pub const fn new(target: Target) -> Self {
        Self { target, opened: None }
    }

    fn opened(&mut self) -> io::Result<&mut Opened> {
        self.opened.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl ErrorType for PeerTransport {
    type Error = io::Error;
}

impl Read for PeerTransport {
    async fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.opened()? {
            Opened::Peer(stream) => poll_fn(|context| stream.read_some(context, room)).await,
            Opened::Tcp(stream) => stream.read(room).await,
        }
    }
}

impl Write for PeerTransport {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.opened()? {
            Opened::Peer(stream) => poll_fn(|_| stream.peer.write(stream.index, bytes)).await,
            Opened::Tcp(stream) => stream.write(bytes).await,
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for PeerTransport {
    async fn connect(&mut self) -> io::Result<()> {
        assert!(self.opened.is_none(), "the former connection was not closed");
        self.opened = Some(match &self.target {
            Target::Peer(peer) => Opened::Peer(Stream::open(peer.clone()).await?),
            Target::Tcp(address) => Opened::Tcp(TcpStream::connect(address).await?),
        });
        Ok(())
    }

    async fn close(&mut self) {
        if let Some(Opened::Peer(stream)) = &mut self.opened {
            stream.closing = Closing::Closed;
        }
        self.opened = None;
    }

    fn is_ready(&mut self) -> bool {
        match &self.opened {
            None => false,
            Some(Opened::Peer(stream)) => stream.peer.is_quiet(stream.index),
            Some(Opened::Tcp(stream)) => {
                // Neither bytes nor the end of the stream have arrived.
                stream.try_read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            }
        }
    }
}
