//! Serves callers: accepts, stops and acknowledges messages.

use std::sync::Arc;

use sms_gateway_core::{UserId, track::State};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{
    SendError, Sms,
    commands::Reply,
    handle::{Command, Handle},
    task::Task,
};
use crate::store::Write;

impl Task<'_> {
    /// Handles the commands and acknowledgements that have arrived.
    pub(super) fn handle_commands(&mut self) {
        let commands = self.commands.receive();
        if commands.is_none() {
            self.closing_since.get_or_insert_with(Instant::now);
        }
        // The caller's acknowledgements precede its commands.
        self.handle_acknowledged();
        for command in commands.unwrap_or_default() {
            self.handle(command);
        }
    }

    fn handle_acknowledged(&mut self) {
        let acknowledged = self.shared.take_acknowledged();
        for id in acknowledged.messages {
            self.release(id);
        }
        if let Some(mark) = self.inbox.acknowledged(&acknowledged.incoming) {
            self.driver.tracker_mut().acknowledge_incoming(mark);
        }
    }

    fn release(&mut self, id: UserId) {
        if let Some(revision) = self.outbox.release(id, &mut self.writes) {
            self.driver.tracker_mut().acknowledge(id, revision);
        }
    }

    fn handle(&mut self, command: Command) {
        match command {
            // Dropping the command returns its permit.
            Command::Send { reply, .. } if reply.is_closed() => {}
            Command::Send { sms, permit, reply } => match self.accept(sms, permit) {
                Ok(handle) => self.commands.replies.push(Reply::Sent(handle, reply)),
                Err(error) => {
                    let _ = reply.send(Err(error));
                }
            },
            Command::Stop { id, reply } => {
                let stopping = self.driver.tracker_mut().stop(id, self.began.elapsed());
                self.commands.replies.push(Reply::Stopped(stopping, reply));
            }
            Command::Unclaimed { reply } => {
                let _ = reply.send(self.outbox.unclaimed());
            }
        }
    }

    fn accept(&mut self, sms: Sms, permit: OwnedSemaphorePermit) -> Result<Handle, SendError> {
        let draft = sms.draft()?;
        self.growth.grow(self.driver.tracker_mut());
        let added = self.driver.tracker_mut().add(&draft, self.began.elapsed());
        let id = added.map_err(|_| SendError::Full)?;
        self.capacity.consume(permit);
        let key = id.get();
        self.writes.add(Write::Text { key, text: Arc::clone(&sms.text) });
        if let Some(reference) = &sms.reference {
            self.writes.add(Write::Reference { key, reference: Arc::clone(reference) });
        }
        self.track(id, Some(sms.text), sms.reference);
        self.outbox.handle(id).ok_or(SendError::Full)
    }

    /// Adds a message that the tracker holds to the outbox.
    pub(super) fn track(&mut self, id: UserId, text: Option<Arc<str>>, reference: Option<Arc<str>>) {
        let tracker = self.driver.tracker();
        if let Some((message, number)) = tracker.message(id).zip(tracker.number(id)) {
            self.outbox.insert(message, number, text, reference);
        }
    }

    /// Sends the replies that waited until changes were stored.
    pub(super) fn reply(&mut self, replies: Vec<Reply>) {
        for reply in replies {
            match reply {
                Reply::Sent(handle, reply) => {
                    if let Err(Ok(handle)) = reply.send(Ok(handle)) {
                        self.cancel(&handle);
                    }
                }
                Reply::Stopped(stopping, reply) => {
                    let _ = reply.send(stopping);
                }
            }
        }
    }

    /// Cancels a message whose caller has stopped waiting. If it is about to be submitted, it continues, unclaimed.
    fn cancel(&mut self, handle: &Handle) {
        let id = handle.id();
        if self.driver.tracker().message(id).is_some_and(|message| message.state == State::Unsent) {
            self.driver.tracker_mut().stop(id, self.began.elapsed());
            self.release(id);
        }
    }
}
