//! The settings and the start of a messenger.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use sms_gateway_core::track::{Limits, Settings, Timing};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tracing::Instrument;

use super::{
    Closed, Handle, Messenger, StartError,
    commands::{Capacity, Commands},
    event::EventSender,
    handle::TaskHandle,
    idempotency::IdempotencyKeys,
    incoming::InboxSender,
    outbox::Outbox,
    shared::Shared,
    task::{self, Task, Unsaved},
    write_batch::WriteBatch,
};
use crate::{
    Gateway,
    store::{BoxStore, MemoryStore, Store},
};

/// The maximum number of commands that wait for the task.
const MAX_COMMANDS: usize = 256;

/// The settings of a messenger.
pub struct Builder {
    gateway: Gateway,
    store: Option<BoxStore>,
    settings: Settings,
    capacity: usize,
    unacknowledged: usize,
    events: usize,
    shutdown_timeout: Duration,
}

impl Builder {
    pub(super) fn new(gateway: Gateway) -> Self {
        // The first block of user_ids is random, because the same gateway may have been used by other programs, or by an earlier run
        // whose store is lost.
        let chance = RandomState::new().hash_one(SystemTime::now());
        let first_block = u32::try_from(chance >> 32).unwrap_or(0);
        let settings = Settings { first_block, ..Settings::default() };
        Self {
            gateway,
            store: None,
            settings,
            capacity: 40_000,
            unacknowledged: 256,
            events: 256,
            shutdown_timeout: Duration::from_secs(30),
        }
    }

    /// Sets the store, which keeps messages across restarts. By default they are kept in memory, and each start hands out the
    /// gateway's [whole inbox](Self::incoming), acknowledged or not.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(BoxStore::new(store));
        self
    }

    /// Sets the intervals of the queries and the time limits of messages.
    ///
    /// For a mobile link, [`Timing::metered`] and [`Limits::metered`] reduce the number of queries. [`Settings::metered`] lists
    /// the bytes per message.
    ///
    /// ```
    /// # fn example(builder: sms_gateway::messenger::Builder) -> sms_gateway::messenger::Builder {
    /// use sms_gateway::core::track::{Limits, Timing};
    ///
    /// builder.timing(Timing::metered()).limits(Limits::metered())
    /// # }
    /// ```
    #[must_use]
    pub const fn timing(mut self, timing: Timing) -> Self {
        self.settings.timing = timing;
        self
    }

    /// Declares whether only this messenger sends through the gateway; see [`Settings::exclusive`]. If so, more status reports are
    /// assigned to their messages, especially late reports. The default is `false`.
    #[must_use]
    pub const fn exclusive(mut self, exclusive: bool) -> Self {
        self.settings.exclusive = exclusive;
        self
    }

    /// Sets whether a status report is assigned only if it cannot belong to another message; see [`Settings::strict`]. The
    /// default is `false`.
    #[must_use]
    pub const fn strict(mut self, strict: bool) -> Self {
        self.settings.strict = strict;
        self
    }

    /// Sets the limits on the sizes of requests and on the load on the gateway.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Sets the maximum number of messages, 40,000 by default. Three kinds of messages count: those without a final state, those
    /// whose outcome is not acknowledged, and those for which reports may still arrive ([`Timing::reported`], [`Timing::late`]). A
    /// gateway with 32 ports sends about 35,000 messages in two hours. [`Messenger::send`] waits for a free slot. Memory grows by
    /// about 130 bytes for each message, and is kept until the messenger ends.
    #[must_use]
    pub const fn capacity(mut self, messages: usize) -> Self {
        self.capacity = messages;
        self
    }

    /// Sets whether incoming messages are queried: see [`Messenger::incoming`]. By default they are not.
    ///
    /// Gateways keep their incoming messages, and only the [store](Self::store) knows which ones are acknowledged. Without a
    /// durable store the whole inbox is handed out again after each start.
    #[must_use]
    pub const fn incoming(mut self, queried: bool) -> Self {
        self.settings.incoming = queried;
        self
    }

    /// Sets the maximum number of incoming messages that are handed out but not yet acknowledged; 256 by default, at least 1.
    #[must_use]
    pub const fn unacknowledged(mut self, messages: usize) -> Self {
        self.unacknowledged = messages;
        self
    }

    /// Sets the maximum number of [events](Messenger::events) that wait to be received; 256 by default.
    #[must_use]
    pub const fn events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// Sets the maximum time for which a [shutdown](Messenger::shutdown) waits for the response to a request that submits or
    /// stops messages; 30 s by default. A response that has not arrived by then counts as lost. Its loss is stored, and the
    /// next start looks the messages up. Other requests are abandoned at once.
    #[must_use]
    pub const fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.shutdown_timeout = limit;
        self
    }

    /// Starts the messenger as a task of the current tokio runtime, with the contents of the store. Returns handles of the
    /// messages whose outcome was not [acknowledged](Handle::acknowledge), in no particular order. A message that may have
    /// reached the gateway is looked up. It is sent again only if [`Sms::resend`](super::Sms::resend) allows that.
    ///
    /// If the future is dropped, the messenger ends.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(self) -> Result<(Messenger, Vec<Handle>), StartError> {
        let Self { gateway, store, settings, capacity, unacknowledged, events, shutdown_timeout } = self;
        let store = store.unwrap_or_else(|| BoxStore::new(MemoryStore::new()));
        let (writes, entries) = WriteBatch::load(store).await.map_err(StartError::Store)?;
        let (commands, receiver) = mpsc::channel(MAX_COMMANDS);
        let shared = Arc::new(Shared::new());
        let task = TaskHandle { shared: Arc::clone(&shared), commands: commands.downgrade() };
        let (inbox_sender, inbox) = InboxSender::new(unacknowledged.max(1));
        let (event_sender, events) = EventSender::new(events);
        let messenger = Messenger {
            gateway: gateway.clone(),
            task: task.clone(),
            _commands: commands,
            inbox: Arc::new(Mutex::new(settings.incoming.then_some(inbox))),
            events: Arc::new(Mutex::new(Some(events))),
        };
        let capacity = capacity.max(entries.len()).max(1);
        let (ready, handles) = oneshot::channel();
        // The spans of requests, which name the gateway, are inside the messenger's span.
        let run = task::run(settings, capacity, entries, ready, move |driver, growth| Task {
            credentials: gateway.credentials(),
            gateway,
            driver,
            growth,
            outbox: Outbox::new(task),
            keys: IdempotencyKeys::default(),
            writes,
            unsaved: Unsaved::default(),
            commands: Commands::new(receiver, Arc::clone(&shared)),
            capacity: Capacity::new(Arc::clone(&shared.permits)),
            shared,
            inbox: inbox_sender,
            events: event_sender,
            began: Instant::now(),
            closing_since: None,
            shutdown_timeout,
        });
        tokio::spawn(run.instrument(tracing::debug_span!("messenger")));
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
