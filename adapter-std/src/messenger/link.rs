//! What ties a messenger, its handles and its incoming messages to its task.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use sms_gateway_core::{UserId, track::StopResult};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot, watch};

use super::{Closed, Handle, SendError, Sms};

/// What a messenger wants of its task.
pub(super) enum Command {
    /// Take a message, for which there is room.
    Send { sms: Sms, room: OwnedSemaphorePermit, reply: oneshot::Sender<Result<Handle, SendError>> },
    /// Stop a message.
    Stop { id: UserId, reply: oneshot::Sender<StopResult> },
    /// Tell of the messages that nobody has a handle of.
    Unclaimed { reply: oneshot::Sender<Vec<Handle>> },
}

/// What was acknowledged since the task last looked. No more than there are handles and incoming messages.
#[derive(Default)]
pub(super) struct Acknowledged {
    /// Messages whose end need not be told (again).
    pub(super) messages: Vec<UserId>,
    /// Incoming messages, by the order in which they were handed out.
    pub(super) incoming: Vec<u64>,
}

/// What the task shares with those outside.
#[derive(Default)]
pub(super) struct Shared {
    acknowledged: Mutex<Acknowledged>,
    /// The messenger is to end.
    shut_down: AtomicBool,
    /// Something was acknowledged, or it is to end.
    pub(super) changed: Notify,
    /// Somebody has taken the receiver of events.
    pub(super) events_taken: AtomicBool,
}

impl Shared {
    pub(super) fn acknowledge(&self, add: impl FnOnce(&mut Acknowledged)) {
        add(&mut self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    pub(super) fn shut_down(&self) {
        self.shut_down.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::Relaxed)
    }

    pub(super) fn take_acknowledged(&self) -> Acknowledged {
        std::mem::take(&mut self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn are_events_taken(&self) -> bool {
        self.events_taken.load(Ordering::Relaxed)
    }
}

/// A handle's way to the task. It does not keep the task running.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::WeakSender<Command>,
    pub(super) end: watch::Receiver<Option<Closed>>,
}

impl Link {
    /// Why the task has ended; waits for that.
    pub(super) async fn closed(&self) -> Closed {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or(Closed::Aborted),
            Err(_) => Closed::Aborted,
        }
    }

    /// Sends a command and waits for its answer.
    pub(super) async fn ask<T>(
        &self,
        commands: &mpsc::Sender<Command>,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Closed> {
        let (reply, answer) = oneshot::channel();
        if commands.send(command(reply)).await.is_ok()
            && let Ok(answer) = answer.await
        {
            return Ok(answer);
        }
        Err(self.closed().await)
    }
}
