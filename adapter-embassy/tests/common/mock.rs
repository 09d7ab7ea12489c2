//! A transport without a network. The test chooses the responses and the faults.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::{pending, poll_fn},
    rc::Rc,
    task::Poll,
};

use embedded_io_async::{Error, ErrorKind, ErrorType, Read, Write};
use sms_gateway_embassy::Transport;

/// Responds to requests. It receives each request whole.
pub trait Device {
    fn respond(&mut self, request: &str) -> MockResponse;
}

impl<F: FnMut(&str) -> MockResponse> Device for F {
    fn respond(&mut self, request: &str) -> MockResponse {
        self(request)
    }
}

/// The response to a request, and what happens to the connection after it.
pub struct MockResponse {
    pub bytes: Vec<u8>,
    pub then: Then,
}

/// The state of the connection after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The device awaits the next request.
    Listen,
    /// The device closes the connection.
    Close,
    /// The transport fails.
    Fail,
    /// The device stays silent.
    Stall,
}

impl MockResponse {
    pub fn new(bytes: impl Into<Vec<u8>>, then: Then) -> Self {
        Self { bytes: bytes.into(), then }
    }

    /// A well-formed response that leaves the connection open.
    pub fn json(status: u16, body: &str) -> Self {
        let length = body.len();
        Self::new(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}"), Then::Listen)
    }
}

/// The faults and delays of the emulated network.
#[derive(Clone, Copy)]
pub struct NetworkProfile {
    /// The maximum number of bytes in one write or read.
    pub piece: usize,
    /// The maximum number of bytes in the first read of a connection.
    pub first: usize,
    /// Whether each operation is pending once before it completes.
    pub waits: bool,
    /// The number of bytes after which writing to a connection fails.
    pub write_limit: Option<usize>,
    /// Whether connections are refused.
    pub refuses: bool,
    /// Whether connecting never completes.
    pub stalls: bool,
    /// Whether `is_ready` notices that the device has closed the connection.
    pub sees_end: bool,
}

impl NetworkProfile {
    /// A network without faults and delays.
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

/// The state of the transport and of the device, which tests inspect.
pub struct MockState {
    pub profile: NetworkProfile,
    pub device: Box<dyn Device>,
    /// The requests that arrived whole.
    pub requests: Vec<String>,
    /// The number of writes, without flushes.
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
    has_read: bool,
    then: Option<Then>,
}

#[derive(Clone)]
pub struct Mock(pub Rc<RefCell<MockState>>);

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
        Self(Rc::new(RefCell::new(MockState {
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

    /// The targets of the requests, without `/api/`, in their order.
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

    pub fn set_profile(&self, change: impl FnOnce(&mut NetworkProfile)) {
        change(&mut self.0.borrow_mut().profile);
    }

    /// Sends bytes that belong to no request.
    pub fn push(&self, bytes: &[u8]) {
        self.0.borrow_mut().open.as_mut().expect("a connection").outgoing.extend(bytes);
    }

    /// Ends the connection from the device's side, as specified by `then`.
    pub fn end_connection(&self, then: Then) {
        self.0.borrow_mut().open.as_mut().expect("a connection").then = Some(then);
    }

    async fn delay(&self) {
        let mut is_pending = self.0.borrow().profile.waits;
        poll_fn(|context| {
            self.0.borrow_mut().polls += 1;
            if std::mem::take(&mut is_pending) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl MockState {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, MockError> {
        let connection = self.open.as_mut().ok_or(MockError::Broken)?;
        let space =
            self.profile.write_limit.map_or(usize::MAX, |limit| limit.saturating_sub(connection.written));
        let count = bytes.len().min(self.profile.piece).min(space);
        if count == 0 || connection.then == Some(Then::Fail) {
            return Err(MockError::Broken);
        }
        self.writes += 1;
        connection.written += count;
        connection.incoming.extend(&bytes[..count]);
        if connection.then.is_none()
            && let Some(request) = whole_request(&mut connection.incoming)
        {
            let response = self.device.respond(&request);
            self.requests.push(request);
            connection.outgoing.extend(response.bytes);
            connection.then = Some(response.then).filter(|then| *then != Then::Listen);
        }
        Ok(count)
    }

    /// Returns `None` while there is nothing to read.
    fn read(&mut self, buffer: &mut [u8]) -> Option<Result<usize, MockError>> {
        let Some(connection) = self.open.as_mut() else { return Some(Err(MockError::Broken)) };
        let piece =
            if connection.has_read { self.profile.piece } else { self.profile.first.min(self.profile.piece) };
        let count = buffer.len().min(piece).min(connection.outgoing.len());
        if count == 0 {
            return match connection.then {
                Some(Then::Close) => Some(Ok(0)),
                Some(Then::Fail) => Some(Err(MockError::Broken)),
                Some(Then::Stall | Then::Listen) | None => None,
            };
        }
        connection.has_read = true;
        for byte in &mut buffer[..count] {
            *byte = connection.outgoing.pop_front().unwrap();
        }
        Some(Ok(count))
    }
}

/// Removes the first request from the bytes, if it has arrived whole.
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
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, MockError> {
        self.delay().await;
        let read = self.0.borrow_mut().read(buffer);
        match read {
            Some(result) => result,
            None => pending().await,
        }
    }
}

impl Write for Mock {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, MockError> {
        self.delay().await;
        self.0.borrow_mut().write(bytes)
    }

    async fn flush(&mut self) -> Result<(), MockError> {
        self.delay().await;
        Ok(())
    }
}

impl Transport for Mock {
    async fn connect(&mut self) -> Result<(), MockError> {
        assert!(self.0.borrow().open.is_none(), "the previous connection was not closed");
        self.delay().await;
        let profile = self.0.borrow().profile;
        if profile.stalls {
            pending::<()>().await;
        }
        if profile.refuses {
            return Err(MockError::Refused);
        }
        let mut state = self.0.borrow_mut();
        state.connections += 1;
        state.open = Some(Connection::default());
        Ok(())
    }

    async fn close(&mut self) {
        self.delay().await;
        let mut state = self.0.borrow_mut();
        state.closed += usize::from(state.open.is_some());
        state.open = None;
    }

    fn is_ready(&mut self) -> bool {
        let state = self.0.borrow();
        !state.profile.sees_end
            || state.open.as_ref().is_some_and(|open| open.then.is_none() && open.outgoing.is_empty())
    }
}
