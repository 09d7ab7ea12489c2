//! What the firmware does. Nothing here knows the board: it works over any `embassy_net` stack.

use core::{fmt, net::SocketAddrV4};

use embassy_net::{
    Stack,
    tcp::{self, ConnectError, TcpSocket},
};
use embassy_time::Duration;
use embedded_io_async::Write;
use log::info;

const REQUEST: &[u8] = b"GET /api/query_sms_in_queue HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n";

/// The memory it works in. In a static, since a task's own memory passes over the stack when it is spawned.
pub(crate) struct Memory {
    incoming: [u8; 2048],
    outgoing: [u8; 512],
}

impl Memory {
    pub(crate) const fn new() -> Self {
        Self { incoming: [0; 2048], outgoing: [0; 512] }
    }
}

/// Why it could not be done.
#[derive(Debug)]
pub(crate) enum Error {
    /// There was no connection.
    Connect(ConnectError),
    /// The connection broke.
    Connection(tcp::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "no connection to the gateway: {error:?}"),
            Self::Connection(error) => write!(f, "the connection to the gateway broke: {error:?}"),
        }
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

impl From<tcp::Error> for Error {
    fn from(error: tcp::Error) -> Self {
        Self::Connection(error)
    }
}

/// Asks the gateway a question that changes nothing, and shows the first line of what it answers.
///
/// # Errors
///
/// When there is no connection, or it breaks.
pub(crate) async fn run(stack: Stack<'_>, gateway: SocketAddrV4, memory: &mut Memory) -> Result<(), Error> {
    let mut socket = TcpSocket::new(stack, &mut memory.incoming, &mut memory.outgoing);
    socket.set_timeout(Some(Duration::from_secs(30)));
    socket.connect(gateway).await?;
    socket.write_all(REQUEST).await?;

    let mut answer = [0; 128];
    let mut length = 0;
    while length < answer.len() && !answer[..length].contains(&b'\n') {
        match socket.read(&mut answer[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    let line = answer[..length].split(|&byte| byte == b'\r').next().unwrap_or_default();
    info!("the gateway answered: {}", str::from_utf8(line).unwrap_or("something else than text"));
    Ok(())
}
