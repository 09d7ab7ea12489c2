//! The task: what it holds, and its loop.
//!
//! Each turn takes commands, asks the driver what to do, stores what has changed, hands out what is new, and performs an
//! exchange. Commands are served during an exchange, too.

use std::{pin::pin, sync::Arc, time::Duration};

use sms_gateway_core::{
    client::{Driver, Step},
    track::{Event as Told, PendingReport, Settings, Slot, Tracker},
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
    /// It is to end.
    pub(super) is_closing: bool,
}

/// Runs a messenger until its end.
pub(super) async fn run(
    parts: Parts,
    entries: Vec<Entry>,
    ready: oneshot::Sender<Result<Vec<Handle>, StartError>>,
) {
    let mut slots = vec![Slot::EMPTY; parts.capacity];
    let mut early = vec![PendingReport::EMPTY; parts.capacity / 2 + 64];
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
        is_closing: false,
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
            if self.is_closing {
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
        let began = self.began;
        let time = async {
            match until {
                Some(until) => tokio::time::sleep_until(began + until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = time => {}
            () = self.desk.wait() => {}
            Ok(()) = self.credentials.changed() => {
                let now = self.now();
                self.driver.credentials_changed(now);
            }
        }
        Ok(())
    }

    /// Waits for a future, and serves callers meanwhile. The future is polled until it is ready, whatever they want.
    pub(super) async fn serve_until<F: Future>(&mut self, future: F) -> Result<F::Output, StoreError> {
        let mut future = pin!(future);
        loop {
            tokio::select! {
                output = &mut future => return Ok(output),
                () = self.desk.wait(), if !self.is_closing => {
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
                Told::Update(message) => {
                    tracing::debug!(id = %message.id, state = ?message.state, "news of a message");
                    let heard = self.ledger.hear(message);
                    if heard.forget_text {
                        self.keeper.add(Write::ForgetText { key: message.id.get() });
                    }
                    if heard.is_acknowledged {
                        self.driver.tracker_mut().acknowledge(message.id, message.revision);
                    }
                }
                Told::Unmatched(report) => self.announcer.announce(Event::Unmatched(report)),
                Told::Ambiguous(report) => self.announcer.announce(Event::Ambiguous(report)),
                Told::InboxRestarted => self.announcer.announce(Event::InboxRestarted),
            }
        }
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
