//! A TCP connection of a modem with AT commands, over any UART and in lent memory. It can be copied into firmware, with `commands.rs` and
//! `lines.rs`.
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
//! The UART needs flow control by RTS and CTS, or a receive buffer that holds as many bytes as a read asks for, at most 2,048. Bytes that it
//! drops spoil a response, which then ends at a time limit.
//!
//! # What must hold
//! - **A dropped future loses nothing.** The gateway drops futures at its time limits, and the application drops those of
//!   [`Response::next`](sms_gateway_embassy::Response::next). The state of a command is therefore in the [`Socket`], in `commands.rs`, and each wait is one
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

use embassy_time::{Duration, Timer, with_deadline, with_timeout};
use embedded_io_async::{ErrorType, Read, Write};
use sms_gateway_embassy::Transport;

use crate::commands::{AtError, Command, Commands, Incoming, Memory, Outcome, RETRY, Stage};

/// The maximum time in which a modem responds to a command that needs no network.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum time in which a modem connects, or reports that it can't.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum time for a response to `AT`.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// The silence after which no late response is expected.
const SILENCE: Duration = Duration::from_millis(100);
/// The time without a `+IPD` after which the modem is asked for bytes all the same, since one may have been lost.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The maximum number of bytes that every version takes at once, and returns at once.
const MAX_PIECE: usize = 2048;
/// The maximum length of a host, in bytes.
const MAX_HOST: usize = 64;
/// A TCP connection that a modem opens, and opens again.
pub struct Socket<'m, U> {
    modem: Commands<'m, U>,
    host: &'m str,
    port: u16,
    /// Whether the modem may still have a connection, from before a reset of the board for example.
    needs_close: bool,
    /// Whether it is unknown what the modem sends next.
    is_lost: bool,
}

impl<'m, U: Read + Write> Socket<'m, U> {
    /// A connection to a host by its name or address.
    pub fn new(uart: U, host: &'m str, port: u16, memory: Memory<'m>) -> Self {
        Self { modem: Commands::new(uart, memory), host, port, needs_close: true, is_lost: true }
    }

    /// Completes the command of a dropped future, and closes the connection that the modem may have.
    async fn recover(&mut self) -> Result<(), AtError> {
        // No byte of a request may reach the gateway any more.
        self.modem.withdraw();
        self.modem.is_open = false;
        if !self.is_lost {
            let deadline = self.modem.deadline;
            self.is_lost = !matches!(with_deadline(deadline, self.modem.finish()).await, Ok(Ok(_)));
        }
        if self.is_lost {
            if self.modem.command == Command::Send
                && matches!(self.modem.stage, Stage::Response | Stage::Prompt)
            {
                // The modem may have accepted the command.
                self.modem.stage = Stage::Data;
            }
            self.find().await?;
        }
        if self.needs_close {
            // It is refused if there is no connection.
            self.modem.run(COMMAND_TIMEOUT, format_args!("AT+CIPCLOSE")).await?;
            self.needs_close = false;
        }
        self.modem.incoming = Incoming::default();
        Ok(())
    }

    /// Sends `AT` until the modem responds and is silent after that.
    async fn find(&mut self) -> Result<(), AtError> {
        // It would take a command for bytes that were announced.
        while self.modem.stage == Stage::Data {
            self.modem.advance().await?;
        }
        loop {
            self.modem.incoming = Incoming::default();
            self.modem.lines.clear();
            self.modem.begin(Command::Plain, PROBE_TIMEOUT, format_args!("AT"));
            match with_timeout(PROBE_TIMEOUT, self.modem.finish()).await {
                Ok(Ok(Outcome::Done)) => break,
                Ok(Err(error)) => return Err(error),
                _ => Timer::after(RETRY).await,
            }
        }
        while let Ok(read) = with_timeout(SILENCE, self.modem.fill()).await {
            read?;
            self.modem.lines.clear();
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
        Ok(self.modem.run(COMMAND_TIMEOUT, format_args!("ATE0")).await?
            && self.modem.run(COMMAND_TIMEOUT, format_args!("AT+CIPMUX=0")).await?
            && (self.modem.run(COMMAND_TIMEOUT, format_args!("AT+CIPRECVTYPE=1")).await?
                || self.modem.run(COMMAND_TIMEOUT, format_args!("AT+CIPRECVMODE=1")).await?)
            && {
                self.needs_close = true;
                self.modem.run(CONNECT_TIMEOUT, format_args!("AT+CIPSTART=\"TCP\",\"{host}\",{port}")).await?
            })
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
        let modem = &mut self.modem;
        while modem.incoming.payload == 0 {
            if modem.stage != Stage::Idle {
                modem.advance().await?;
            } else if modem.incoming.available > 0 || modem.incoming.may_hold_more {
                // It is refused if the modem holds no bytes.
                modem.begin_receiving(buf.len().min(MAX_PIECE), COMMAND_TIMEOUT);
            } else if !modem.is_open {
                return Ok(0);
            } else if let Ok(step) = with_timeout(POLL_INTERVAL, modem.step()).await {
                step?;
            } else {
                modem.incoming.may_hold_more = true;
            }
        }
        modem.read_payload(buf).await
    }
}

impl<U: Read + Write> Write for Socket<'_, U> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, AtError> {
        self.flush().await?;
        let modem = &mut self.modem;
        let count = buf.len().min(modem.room()).min(MAX_PIECE);
        if count == 0 {
            return Ok(0);
        }
        while modem.stage != Stage::Data {
            if !modem.is_open {
                return Err(AtError::NotOpen);
            }
            if modem.stage == Stage::Idle {
                modem.begin_sending(count, COMMAND_TIMEOUT);
            }
            modem.advance().await?;
            match (modem.stage, modem.outcome) {
                (Stage::Idle, Outcome::Busy) => Timer::after(RETRY).await,
                (Stage::Idle, _) => return Err(AtError::NotOpen),
                _ => {}
            }
        }
        modem.take(buf);
        Ok(count)
    }

    async fn flush(&mut self) -> Result<(), AtError> {
        let is_sending = self.modem.stage != Stage::Idle && self.modem.command == Command::Send;
        match self.modem.finish().await? {
            Outcome::Done => Ok(()),
            _ if is_sending => Err(AtError::NotSent),
            _ => Ok(()),
        }
    }
}

impl<U: Read + Write> Transport for Socket<'_, U> {
    async fn connect(&mut self) -> Result<(), AtError> {
        self.recover().await?;
        self.modem.is_open = self.open().await?;
        if self.modem.is_open { Ok(()) } else { Err(AtError::Refused) }
    }

    /// Closes the connection. If this is dropped, [`connect`](Self::connect) does the rest.
    async fn close(&mut self) {
        if self.recover().await.is_err() {
            self.is_lost = true;
        }
    }

    fn is_ready(&mut self) -> bool {
        let modem = &mut self.modem;
        modem.look().is_ok() && modem.is_open && modem.incoming.payload == 0 && modem.incoming.available == 0
    }
}
