//! Serves callers: accepts, stops and acknowledges messages.

use std::sync::Arc;

use sms_gateway_core::{UserId, track::State};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};

use super::{
    SendError, Sms,
    commands::Reply,
    handle::{Command, Handle, StopScope},
    idempotency::Idempotency,
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
        // A caller may have acknowledged a message before it sent a command, so acknowledgements come first.
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
        // The tracker keeps an acknowledged message only if a part of it may have been sent.
        if self.driver.tracker().message(id).is_none() {
            self.keys.remove(id);
        }
    }

    fn handle(&mut self, command: Command) {
        match command {
            // Dropping the command returns its permit.
            Command::Send { reply, .. } if reply.is_closed() => {}
            Command::Send { sms, permit, reply } => self.handle_send(sms, permit, reply),
            Command::Stop { id, scope, reply } => {
                let (tracker, now) = (self.driver.tracker_mut(), self.began.elapsed());
                let stopping = match scope {
                    StopScope::Unsent => tracker.stop_unsent(id, now),
                    StopScope::Message => tracker.stop(id, now),
                    StopScope::Task => tracker.stop_task_of(id, now),
                };
                self.commands.replies.push(Reply::Stopped(stopping, reply));
            }
            Command::Unclaimed { reply } => {
                let _ = reply.send(self.outbox.unclaimed());
            }
            Command::Updates { reply } => {
                let _ = reply.send(self.outbox.updates());
            }
        }
    }

    fn handle_send(
        &mut self,
        sms: Sms,
        permit: Option<OwnedSemaphorePermit>,
        reply: oneshot::Sender<Result<Handle, SendError>>,
    ) {
        let idempotency = Idempotency::of(&sms);
        let known = self.keys.find(idempotency.as_ref()).map(|id| id.and_then(|id| self.known(id)));
        match known {
            Ok(Some(handle)) => self.commands.replies.push(Reply::Known(handle, reply)),
            Ok(None) => match self.accept(sms, idempotency, permit) {
                Ok(handle) => self.commands.replies.push(Reply::Sent(handle, reply)),
                Err(error) => drop(reply.send(Err(error))),
            },
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// Returns another handle of a message that the tracker holds.
    fn known(&self, id: UserId) -> Option<Handle> {
        let tracker = self.driver.tracker();
        self.outbox.known(id).or_else(|| Some(self.outbox.acknowledged(tracker.message(id)?)))
    }

    fn accept(
        &mut self,
        sms: Sms,
        idempotency: Option<Idempotency>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Handle, SendError> {
        let draft = sms.draft()?;
        let permit = permit.ok_or(SendError::Full)?;
        self.growth.grow(self.driver.tracker_mut());
        let added = self.driver.tracker_mut().add(&draft, self.began.elapsed());
        let id = added.map_err(|_| SendError::Full)?;
        self.capacity.consume(permit);
        let key = id.get();
        self.writes.add(Write::Text { key, text: Arc::clone(&sms.text) });
        if let Some(reference) = &sms.reference {
            self.writes.add(Write::Reference { key, reference: Arc::clone(reference) });
        }
        if let Some(idempotency) = idempotency {
            self.writes.add(Write::Idempotency { key, hashes: idempotency.stored() });
            self.keys.insert(id, &idempotency);
        }
        self.track(id, Some(sms.text), sms.reference);
        self.outbox.handle(id).ok_or(SendError::Full)
    }

    /// Adds one of the tracker's messages to the outbox.
    pub(super) fn track(&mut self, id: UserId, text: Option<Arc<str>>, reference: Option<Arc<str>>) {
        let tracker = self.driver.tracker();
        if let Some((message, number)) = tracker.message(id).zip(tracker.number(id)) {
            self.outbox.insert(message, number, text, reference);
        }
    }

    /// Sends the replies whose changes are stored now.
    pub(super) fn reply(&mut self, replies: Vec<Reply>) {
        for reply in replies {
            match reply {
                Reply::Sent(handle, reply) => {
                    if let Err(Ok(handle)) = reply.send(Ok(handle)) {
                        self.cancel(&handle);
                    }
                }
                Reply::Known(handle, reply) => drop(reply.send(Ok(handle))),
                Reply::Stopped(stopping, reply) => {
                    let _ = reply.send(stopping);
                }
            }
        }
    }

    /// Cancels a message whose caller has stopped waiting. A message that is about to be submitted continues without a handle. If
    /// another caller waits for the message with the same idempotency key, the message continues for that caller.
    fn cancel(&mut self, handle: &Handle) {
        let id = handle.id();
        let is_shared = self.outbox.handles(id) > 1;
        if !is_shared
            && self.driver.tracker().message(id).is_some_and(|message| message.state == State::Unsent)
        {
            self.driver.tracker_mut().stop(id, self.began.elapsed());
            self.release(id);
            // The caller may repeat the call with the same key, and then gets a new message.
            self.keys.remove(id);
        }
    }
}
