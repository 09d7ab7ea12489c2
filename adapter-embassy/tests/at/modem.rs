//! An emulated modem with the commands of ESP-AT. It connects to a real TCP socket, and its script determines its faults.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    sync::{Arc, Mutex},
};

use embedded_io_adapters::tokio_1::FromTokio;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::TcpStream,
    sync::Notify,
};

/// The capacity of the UART in each direction, in bytes.
const WIRE: usize = 256;
/// The lengths of the pieces in which the modem sends, in turn.
const PIECES: [usize; 5] = [1, 7, 2, 64, 3];
/// Unrelated lines that the modem sends if its script has `chatters`.
const CHATTER: [&str; 3] = [
    "WIFI GOT IP\r\n",
    "\r\n+STA_CONNECTED:\"aa:bb:cc:dd:ee:ff\"\r\n",
    "ERR CODE:0x01090000 and more than 64 bytes that nobody reads: ......................\r\n",
];

/// A failure at a `CIPSEND`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The connection is gone, which the modem reports only now.
    Refused,
    /// The connection ends before the prompt.
    ClosedBeforePrompt,
    /// The connection ends while the modem receives the bytes.
    ClosedInData,
    /// The connection ends within the response.
    ClosedInResponse,
    /// The modem restarts instead of sending the bytes.
    Restart,
    /// The modem receives ten bytes and then nothing, until [`Modem::resume`].
    Stall,
}

/// The behaviour of a modem.
#[derive(Clone, Debug)]
pub struct Script {
    /// The command for the passive receive mode.
    pub receive_mode: &'static str,
    /// Whether the modem sends an unrelated line before each response.
    pub chatters: bool,
    /// The modem is busy at every n-th command, where n is this number; 0 for never.
    pub busy_every: usize,
    /// The number of `CIPSTART`s that the modem refuses before it accepts one.
    pub refused_starts: usize,
    /// The faults, by the number of the `CIPSEND`, which is counted from 1.
    pub faults: BTreeMap<usize, Fault>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            receive_mode: "AT+CIPRECVTYPE=1",
            chatters: false,
            busy_every: 0,
            refused_starts: 0,
            faults: BTreeMap::new(),
        }
    }
}

/// The counts of commands and faults that a modem has observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    pub commands: usize,
    pub starts: usize,
    pub sends: usize,
    /// The number of zero bytes in the data of all `CIPSEND`s. The socket sends zeros in place of withdrawn bytes.
    pub zeros: usize,
    pub busy: usize,
    pub is_stalled: bool,
}

/// A modem that runs in its own task.
#[derive(Clone)]
pub struct Modem {
    observed: Arc<Mutex<Observed>>,
    resumed: Arc<Notify>,
}

impl Modem {
    /// Starts a modem and returns the other end of its UART.
    pub fn start(script: Script) -> (Self, FromTokio<DuplexStream>) {
        let (near, far) = tokio::io::duplex(WIRE);
        let modem = Self { observed: Arc::default(), resumed: Arc::default() };
        let unit = Unit {
            uart: far,
            script,
            modem: modem.clone(),
            link: None,
            received: Vec::new(),
            is_announced: false,
            has_ended: false,
            cuts_response: false,
            has_echo: true,
            pieces: 0,
        };
        tokio::spawn(unit.run());
        (modem, FromTokio::new(near))
    }

    pub fn observed(&self) -> Observed {
        *self.observed.lock().unwrap()
    }

    /// Ends a [`Fault::Stall`].
    pub fn resume(&self) {
        self.resumed.notify_one();
    }

    fn note<R>(&self, note: impl FnOnce(&mut Observed) -> R) -> R {
        note(&mut self.observed.lock().unwrap())
    }
}

/// The modem itself. Its functions return `None` when the UART's other end is gone.
#[allow(clippy::struct_excessive_bools)]
struct Unit {
    uart: DuplexStream,
    script: Script,
    modem: Modem,
    link: Option<TcpStream>,
    /// Bytes of the connection that were not requested yet.
    received: Vec<u8>,
    is_announced: bool,
    has_ended: bool,
    cuts_response: bool,
    has_echo: bool,
    pieces: usize,
}

impl Unit {
    async fn run(mut self) -> Option<()> {
        loop {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") {
                line.push(self.byte().await?);
            }
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            self.command(&line).await?;
        }
    }

    /// Returns the next byte of the UART. Serves the connection in the meantime.
    async fn byte(&mut self) -> Option<u8> {
        loop {
            self.announce().await?;
            let mut piece = [0; 100];
            let has_link = self.link.is_some() && !self.has_ended;
            tokio::select! {
                byte = self.uart.read_u8() => return byte.ok(),
                count = read_link(&mut self.link, &mut piece), if has_link => match count {
                    0 => self.has_ended = true,
                    count => self.received.extend(&piece[..count]),
                },
            }
        }
    }

    /// Reports bytes of the connection, or its end. Bytes are reported again only after some were requested.
    async fn announce(&mut self) -> Option<()> {
        if self.cuts_response && !self.received.is_empty() {
            self.cuts_response = false;
            self.received.truncate(self.received.len() / 2);
            (self.link, self.has_ended) = (None, true);
        }
        if !self.received.is_empty() {
            if !self.is_announced {
                self.is_announced = true;
                let count = self.received.len();
                self.send(&format!("\r\n+IPD,{count}\r\n")).await?;
            }
        } else if self.has_ended {
            (self.link, self.has_ended) = (None, false);
            self.send("CLOSED\r\n").await?;
        }
        Some(())
    }

    async fn send(&mut self, text: &str) -> Option<()> {
        self.send_bytes(text.as_bytes()).await
    }

    async fn send_bytes(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let count = PIECES[self.pieces % PIECES.len()].min(bytes.len());
            self.pieces += 1;
            let (piece, rest) = bytes.split_at(count);
            self.uart.write_all(piece).await.ok()?;
            tokio::task::yield_now().await;
            bytes = rest;
        }
        Some(())
    }

    async fn command(&mut self, line: &str) -> Option<()> {
        let commands = self.modem.note(|observed| {
            observed.commands += 1;
            observed.commands
        });
        if self.has_echo {
            self.send(&format!("{line}\r\r\n")).await?;
        }
        if self.script.chatters {
            self.send(CHATTER[commands % CHATTER.len()]).await?;
        }
        if self.script.busy_every > 0 && commands.is_multiple_of(self.script.busy_every) {
            self.modem.note(|observed| observed.busy += 1);
            return self.send("busy p...\r\n").await;
        }
        let response = match line.split_once('=').unwrap_or((line, "")) {
            ("AT" | "AT+CIPMUX", _) => "\r\nOK\r\n",
            ("ATE0", _) => {
                self.has_echo = false;
                "\r\nOK\r\n"
            }
            ("AT+CIPSTART", arguments) => self.start_link(arguments).await,
            ("AT+CIPSEND", count) => return self.take_data(count.parse().unwrap()).await,
            ("AT+CIPRECVDATA", count) => return self.give_data(count.parse().unwrap()).await,
            ("AT+CIPCLOSE", _) => {
                self.received.clear();
                (self.is_announced, self.has_ended) = (false, false);
                if self.link.take().is_some() { "CLOSED\r\n\r\nOK\r\n" } else { "\r\nERROR\r\n" }
            }
            _ if line == self.script.receive_mode => "\r\nOK\r\n",
            _ => "\r\nERROR\r\n",
        };
        self.send(response).await
    }

    async fn start_link(&mut self, arguments: &str) -> &'static str {
        self.modem.note(|observed| observed.starts += 1);
        if self.script.refused_starts > 0 {
            self.script.refused_starts -= 1;
            return "CLOSED\r\n\r\nERROR\r\n";
        }
        if self.link.is_some() {
            return "ALREADY CONNECTED\r\n\r\nERROR\r\n";
        }
        let arguments: Vec<_> = arguments.split(',').map(|argument| argument.trim_matches('"')).collect();
        let ["TCP", host, port] = arguments[..] else { return "\r\nERROR\r\n" };
        match TcpStream::connect((host, port.parse().unwrap())).await {
            Ok(link) => {
                self.link = Some(link);
                "CONNECT\r\n\r\nOK\r\n"
            }
            Err(_) => "\r\nERROR\r\n",
        }
    }

    /// Receives the announced bytes and sends them over the connection. The script may contain a fault for this `CIPSEND`.
    async fn take_data(&mut self, count: usize) -> Option<()> {
        let sends = self.modem.note(|observed| {
            observed.sends += 1;
            observed.sends
        });
        let fault = self.script.faults.get(&sends).copied();
        if fault == Some(Fault::Refused) {
            (self.link, self.has_ended) = (None, false);
        }
        if self.link.is_none() {
            return self.send("link is not valid\r\n\r\nERROR\r\n").await;
        }
        self.send("\r\nOK\r\n").await?;
        if fault == Some(Fault::ClosedBeforePrompt) {
            self.link = None;
            return self.send("CLOSED\r\n\r\nERROR\r\n").await;
        }
        self.send("\r\n>").await?;
        let data = self.data(count, fault).await?;
        match fault {
            Some(Fault::ClosedInData) => {
                self.link = None;
                return self.send("CLOSED\r\n\r\nSEND FAIL\r\n").await;
            }
            Some(Fault::Restart) => {
                (self.link, self.has_echo) = (None, true);
                return self.send("ets Jul 29 2019\r\n\r\nready\r\n").await;
            }
            _ => {}
        }
        self.cuts_response = fault == Some(Fault::ClosedInResponse);
        self.send(&format!("\r\nRecv {count} bytes\r\n")).await?;
        let link = self.link.as_mut().expect("checked above");
        let result =
            if link.write_all(&data).await.is_ok() { "\r\nSEND OK\r\n" } else { "\r\nSEND FAIL\r\n" };
        self.send(result).await
    }

    async fn data(&mut self, count: usize, fault: Option<Fault>) -> Option<Vec<u8>> {
        let mut data = vec![0; count];
        let (first, rest) = data.split_at_mut(count.min(10));
        self.uart.read_exact(first).await.ok()?;
        if fault == Some(Fault::Stall) {
            self.modem.note(|observed| observed.is_stalled = true);
            self.modem.resumed.notified().await;
        }
        self.uart.read_exact(rest).await.ok()?;
        self.modem.note(|observed| observed.zeros += data.split(|byte| *byte == 0).count() - 1);
        Some(data)
    }

    async fn give_data(&mut self, count: usize) -> Option<()> {
        if self.received.is_empty() {
            return self.send("\r\nERROR\r\n").await;
        }
        let rest = self.received.split_off(count.min(self.received.len()));
        let data = std::mem::replace(&mut self.received, rest);
        self.is_announced = !self.received.is_empty();
        self.send(&format!("\r\n+CIPRECVDATA:{},", data.len())).await?;
        self.send_bytes(&data).await?;
        self.send("\r\nOK\r\n").await
    }
}

/// Reads from the connection; 0 at its end.
async fn read_link(link: &mut Option<TcpStream>, piece: &mut [u8]) -> usize {
    let link = link.as_mut().expect("there is a connection");
    match link.read(piece).await {
        Ok(count) => count,
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::InvalidInput);
            0
        }
    }
}
