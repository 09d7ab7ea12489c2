//! The TCP socket of embassy-net as a transport. Only this module uses embassy-net.

use core::fmt;

use embassy_net::{
    IpEndpoint, Stack,
    tcp::{self, ConnectError, State, TcpSocket},
};
use embassy_time::{Duration, with_timeout};
use embedded_io_async::{Error, ErrorKind, ErrorType, Read, Write};

use crate::Transport;

/// The time limit for sending the remaining bytes when a connection is closed, and for the reset after that.
const CLOSE_LIMIT: Duration = Duration::from_millis(200);

/// A TCP connection to the gateway over embassy-net. Each new connection uses the same lent buffers.
///
/// Run the stack's runner in its own task. Each poll of a socket wakes the runner, so a task that polls both never sleeps.
///
/// ```no_run
/// use sms_gateway_embassy::{Error, Gateway, Memory, net::{Tcp, TcpError}};
/// use embassy_net::{IpAddress, Stack};
///
/// async fn in_queue(stack: Stack<'_>, entropy: &mut dyn FnMut() -> u64) -> Result<Option<u32>, Error<TcpError>> {
///     let (mut incoming, mut outgoing) = ([0; 1536], [0; 1024]);
///     let tcp = Tcp::new(stack, (IpAddress::v4(192, 168, 1, 9), 80), &mut incoming, &mut outgoing);
///     let mut memory: Memory = Memory::new();
///     let mut gateway = Gateway::new(tcp, "192.168.1.9", memory.buffers(), entropy).credentials("admin", "secret");
///     gateway.query_sms_in_queue().await
/// }
/// ```
pub struct Tcp<'a> {
    socket: TcpSocket<'a>,
    gateway: IpEndpoint,
    /// The gateway's name, and the stack that resolves it.
    #[cfg(feature = "dns")]
    name: Option<(Stack<'a>, &'a str)>,
}

impl<'a> Tcp<'a> {
    /// Creates a connection to an address. `incoming` holds received bytes until they are read, and `outgoing` holds bytes until the
    /// gateway acknowledges them. A request larger than `outgoing` is sent in several pieces.
    pub fn new(
        stack: Stack<'a>,
        gateway: impl Into<IpEndpoint>,
        incoming: &'a mut [u8],
        outgoing: &'a mut [u8],
    ) -> Self {
        let mut socket = TcpSocket::new(stack, incoming, outgoing);
        // The last segment of a request must not wait for an acknowledgement.
        socket.set_nagle_enabled(false);
        Self {
            socket,
            gateway: gateway.into(),
            #[cfg(feature = "dns")]
            name: None,
        }
    }

    /// Creates a connection to a host by its name, which is resolved each time the connection is opened. An address is also a valid name.
    #[cfg(feature = "dns")]
    pub fn by_name(
        stack: Stack<'a>,
        name: &'a str,
        port: u16,
        incoming: &'a mut [u8],
        outgoing: &'a mut [u8],
    ) -> Self {
        let unknown = (core::net::Ipv4Addr::UNSPECIFIED, port);
        Self { name: Some((stack, name)), ..Self::new(stack, unknown, incoming, outgoing) }
    }

    /// Returns the socket, for settings such as its keep-alive probes.
    pub fn socket(&mut self) -> &mut TcpSocket<'a> {
        &mut self.socket
    }

    #[cfg(feature = "dns")]
    async fn look_up(&mut self) -> Result<(), TcpError> {
        use embassy_net::dns::{DnsQueryType, Error};
        if let Some((stack, name)) = self.name {
            let found = stack.dns_query(name, DnsQueryType::A).await.map_err(TcpError::Dns)?;
            self.gateway.addr = *found.first().ok_or(TcpError::Dns(Error::Failed))?;
        }
        Ok(())
    }
}

/// The error of a [`Tcp`] connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TcpError {
    /// The gateway's name could not be resolved.
    #[cfg(feature = "dns")]
    Dns(embassy_net::dns::Error),
    /// The connection could not be opened.
    Connect(ConnectError),
    /// The connection broke.
    Connection(tcp::Error),
}

impl fmt::Display for TcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "dns")]
            Self::Dns(error) => write!(f, "no address: {error:?}"),
            Self::Connect(error) => write!(f, "no connection: {error:?}"),
            Self::Connection(error) => write!(f, "{error:?}"),
        }
    }
}

impl core::error::Error for TcpError {}

impl Error for TcpError {
    fn kind(&self) -> ErrorKind {
        match self {
            #[cfg(feature = "dns")]
            Self::Dns(_) => ErrorKind::AddrNotAvailable,
            Self::Connect(ConnectError::ConnectionReset) => ErrorKind::ConnectionRefused,
            Self::Connect(ConnectError::TimedOut) => ErrorKind::TimedOut,
            Self::Connect(_) => ErrorKind::NotConnected,
            Self::Connection(tcp::Error::ConnectionReset) => ErrorKind::ConnectionReset,
        }
    }
}

impl ErrorType for Tcp<'_> {
    type Error = TcpError;
}

impl Read for Tcp<'_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, TcpError> {
        self.socket.read(buf).await.map_err(TcpError::Connection)
    }
}

impl Write for Tcp<'_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, TcpError> {
        self.socket.write(buf).await.map_err(TcpError::Connection)
    }

    /// Does nothing, because written bytes are sent anyway. (The socket's own `flush` waits for the gateway's acknowledgement.)
    async fn flush(&mut self) -> Result<(), TcpError> {
        Ok(())
    }
}

impl Transport for Tcp<'_> {
    async fn connect(&mut self) -> Result<(), TcpError> {
        #[cfg(feature = "dns")]
        self.look_up().await?;
        // The last close may have been interrupted.
        self.socket.abort();
        self.socket.connect(self.gateway).await.map_err(TcpError::Connect)
    }

    /// Waits briefly until the remaining bytes are sent and the connection has ended. Then resets it, so that the socket is free.
    async fn close(&mut self) {
        self.socket.close();
        let _ = with_timeout(CLOSE_LIMIT, self.socket.flush()).await;
        self.socket.abort();
        let _ = with_timeout(CLOSE_LIMIT, self.socket.flush()).await;
    }

    fn is_ready(&mut self) -> bool {
        self.socket.state() == State::Established && !self.socket.can_recv()
    }
}

impl fmt::Debug for Tcp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.socket.state();
        f.debug_struct("Tcp").field("gateway", &self.gateway).field("state", &state).finish_non_exhaustive()
    }
}
