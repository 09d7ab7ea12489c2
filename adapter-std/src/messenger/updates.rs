//! The stream of the updates of all messages.
//!
//! The stream holds only the latest update of each message. So its size is limited by the number of messages that the messenger holds,
//! however slowly it is read.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use sms_gateway_core::{UserId, track::Message};

use super::{shared::Shared, snapshot::Snapshot};

/// An update of a message: see [`Updates`].
#[non_exhaustive]
pub struct Update {
    /// The message as it was when it changed. A repeated update has the same [`revision`](Message::revision).
    pub message: Message,
    reference: Option<Arc<str>>,
    imsi: Option<Arc<str>>,
    shared: Arc<Shared>,
}

impl Update {
    /// Returns the caller's [reference](super::Sms::reference).
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// Returns the IMSI of the SIM card that sent the message: see [`Handle::imsi`](super::Handle::imsi).
    pub fn imsi(&self) -> Option<&str> {
        self.imsi.as_deref()
    }

    /// Acknowledges the message's outcome, as [`Handle::acknowledge`](super::Handle::acknowledge) does, if this update is
    /// [final](Message::is_final). Otherwise this does nothing, so that a program can acknowledge each update that it has processed.
    pub fn acknowledge(self) {
        if self.message.is_final {
            self.shared.acknowledge(|acknowledged| acknowledged.messages.push(self.message.id));
        }
    }
}

/// Shows neither the number nor the text, which do not belong in logs.
impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update")
            .field("reference", &self.reference)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

/// Receives the updates of all messages whose outcome is not acknowledged, for programs that do not keep a handle of each message.
/// It is a [`Stream`] too.
///
/// The stream begins with the current state of each of these messages, including those of an earlier run. Then it returns each
/// message that has changed, in the order of the changes. If a message changes again before its update is received, only the
/// latest update is returned.
///
/// An outcome is returned again by the next [`Messenger::updates`](super::Messenger::updates), and after a restart, until the
/// [update](Update::acknowledge) or the message's handle is acknowledged. Until then, the message keeps its slot.
#[derive(Debug)]
pub struct Updates(Arc<Queue>);

impl Updates {
    /// Waits for the next update; `None` after the last one, if the messenger has ended or another stream has replaced this one.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Update> {
        poll_fn(|context| self.0.poll(context)).await
    }
}

impl Stream for Updates {
    type Item = Update;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Update>> {
        self.0.poll(context)
    }
}

/// The updates that wait to be received.
#[derive(Debug, Default)]
struct Queue(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// The updates by their position.
    updates: BTreeMap<u64, Update>,
    positions: HashMap<UserId, u64>,
    next_position: u64,
    receiver: Option<Waker>,
    is_ended: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<Update>> {
        let mut waiting = self.lock();
        if let Some((_, update)) = waiting.updates.pop_first() {
            waiting.positions.remove(&update.message.id);
            return Poll::Ready(Some(update));
        }
        if waiting.is_ended {
            return Poll::Ready(None);
        }
        waiting.receiver = Some(context.waker().clone());
        Poll::Pending
    }

    /// Adds an update. If an update of the same message still waits, the new one replaces it, at the same position.
    fn push(&self, update: Update) {
        let mut waiting = self.lock();
        let next = waiting.next_position;
        let position = *waiting.positions.entry(update.message.id).or_insert(next);
        waiting.next_position = next.max(position + 1);
        waiting.updates.insert(position, update);
        waiting.wake();
    }

    fn remove(&self, id: UserId) {
        let mut waiting = self.lock();
        if let Some(position) = waiting.positions.remove(&id) {
            waiting.updates.remove(&position);
        }
    }

    fn end(&self) {
        let mut waiting = self.lock();
        waiting.is_ended = true;
        waiting.wake();
    }
}

impl Waiting {
    fn wake(&mut self) {
        if let Some(receiver) = self.receiver.take() {
            receiver.wake();
        }
    }
}

/// The task's side of the stream.
#[derive(Default)]
pub(super) struct UpdateSender(Option<Arc<Queue>>);

impl UpdateSender {
    /// Opens a stream, and ends the previous one.
    pub(super) fn open(&mut self) -> Updates {
        self.end();
        let queue = Arc::<Queue>::default();
        self.0 = Some(Arc::clone(&queue));
        Updates(queue)
    }

    pub(super) fn send(&mut self, snapshot: &Snapshot, reference: Option<&Arc<str>>, shared: &Arc<Shared>) {
        // A queue whose receiver was dropped is no longer needed.
        self.0.take_if(|queue| Arc::strong_count(queue) == 1);
        if let Some(queue) = &self.0 {
            let Snapshot { message, imsi, .. } = snapshot.clone();
            queue.push(Update { message, reference: reference.cloned(), imsi, shared: Arc::clone(shared) });
        }
    }

    /// Removes the update of a message whose outcome is acknowledged.
    pub(super) fn remove(&self, id: UserId) {
        if let Some(queue) = &self.0 {
            queue.remove(id);
        }
    }

    fn end(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.end();
        }
    }
}

impl Drop for UpdateSender {
    fn drop(&mut self) {
        self.end();
    }
}
