//! The task of a messenger: its parts and its loop.
//!
//! Each round handles commands, asks the driver for the next step, stores what has changed, publishes updates and events,
//! and performs an exchange. The task serves callers during an exchange as well.

use std::{pin::pin, sync::Arc, time::Duration};

use sms_gateway_core::{
    client::{Driver, InFlight, Step},
    track::{Event as TrackerEvent, PendingReport, Settings, Slot, Tracker},
};
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use super::{
    Closed, Event, StartError,
    commands::{Capacity, Commands},
    event::EventSender,
    handle::Handle,
    incoming::InboxSender,
    outbox::Outbox,
    shared::Shared,
    write_batch::WriteBatch,
};
use crate::{
    Gateway,
    client::Login,
    store::{Entry, StoreError},
};

/// A messenger's task.
pub(super) struct Task<'m> {
    pub(super) gateway: Gateway,
    pub(super) driver: Driver<'m>,
    pub(super) outbox: Outbox,
    pub(super) writes: WriteBatch,
    pub(super) commands: Commands,
    pub(super) capacity: Capacity,
    pub(super) shared: Arc<Shared>,
    pub(super) inbox: InboxSender,
    pub(super) events: EventSender,
    /// Changes with the credentials.
    pub(super) credentials: watch::Receiver<Login>,
    /// The zero of the tracker's time.
    pub(super) began: Instant,
    /// The time at which the shutdown began.
    pub(super) closing_since: Option<Instant>,
    /// The maximum wait for the response to a submission or a stop after the shutdown has begun.
    pub(super) shutdown_timeout: Duration,
}

/// Runs a messenger until it ends. `build` makes the task around the driver, whose memory is allocated here.
pub(super) async fn run(
    settings: Settings,
    capacity: usize,
    entries: Vec<Entry>,
    ready: oneshot::Sender<Result<Vec<Handle>, StartError>>,
    build: impl for<'m> FnOnce(Driver<'m>) -> Task<'m>,
) {
    let mut slots = vec![Slot::EMPTY; capacity];
    let mut pending = vec![PendingReport::EMPTY; capacity / 2 + 64];
    let tracker = Tracker::new(&mut slots, &mut pending, settings, Duration::ZERO);
    let mut task = build(Driver::new(tracker));
    let restored = task.restore(entries).await;
    let is_restored = restored.is_ok();
    let _ = ready.send(restored);
    let outcome = if is_restored { task.work().await } else { Ok(()) };
    let reason = outcome.map_or_else(
        |error| {
            let gateway = task.gateway.address();
            tracing::error!(%error, gateway, "the store failed, and the messenger ends");
            Closed::Store(Arc::new(error))
        },
        |()| Closed::ShutDown,
    );
    let Task { writes, commands, shared, .. } = task;
    writes.close().await;
    shared.end(reason);
    drop(commands);
}

impl Task<'_> {
    async fn work(&mut self) -> Result<(), StoreError> {
        loop {
            self.handle_commands();
            if self.closing_since.is_some() {
                self.save().await?;
                self.publish();
                return self.save().await;
            }
            let step = self.driver.step(self.began.elapsed());
            self.save().await?;
            self.publish();
            match step {
                Step::Wait(until) => self.wait(until).await?,
                Step::Exchange(in_flight) => self.perform(in_flight).await?,
            }
        }
    }

    /// Waits until a time, or until there is something to do.
    async fn wait(&mut self, until: Option<Duration>) -> Result<(), StoreError> {
        self.save().await?;
        let until = until.and_then(|until| self.began.checked_add(until));
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.commands.wait() => {}
            Ok(()) = self.credentials.changed() => self.driver.credentials_changed(self.began.elapsed()),
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
                () = self.commands.wait(), if closing_since.is_none() => {
                    self.handle_commands();
                    self.save().await?;
                    self.publish();
                }
            }
        }
    }

    /// Stores all that has changed, and then sends the replies that depend on it.
    pub(super) async fn save(&mut self) -> Result<(), StoreError> {
        while let Some(change) = self.driver.tracker_mut().next_change() {
            self.writes.change(&change);
        }
        self.writes.save().await?;
        self.capacity.grow(self.driver.tracker().room());
        self.reply();
        Ok(())
    }

    /// Publishes updates and events, and acknowledges those that need no acknowledgement by the caller.
    pub(super) fn publish(&mut self) {
        // An acknowledgement is a change, and the tracker returns no event while a change is not stored.
        let events: Vec<_> = std::iter::from_fn(|| self.driver.tracker_mut().next_event()).collect();
        for event in events {
            match event {
                TrackerEvent::Update(message) => {
                    tracing::debug!(id = %message.id, state = ?message.state, "a message has changed");
                    if self.outbox.update(message, &mut self.writes) {
                        self.driver.tracker_mut().acknowledge(message.id, message.revision);
                    }
                }
                TrackerEvent::Unmatched(report) => self.events.send(Event::Unmatched(report)),
                TrackerEvent::Ambiguous(report) => self.events.send(Event::Ambiguous(report)),
                TrackerEvent::InboxRestarted => self.events.send(Event::InboxRestarted),
                TrackerEvent::Unreadable { id } => {
                    self.events.send(Event::UnreadableMessage { incoming_sms_id: id });
                }
            }
        }
    }

    /// Returns how long an exchange is awaited after the shutdown has begun.
    pub(super) const fn grace(&self, in_flight: &InFlight) -> Duration {
        if in_flight.is_query() { Duration::ZERO } else { self.shutdown_timeout }
    }
}

/// Waits until a time; without one, for ever.
async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
