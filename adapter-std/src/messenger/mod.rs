//! Messages tracked from sending to delivery, across lost responses and restarts.
//!
//! A [`Messenger`] is a task that owns a [`Gateway`], a [tracker](crate::core::track) and a [store](crate::store). It sends
//! messages, queries their results, and reports updates.
//!
//! ```no_run
//! use sms_gateway::{Gateway, Messenger, Sms};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::builder("http://192.168.1.9").credentials("admin", "secret").build()?;
//! let (messenger, _) = Messenger::builder(gateway).start().await?;
//! let handle = messenger.send(Sms::new("10086", "Hello")?).await?;
//! handle.accepted().await?;
//! let message = handle.outcome().await?;
//! println!("{:?}", message.state);
//! handle.acknowledge();
//! messenger.shutdown().await?;
//! # Ok(()) }
//! ```
//!
//! # Restarts
//! With a durable store, [`Messenger::send`] returns after the message is stored. Each change of the message's state is stored
//! before the next request is sent. After a restart, a message that has not reached the gateway is sent. If a message may have
//! reached the gateway, the messenger looks it up, and sends it again only if [`Sms::resend`] allows that. [`Builder::start`]
//! returns each message until its handle is [acknowledged](Handle::acknowledge). Callers recognise a message by its
//! [`reference`](Sms::reference).
//!
//! ```
//! use sms_gateway::{Gateway, Messenger, Sms, store::MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let gateway = Gateway::builder("http://127.0.0.1:9").build()?;
//! let store = MemoryStore::new();
//! let (messenger, _) = Messenger::builder(gateway.clone()).store(store.clone()).start().await?;
//! let _ = messenger.send(Sms::new("10086", "Your order is on its way.")?.reference("order-17")).await?;
//! messenger.shutdown().await?;
//!
//! let (messenger, handles) = Messenger::builder(gateway).store(store).start().await?;
//! assert_eq!(handles[0].reference(), Some("order-17"));
//! # Ok(()) }
//! ```
//!
//! Without a durable [store](Builder::store), a restart loses everything. Messages that had not reached the gateway are lost, and
//! the other messages are no longer tracked. The gateway's whole inbox is [handed out](Messenger::incoming) again, acknowledged
//! or not.
//!
//! # Repeated calls
//! A program that does not know whether [`Messenger::send`] accepted a message, for example after a crash, calls it again with the
//! same [`idempotency_key`](Sms::idempotency_key): no second message is sent. A [`reference`](Sms::reference) is only a label;
//! several messages may have the same one.
//!
//! # Many messages
//! [`Messenger::updates`] is one stream of the updates of all messages. A program that reads it needs no handles.
//!
//! # Bounds
//! A messenger has a [fixed number of slots](Builder::capacity) for messages, and [`Messenger::send`] waits for a free one. The
//! numbers of [incoming messages](Builder::unacknowledged) and [events](Builder::events) that it holds are limited too.

mod builder;
mod callers;
mod commands;
mod error;
mod event;
mod exchange;
mod handle;
mod health;
mod idempotency;
mod incoming;
mod memory;
mod outbox;
mod receiver;
mod restore;
mod shared;
mod sms;
mod snapshot;
mod task;
#[cfg(test)]
mod tests;
mod updates;
mod write_batch;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, TryAcquireError, mpsc, watch};

pub use builder::Builder;
pub use error::{Closed, SendError, StartError};
pub use event::{Event, Events};
pub use handle::Handle;
pub use health::Health;
pub use incoming::{Flaw, Inbox, Incoming};
pub use receiver::Receiver;
pub use sms::Sms;
pub use updates::{Update, Updates};

use crate::Gateway;
use handle::{Command, TaskHandle};

/// Sends and tracks messages: see the [module](self). A messenger is cheap to clone; clones share one task.
///
/// The task ends with [`shutdown`](Self::shutdown), when all clones are dropped, or when the store fails. Handles do not keep
/// the task running.
#[derive(Clone)]
pub struct Messenger {
    gateway: Gateway,
    task: TaskHandle,
    /// Keeps the task running.
    _commands: mpsc::Sender<Command>,
    inbox: Arc<Mutex<Option<Inbox>>>,
    events: Arc<Mutex<Option<Events>>>,
}

impl Messenger {
    /// Returns a builder of a messenger for this gateway. Clones of the gateway can be used at the same time: their calls and those of
    /// the messenger take turns.
    pub fn builder(gateway: Gateway) -> Builder {
        Builder::new(gateway)
    }

    /// Accepts a message: it is stored when this returns, and will be sent. Waits for a free [slot](Builder::capacity).
    /// Messages from several tasks are stored, and sent, together.
    ///
    /// If the future is dropped before it is ready, the message is either not sent, or already accepted. In the latter case, its
    /// handle is among [`unclaimed`](Self::unclaimed).
    ///
    /// # Errors
    /// [`SendError`]: the message was not accepted.
    pub async fn send(&self, sms: Sms) -> Result<Handle, SendError> {
        check(&sms)?;
        if let Some(handle) = self.known_although_full(&sms).await? {
            return Ok(handle);
        }
        match Arc::clone(&self.task.shared.permits).acquire_owned().await {
            Ok(permit) => self.send_with(sms, Some(permit)).await,
            Err(_) => Err(SendError::Closed(self.task.shared.closed().await)),
        }
    }

    /// Accepts a message as [`send`](Self::send) does, but does not wait for a free slot.
    ///
    /// # Errors
    /// [`SendError::Full`], and the errors of [`send`](Self::send).
    pub async fn try_send(&self, sms: Sms) -> Result<Handle, SendError> {
        check(&sms)?;
        match Arc::clone(&self.task.shared.permits).try_acquire_owned() {
            Ok(permit) => self.send_with(sms, Some(permit)).await,
            Err(TryAcquireError::NoPermits) => self.known_although_full(&sms).await?.ok_or(SendError::Full),
            Err(TryAcquireError::Closed) => Err(SendError::Closed(self.task.shared.closed().await)),
        }
    }

    /// While no slot is free, returns the known message with the same idempotency key, if there is one. A known message needs no new
    /// slot.
    async fn known_although_full(&self, sms: &Sms) -> Result<Option<Handle>, SendError> {
        if sms.idempotency_key.is_none() || self.task.shared.permits.available_permits() > 0 {
            return Ok(None);
        }
        match self.send_with(sms.clone(), None).await {
            Ok(handle) => Ok(Some(handle)),
            Err(SendError::Full) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn send_with(&self, sms: Sms, permit: Option<OwnedSemaphorePermit>) -> Result<Handle, SendError> {
        self.task.ask(|reply| Command::Send { sms, permit, reply }).await.map_err(SendError::Closed)?
    }

    /// Returns handles of the messages whose outcome is not acknowledged and whose handles were dropped. Dropping the future
    /// loses nothing.
    ///
    /// # Errors
    /// [`Closed`] if the messenger has ended.
    pub async fn unclaimed(&self) -> Result<Vec<Handle>, Closed> {
        self.task.ask(|reply| Command::Unclaimed { reply }).await
    }

    /// Returns a stream of the updates of all messages. A program that sends many messages can read it instead of waiting for each
    /// [`Handle`], and drop the handles. Each further call ends the previous stream. The new stream begins again with all messages whose
    /// outcome is not acknowledged.
    ///
    /// ```
    /// # async fn example(messenger: sms_gateway::Messenger) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut updates = messenger.updates().await?;
    /// while let Some(update) = updates.next().await {
    ///     println!("{}: {:?}", update.reference().unwrap_or_default(), update.message.state);
    ///     // Acknowledge after everything that the update requires: until then, an outcome is returned again.
    ///     update.acknowledge();
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Closed`] if the messenger has ended.
    pub async fn updates(&self) -> Result<Updates, Closed> {
        self.task.ask(|reply| Command::Updates { reply }).await
    }

    /// Returns the receiver of incoming messages; `None` if it was returned before, or if incoming messages are not
    /// [queried](Builder::incoming).
    ///
    /// It starts with the messages in the gateway's inbox that were not acknowledged. Without a durable
    /// [store](Builder::store), that is the whole inbox after each start.
    pub fn incoming(&self) -> Option<Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns the receiver of events; `None` if it was returned before.
    pub fn events(&self) -> Option<Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns the gateway's serial number (`sn`); `None` until a response has contained it. Only later versions of the API report
    /// it.
    pub fn serial_number(&self) -> Option<Arc<str>> {
        self.task.shared.serial_number()
    }

    /// Returns a receiver of the gateway's health and its changes, for example whether the login is refused. A refused login is
    /// not repeated. After the right credentials are set with [`Gateway::set_credentials`], requests continue at once.
    pub fn health(&self) -> watch::Receiver<Health> {
        let mut health = self.task.shared.health.subscribe();
        // An error that exists already counts as a change.
        if health.borrow().error.is_some() {
            health.mark_changed();
        }
        health
    }

    /// Returns the gateway.
    pub const fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Ends the messenger: accepts nothing more, stores what is known, and closes the store.
    ///
    /// A request that submits or stops messages is awaited for the [shutdown timeout](Builder::shutdown_timeout) at most. Any
    /// other request is abandoned. So the shutdown ends in time even if the gateway is silent or another caller holds a
    /// [`Response`](crate::Response). The connection stays open while other clones of the [`Gateway`] exist.
    ///
    /// The first poll of the future begins the shutdown. Dropping the future after that does not stop the shutdown.
    ///
    /// # Errors
    /// [`Closed`] if the messenger has ended for another reason.
    pub async fn shutdown(self) -> Result<(), Closed> {
        self.task.shared.shut_down();
        match self.task.shared.closed().await {
            Closed::ShutDown => Ok(()),
            closed => Err(closed),
        }
    }
}

/// Shows no messages.
impl fmt::Debug for Messenger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let free = self.task.shared.permits.available_permits();
        f.debug_struct("Messenger")
            .field("gateway", &self.gateway)
            .field("free", &free)
            .finish_non_exhaustive()
    }
}

/// Checks the lengths that [`Sms`] does not check.
fn check(sms: &Sms) -> Result<(), SendError> {
    let bytes = sms.reference.as_deref().map_or(0, str::len);
    if bytes > Sms::MAX_REFERENCE_BYTES {
        return Err(SendError::Reference { bytes });
    }
    match sms.idempotency_key.as_deref().map(str::len) {
        Some(bytes) if bytes == 0 || bytes > Sms::MAX_IDEMPOTENCY_KEY_BYTES => {
            Err(SendError::IdempotencyKey { bytes })
        }
        _ => Ok(()),
    }
}
