//! Messages followed from sending to delivery, over lost answers and restarts.
//!
//! A [`Messenger`] is a task that owns a [`Gateway`], a [tracker](crate::core::track) and a [store](crate::store). It sends what it is
//! given, asks what became of it, and tells.
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
//! # Over a restart
//! With a store that lasts, [`Messenger::send`] has stored the message when it returns, and all that is known of it is stored before
//! the next request leaves. A message that has not reached the gateway is sent after the restart; one of which that is not
//! known is looked up, and sent again only if [`Sms::resend`] allows. Each comes again, from [`Builder::start`], until its
//! handle was [acknowledged](Handle::acknowledge). The caller knows it by its [`reference`](Sms::reference).
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
//! Without a [store](Builder::store) that lasts nothing is known after a restart. What had not reached the gateway is lost, what had
//! is not followed any more, and all that the gateway's inbox holds is [handed out](Messenger::incoming) again, acknowledged or not.
//!
//! # What is bounded
//! A messenger holds [so many messages](Builder::capacity) and no more: [`Messenger::send`] waits for room. The same goes for
//! [messages that come in](Builder::unacknowledged) and for [events](Builder::events).

mod builder;
mod desk;
mod error;
mod event;
mod exchange;
mod handle;
mod incoming;
mod keeper;
mod ledger;
mod link;
mod restore;
mod sms;
mod task;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, watch};

pub use builder::Builder;
pub use error::{Closed, SendError, StartError};
pub use event::{Event, Events};
pub use handle::Handle;
pub use incoming::{Flaw, Inbox, Incoming};
pub use sms::Sms;

use crate::{Error, Gateway};
use link::{Command, Link};

/// Sends messages and follows them: see the [module](self). Cheap to clone; clones share one task.
///
/// The task ends with [`shutdown`](Self::shutdown), when all clones are dropped, or when the store fails. Handles don't keep it.
#[derive(Clone)]
pub struct Messenger {
    gateway: Gateway,
    commands: mpsc::Sender<Command>,
    link: Link,
    /// A permit for each message that can be taken.
    room: Arc<Semaphore>,
    health: watch::Receiver<Health>,
    inbox: Arc<Mutex<Option<Inbox>>>,
    events: Arc<Mutex<Option<Events>>>,
}

/// How the gateway answers.
///
/// Whoever [waits](watch::Receiver::changed) for a change hears of each request that fails, and of the first one that succeeds
/// again. An error that stays until somebody does something about it, such as a refused login, is told once: again when it changes, or
/// when it stays after [other credentials](Gateway::set_credentials).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Health {
    /// Whether any request has succeeded or failed yet.
    pub is_known: bool,
    /// Why the last request failed; `None` when it did not. Messages wait until requests succeed again.
    pub error: Option<Arc<Error>>,
    /// How many requests have failed in a row, those that were not sent since the login is refused included.
    pub failures: u32,
}

impl Messenger {
    /// A messenger over this gateway. A clone of the gateway may be used beside it; their calls take turns.
    pub fn builder(gateway: Gateway) -> Builder {
        Builder::new(gateway)
    }

    /// Takes a message: it is stored when this returns, and will be sent. Waits while there is no [room](Builder::capacity).
    /// Messages from several tasks are stored, and sent, together.
    ///
    /// When the future is dropped before it is ready, the message is not sent, or it was taken already: then its handle is
    /// among [`unclaimed`](Self::unclaimed).
    ///
    /// # Errors
    /// [`SendError`]: the message was not taken.
    pub async fn send(&self, sms: Sms) -> Result<Handle, SendError> {
        check(&sms)?;
        match Arc::clone(&self.room).acquire_owned().await {
            Ok(room) => self.send_with(sms, room).await,
            Err(_) => Err(SendError::Closed(self.link.closed().await)),
        }
    }

    /// As [`send`](Self::send), but does not wait for room.
    ///
    /// # Errors
    /// [`SendError::Full`], or as of [`send`](Self::send).
    pub async fn try_send(&self, sms: Sms) -> Result<Handle, SendError> {
        check(&sms)?;
        match Arc::clone(&self.room).try_acquire_owned() {
            Ok(room) => self.send_with(sms, room).await,
            Err(TryAcquireError::NoPermits) => Err(SendError::Full),
            Err(TryAcquireError::Closed) => Err(SendError::Closed(self.link.closed().await)),
        }
    }

    async fn send_with(&self, sms: Sms, room: OwnedSemaphorePermit) -> Result<Handle, SendError> {
        let command = |reply| Command::Send { sms, room, reply };
        self.link.ask(&self.commands, command).await.map_err(SendError::Closed)?
    }

    /// Handles of the messages that are not acknowledged and have none: theirs were dropped. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Closed`] when the messenger has ended.
    pub async fn unclaimed(&self) -> Result<Vec<Handle>, Closed> {
        self.link.ask(&self.commands, |reply| Command::Unclaimed { reply }).await
    }

    /// Receives messages that come in. `None` when it was taken before, or when they are not
    /// [fetched](Builder::incoming).
    ///
    /// The first ones are those that the gateway's inbox holds already and that were not acknowledged: without a
    /// [store](Builder::store) that lasts the whole inbox, after each start.
    pub fn incoming(&self) -> Option<Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Receives what else there is to know. `None` when it was taken before. Until it is taken, events are dropped.
    pub fn events(&self) -> Option<Events> {
        self.link.shared.events_taken.store(true, Ordering::Relaxed);
        self.events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How the gateway answers, now and from now on: whether the login is refused, for example. A refused login is not
    /// tried again; set the right one with [`Gateway::set_credentials`], and requests go on at once.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// The gateway.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Ends the messenger: accepts nothing more, stores what is known, and closes the store.
    ///
    /// A request that submits or stops messages is awaited for the [shutdown timeout](Builder::shutdown_timeout) at most; any
    /// other is abandoned. So the shutdown ends in time even if the gateway is silent or another caller holds a
    /// [`Response`](crate::Response). The connection stays open while other clones of the [`Gateway`] exist.
    ///
    /// Once the future was polled, dropping it does not stop the shutdown.
    ///
    /// # Errors
    /// [`Closed`] when it has ended otherwise before.
    pub async fn shutdown(self) -> Result<(), Closed> {
        self.link.shared.shut_down();
        match self.link.closed().await {
            Closed::ShutDown => Ok(()),
            closed => Err(closed),
        }
    }
}

/// Shows nothing of messages.
impl fmt::Debug for Messenger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let room = self.room.available_permits();
        f.debug_struct("Messenger")
            .field("gateway", &self.gateway)
            .field("room", &room)
            .finish_non_exhaustive()
    }
}

/// What is not checked where a message is made.
fn check(sms: &Sms) -> Result<(), SendError> {
    match sms.reference.as_deref().map_or(0, str::len) {
        bytes if bytes > Sms::MAX_REFERENCE_BYTES => Err(SendError::Reference { bytes }),
        _ => Ok(()),
    }
}
