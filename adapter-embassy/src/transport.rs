//! The connection that carries requests and responses.

use core::fmt;

use embedded_io_async::{Error, ErrorKind, ErrorType, Read, Write};

/// A connection to the gateway that can be opened, closed, and opened again, for example a TCP socket, TLS over a socket, or a mock.
///
/// [`Opened`] turns any `Read + Write` that is already open into a transport.
///
/// A [`Gateway`](crate::Gateway) drops the futures of these methods when a time limit expires or its own future is dropped. It then closes
/// the connection. After that, the implementation need not work until [`connect`](Self::connect) has opened it again.
///
/// There is one exception. If the future of [`Response::next`](crate::Response::next) is dropped, the future of a `read` is dropped with
/// it, and the connection stays open. The next `read` must continue there, so a dropped `read` must not lose bytes. Sockets lose none. A
/// TLS library may lose some, see [TLS](crate#tls).
///
/// A `write` that fails must not have accepted any of its bytes, and bytes that it did not accept must never reach the gateway. The reason:
/// if the first write on a kept connection fails, the request is sent again on a new one, even if it submits messages. Bytes may have been
/// sent even if their [`flush`](Write::flush) fails. TCP sockets follow these rules, and [`Opened`] does if its connection does. A
/// transport may collect bytes and send earlier ones within a `write`. If sending them fails, the `write` must still accept the new bytes,
/// and the next call must fail.
#[allow(async_fn_in_trait)]
pub trait Transport: Read + Write {
    /// Opens the connection. It is called before the first request, and after [`close`](Self::close). The gateway drops the future after
    /// [`Timeouts::connect`](crate::Timeouts::connect).
    ///
    /// # Errors
    /// If the connection could not be opened.
    async fn connect(&mut self) -> Result<(), Self::Error>;

    /// Closes the connection in any state and drops its unread bytes, so that the next connection begins without any. The gateway drops the
    /// future after 500 ms, and may then call [`connect`](Self::connect) all the same.
    async fn close(&mut self);

    /// Whether the connection kept after the last response can carry another request, as far as is known without waiting. It must be open
    /// and have no unread bytes: with no request in flight, any would be unexpected.
    fn is_ready(&mut self) -> bool {
        true
    }
}

impl<T: Transport + ?Sized> Transport for &mut T {
    async fn connect(&mut self) -> Result<(), Self::Error> {
        T::connect(self).await
    }

    async fn close(&mut self) {
        T::close(self).await;
    }

    fn is_ready(&mut self) -> bool {
        T::is_ready(self)
    }
}

/// A transport over a connection that is already open. It is used until it has to be closed. After that, every call of the gateway fails
/// with [`Gone`](OpenedError::Gone), until [`Gateway::with_transport`](crate::Gateway::with_transport) takes a new one. It is meant for
/// connections that borrow their parts, such as TLS sessions. (For TLS sessions that can be opened again, see [TLS](crate#tls).)
#[derive(Debug)]
pub struct Opened<T> {
    inner: T,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    InUse,
    Gone,
}

impl<T> Opened<T> {
    /// Takes an open connection.
    pub const fn new(inner: T) -> Self {
        Self { inner, state: State::New }
    }

    /// Whether the connection has to be replaced before the next call.
    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// Returns the connection, so that it can be closed in its own way.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

/// The error of [`Opened`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum OpenedError<E> {
    /// The connection's own error.
    Io(E),
    /// The connection has ended and can't be opened again.
    Gone,
}

impl<E: fmt::Debug> fmt::Display for OpenedError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Gone => f.write_str("the connection has ended and can't be opened again"),
        }
    }
}

impl<E: Error> core::error::Error for OpenedError<E> {}

impl<E: Error> Error for OpenedError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Gone => ErrorKind::NotConnected,
        }
    }
}

impl<T: ErrorType> ErrorType for Opened<T> {
    type Error = OpenedError<T::Error>;
}

impl<T: Read> Read for Opened<T> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        self.inner.read(buf).await.map_err(OpenedError::Io)
    }
}

impl<T: Write> Write for Opened<T> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        self.inner.write(buf).await.map_err(OpenedError::Io)
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        self.inner.flush().await.map_err(OpenedError::Io)
    }
}

impl<T: Read + Write> Transport for Opened<T> {
    async fn connect(&mut self) -> Result<(), Self::Error> {
        if self.state != State::New {
            return Err(OpenedError::Gone);
        }
        self.state = State::InUse;
        Ok(())
    }

    async fn close(&mut self) {
        if self.state == State::InUse {
            self.state = State::Gone;
        }
    }
}
