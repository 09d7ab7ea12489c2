//! The handle of a message, and the commands that it sends to the messenger's task.

use std::{fmt, sync::Arc};

use sms_gateway_core::{
    UserId,
    track::{Message, NumberBuf, State, StopResult},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use super::{Closed, SendError, Sms, Updates, shared::Shared, snapshot::Snapshot};

/// A request to a messenger's task.
pub(super) enum Command {
    /// Accepts a message. The permit stands for a free slot. Without it, only a known message can be returned.
    Send { sms: Sms, permit: Option<OwnedSemaphorePermit>, reply: oneshot::Sender<Result<Handle, SendError>> },
    /// Stops a message, or more or less than that.
    Stop { id: UserId, scope: StopScope, reply: oneshot::Sender<StopResult> },
    /// Returns handles of the messages that have none.
    Unclaimed { reply: oneshot::Sender<Vec<Handle>> },
    /// Opens a stream of updates.
    Updates { reply: oneshot::Sender<Updates> },
}

/// What a [`Command::Stop`] may stop.
#[derive(Clone, Copy)]
pub(super) enum StopScope {
    /// The message while no request has submitted it.
    Unsent,
    /// The message alone.
    Message,
    /// All messages of its request.
    Task,
}

/// Sends commands to the task, but does not keep the task running.
#[derive(Clone)]
pub(super) struct TaskHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::WeakSender<Command>,
}

impl TaskHandle {
    /// Sends a command and waits for the reply.
    pub(super) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Closed> {
        if let Some(commands) = self.commands.upgrade() {
            let (sender, reply) = oneshot::channel();
            let is_sent = commands.send(command(sender)).await.is_ok();
            // Waiting for the reply does not keep the task running.
            drop(commands);
            if let (true, Ok(reply)) = (is_sent, reply.await) {
                return Ok(reply);
            }
        }
        Err(self.shared.closed().await)
    }
}

/// A message that the messenger tracks, and the claim to its outcome.
///
/// The messenger keeps a message until its handle is [acknowledged](Self::acknowledge), and reports it again after each
/// restart until then. So wait for the outcome, process it, and then acknowledge the handle: if the program ends in between,
/// the next start returns the message again.
///
/// Dropping a handle does not acknowledge it, because a program that fails drops its handles too. The message continues,
/// keeps its slot in the messenger, and is among [`Messenger::unclaimed`](super::Messenger::unclaimed) or, after a restart,
/// among the handles that [`Builder::start`](super::Builder::start) returns. To ignore the outcome, acknowledge the handle at
/// once.
#[must_use = "a message keeps its slot until its handle is acknowledged"]
pub struct Handle {
    pub(super) id: UserId,
    pub(super) number: NumberBuf,
    pub(super) reference: Option<Arc<str>>,
    pub(super) updates: watch::Receiver<Snapshot>,
    /// Whether `next_update` has returned the final state.
    pub(super) is_finished: bool,
    pub(super) task: TaskHandle,
}

impl Handle {
    /// Returns the message's user_id, by which the gateway identifies it.
    pub const fn id(&self) -> UserId {
        self.id
    }

    /// Returns the recipient's number.
    pub fn number(&self) -> &str {
        self.number.as_str()
    }

    /// Returns the text while it is stored: until the gateway has accepted the message, or the message is finished.
    pub fn text(&self) -> Option<Arc<str>> {
        self.updates.borrow().text.clone()
    }

    /// Returns the caller's [reference](super::Sms::reference).
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// Returns the IMSI of the SIM card that sent the message; `None` until a result has contained it. Only later versions of the API
    /// report the IMSI. It is not stored: after a restart, it is unknown until another result arrives.
    pub fn imsi(&self) -> Option<Arc<str>> {
        self.updates.borrow().imsi.clone()
    }

    /// Returns the current state of the message.
    pub fn current(&self) -> Message {
        self.updates.borrow().message
    }

    /// Waits until the gateway has accepted the message, or the message is finished without having been accepted: see
    /// [`Message::state`]. Dropping the future loses nothing. The same holds for [`sent`](Self::sent),
    /// [`outcome`](Self::outcome) and [`next_update`](Self::next_update).
    ///
    /// # Errors
    /// [`Closed`] if the messenger ends before that.
    pub async fn accepted(&self) -> Result<Message, Closed> {
        self.until(|message| {
            !matches!(message.state, State::Unsent | State::Submitted | State::Uncertain) || message.is_final
        })
        .await
    }

    /// Waits until the network has the message, or the message is finished.
    ///
    /// # Errors
    /// [`Closed`] if the messenger ends before that.
    pub async fn sent(&self) -> Result<Message, Closed> {
        self.until(|message| message.state == State::Sent || message.is_final).await
    }

    /// Waits until the message is finished. The outcome is reported again after a restart until the handle is
    /// [acknowledged](Self::acknowledge).
    ///
    /// # Errors
    /// [`Closed`] if the messenger ends before that. The message continues when the messenger starts again.
    pub async fn outcome(&self) -> Result<Message, Closed> {
        self.until(|message| message.is_final).await
    }

    /// Waits for the next update: first the current state, then each change, and `None` after the final state. If changes
    /// arrive faster than the caller reads them, only the latest is returned.
    ///
    /// # Errors
    /// [`Closed`] if the messenger ends before that.
    pub async fn next_update(&mut self) -> Result<Option<Message>, Closed> {
        if self.is_finished {
            return Ok(None);
        }
        if self.updates.changed().await.is_err() {
            return Err(self.task.shared.closed().await);
        }
        let message = self.updates.borrow_and_update().message;
        self.is_finished = message.is_final;
        Ok(Some(message))
    }

    /// Stops the message. The gateway can only stop a whole request. If the gateway has the message while other messages of the
    /// same request are not sent yet, this method stops nothing. [`StopResult::SharedTask`] then contains the number of messages that
    /// [`stop_task`](Self::stop_task) would stop. If the future is dropped, the message may or may not be stopped.
    ///
    /// # Errors
    /// [`Closed`] if the messenger has ended.
    pub async fn stop(&self) -> Result<StopResult, Closed> {
        self.stop_within(StopScope::Message).await
    }

    /// Stops the message only if it was not submitted, to send it through another gateway for example. The gateway is not asked to
    /// stop anything. After [`StopResult::Stopped`], the gateway provably does not have the message. After [`StopResult::TooLate`],
    /// the message continues as if this had not been called. If the future is dropped, the message may or may not be stopped.
    ///
    /// # Errors
    /// [`Closed`] if the messenger has ended.
    pub async fn stop_unsent(&self) -> Result<StopResult, Closed> {
        self.stop_within(StopScope::Unsent).await
    }

    /// Stops the message, and with it all messages of the same request that are not sent yet. Apart from that, this works
    /// like [`stop`](Self::stop).
    ///
    /// # Errors
    /// [`Closed`] if the messenger has ended.
    pub async fn stop_task(&self) -> Result<StopResult, Closed> {
        self.stop_within(StopScope::Task).await
    }

    async fn stop_within(&self, scope: StopScope) -> Result<StopResult, Closed> {
        self.task.ask(|reply| Command::Stop { id: self.id, scope, reply }).await
    }

    /// Acknowledges the message's outcome, or declares that the caller does not need it. The messenger does not report the
    /// message again.
    ///
    /// The acknowledgement is stored with the next change, or at shutdown. After a crash before that, the message is reported
    /// again.
    pub fn acknowledge(self) {
        self.task.shared.acknowledge(|acknowledged| acknowledged.messages.push(self.id));
    }

    async fn until(&self, mut reached: impl FnMut(&Message) -> bool) -> Result<Message, Closed> {
        let mut updates = self.updates.clone();
        let snapshot = updates.wait_for(|snapshot| reached(&snapshot.message)).await;
        match snapshot.map(|snapshot| snapshot.message) {
            Ok(message) => Ok(message),
            Err(_) => Err(self.task.shared.closed().await),
        }
    }
}

/// Shows neither the number nor the text, which do not belong in logs.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("id", &self.id)
            .field("reference", &self.reference)
            .field("message", &self.current())
            .finish_non_exhaustive()
    }
}
