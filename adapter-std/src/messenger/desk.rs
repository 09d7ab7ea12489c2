//! Where callers come: what they want is taken, and answered when it is stored.

use std::sync::Arc;

use sms_gateway_core::{
    UserId,
    track::{State, StopResult},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{
    Handle, SendError, Sms,
    ledger::Released,
    link::{Command, Link},
    task::Task,
};
use crate::store::Write;

/// How many commands are taken before what they changed is stored.
const TAKEN_AT_ONCE: usize = 256;

/// Where callers come.
pub(super) struct Desk {
    commands: mpsc::Receiver<Command>,
    link: Link,
    taken: Vec<Command>,
    replies: Vec<Reply>,
}

/// A caller who waits until something is stored.
enum Reply {
    Sent(Handle, oneshot::Sender<Result<Handle, SendError>>),
    StopResult(StopResult, oneshot::Sender<StopResult>),
}

impl Desk {
    pub(super) fn new(commands: mpsc::Receiver<Command>, link: Link) -> Self {
        Self { commands, link, taken: Vec::new(), replies: Vec::new() }
    }

    /// Waits until there is something to take. Dropping the future loses nothing.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            // At the end there is nothing to be received, which is something to take, too.
            _ = self.commands.recv_many(&mut self.taken, TAKEN_AT_ONCE) => {}
            () = self.link.shared.changed.notified() => {}
        }
    }

    /// Takes what is there; `false` when the messenger is to end.
    fn take(&mut self) -> bool {
        while self.taken.len() < TAKEN_AT_ONCE {
            match self.commands.try_recv() {
                Ok(command) => self.taken.push(command),
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => return false,
            }
        }
        !self.link.shared.is_shut_down()
    }
}

/// The room that callers may claim: the tracker's free slots.
pub(super) struct Room {
    permits: Arc<Semaphore>,
    /// How many permits were given that stand for a slot which is still free.
    given: u32,
}

impl Room {
    pub(super) fn new(permits: Arc<Semaphore>) -> Self {
        Self { permits, given: 0 }
    }

    /// So many slots are free.
    pub(super) fn grow(&mut self, room: u32) {
        let more = room.saturating_sub(self.given);
        self.given += more;
        self.permits.add_permits(more as usize);
    }

    /// A slot is used now. The permit that stood for it comes again when it is free.
    fn use_up(&mut self, permit: OwnedSemaphorePermit) {
        permit.forget();
        self.given = self.given.saturating_sub(1);
    }

    /// Lets nobody wait any more.
    pub(super) fn close(&self) {
        self.permits.close();
    }
}

impl Task<'_> {
    /// Takes what callers want by now.
    pub(super) fn take_all(&mut self) {
        self.is_closing |= !self.desk.take();
        // What a caller acknowledged came before what it wants now.
        self.take_acknowledged();
        for command in std::mem::take(&mut self.desk.taken) {
            self.take(command);
        }
    }

    fn take_acknowledged(&mut self) {
        let acknowledged = self.link.shared.take_acknowledged();
        for id in acknowledged.messages {
            self.release(id);
        }
        if let Some(mark) = self.inbox.acknowledged(&acknowledged.incoming) {
            self.driver.tracker_mut().acknowledge_incoming(mark);
        }
    }

    fn release(&mut self, id: UserId) {
        match self.ledger.release(id) {
            Released::Now(news) => self.driver.tracker_mut().acknowledge(id, news),
            // It is not to come again after a restart.
            Released::Early => self.keeper.add(Write::Reference { key: id.get(), reference: "".into() }),
            Released::Unknown => {}
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            // Its permit goes back where it came from.
            Command::Send { reply, .. } if reply.is_closed() => {}
            Command::Send { sms, room, reply } => match self.accept(sms, room) {
                Ok(handle) => self.desk.replies.push(Reply::Sent(handle, reply)),
                Err(error) => {
                    let _ = reply.send(Err(error));
                }
            },
            Command::Stop { id, reply } => {
                let now = self.now();
                let stopping = self.driver.tracker_mut().stop(id, now);
                self.desk.replies.push(Reply::StopResult(stopping, reply));
            }
            Command::Unclaimed { reply } => {
                let _ = reply.send(self.ledger.unclaimed());
            }
        }
    }

    fn accept(&mut self, sms: Sms, room: OwnedSemaphorePermit) -> Result<Handle, SendError> {
        let draft = sms.draft()?;
        let now = self.now();
        let id = self.driver.tracker_mut().add(&draft, now).map_err(|_| SendError::Full)?;
        self.room.use_up(room);
        let message = self.driver.tracker().message(id).ok_or(SendError::Full)?;
        let key = id.get();
        self.keeper.add(Write::Text { key, text: Arc::clone(&sms.text) });
        if let Some(reference) = &sms.reference {
            self.keeper.add(Write::Reference { key, reference: Arc::clone(reference) });
        }
        self.ledger.insert(message, Some(sms.text), sms.reference);
        self.ledger.handle(id).ok_or(SendError::Full)
    }

    /// Answers those who waited until something is stored.
    pub(super) fn reply(&mut self) {
        for reply in std::mem::take(&mut self.desk.replies) {
            match reply {
                Reply::Sent(handle, reply) => {
                    if let Err(Ok(handle)) = reply.send(Ok(handle)) {
                        self.call_off(handle);
                    }
                }
                Reply::StopResult(stopping, reply) => {
                    let _ = reply.send(stopping);
                }
            }
        }
    }

    /// Nobody waits for the message any more. If it is about to leave, it stays, unclaimed.
    fn call_off(&mut self, handle: Handle) {
        let state = self.driver.tracker().message(handle.id()).map(|message| message.state);
        if state == Some(State::Unsent) {
            let now = self.now();
            self.driver.tracker_mut().stop(handle.id(), now);
            handle.acknowledge();
        }
    }
}
