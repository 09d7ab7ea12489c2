//! The line to an emulated gateway: connections within the process, which can break at each point of an exchange.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use gateway_emulator::{Emulator, Reg};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use super::steps::{Fault, Steps};

/// The capacity of a connection in each direction, in bytes. A request is written as one piece.
const CAPACITY: usize = 1 << 16;

/// How a line treats connections and requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// They pass.
    Well,
    /// Connections are refused.
    Unreachable,
    /// Connections never open.
    Deaf,
    /// Requests vanish, and the connection stays open.
    Silent,
    /// Requests arrive, and their responses vanish.
    Mute,
    /// The connection closes before the request.
    CutBefore,
    /// The connection closes after this number of bytes of the request.
    CutWithin(usize),
    /// Requests arrive, and the connection closes before the response.
    CutAfter,
}

/// A line. Clones share it.
#[derive(Clone)]
pub(super) struct Line {
    emulator: Arc<Emulator>,
    condition: Arc<Mutex<Condition>>,
    steps: Steps,
}

impl Line {
    pub(super) fn new(emulator: Arc<Emulator>, steps: Steps) -> Self {
        Self { emulator, condition: Arc::new(Mutex::new(Condition::Well)), steps }
    }

    pub(super) fn set(&self, condition: Condition) {
        *self.condition.lock().unwrap_or_else(PoisonError::into_inner) = condition;
    }

    pub(super) fn condition(&self) -> Condition {
        *self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Changes the registration of all ports.
    pub(super) fn set_ports(&self, reg: Reg) {
        for port in 0..self.emulator.counts().segments_sent.len() {
            self.emulator.set_reg(u8::try_from(port).unwrap(), reg);
        }
    }

    pub(super) async fn connect(self) -> io::Result<Wire> {
        match self.condition() {
            Condition::Unreachable => return Err(io::ErrorKind::ConnectionRefused.into()),
            Condition::Deaf => std::future::pending().await,
            _ => {}
        }
        let (stream, other) = duplex(CAPACITY);
        tokio::spawn(self.emulator.serve(other));
        Ok(Wire { stream, line: self, stage: Stage::Idle })
    }

    /// Begins a request.
    fn begin(&self) -> Stage {
        match self.steps.take() {
            None => Stage::Asking(self.condition()),
            Some(Fault::Failure) => Stage::Asking(Condition::CutBefore),
            Some(Fault::Crash) => Stage::Dead,
        }
    }

    /// Begins a response.
    fn respond(&self) -> Stage {
        match self.steps.take() {
            None => Stage::Idle,
            Some(Fault::Failure) => Stage::Closed,
            Some(Fault::Crash) => Stage::Dead,
        }
    }
}

/// The stage of a connection.
#[derive(Clone, Copy)]
enum Stage {
    /// No response is outstanding. The next bytes that are written begin a request.
    Idle,
    /// A request was begun in this condition of the line.
    Asking(Condition),
    /// The connection is closed.
    Closed,
    /// The server has crashed: nothing happens any more.
    Dead,
}

/// A connection, as the client sees it.
pub(super) struct Wire {
    stream: DuplexStream,
    line: Line,
    stage: Stage,
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if matches!(self.stage, Stage::Idle) {
            self.stage = self.line.begin();
        }
        match self.stage {
            Stage::Dead => Poll::Pending,
            Stage::Closed => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Stage::Asking(Condition::CutBefore) => {
                self.stage = Stage::Closed;
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
            Stage::Asking(Condition::CutWithin(limit)) => {
                let written =
                    Pin::new(&mut self.stream).poll_write(context, &bytes[..limit.min(bytes.len())]);
                self.stage = Stage::Closed;
                written
            }
            Stage::Asking(Condition::Silent) => Poll::Ready(Ok(bytes.len())),
            Stage::Idle | Stage::Asking(_) => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let before = buffer.filled().len();
            match self.stage {
                Stage::Dead => return Poll::Pending,
                Stage::Closed => return Poll::Ready(Ok(())),
                Stage::Idle => return Pin::new(&mut self.stream).poll_read(context, buffer),
                Stage::Asking(condition) => {
                    ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
                    if buffer.filled().len() == before {
                        return Poll::Ready(Ok(()));
                    }
                    match condition {
                        Condition::Mute => {}
                        Condition::CutAfter => self.stage = Stage::Closed,
                        _ => self.stage = self.line.respond(),
                    }
                    if matches!(self.stage, Stage::Idle) {
                        return Poll::Ready(Ok(()));
                    }
                    buffer.set_filled(before);
                }
            }
        }
    }
}
