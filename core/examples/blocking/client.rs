//! Calls over a blocking socket: connecting, writing and reading, each within the engine's timeouts.

use std::{
    error::Error,
    fmt,
    hash::{BuildHasher, RandomState},
    io::{self, ErrorKind, Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

pub(crate) use sms_gateway_core::client::Timeouts;
use sms_gateway_core::{
    call::{AnyCall, Call, CommaEncoding},
    client::{
        Broken, Cause, DRAIN_TIMEOUT, Failure, Next, Progress, Read, ResponseHead, Session, Site, Wait, Wire,
        WireEvent,
    },
    http::Credentials,
};

/// Size in bytes of each buffer. Responses may be longer, but a request or record may not.
const BUFFER_BYTES: usize = 4096;

/// A client of one gateway.
pub(crate) struct Client<'a> {
    site: Site<'a>,
    session: Session<Vec<u8>>,
    wire: Wire<Vec<u8>>,
    request: Vec<u8>,
    connection: Option<TcpStream>,
    /// The socket's last error, which the engine can't represent.
    io_error: Option<io::Error>,
    started: Instant,
}

/// The reason why a call failed.
#[derive(Debug)]
pub(crate) struct CallError {
    pub(crate) failure: Failure,
    io_error: Option<io::Error>,
}

/// The end of a wait for the gateway.
struct Deadline {
    began: Instant,
    limit: Duration,
    expired: Cause,
}

impl Deadline {
    fn of(session: &Session<Vec<u8>>, wait: Wait) -> Self {
        let limit = session.wait_limit(wait);
        Self { began: Instant::now(), limit: limit.duration, expired: limit.expired }
    }

    /// Returns the remaining time.
    fn left(&self) -> Result<Duration, Cause> {
        let left = self.limit.saturating_sub(self.began.elapsed());
        if left.is_zero() { Err(self.expired) } else { Ok(left) }
    }

    /// Reports the duration of the wait to the engine. A call's time limit counts only the waits, not the time in which the
    /// program uses a record.
    fn is_over(&self, session: &mut Session<Vec<u8>>) {
        session.waited(self.began.elapsed());
    }
}

impl<'a> Client<'a> {
    /// Creates a client that connects with its first call.
    pub(crate) fn new(host: &'a str, credentials: Credentials<'a>, timeouts: Timeouts) -> Self {
        let buffer = || vec![0; BUFFER_BYTES];
        let mut session = Session::new(buffer(), buffer());
        session.set_timeouts(timeouts);
        Self {
            site: Site { host, commas: CommaEncoding::default(), credentials: Some(credentials) },
            session,
            wire: Wire::new(buffer(), buffer()),
            request: buffer(),
            connection: None,
            io_error: None,
            started: Instant::now(),
        }
    }

    /// Makes a call, passes each record to `take` when it has arrived, and returns the summary.
    pub(crate) fn call<C: Call>(
        &mut self,
        call: &C,
        mut take: impl FnMut(C::Record<'_>),
    ) -> Result<C::Summary<'_>, CallError> {
        self.io_error = None;
        let mut outcome = self.begin(call.into());
        while outcome.is_ok() {
            match self.advance() {
                Ok(true) => self.session.record::<C>().into_iter().for_each(&mut take),
                Ok(false) => return Ok(self.session.summary::<C>()),
                Err(failure) => outcome = Err(failure),
            }
        }
        let failure = outcome.err().unwrap_or(Failure::Ended);
        Err(CallError { failure, io_error: self.io_error.take() })
    }

    /// Performs the engine's exchanges until the body of the call's response can be read.
    fn begin(&mut self, call: AnyCall<'_>) -> Result<(), Failure> {
        self.session.begin(call.spec(), call.is_repeatable());
        let mut length = self.write(call)?;
        loop {
            let next = match self.exchange(length) {
                Ok(head) => self.respond(head)?,
                Err(broken) => self.session.lost(broken)?,
            };
            match next {
                Next::Read => return Ok(()),
                Next::Send => length = self.write(call)?,
                Next::Resend => {}
            }
        }
    }

    /// Writes the next request into its buffer, and returns its length.
    fn write(&mut self, call: AnyCall<'_>) -> Result<usize, Failure> {
        let now = self.started.elapsed();
        self.session.write(call, &self.site, now, self.wire.scratch(), &mut self.request)
    }

    /// Sends the request and reads the head of its response.
    fn exchange(&mut self, length: usize) -> Result<ResponseHead, Broken> {
        self.wire.begin();
        let kept = self.connection.as_ref().is_some_and(is_open);
        if !kept {
            self.connection = None;
            let deadline = Deadline::of(&self.session, Wait::Connect);
            let connected = connect(self.site.host, &deadline);
            deadline.is_over(&mut self.session);
            match connected {
                Ok(connection) => self.connection = Some(connection),
                Err(error) => {
                    let cause = self.note(error, &deadline);
                    return Err(Broken::unopened(cause));
                }
            }
        }
        let deadline = Deadline::of(&self.session, Wait::Response);
        let mut written = 0;
        let head = self.send(length, &mut written, &deadline).and_then(|()| self.head(&deadline));
        deadline.is_over(&mut self.session);
        head.map_err(|cause| {
            self.connection = None;
            let has_read = !self.wire.is_silent();
            Broken::during(Progress { is_kept: kept, has_written: written > 0, has_read }, cause)
        })
    }

    fn send(&mut self, length: usize, written: &mut usize, deadline: &Deadline) -> Result<(), Cause> {
        let Self { request, connection: Some(connection), .. } = self else { return Err(Cause::Transport) };
        let mut error = None;
        while *written < length && error.is_none() {
            match write_some(connection, &request[*written..length], deadline) {
                Ok(count) => *written += count,
                Err(failed) => error = Some(failed),
            }
        }
        error.map_or(Ok(()), |error| Err(self.note(error, deadline)))
    }

    fn head(&mut self, deadline: &Deadline) -> Result<ResponseHead, Cause> {
        loop {
            match self.parse(deadline)? {
                WireEvent::Head(head) => return Ok(head),
                WireEvent::More | WireEvent::Body | WireEvent::End => {}
            }
        }
    }

    fn respond(&mut self, head: ResponseHead) -> Result<Next, Failure> {
        let entropy = || RandomState::new().hash_one(0);
        let credentials = self.site.credentials.as_ref();
        let now = self.started.elapsed();
        let next = self.session.responded(head, self.wire.challenges(), credentials, entropy, now);
        if next != Ok(Next::Read) {
            self.finish();
        }
        next
    }

    /// Reads up to the next record and returns `true`, or to the end of the response and returns `false`.
    fn advance(&mut self) -> Result<bool, Failure> {
        loop {
            let mut input = self.wire.body();
            let available = input.len();
            let read = self.session.read(&mut input);
            let consumed = available - input.len();
            self.wire.consume(consumed);
            let failure = match read {
                Ok(Read::Record) => return Ok(true),
                Ok(Read::End) => return Ok(false),
                Ok(Read::Drain) => {
                    self.finish();
                    continue;
                }
                Ok(Read::More) => match self.more() {
                    Ok(()) => continue,
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            self.connection = None;
            return Err(failure);
        }
    }

    fn more(&mut self) -> Result<(), Failure> {
        let deadline = Deadline::of(&self.session, Wait::Body);
        let parsed = self.parse(&deadline);
        deadline.is_over(&mut self.session);
        match parsed {
            Ok(WireEvent::End) => self.session.body_ended(),
            Ok(_) => Ok(()),
            Err(cause) => Err(self.session.body_lost(cause)),
        }
    }

    /// Parses the received bytes, and receives more if needed.
    fn parse(&mut self, deadline: &Deadline) -> Result<WireEvent, Cause> {
        let event = self.wire.parse()?;
        if event == WireEvent::More {
            let Some(connection) = &mut self.connection else { return Err(Cause::Transport) };
            let received = read_some(connection, self.wire.space(), deadline);
            let count = received.map_err(|error| self.note(error, deadline))?;
            self.wire.received(count)?;
        }
        Ok(event)
    }

    /// Reads and discards the rest of a response, for at most [`DRAIN_TIMEOUT`]. Keeps the connection if it can carry another
    /// exchange.
    fn finish(&mut self) {
        let mut deadline = Deadline::of(&self.session, Wait::Body);
        deadline.limit = deadline.limit.min(DRAIN_TIMEOUT);
        while self.wire.may_drain() && self.parse(&deadline).is_ok() {}
        deadline.is_over(&mut self.session);
        self.io_error = None;
        if !self.wire.is_reusable() {
            self.connection = None;
        }
    }

    /// Stores the socket's error, and returns its meaning for the engine.
    fn note(&mut self, error: io::Error, deadline: &Deadline) -> Cause {
        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) {
            return deadline.expired;
        }
        self.io_error = Some(error);
        Cause::Transport
    }
}

fn connect(host: &str, deadline: &Deadline) -> io::Result<TcpStream> {
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let addresses = if has_port { host.to_socket_addrs() } else { (host, 80).to_socket_addrs() }?;
    let mut error = ErrorKind::NotFound.into();
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(connection) => {
                connection.set_nodelay(true)?;
                return Ok(connection);
            }
            Err(failed) => error = failed,
        }
    }
    Err(error)
}

/// Returns whether a kept connection is still open and has no unread bytes.
fn is_open(connection: &TcpStream) -> bool {
    let peek = || {
        connection.set_nonblocking(true)?;
        let peeked = connection.peek(&mut [0]);
        connection.set_nonblocking(false)?;
        peeked
    };
    peek().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn write_some(connection: &mut TcpStream, bytes: &[u8], deadline: &Deadline) -> io::Result<usize> {
    connection.set_write_timeout(Some(left(deadline)?))?;
    match connection.write(bytes)? {
        0 => Err(ErrorKind::WriteZero.into()),
        count => Ok(count),
    }
}

fn read_some(connection: &mut TcpStream, space: &mut [u8], deadline: &Deadline) -> io::Result<usize> {
    connection.set_read_timeout(Some(left(deadline)?))?;
    connection.read(space)
}

fn left(deadline: &Deadline) -> io::Result<Duration> {
    deadline.left().map_err(|_| ErrorKind::TimedOut.into())
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)?;
        self.io_error.as_ref().map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}

impl Error for CallError {}
