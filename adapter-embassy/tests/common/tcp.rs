//! A transport over a TCP socket of tokio.

use std::{io, net::SocketAddr};

use embedded_io_adapters::tokio_1::FromTokio;
use embedded_io_async::{ErrorType, Read, Write};
use sms_gateway_embassy::Transport;
use tokio::net::TcpStream;

pub struct Tcp {
    to: SocketAddr,
    stream: Option<FromTokio<TcpStream>>,
}

impl Tcp {
    pub fn new(to: SocketAddr) -> Self {
        Self { to, stream: None }
    }

    fn stream(&mut self) -> io::Result<&mut FromTokio<TcpStream>> {
        self.stream.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl ErrorType for Tcp {
    type Error = io::Error;
}

impl Read for Tcp {
    async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream()?.read(buf).await
    }
}

impl Write for Tcp {
    async fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream()?.write(buf).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.stream()?.flush().await
    }
}

impl Transport for Tcp {
    async fn connect(&mut self) -> io::Result<()> {
        let stream = TcpStream::connect(self.to).await?;
        stream.set_nodelay(true)?;
        self.stream = Some(FromTokio::new(stream));
        Ok(())
    }

    async fn close(&mut self) {
        self.stream = None;
    }

    fn is_ready(&mut self) -> bool {
        let mut byte = [0];
        let stream = self.stream.take().map(FromTokio::into_inner);
        // True if neither bytes nor the end of the connection have arrived.
        let is_silent = |stream: &TcpStream| matches!(stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        self.stream = stream.filter(is_silent).map(FromTokio::new);
        self.stream.is_some()
    }
}
