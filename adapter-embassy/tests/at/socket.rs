//! A TCP connection through a modem with AT commands, over any UART and in lent memory. It can be copied into firmware, with `commands.rs`
//! and `lines.rs`.
//!
//! The commands are those of ESP-AT (AT version 2.2 and later: ESP32, ESP32-C3, ESP8266), with one connection (`CIPMUX=0`) in the passive
//! receive mode. In this mode, the modem passes on the bytes of a response only on request. So even a slow microcontroller loses nothing,
//! however long the response is. Other modems have the same commands under other names: `QIOPEN`, `QISEND`, `QIRD` and `QICLOSE`, for
//! example.
//!
//! This code uses no crate for AT commands. atat 0.25, the best known one, needs a task of its own for incoming bytes and fixed buffers for
//! whole responses. When its buffer is full, it discards the content. It searches the bytes of a connection for `OK`, and pauses between
//! commands.
//!
//! The modem joins its network by itself, with the last `AT+CWJAP`, which it stores. It should be reset whenever the board is reset.
//!
//! The UART needs flow control by RTS and CTS, or a receive buffer for as many bytes as one read requests, at most 2,048. If the UART drops
//! bytes, the response is spoiled and ends at a time limit.
//!
//! # What must hold
//! - **A dropped future loses nothing.** The gateway drops futures at its time limits, and the application drops those of
//!   [`Response::next`](sms_gateway_embassy::Response::next). The state of a command is therefore kept in the [`Socket`], by `commands.rs`,
//!   and each wait is a single `read`, `write` or `flush` of the UART. These must lose nothing when their futures are dropped. This is true
//!   of buffered UARTs.
//! - **[`write`](Write::write) accepts bytes only when the modem waits for them.** It announces them with `CIPSEND` and waits for the
//!   prompt `>`. If the modem refuses, for example because the connection has ended, no byte was accepted. The gateway can then send the
//!   request again on a new connection, even if it submits messages. After the prompt, the bytes are copied, and the write succeeds.
//! - **[`flush`](Write::flush) writes the copied bytes to the modem** and waits for `SEND OK`. It can fail after some bytes were sent.
//! - **A write that stalls ends at the gateway's time limit** on the response. Then the gateway closes the connection.
//! - **[`close`](Transport::close) leaves no command unfinished.** The modem may still wait for announced bytes, and would mistake a
//!   command for them. So the modem gets zeros in place of the request's remaining bytes. The SMS gateway then receives an invalid
//!   request, because no call ends with a zero byte. The [`Gateway`](sms_gateway_embassy::Gateway) drops `close` after 500 ms.
//!   The next `connect` then continues where `close` stopped.
//! - **[`is_ready`](Transport::is_ready) handles the lines that have already arrived on the UART**, such as `CLOSED` or `+IPD`, without
//!   waiting.
//! - **A modem that does not respond in time** gets `AT` until it responds. Its output up to then is dropped.

use embassy_time::{Duration, Timer, with_deadline, with_timeout};
use embedded_io_async::{ErrorType, Read, Write};
use sms_gateway_embassy::Transport;

use crate::commands::{AtError, Command, Commands, Incoming, Memory, Outcome, RETRY, Stage};

/// The maximum time until a modem responds to a command that needs no network.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum time until a modem connects, or reports that it can't.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum time for a response to `AT`.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// The silence after which no late response is expected.
const SILENCE: Duration = Duration::from_millis(100);
/// The time without a `+IPD` after which bytes are requested all the same, because a `+IPD` may have been lost.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The maximum number of bytes that are sent or requested at once. Every version allows this number.
const MAX_PIECE: usize = 2048;
/// The maximum length of a host, in bytes.
const MAX_HOST: usize = 64;
/// A TCP connection through a modem. It can be opened again.
pub struct Socket<'m, U> {
    modem: Commands<'m, U>,
    host: &'m str,
    port: u16,
    /// Whether the modem may still have a connection, from before a reset of the board for example.
    needs_close: bool,
    /// Whether the modem's next bytes are unpredictable.
    is_lost: bool,
}

impl<'m, U: Read + Write> Socket<'m, U> {
    /// Creates a connection to a host by its name or address.
    pub fn new(uart: U, host: &'m str, port: u16, memory: Memory<'m>) -> Self {
        Self { modem: Commands::new(uart, memory), host, port, needs_close: true, is_lost: true }
    }

    /// Completes the command of a dropped future, and closes the connection that the modem may have.
    async fn recover(&mut self) -> Result<(), AtError> {
        // From here on, no byte of a request may reach the gateway.
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
                // The modem may have accepted the command, and wait for data.
                self.modem.stage = Stage::Data;
            }
            self.find().await?;
        }
        if self.needs_close {
            // The modem refuses this if there is no connection.
            self.modem.run(COMMAND_TIMEOUT, format_args!("AT+CIPCLOSE")).await?;
            self.needs_close = false;
        }
        self.modem.incoming = Incoming::default();
        Ok(())
    }

    /// Sends `AT` until the modem responds. Then waits until the modem is silent.
    async fn find(&mut self) -> Result<(), AtError> {
        // The modem would mistake a command for announced bytes.
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

    /// Opens the connection in the passive receive mode. Older versions know only the second command for that mode.
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
                // The modem refuses this if it holds no bytes.
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

    /// Closes the connection. If this future is dropped, [`connect`](Self::connect) completes the close.
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
