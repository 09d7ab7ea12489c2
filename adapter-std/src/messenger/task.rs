//! The task: what it holds, and its loop.
//!
//! Each turn takes commands, asks the driver what to do, stores what has changed, hands out what is new, and performs an
//! exchange. Commands are served during an exchange, too.

use std::{pin::pin, sync::Arc, time::Duration};

use sms_gateway_core::{
    client::{Driver, InFlight, Step},
    track::{EarlyReport, Event as Told, Settings, Slot, Tracker},
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    Closed, Event, Handle, Health, StartError,
    desk::{Desk, Room},
    event::Announcer,
    incoming::InboxSender,
    keeper::Keeper,
    ledger::Ledger,
    link::{Command, Link},
};
use crate::{
    Gateway,
    store::{Entry, StoreError, Write},
};

/// What a task is made of.
pub(super) struct Parts {
    pub(super) gateway: Gateway,
    pub(super) settings: Settings,
    pub(super) capacity: usize,
    pub(super) shutdown_timeout: Duration,
    pub(super) keeper: Keeper,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) link: Link,
    pub(super) room: Arc<Semaphore>,
    pub(super) inbox: InboxSender,
    pub(super) announcer: Announcer,
    pub(super) health: watch::Sender<Health>,
    pub(super) end: watch::Sender<Option<Closed>>,
}

/// A messenger's task. Its fields are what the parts of the work share.
pub(super) struct Task<'m> {
    pub(super) gateway: Gateway,
    pub(super) driver: Driver<'m>,
    pub(super) ledger: Ledger,
    pub(super) keeper: Keeper,
    pub(super) link: Link,
    pub(super) inbox: InboxSender,
    pub(super) announcer: Announcer,
    pub(super) health: watch::Sender<Health>,
    pub(super) desk: Desk,
    pub(super) room: Room,
    /// Tells of other credentials.
    credentials: watch::Receiver<()>,
    /// The tracker's zero.
    began: Instant,
    /// The time at which the shutdown began.
    pub(super) closing_since: Option<Instant>,
    /// The maximum wait for an exchange in flight at shutdown that changes something at the gateway.
    shutdown_timeout: Duration,
}

/// Runs a messenger until its end.
pub(super) async fn run(
    parts: Parts,
    entries: Vec<Entry>,
    ready: oneshot::Sender<Result<Vec<Handle>, StartError>>,
) {
    let mut slots = vec![Slot::EMPTY; parts.capacity];
    let mut early = vec![EarlyReport::EMPTY; parts.capacity / 2 + 64];
    let tracker = Tracker::new(&mut slots, &mut early, parts.settings, Duration::ZERO);
    let mut task = Task {
        credentials: parts.gateway.credentials(),
        gateway: parts.gateway,
        driver: Driver::new(tracker),
        ledger: Ledger::new(parts.link.clone()),
        keeper: parts.keeper,
        desk: Desk::new(parts.commands, parts.link.clone()),
        link: parts.link,
        inbox: parts.inbox,
        announcer: parts.announcer,
        health: parts.health,
        room: Room::new(parts.room),
        began: Instant::now(),
        closing_since: None,
        shutdown_timeout: parts.shutdown_timeout,
    };
    let end = match task.restore(entries).await {
        Err(error) => {
            let _ = ready.send(Err(error));
            Closed::ShutDown
        }
        Ok(handles) => {
            let _ = ready.send(Ok(handles));
            match task.work().await {
                Ok(()) => Closed::ShutDown,
                Err(error) => {
                    tracing::error!(%error, "the store failed, and the messenger ends");
                    Closed::Store(Arc::new(error))
                }
            }
        }
    };
    task.end().await;
    parts.end.send_replace(Some(end));
}

impl Task<'_> {
    async fn work(&mut self) -> Result<(), StoreError> {
        loop {
            self.take_all();
            if self.closing_since.is_some() {
                self.save().await?;
                self.tell();
                return self.save().await;
            }
            let now = self.now();
            self.driver.set_inbox_room(self.inbox.has_room());
            let step = self.driver.step(now);
            self.save().await?;
            self.tell();
            match step {
                Step::Wait(until) => self.wait(until).await?,
                Step::Exchange(in_flight) => self.perform(in_flight).await?,
            }
        }
    }

    /// Waits for that time, or for something to do.
    async fn wait(&mut self, until: Option<Duration>) -> Result<(), StoreError> {
        self.save().await?;
        let until = until.and_then(|until| self.began.checked_add(until));
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.desk.wait() => {}
            Ok(()) = self.credentials.changed() => {
                let now = self.now();
                self.driver.credentials_changed(now);
            }
        }
        Ok(())
    }

    /// Awaits a future and serves callers meanwhile. Returns `None` if the future is still pending when `grace` has passed
    /// since the shutdown began.
    pub(super) async fn serve_until<F: Future>(
        &mut self,
        future: F,
        grace: Duration,
    ) -> Result<Option<F::Output>, StoreError> {
        let mut future = pin!(future);
        loop {
            let closing_since = self.closing_since;
            tokio::select! {
                output = &mut future => return Ok(Some(output)),
                () = sleep_until(closing_since.and_then(|since| since.checked_add(grace))) => return Ok(None),
                () = self.desk.wait(), if closing_since.is_none() => {
                    self.take_all();
                    self.save().await?;
                    self.tell();
                }
            }
        }
    }

    /// Stores all that has changed, and then tells those who wait for that.
    pub(super) async fn save(&mut self) -> Result<(), StoreError> {
        while let Some(change) = self.driver.tracker_mut().next_change() {
            self.keeper.change(&change);
        }
        self.keeper.save().await?;
        self.room.grow(self.driver.tracker().room());
        self.reply();
        Ok(())
    }

    /// Tells what is new. What needs no acknowledgement by the caller is acknowledged.
    pub(super) fn tell(&mut self) {
        // Acknowledgements are changes, before which nothing would be told.
        let told: Vec<_> = std::iter::from_fn(|| self.driver.tracker_mut().next_event()).collect();
        for event in told {
            match event {
                Told::News(message) => {
                    tracing::debug!(id = %message.id, state = ?message.state, "news of a message");
                    let heard = self.ledger.hear(message);
                    if heard.forget_text {
                        self.keeper.add(Write::ForgetText { key: message.id.get() });
                    }
                    if heard.is_acknowledged {
                        self.driver.tracker_mut().acknowledge(message.id, message.news);
                    }
                }
                Told::Unmatched(report) => self.announcer.announce(Event::Unmatched(report)),
                Told::Ambiguous(report) => self.announcer.announce(Event::Ambiguous(report)),
                Told::InboxRestarted => self.announcer.announce(Event::InboxRestarted),
            }
        }
    }

    /// Returns how long an exchange is awaited after the shutdown has begun.
    pub(super) const fn grace(&self, in_flight: &InFlight) -> Duration {
        if in_flight.is_query() { Duration::ZERO } else { self.shutdown_timeout }
    }

    /// The tracker's time.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Takes nothing more, and closes the store.
    async fn end(self) {
        self.room.close();
        self.keeper.close().await;
    }
}

/// Waits until a time; for ever without one.
async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
