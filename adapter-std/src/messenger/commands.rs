//! The commands that callers send to the task, and the replies that wait until changes are stored.

use std::sync::Arc;

use sms_gateway_core::track::StopResult;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{
    Closed, SendError,
    handle::{Command, Handle},
    shared::Shared,
};

/// The maximum number of commands that are handled before their changes are stored.
const MAX_TAKEN: usize = 256;

/// The task's side of the commands.
pub(super) struct Commands {
    receiver: mpsc::Receiver<Command>,
    shared: Arc<Shared>,
    received: Vec<Command>,
    /// The replies that are sent after all changes are stored.
    pub(super) replies: Vec<Reply>,
}

/// A reply that waits until changes are stored.
pub(super) enum Reply {
    Sent(Handle, oneshot::Sender<Result<Handle, SendError>>),
    /// A message with the same idempotency key had been accepted before.
    Known(Handle, oneshot::Sender<Result<Handle, SendError>>),
    Stopped(StopResult, oneshot::Sender<StopResult>),
}

impl Commands {
    pub(super) const fn new(receiver: mpsc::Receiver<Command>, shared: Arc<Shared>) -> Self {
        Self { receiver, shared, received: Vec::new(), replies: Vec::new() }
    }

    /// Waits until there is something to handle. Dropping the future loses nothing.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            // This also returns when all senders are dropped.
            _ = self.receiver.recv_many(&mut self.received, MAX_TAKEN) => {}
            () = self.shared.changed.notified() => {}
        }
    }

    /// Receives the commands that have arrived. Returns `None` if the messenger is to end.
    pub(super) fn receive(&mut self) -> Option<Vec<Command>> {
        while self.received.len() < MAX_TAKEN {
            match self.receiver.try_recv() {
                Ok(command) => self.received.push(command),
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => return None,
            }
        }
        (!self.shared.is_shut_down()).then(|| std::mem::take(&mut self.received))
    }
}

/// Publishes the end of a task that was aborted. Any other end was published before.
impl Drop for Commands {
    fn drop(&mut self) {
        self.shared.end(Closed::Aborted);
    }
}

/// The tracker's free slots, as permits for callers.
pub(super) struct Capacity {
    permits: Arc<Semaphore>,
    /// The number of issued permits whose slot is still free.
    issued: u32,
}

impl Capacity {
    pub(super) const fn new(permits: Arc<Semaphore>) -> Self {
        Self { permits, issued: 0 }
    }

    /// Issues permits for this number of free slots.
    pub(super) fn grow(&mut self, free: u32) {
        let more = free.saturating_sub(self.issued);
        self.issued += more;
        self.permits.add_permits(more as usize);
    }

    /// Consumes a permit whose slot is now in use. Another permit is issued when the slot is free again.
    pub(super) fn consume(&mut self, permit: OwnedSemaphorePermit) {
        permit.forget();
        self.issued = self.issued.saturating_sub(1);
    }
}
