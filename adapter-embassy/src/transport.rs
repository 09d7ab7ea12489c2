//! The connection that carries requests and responses.

use core::fmt;

use embedded_io_async::{Error, ErrorKind, ErrorType, Read, Write};

/// A connection to the gateway that can be opened, closed, and opened again: a TCP socket, TLS over one, a mock.
///
/// [`Opened`] makes one of any `Read + Write` that is open already.
///
/// A [`Gateway`](crate::Gateway) drops the futures of these methods when a time limit runs out or its own future is dropped, and closes
/// the connection then. An implementation need not be of use after that until [`connect`](Self::connect) has opened it anew.
///
/// There is one exception. The future of [`Response::next`](crate::Response::next) may be dropped and created again, and so may the future of a `read`: it
/// must not lose bytes. Those of sockets don't; those of TLS libraries may, see [TLS](crate#tls).
///
/// A `write` that fails must have taken nothing of what it was given, and what it has not taken must never reach the gateway: if the first
/// write on a connection that was kept fails, the request is sent again on a new one, even if it submits messages. Bytes whose
/// [`flush`](Write::flush) fails may have been sent. TCP sockets keep to that, and [`Opened`] does if what it holds does. A transport
/// that gathers bytes and sends them within a `write` must take them all the same when that fails, and fail in the next call.
#[allow(async_fn_in_trait)]
pub trait Transport: Read + Write {
    /// Opens the connection. It is called at first, and after [`close`](Self::close). The gateway drops the future at
    /// [`Timeouts::connect`](crate::Timeouts::connect).
    ///
    /// # Errors
    /// If there is no connection.
    async fn connect(&mut self) -> Result<(), Self::Error>;

    /// Closes the connection in any state and drops its unread bytes, so that the next connection begins empty. The gateway drops the
    /// future after 500 ms and then calls [`connect`](Self::connect).
    async fn close(&mut self);

    /// Whether a connection that was kept after the last response can carry another request, as far as is known without waiting: it is
    /// open, and no bytes have arrived, since no request is in flight.
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

/// A connection that is open already, and is used until it has to be closed: then [`Gone`](OpenedError::Gone) is the error of every call,
/// and [`Gateway::with_transport`](crate::Gateway::with_transport) takes the next one. For connections that borrow what they are made of, as
/// TLS sessions do (which can be opened again all the same, see [TLS](crate#tls)).
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

    /// The connection, to be closed in its own way.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

/// The error of [`Opened`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum OpenedError<E> {
    /// The connection's own.
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
