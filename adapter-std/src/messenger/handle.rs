//! A message's handle.

use std::{fmt, sync::Arc};

use sms_gateway_core::{
    UserId,
    track::{Message, State, StopResult},
};
use tokio::sync::watch;

use super::{
    Closed,
    link::{Command, Link},
};

/// A message under way: what becomes of it, and the claim to hear its end.
///
/// A message is kept until its handle is [acknowledged](Self::acknowledge), and comes again after a restart until then. So
/// take its outcome, note it where it is to be noted, and acknowledge the handle behind that: whenever the program ends in
/// between, it hears of the message again.
///
/// Dropping a handle is no acknowledgement, since a program that fails drops its handles too: the message goes on, keeps
/// its place in the messenger, and is among [`Messenger::unclaimed`](super::Messenger::unclaimed) or, after a restart, what
/// [`Builder::start`](super::Builder::start) gives. Who does not care what becomes of a message acknowledges it at once.
#[must_use = "a message keeps its place until its handle is acknowledged"]
pub struct Handle {
    id: UserId,
    reference: Option<Arc<str>>,
    news: watch::Receiver<Message>,
    /// The end was told as news.
    is_told: bool,
    link: Link,
}

impl Handle {
    pub(super) fn new(
        id: UserId,
        reference: Option<Arc<str>>,
        mut news: watch::Receiver<Message>,
        link: Link,
    ) -> Self {
        news.mark_changed();
        Self { id, reference, news, is_told: false, link }
    }

    /// The message: the user_id by which the gateway knows it.
    pub fn id(&self) -> UserId {
        self.id
    }

    /// By what the caller knows it: see [`Sms::reference`](super::Sms::reference).
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }

    /// What is known of it now.
    pub fn current(&self) -> Message {
        *self.news.borrow()
    }

    /// Waits until the gateway has accepted the message, or it has come further, or to its end without that: see
    /// [`Message::state`]. Dropping the future loses nothing; the same goes for the methods below.
    ///
    /// # Errors
    /// [`Closed`] when the messenger ends before that.
    pub async fn accepted(&self) -> Result<Message, Closed> {
        self.until(|message| {
            !matches!(message.state, State::Unsent | State::Submitted | State::Uncertain) || message.is_final
        })
        .await
    }

    /// Waits until the network has the message, or it has come to an end.
    ///
    /// # Errors
    /// [`Closed`] when the messenger ends before that.
    pub async fn sent(&self) -> Result<Message, Closed> {
        self.until(|message| message.state == State::Sent || message.is_final).await
    }

    /// Waits for the message's end. It counts as told once the handle is [acknowledged](Self::acknowledge).
    ///
    /// # Errors
    /// [`Closed`] when the messenger ends before that. The message goes on when it starts again.
    pub async fn outcome(&self) -> Result<Message, Closed> {
        self.until(|message| message.is_final).await
    }

    /// Waits for what this method has not told yet: first what is known now, then each change, and nothing behind the end.
    /// Of changes that come faster than they are taken it tells the latest.
    ///
    /// # Errors
    /// [`Closed`] when the messenger ends before that.
    pub async fn news(&mut self) -> Result<Option<Message>, Closed> {
        if self.is_told {
            return Ok(None);
        }
        if self.news.changed().await.is_err() {
            return Err(self.link.closed().await);
        }
        let message = *self.news.borrow_and_update();
        self.is_told = message.is_final;
        Ok(Some(message))
    }

    /// Stops the message. What the gateway has is stopped by its request: with all messages of the same request that wait.
    /// Dropping the future leaves open whether it is stopped.
    ///
    /// # Errors
    /// [`Closed`] when the messenger has ended.
    pub async fn stop(&self) -> Result<StopResult, Closed> {
        match self.link.commands.upgrade() {
            Some(commands) => self.link.ask(&commands, |reply| Command::Stop { id: self.id, reply }).await,
            None => Err(self.link.closed().await),
        }
    }

    /// The caller has taken note of the message's end, or does not want to hear of it: it will not be told (again).
    ///
    /// It is stored with what the messenger stores next, or when it is shut down; a crash before that tells the message again.
    pub fn acknowledge(self) {
        self.link.shared.acknowledge(|acknowledged| acknowledged.messages.push(self.id));
    }

    async fn until(&self, reached: impl FnMut(&Message) -> bool) -> Result<Message, Closed> {
        let mut news = self.news.clone();
        let reached = news.wait_for(reached).await.map(|message| *message);
        match reached {
            Ok(message) => Ok(message),
            Err(_) => Err(self.link.closed().await),
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("id", &self.id)
            .field("reference", &self.reference)
            .field("message", &self.current())
            .finish_non_exhaustive()
    }
}
