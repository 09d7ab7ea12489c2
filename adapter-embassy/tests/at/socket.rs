//! A TCP connection of a modem with AT commands, over any UART and in lent memory. It can be copied into firmware, with `lines.rs`.
//!
//! The commands are those of ESP-AT (AT version 2.2 and later: ESP32, ESP32-C3, ESP8266), with one connection (`CIPMUX=0`) in the passive
//! receive mode. Then the modem sends the bytes of a response only when it is asked for them. A microcontroller that is slow loses nothing,
//! however long the response is. Other modems have the same commands by other names: `QIOPEN`, `QISEND`, `QIRD` and `QICLOSE`, for example.
//!
//! No crate for AT commands is used. atat 0.25, the best known one, needs a task of its own for incoming bytes and fixed buffers for whole
//! responses. It drops its buffer when that is full, searches the bytes of a connection for `OK`, and pauses between commands.
//!
//! The modem joins its network by itself: it stores the last `AT+CWJAP`. It should be reset when the board is reset.
//!
//! # What must hold
//! - **A dropped future loses nothing.** The gateway drops futures at its time limits, and the application drops those of
//!   [`Response::next`](sms_gateway_embassy::Response::next). The state of a command is therefore in the [`Socket`], and each wait is one
//!   `read`, `write` or `flush` of the UART. Those must lose nothing when they are dropped, as is true of buffered UARTs.
//! - **[`write`](Write::write) takes bytes only when the modem waits for them.** It announces them with `CIPSEND` and waits for the prompt
//!   `>`. If the modem refuses, because the connection has ended for example, nothing was taken. The gateway can then send even
//!   messages again, on a new connection. After the prompt the bytes are copied, and the write succeeds.
//! - **[`flush`](Write::flush) writes them to the modem** and waits for `SEND OK`. It can fail after some bytes were sent.
//! - **A write that stalls is bounded by the gateway**, by its time limit on the response. Then the gateway closes the connection.
//! - **[`close`](Transport::close) leaves no command open.** The modem may still wait for announced bytes, and would take a command for
//!   them. It gets zeros instead of the request's remaining bytes, so the gateway receives a request that is invalid: no call ends
//!   with a zero. The gateway drops `close` after 500 ms. The next `connect` then continues where it stopped.
//! - **[`is_ready`](Transport::is_ready) reads what the UART holds already**, by polling it once: `CLOSED` or `+IPD` may be among it.
//! - **A modem that does not respond in time** gets `AT` until it responds. What it sent before is dropped.

use core::{
    fmt::{self, Write as _},
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use embassy_time::{Duration, Instant, Timer, with_deadline, with_timeout};
use embedded_io_async::{Error, ErrorKind, ErrorType, Read, Write};
use sms_gateway_embassy::Transport;

use crate::lines::{Line, Lines};

/// The maximum time in which a modem responds to a command that needs no network.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum time in which a modem connects, or reports that it can't.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum time for a response to `AT`.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// The wait before a command is repeated.
const RETRY: Duration = Duration::from_millis(200);
/// The silence after which no late response is expected.
const SILENCE: Duration = Duration::from_millis(100);
/// The time without a `+IPD` after which the modem is asked for bytes all the same, since one may have been lost.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The maximum number of bytes that every version takes at once, and returns at once.
const MAX_PIECE: usize = 2048;
/// The maximum length of a host, in bytes.
const MAX_HOST: usize = 64;
/// The maximum length of a command: `CIPSTART` with the longest host and port.
const MAX_COMMAND: usize = 96;

/// The error of a [`Socket`].
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
    /// The modem reported that bytes were not sent, or restarted. Some may have been sent.
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

/// The lent memory of a [`Socket`].
pub struct Memory<'m> {
    /// Lines of the modem: 64 bytes suffice.
    pub lines: &'m mut [u8],
    /// Bytes that the modem has agreed to take. A longer request is sent in several pieces, of at most 2,048 bytes.
    pub outgoing: &'m mut [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Plain,
    Receive,
    Send,
}

/// The stage of the current command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    /// The command is being written.
    Writing,
    /// Its response is awaited.
    Response,
    /// The prompt for data is awaited.
    Prompt,
    /// The data are being written.
    Data,
    /// The result of sending them is awaited.
    Result,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Refused,
    Busy,
}

/// A TCP connection that a modem opens, and opens again.
pub struct Socket<'m, U> {
    uart: U,
    host: &'m str,
    port: u16,
    lines: Lines<'m>,
    outgoing: &'m mut [u8],
    /// The number of announced bytes, and of those that are written to the modem.
    announced: usize,
    sent: usize,
    text: heapless::String<MAX_COMMAND>,
    written: usize,
    command: Command,
    stage: Stage,
    outcome: Outcome,
    /// The time until which the current command may take.
    deadline: Instant,
    /// The number of bytes of the connection that arrive next.
    payload: usize,
    /// The number of bytes that the current `CIPRECVDATA` asks for.
    asked: usize,
    /// The number of bytes that the modem holds as far as is known, and whether it may hold more.
    available: usize,
    may_hold_more: bool,
    is_open: bool,
    /// Whether the modem may still have a connection, from before a reset of the board for example.
    needs_close: bool,
    /// Whether it is unknown what the modem sends next.
    is_lost: bool,
}

impl<'m, U: Read + Write> Socket<'m, U> {
    /// A connection to a host by its name or address.
    pub fn new(uart: U, host: &'m str, port: u16, memory: Memory<'m>) -> Self {
        let Memory { lines, outgoing } = memory;
        Self {
            uart,
            host,
            port,
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
            payload: 0,
            asked: 0,
            available: 0,
            may_hold_more: false,
            is_open: false,
            needs_close: true,
            is_lost: true,
        }
    }

    /// Begins a command. The one before must be complete.
    fn begin(&mut self, command: Command, limit: Duration, text: fmt::Arguments<'_>) {
        self.text.clear();
        // The longest command fits.
        let _ = self.text.write_fmt(text).and_then(|()| self.text.write_str("\r\n"));
        (self.written, self.command, self.stage) = (0, command, Stage::Writing);
        self.deadline = Instant::now() + limit;
    }

    /// Takes the current command one step further.
    async fn advance(&mut self) -> Result<(), AtError> {
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

    /// Handles the next line of the modem. Drops bytes of the connection before it.
    async fn step(&mut self) -> Result<(), AtError> {
        self.payload -= self.lines.skip(self.payload);
        if self.payload == 0
            && let Some(line) = self.lines.next(self.stage == Stage::Prompt)
        {
            self.handle(line);
            return Ok(());
        }
        self.fill().await
    }

    async fn fill(&mut self) -> Result<(), AtError> {
        let count = read_piece(&mut self.uart, self.lines.space()).await?;
        self.lines.received(count);
        Ok(())
    }

    fn handle(&mut self, line: Line) {
        match (line, self.stage) {
            (Line::Incoming(count), _) => self.available = count,
            (Line::Closed, _) => self.is_open = false,
            (Line::Ready, _) => {
                (self.is_open, self.needs_close, self.available) = (false, false, 0);
                self.end(Outcome::Refused);
            }
            (Line::Data(count), _) => {
                self.payload = count;
                self.may_hold_more = count == self.asked;
                self.available = if self.may_hold_more { self.available.saturating_sub(count) } else { 0 };
            }
            (Line::Prompt, Stage::Prompt) => self.stage = Stage::Data,
            (Line::Ok, Stage::Response) if self.command == Command::Send => self.stage = Stage::Prompt,
            (Line::Ok, Stage::Response) | (Line::SendOk, Stage::Result) => self.end(Outcome::Done),
            (Line::Busy, Stage::Response) => self.end(Outcome::Busy),
            (Line::Error | Line::SendFail, Stage::Response | Stage::Prompt | Stage::Result) => {
                if self.command == Command::Receive {
                    // The modem holds no bytes.
                    (self.available, self.may_hold_more) = (0, false);
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
    async fn finish(&mut self) -> Result<Outcome, AtError> {
        while self.stage != Stage::Idle {
            self.advance().await?;
        }
        Ok(self.outcome)
    }

    /// Runs a command, and again while the modem is busy. Returns whether the modem has accepted it.
    async fn run(&mut self, limit: Duration, text: fmt::Arguments<'_>) -> Result<bool, AtError> {
        loop {
            self.begin(Command::Plain, limit, text);
            match self.finish().await? {
                Outcome::Busy => Timer::after(RETRY).await,
                outcome => return Ok(outcome == Outcome::Done),
            }
        }
    }

    /// Completes the command of a dropped future, and closes the connection that the modem may have.
    async fn recover(&mut self) -> Result<(), AtError> {
        // No byte of a request may reach the gateway any more.
        self.outgoing.get_mut(self.sent..self.announced).unwrap_or_default().fill(0);
        self.is_open = false;
        if !self.is_lost {
            let deadline = self.deadline;
            self.is_lost = !matches!(with_deadline(deadline, self.finish()).await, Ok(Ok(_)));
        }
        if self.is_lost {
            if self.command == Command::Send && matches!(self.stage, Stage::Response | Stage::Prompt) {
                // The modem may have accepted the command.
                self.stage = Stage::Data;
            }
            self.find().await?;
        }
        if self.needs_close {
            // It is refused if there is no connection.
            self.run(COMMAND_TIMEOUT, format_args!("AT+CIPCLOSE")).await?;
            self.needs_close = false;
        }
        (self.available, self.may_hold_more) = (0, false);
        Ok(())
    }

    /// Sends `AT` until the modem responds and is silent after that.
    async fn find(&mut self) -> Result<(), AtError> {
        // It would take a command for bytes that were announced.
        while self.stage == Stage::Data {
            self.advance().await?;
        }
        loop {
            (self.payload, self.announced, self.sent) = (0, 0, 0);
            self.lines.clear();
            self.begin(Command::Plain, PROBE_TIMEOUT, format_args!("AT"));
            match with_timeout(PROBE_TIMEOUT, self.finish()).await {
                Ok(Ok(Outcome::Done)) => break,
                Ok(Err(error)) => return Err(error),
                _ => Timer::after(RETRY).await,
            }
        }
        while let Ok(read) = with_timeout(SILENCE, self.fill()).await {
            read?;
            self.lines.clear();
        }
        self.is_lost = false;
        Ok(())
    }

    /// Opens the connection in the passive receive mode. Only an older version has the second name of that mode.
    async fn open(&mut self) -> Result<bool, AtError> {
        let (host, port) = (self.host, self.port);
        let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'_');
        if host.len() > MAX_HOST || !host.as_bytes().iter().all(is_host) {
            return Err(AtError::Host);
        }
        Ok(self.run(COMMAND_TIMEOUT, format_args!("ATE0")).await?
            && self.run(COMMAND_TIMEOUT, format_args!("AT+CIPMUX=0")).await?
            && (self.run(COMMAND_TIMEOUT, format_args!("AT+CIPRECVTYPE=1")).await?
                || self.run(COMMAND_TIMEOUT, format_args!("AT+CIPRECVMODE=1")).await?)
            && {
                self.needs_close = true;
                self.run(CONNECT_TIMEOUT, format_args!("AT+CIPSTART=\"TCP\",\"{host}\",{port}")).await?
            })
    }

    /// Reads bytes of the connection that have been announced by `CIPRECVDATA`.
    async fn read_payload(&mut self, buf: &mut [u8]) -> Result<usize, AtError> {
        let room = buf.len().min(self.payload);
        let buf = buf.get_mut(..room).unwrap_or_default();
        let count = match self.lines.take(buf) {
            0 => read_piece(&mut self.uart, buf).await?,
            count => count,
        };
        self.payload -= count;
        Ok(count)
    }

    /// Handles all lines that the UART holds, without waiting.
    fn look(&mut self) -> Result<(), AtError> {
        let mut context = Context::from_waker(Waker::noop());
        // Bytes of the connection are not dropped.
        while self.payload == 0 {
            match pin!(self.step()).poll(&mut context) {
                Poll::Ready(step) => step?,
                Poll::Pending => break,
            }
        }
        Ok(())
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

/// Reads from the UART, which has no end.
async fn read_piece<U: Read>(uart: &mut U, buf: &mut [u8]) -> Result<usize, AtError> {
    match uart.read(buf).await.map_err(|error| AtError::Uart(error.kind()))? {
        0 => Err(AtError::Uart(ErrorKind::BrokenPipe)),
        count => Ok(count),
    }
}

impl<U> ErrorType for Socket<'_, U> {
    type Error = AtError;
}

impl<U: Read + Write> Read for Socket<'_, U> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, AtError> {
        if buf.is_empty() {
            return Ok(0);
        }
        while self.payload == 0 {
            if self.stage != Stage::Idle {
                self.advance().await?;
            } else if self.available > 0 || self.may_hold_more {
                let count = buf.len().min(MAX_PIECE);
                self.asked = count;
                self.begin(Command::Receive, COMMAND_TIMEOUT, format_args!("AT+CIPRECVDATA={count}"));
            } else if !self.is_open {
                return Ok(0);
            } else if let Ok(step) = with_timeout(POLL_INTERVAL, self.step()).await {
                step?;
            } else {
                self.may_hold_more = true;
            }
        }
        self.read_payload(buf).await
    }
}

impl<U: Read + Write> Write for Socket<'_, U> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, AtError> {
        self.flush().await?;
        let count = buf.len().min(self.outgoing.len()).min(MAX_PIECE);
        if count == 0 {
            return Ok(0);
        }
        (self.announced, self.sent) = (count, 0);
        while self.stage != Stage::Data {
            if !self.is_open {
                return Err(AtError::NotOpen);
            }
            if self.stage == Stage::Idle {
                self.begin(Command::Send, COMMAND_TIMEOUT, format_args!("AT+CIPSEND={count}"));
            }
            self.advance().await?;
            match (self.stage, self.outcome) {
                (Stage::Idle, Outcome::Busy) => Timer::after(RETRY).await,
                (Stage::Idle, _) => return Err(AtError::NotOpen),
                _ => {}
            }
        }
        if let (Some(to), Some(from)) = (self.outgoing.get_mut(..count), buf.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    async fn flush(&mut self) -> Result<(), AtError> {
        let is_sending = self.stage != Stage::Idle && self.command == Command::Send;
        match self.finish().await? {
            Outcome::Done => Ok(()),
            _ if is_sending => Err(AtError::NotSent),
            _ => Ok(()),
        }
    }
}

impl<U: Read + Write> Transport for Socket<'_, U> {
    async fn connect(&mut self) -> Result<(), AtError> {
        self.recover().await?;
        self.is_open = self.open().await?;
        if self.is_open { Ok(()) } else { Err(AtError::Refused) }
    }

    /// Closes the connection. If this is dropped, [`connect`](Self::connect) does the rest.
    async fn close(&mut self) {
        if self.recover().await.is_err() {
            self.is_lost = true;
        }
    }

    fn is_ready(&mut self) -> bool {
        self.look().is_ok() && self.is_open && self.payload == 0 && self.available == 0
    }
}
