//! Runs the commands of a modem one at a time, with the lines and the data of each. All state is kept here and not in futures.

use core::{
    fmt::{self, Write as _},
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use embassy_time::{Duration, Instant, Timer};
use embedded_io_async::{Error, ErrorKind, Read, Write};

use crate::lines::{Line, Lines};

/// The wait before a command is repeated.
pub const RETRY: Duration = Duration::from_millis(200);
/// The maximum length of a command in bytes: that of `CIPSTART` with the longest host and port.
const MAX_COMMAND: usize = 96;

/// The error of a [`Socket`](crate::socket::Socket).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtError {
    /// The UART failed.
    Uart(ErrorKind),
    /// The host is longer than 64 bytes, or has a character that no name or address has.
    Host,
    /// The modem has no connection to the gateway, and could not open one.
    Refused,
    /// The connection has ended, or was never opened.
    NotOpen,
    /// The modem reported that bytes were not sent, or it restarted. Some of the bytes may have been sent.
    NotSent,
}

impl fmt::Display for AtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uart(kind) => write!(f, "the modem's UART failed: {kind:?}"),
            Self::Host => f.write_str("the host is not a name or an address of at most 64 bytes"),
            Self::Refused => f.write_str("the modem refused to open the connection"),
            Self::NotOpen => f.write_str("the modem's connection has ended"),
            Self::NotSent => f.write_str("the modem did not send all bytes"),
        }
    }
}

impl core::error::Error for AtError {}

impl Error for AtError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Uart(kind) => *kind,
            Self::Host => ErrorKind::InvalidInput,
            Self::Refused => ErrorKind::ConnectionRefused,
            Self::NotOpen => ErrorKind::NotConnected,
            Self::NotSent => ErrorKind::BrokenPipe,
        }
    }
}

/// The lent memory of a [`Socket`](crate::socket::Socket).
pub struct Memory<'m> {
    /// The buffer for lines of the modem. 64 bytes suffice.
    pub lines: &'m mut [u8],
    /// The buffer for bytes that the modem has agreed to accept. A longer request is sent in several pieces, of at most 2,048 bytes.
    pub outgoing: &'m mut [u8],
}

/// The kind of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Plain,
    Receive,
    Send,
}

/// The stage of the current command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Idle,
    /// The command is being written.
    Writing,
    /// The response to the command is awaited.
    Response,
    /// The prompt for data is awaited.
    Prompt,
    /// The data are being written.
    Data,
    /// The result of sending the data is awaited.
    Result,
}

/// The outcome of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Refused,
    Busy,
}

/// The bytes that the modem has received over the connection and not yet passed on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Incoming {
    /// The number of bytes of the connection that arrive next on the UART.
    pub payload: usize,
    /// The number of bytes that the current `CIPRECVDATA` requests.
    asked: usize,
    /// The number of bytes that the modem holds, as far as is known.
    pub available: usize,
    /// Whether the modem may hold more than `available`.
    pub may_hold_more: bool,
}

/// A modem and its current command.
pub struct Commands<'m, U> {
    uart: U,
    pub lines: Lines<'m>,
    outgoing: &'m mut [u8],
    /// The number of bytes announced to the modem, and the number of those that are already written to it.
    announced: usize,
    sent: usize,
    text: heapless::String<MAX_COMMAND>,
    written: usize,
    pub command: Command,
    pub stage: Stage,
    pub outcome: Outcome,
    /// The time by which the modem should have responded to the current command.
    pub deadline: Instant,
    pub incoming: Incoming,
    pub is_open: bool,
}

impl<'m, U: Read + Write> Commands<'m, U> {
    pub fn new(uart: U, memory: Memory<'m>) -> Self {
        let Memory { lines, outgoing } = memory;
        Self {
            uart,
            lines: Lines::new(lines),
            outgoing,
            announced: 0,
            sent: 0,
            text: heapless::String::new(),
            written: 0,
            command: Command::Plain,
            stage: Stage::Idle,
            outcome: Outcome::Done,
            deadline: Instant::MIN,
            incoming: Incoming::default(),
            is_open: false,
        }
    }

    /// Begins a command. The previous one must be complete.
    pub fn begin(&mut self, command: Command, limit: Duration, text: fmt::Arguments<'_>) {
        self.text.clear();
        // The longest command fits.
        let _ = self.text.write_fmt(text).and_then(|()| self.text.write_str("\r\n"));
        (self.written, self.command, self.stage) = (0, command, Stage::Writing);
        self.deadline = Instant::now() + limit;
    }

    /// Begins to request bytes of the connection.
    pub fn begin_receiving(&mut self, count: usize, limit: Duration) {
        self.incoming.asked = count;
        self.begin(Command::Receive, limit, format_args!("AT+CIPRECVDATA={count}"));
    }

    /// The number of bytes that can be announced at once.
    pub fn room(&self) -> usize {
        self.outgoing.len()
    }

    /// Begins to announce bytes. The bytes must follow at [`Stage::Data`].
    pub fn begin_sending(&mut self, count: usize, limit: Duration) {
        (self.announced, self.sent) = (count, 0);
        self.begin(Command::Send, limit, format_args!("AT+CIPSEND={count}"));
    }

    /// Copies the announced bytes, so that they can be written to the modem.
    pub fn take(&mut self, bytes: &[u8]) {
        if let (Some(to), Some(from)) = (self.outgoing.get_mut(..self.announced), bytes.get(..self.announced))
        {
            to.copy_from_slice(from);
        }
    }

    /// Overwrites with zeros the announced bytes that are not written to the modem yet.
    pub fn withdraw(&mut self) {
        self.outgoing.get_mut(self.sent..self.announced).unwrap_or_default().fill(0);
    }

    /// Takes the current command one step further.
    pub async fn advance(&mut self) -> Result<(), AtError> {
        match self.stage {
            Stage::Idle => Ok(()),
            Stage::Writing => {
                let rest = self.text.as_bytes().get(self.written..).unwrap_or_default();
                match write_piece(&mut self.uart, rest).await? {
                    0 => self.stage = Stage::Response,
                    count => self.written += count,
                }
                Ok(())
            }
            Stage::Data => {
                let rest = self.outgoing.get(self.sent..self.announced).unwrap_or_default();
                match write_piece(&mut self.uart, rest).await? {
                    0 => self.stage = Stage::Result,
                    count => self.sent += count,
                }
                Ok(())
            }
            Stage::Response | Stage::Prompt | Stage::Result => self.step().await,
        }
    }

    /// Handles the next line of the modem. Drops bytes of the connection that precede it.
    pub async fn step(&mut self) -> Result<(), AtError> {
        self.incoming.payload -= self.lines.skip(self.incoming.payload);
        if self.incoming.payload == 0
            && let Some(line) = self.lines.next(self.stage == Stage::Prompt)
        {
            self.handle(line);
            return Ok(());
        }
        self.fill().await
    }

    pub async fn fill(&mut self) -> Result<(), AtError> {
        let count = read_piece(&mut self.uart, self.lines.space()).await?;
        self.lines.received(count);
        Ok(())
    }

    fn handle(&mut self, line: Line) {
        match (line, self.stage) {
            (Line::Incoming(count), _) => self.incoming.available = count,
            (Line::Closed, _) => self.is_open = false,
            (Line::Ready, _) => {
                (self.is_open, self.incoming) = (false, Incoming::default());
                self.end(Outcome::Refused);
            }
            (Line::Data(count), _) => self.incoming.arrives(count),
            (Line::Prompt, Stage::Prompt) => self.stage = Stage::Data,
            (Line::Ok, Stage::Response) if self.command == Command::Send => self.stage = Stage::Prompt,
            (Line::Ok, Stage::Response) | (Line::SendOk, Stage::Result) => self.end(Outcome::Done),
            (Line::Busy, Stage::Response) => self.end(Outcome::Busy),
            (Line::Error | Line::SendFail, Stage::Response | Stage::Prompt | Stage::Result) => {
                if self.command == Command::Receive {
                    // The modem holds no bytes.
                    self.incoming = Incoming::default();
                }
                self.end(Outcome::Refused);
            }
            _ => {}
        }
    }

    fn end(&mut self, outcome: Outcome) {
        (self.stage, self.outcome) = (Stage::Idle, outcome);
    }

    /// Completes the current command.
    pub async fn finish(&mut self) -> Result<Outcome, AtError> {
        while self.stage != Stage::Idle {
            self.advance().await?;
        }
        Ok(self.outcome)
    }

    /// Runs a command, and repeats it while the modem is busy. Returns whether the modem has accepted it.
    pub async fn run(&mut self, limit: Duration, text: fmt::Arguments<'_>) -> Result<bool, AtError> {
        loop {
            self.begin(Command::Plain, limit, text);
            match self.finish().await? {
                Outcome::Busy => Timer::after(RETRY).await,
                outcome => return Ok(outcome == Outcome::Done),
            }
        }
    }

    /// Reads bytes of the connection that have been announced by `CIPRECVDATA`.
    pub async fn read_payload(&mut self, buf: &mut [u8]) -> Result<usize, AtError> {
        let room = buf.len().min(self.incoming.payload);
        let buf = buf.get_mut(..room).unwrap_or_default();
        let count = match self.lines.take(buf) {
            0 => read_piece(&mut self.uart, buf).await?,
            count => count,
        };
        self.incoming.payload -= count;
        Ok(count)
    }

    /// Handles all lines that have arrived on the UART, without waiting.
    pub fn look(&mut self) -> Result<(), AtError> {
        let mut context = Context::from_waker(Waker::noop());
        // Stops before bytes of the connection, because `step` would drop them.
        while self.incoming.payload == 0 {
            match pin!(self.step()).poll(&mut context) {
                Poll::Ready(step) => step?,
                Poll::Pending => break,
            }
        }
        Ok(())
    }
}

impl Incoming {
    /// Records that this many bytes follow.
    fn arrives(&mut self, count: usize) {
        self.payload = count;
        self.may_hold_more = count == self.asked;
        self.available = if self.may_hold_more { self.available.saturating_sub(count) } else { 0 };
    }
}

/// Writes to the UART, or flushes it if there is nothing to write.
async fn write_piece<U: Write>(uart: &mut U, bytes: &[u8]) -> Result<usize, AtError> {
    let uart_error = |error: U::Error| AtError::Uart(error.kind());
    if bytes.is_empty() {
        uart.flush().await.map_err(uart_error)?;
        return Ok(0);
    }
    match uart.write(bytes).await.map_err(uart_error)? {
        0 => Err(AtError::Uart(ErrorKind::WriteZero)),
        count => Ok(count),
    }
}

/// Reads from the UART. The end of the stream is an error.
async fn read_piece<U: Read>(uart: &mut U, buf: &mut [u8]) -> Result<usize, AtError> {
    match uart.read(buf).await.map_err(|error| AtError::Uart(error.kind()))? {
        0 => Err(AtError::Uart(ErrorKind::BrokenPipe)),
        count => Ok(count),
    }
}
