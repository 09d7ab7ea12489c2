//! How a messenger is set up and started.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use sms_gateway_core::track::{Limits, Settings, Timing};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tracing::Instrument;

use super::{
    Handle, Health, Messenger, StartError,
    event::Announcer,
    incoming::InboxSender,
    keeper::Keeper,
    link::{Link, Shared},
    task::{self, Parts},
};
use crate::{
    Closed, Gateway,
    store::{MemoryStore, Store},
};

/// How many commands may wait for the task.
const COMMANDS: usize = 256;

/// A messenger to be started.
pub struct Builder {
    gateway: Gateway,
    store: Option<Box<dyn Store>>,
    settings: Settings,
    capacity: usize,
    incoming: usize,
    events: usize,
}

impl Builder {
    pub(super) fn new(gateway: Gateway) -> Self {
        // Other programs, or a life of this one whose store is lost, may have used the same gateway.
        let chance = RandomState::new().hash_one(SystemTime::now());
        let first_block = u32::try_from(chance >> 32).unwrap_or(0);
        let settings = Settings { first_block, ..Settings::default() };
        Self { gateway, store: None, settings, capacity: 40_000, incoming: 256, events: 256 }
    }

    /// Where messages outlive the program. Without this call they don't, and each start hands out
    /// [all that the gateway's inbox holds](Self::incoming), whatever was acknowledged before.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// When the gateway is asked and how long is waited.
    #[must_use]
    pub const fn timing(mut self, timing: Timing) -> Self {
        self.settings.timing = timing;
        self
    }

    /// How much is asked at once, and how much the gateway has to do.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// How many messages there may be, 40,000 by default: those under way, those whose end is not acknowledged, and those that
    /// are remembered for a while since reports may still come for them ([`Timing::reported`], [`Timing::late`]): a gateway of 32
    /// ports sends some 35,000 in two hours. [`Messenger::send`] waits for room. Memory is taken for all of them at the start,
    /// some 130 bytes each.
    #[must_use]
    pub const fn capacity(mut self, messages: usize) -> Self {
        self.capacity = messages;
        self
    }

    /// Whether messages that come in are fetched: see [`Messenger::incoming`]. Not by default.
    ///
    /// Gateways keep what has come in, and what was acknowledged is noted in the [store](Self::store) alone. Without one that
    /// lasts, the whole inbox is handed out again after each start.
    #[must_use]
    pub const fn incoming(mut self, fetched: bool) -> Self {
        self.settings.incoming = fetched;
        self
    }

    /// How many messages that came in may be handed out and not acknowledged, 256 by default and at least one.
    #[must_use]
    pub const fn unacknowledged(mut self, messages: usize) -> Self {
        self.incoming = messages;
        self
    }

    /// How many [events](Messenger::events) may wait to be received, 256 by default.
    #[must_use]
    pub const fn events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// Starts the messenger, as a task of the current tokio runtime, with what the store holds: gives handles of the messages
    /// whose end was not [acknowledged](Handle::acknowledge) before. What had reached the gateway is not sent again.
    ///
    /// When the future is dropped, the messenger ends.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(self) -> Result<(Messenger, Vec<Handle>), StartError> {
        let store = self.store.unwrap_or_else(|| Box::new(MemoryStore::new()));
        let (keeper, entries) = Keeper::load(store).await.map_err(StartError::Store)?;
        let shared = Arc::new(Shared::default());
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let (end, ended) = watch::channel(None);
        let (health, health_seen) = watch::channel(Health::default());
        let link = Link { shared: Arc::clone(&shared), commands: commands.downgrade(), end: ended };
        let (sender, inbox) = InboxSender::new(self.incoming.max(1));
        let (announcer, events) = Announcer::new(self.events, Arc::clone(&shared));
        let room = Arc::new(Semaphore::new(0));
        let parts = Parts {
            gateway: self.gateway.clone(),
            settings: self.settings,
            capacity: self.capacity.max(entries.len()).max(1),
            keeper,
            commands: receiver,
            link: link.clone(),
            room: Arc::clone(&room),
            inbox: sender,
            announcer,
            health,
            end,
        };
        let (ready, handles) = oneshot::channel();
        // Spans of its requests, which name the gateway, are inside.
        tokio::spawn(task::run(parts, entries, ready).instrument(tracing::debug_span!("messenger")));
        let messenger = Messenger {
            gateway: self.gateway,
            commands,
            link,
            room,
            health: health_seen,
            inbox: Arc::new(Mutex::new(self.settings.incoming.then_some(inbox))),
            events: Arc::new(Mutex::new(Some(events))),
        };
        match handles.await {
            Ok(handles) => Ok((messenger, handles?)),
            Err(_) => Err(StartError::Closed(Closed::Aborted)),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("gateway", &self.gateway)
            .field("settings", &self.settings)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
