//! The messages whose outcome is not acknowledged: their texts, references and handles, which the tracker does not hold.

use std::{collections::HashMap, sync::Arc};

use sms_gateway_core::{
    UserId,
    track::{Message, NumberBuf, State},
};
use tokio::sync::watch;

use super::{
    handle::{Handle, TaskHandle},
    snapshot::Snapshot,
    updates::{UpdateSender, Updates},
    write_batch::WriteBatch,
};
use crate::store::Write;

struct OutboxEntry {
    updates: watch::Sender<Snapshot>,
    number: NumberBuf,
    reference: Option<Arc<str>>,
    /// Whether the caller has declared that it does not need the outcome.
    is_released: bool,
    /// Whether the outcome was reported since the start.
    is_reported: bool,
}

/// The messages whose outcome is not acknowledged.
pub(super) struct Outbox {
    entries: HashMap<UserId, OutboxEntry>,
    task: TaskHandle,
    stream: UpdateSender,
}

impl Outbox {
    pub(super) fn new(task: TaskHandle) -> Self {
        Self { entries: HashMap::new(), task, stream: UpdateSender::default() }
    }

    /// Adds a message.
    pub(super) fn insert(
        &mut self,
        message: Message,
        number: NumberBuf,
        text: Option<Arc<str>>,
        reference: Option<Arc<str>>,
    ) {
        // An empty reference marks a message that was released. Callers cannot set one.
        let is_released = reference.as_deref() == Some("");
        let reference = reference.filter(|_| !is_released);
        let updates = watch::Sender::new(Snapshot { message, text, imsi: None });
        let entry = OutboxEntry { updates, number, reference, is_released, is_reported: false };
        self.entries.insert(message.id, entry);
    }

    pub(super) fn text(&self, id: UserId) -> Option<Arc<str>> {
        self.entries.get(&id)?.updates.borrow().text.clone()
    }

    /// Returns a handle of a message whose outcome the caller needs.
    pub(super) fn handle(&self, id: UserId) -> Option<Handle> {
        self.entries.get(&id).filter(|entry| !entry.is_released).and_then(|_| self.known(id))
    }

    /// Returns the number of a message's handles.
    pub(super) fn handles(&self, id: UserId) -> usize {
        self.entries.get(&id).map_or(0, |entry| entry.updates.receiver_count())
    }

    /// Returns a handle of a message whose outcome is acknowledged.
    pub(super) fn acknowledged(&self, message: Message) -> Handle {
        let (_, mut updates) = watch::channel(Snapshot { message, text: None, imsi: None });
        updates.mark_changed();
        let (id, number, task) = (message.id, message.number, self.task.clone());
        Handle { id, number, reference: None, updates, is_finished: false, task }
    }

    /// Returns a handle of a message, even if the caller has declared that it does not need the outcome.
    pub(super) fn known(&self, id: UserId) -> Option<Handle> {
        let entry = self.entries.get(&id)?;
        let mut updates = entry.updates.subscribe();
        // The current state is the first update.
        updates.mark_changed();
        let (reference, task) = (entry.reference.clone(), self.task.clone());
        Some(Handle { id, number: entry.number, reference, updates, is_finished: false, task })
    }

    /// Returns handles of the messages that have none.
    pub(super) fn unclaimed(&self) -> Vec<Handle> {
        let unclaimed = self.entries.iter().filter(|(_, entry)| entry.updates.receiver_count() == 0);
        unclaimed.filter_map(|(id, _)| self.handle(*id)).collect()
    }

    /// Opens a stream of updates, which begins with the current state of each message whose outcome the caller needs.
    pub(super) fn updates(&mut self) -> Updates {
        let updates = self.stream.open();
        let mut entries: Vec<_> = self.entries.iter().filter(|(_, entry)| !entry.is_released).collect();
        entries.sort_by_key(|(id, _)| id.get());
        for (_, entry) in entries {
            self.stream.send(&entry.updates.borrow(), entry.reference.as_ref(), &self.task.shared);
        }
        updates
    }

    /// Records the IMSI of a message's result. The next update publishes it. A result without other news causes no update.
    pub(super) fn note_imsi(&mut self, id: UserId, imsi: &str) {
        let Some(entry) = self.entries.get(&id).filter(|_| !imsi.is_empty()) else { return };
        entry.updates.send_if_modified(|snapshot| {
            if snapshot.imsi.as_deref() != Some(imsi) {
                snapshot.imsi = Some(imsi.into());
            }
            false
        });
    }

    /// Publishes an update of a message, and deletes its text if the text is no longer needed. Returns whether the update needs
    /// no acknowledgement by the caller.
    pub(super) fn update(&mut self, message: Message, writes: &mut WriteBatch) -> bool {
        let Some(entry) = self.entries.get_mut(&message.id) else { return true };
        entry.updates.send_modify(|snapshot| {
            snapshot.message = message;
            if !may_be_submitted(&message) && snapshot.text.take().is_some() {
                writes.add(Write::DeleteText { key: message.id.get() });
            }
        });
        entry.is_reported = message.is_final;
        let is_released = entry.is_released;
        if !is_released {
            self.stream.send(&entry.updates.borrow(), entry.reference.as_ref(), &self.task.shared);
        }
        if message.is_final && is_released {
            self.entries.remove(&message.id);
        }
        is_released || !message.is_final
    }

    /// Releases a message whose outcome the caller no longer needs. Returns the revision that this acknowledges; `None` if the
    /// outcome was not reported yet.
    pub(super) fn release(&mut self, id: UserId, writes: &mut WriteBatch) -> Option<u16> {
        let entry = self.entries.get_mut(&id)?;
        self.stream.remove(id);
        if !entry.is_reported {
            entry.is_released = true;
            // The empty reference marks the message as released, so that it is not reported after a restart either.
            writes.add(Write::Reference { key: id.get(), reference: "".into() });
            return None;
        }
        let revision = entry.updates.borrow().message.revision;
        self.entries.remove(&id);
        Some(revision)
    }

    /// After a restart, removes the messages whose outcome was acknowledged before the restart. These are the finished messages
    /// that were not reported again.
    pub(super) fn remove_acknowledged(&mut self) {
        self.entries.retain(|_, entry| entry.is_reported || !entry.updates.borrow().message.is_final);
    }
}

/// Whether the message's text may still be needed.
pub(super) const fn may_be_submitted(message: &Message) -> bool {
    matches!(message.state, State::Unsent | State::Submitted | State::Uncertain)
}
