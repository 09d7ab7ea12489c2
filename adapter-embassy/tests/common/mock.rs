//! A transport without a network, which does what a test wants of it.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::{pending, poll_fn},
    rc::Rc,
    task::Poll,
};

use embedded_io_async::{Error, ErrorKind, ErrorType, Read, Write};
use sms_gateway_embassy::Transport;

/// Answers requests; it is given one whole request at a time.
pub trait Device {
    fn answer(&mut self, request: &str) -> Reply;
}

impl<F: FnMut(&str) -> Reply> Device for F {
    fn answer(&mut self, request: &str) -> Reply {
        self(request)
    }
}

/// What a request gets.
pub struct Reply {
    pub bytes: Vec<u8>,
    pub then: Then,
}

/// What follows the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The next request.
    Listen,
    /// The connection's end.
    Close,
    /// An error of the transport.
    Fail,
    /// Nothing, for ever.
    Stall,
}

impl Reply {
    pub fn new(bytes: impl Into<Vec<u8>>, then: Then) -> Self {
        Self { bytes: bytes.into(), then }
    }

    /// A tidy answer on a connection that is kept.
    pub fn json(status: u16, body: &str) -> Self {
        let length = body.len();
        Self::new(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}"), Then::Listen)
    }
}

/// What happens to requests on their way.
#[derive(Clone, Copy)]
pub struct NetworkProfile {
    /// A write takes so many bytes, and a read gives so many.
    pub piece: usize,
    /// A connection's first read gives no more than so many bytes.
    pub first: usize,
    /// Everything takes a moment: each future is polled twice.
    pub waits: bool,
    /// Writing fails after so many bytes of a connection.
    pub write_limit: Option<usize>,
    /// There is no connection any more.
    pub refuses: bool,
    /// Connecting takes for ever.
    pub stalls: bool,
    /// Whether a connection that was closed by the device is seen to be.
    pub sees_end: bool,
}

impl NetworkProfile {
    /// Nothing happens to them.
    pub const CLEAR: Self = Self {
        piece: usize::MAX,
        first: usize::MAX,
        waits: false,
        write_limit: None,
        refuses: false,
        stalls: false,
        sees_end: true,
    };
}

impl Default for NetworkProfile {
    fn default() -> Self {
        Self::CLEAR
    }
}

/// What can be seen from outside.
pub struct World {
    pub profile: NetworkProfile,
    pub device: Box<dyn Device>,
    /// The requests that came whole.
    pub requests: Vec<String>,
    /// In how many writes they came, flushes aside.
    pub writes: usize,
    pub connections: usize,
    pub closed: usize,
    pub polls: usize,
    open: Option<Connection>,
}

#[derive(Default)]
struct Connection {
    incoming: Vec<u8>,
    written: usize,
    outgoing: VecDeque<u8>,
    read: bool,
    then: Option<Then>,
}

#[derive(Clone)]
pub struct Mock(pub Rc<RefCell<World>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MockError {
    Refused,
    Broken,
}

impl std::fmt::Display for MockError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for MockError {}

impl Error for MockError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl Mock {
    pub fn new(device: impl Device + 'static, profile: NetworkProfile) -> Self {
        Self(Rc::new(RefCell::new(World {
            profile,
            device: Box::new(device),
            requests: Vec::new(),
            writes: 0,
            connections: 0,
            closed: 0,
            polls: 0,
            open: None,
        })))
    }

    pub fn requests(&self) -> Vec<String> {
        self.0.borrow().requests.clone()
    }

    /// The first words of the requests.
    pub fn targets(&self) -> Vec<String> {
        let first =
            |request: &String| request.split(' ').nth(1).unwrap().trim_start_matches("/api/").to_owned();
        self.requests().iter().map(first).collect()
    }

    pub fn connections(&self) -> usize {
        self.0.borrow().connections
    }

    pub fn closed(&self) -> usize {
        self.0.borrow().closed
    }

    pub fn set_road(&self, change: impl FnOnce(&mut NetworkProfile)) {
        change(&mut self.0.borrow_mut().profile);
    }

    /// Bytes come that nobody asked for.
    pub fn push(&self, bytes: &[u8]) {
        self.0.borrow_mut().open.as_mut().expect("a connection").outgoing.extend(bytes);
    }

    /// The device closes the connection.
    pub fn hang_up(&self, then: Then) {
        self.0.borrow_mut().open.as_mut().expect("a connection").then = Some(then);
    }

    async fn moment(&self) {
        let mut waits = self.0.borrow().profile.waits;
        poll_fn(|context| {
            self.0.borrow_mut().polls += 1;
            if std::mem::take(&mut waits) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl World {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, MockError> {
        let connection = self.open.as_mut().ok_or(MockError::Broken)?;
        let room =
            self.profile.write_limit.map_or(usize::MAX, |limit| limit.saturating_sub(connection.written));
        let count = bytes.len().min(self.profile.piece).min(room);
        if count == 0 || connection.then == Some(Then::Fail) {
            return Err(MockError::Broken);
        }
        self.writes += 1;
        connection.written += count;
        connection.incoming.extend(&bytes[..count]);
        if connection.then.is_none()
            && let Some(request) = whole_request(&mut connection.incoming)
        {
            let reply = self.device.answer(&request);
            self.requests.push(request);
            connection.outgoing.extend(reply.bytes);
            connection.then = Some(reply.then).filter(|then| *then != Then::Listen);
        }
        Ok(count)
    }

    /// `None`: there is nothing to read.
    fn read(&mut self, room: &mut [u8]) -> Option<Result<usize, MockError>> {
        let Some(connection) = self.open.as_mut() else { return Some(Err(MockError::Broken)) };
        let piece =
            if connection.read { self.profile.piece } else { self.profile.first.min(self.profile.piece) };
        let count = room.len().min(piece).min(connection.outgoing.len());
        if count == 0 {
            return match connection.then {
                Some(Then::Close) => Some(Ok(0)),
                Some(Then::Fail) => Some(Err(MockError::Broken)),
                Some(Then::Stall | Then::Listen) | None => None,
            };
        }
        connection.read = true;
        for place in &mut room[..count] {
            *place = connection.outgoing.pop_front().unwrap();
        }
        Some(Ok(count))
    }
}

/// Takes a request that has come whole.
pub fn whole_request(bytes: &mut Vec<u8>) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let head = text.find("\r\n\r\n")? + 4;
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().unwrap());
    let rest = bytes.len().checked_sub(head + length)?;
    let rest = bytes.split_off(bytes.len() - rest);
    Some(String::from_utf8(std::mem::replace(bytes, rest)).unwrap())
}

impl ErrorType for Mock {
    type Error = MockError;
}

impl Read for Mock {
    async fn read(&mut self, room: &mut [u8]) -> Result<usize, MockError> {
        self.moment().await;
        let read = self.0.borrow_mut().read(room);
        match read {
            Some(result) => result,
            None => pending().await,
        }
    }
}

impl Write for Mock {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, MockError> {
        self.moment().await;
        self.0.borrow_mut().write(bytes)
    }

    async fn flush(&mut self) -> Result<(), MockError> {
        self.moment().await;
        Ok(())
    }
}

impl Transport for Mock {
    async fn connect(&mut self) -> Result<(), MockError> {
        assert!(self.0.borrow().open.is_none(), "the former connection was not closed");
        self.moment().await;
        let profile = self.0.borrow().profile;
        if profile.stalls {
            pending::<()>().await;
        }
        if profile.refuses {
            return Err(MockError::Refused);
        }
        let mut world = self.0.borrow_mut();
        world.connections += 1;
        world.open = Some(Connection::default());
        Ok(())
    }

    async fn close(&mut self) {
        self.moment().await;
        let mut world = self.0.borrow_mut();
        world.closed += usize::from(world.open.is_some());
        world.open = None;
    }

    fn is_ready(&mut self) -> bool {
        let world = self.0.borrow();
        !world.profile.sees_end
            || world.open.as_ref().is_some_and(|open| open.then.is_none() && open.outgoing.is_empty())
    }
}
