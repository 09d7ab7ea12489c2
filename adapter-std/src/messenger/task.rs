//! The task of a messenger: its parts and its loop.
//!
//! Each round handles commands, asks the driver for the next step, stores what has changed, publishes updates and events,
//! and performs an exchange. The task also serves callers during an exchange or a save. The callers' changes are part of the next
//! save.

use std::{io, pin::pin, sync::Arc, time::Duration};

use sms_gateway_core::{
    client::{Driver, InFlight, Step},
    track::{Event as TrackerEvent, Settings, Tracker},
};
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use super::{
    Closed, Event, StartError,
    commands::{Capacity, Commands, Reply},
    event::EventSender,
    handle::Handle,
    idempotency::IdempotencyKeys,
    incoming::InboxSender,
    memory::{Growth, Memories},
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
    pub(super) keys: IdempotencyKeys,
    pub(super) writes: WriteBatch,
    pub(super) unsaved: Unsaved,
    pub(super) commands: Commands,
    pub(super) capacity: Capacity,
    pub(super) growth: Growth<'m>,
    pub(super) shared: Arc<Shared>,
    pub(super) inbox: InboxSender,
    pub(super) events: EventSender,
    /// Is notified when the gateway's credentials change.
    pub(super) credentials: watch::Receiver<Login>,
    /// The moment from which the tracker's time counts.
    pub(super) began: Instant,
    /// The time at which the shutdown began.
    pub(super) closing_since: Option<Instant>,
    /// The maximum wait for the response to a submission or a stop after the shutdown has begun.
    pub(super) shutdown_timeout: Duration,
}

/// The replies and events that wait until the save in progress ends.
#[derive(Default)]
pub(super) struct Unsaved {
    replies: Vec<Reply>,
    events: Vec<TrackerEvent>,
}

/// Runs a messenger until it ends. `build` creates the task with the driver, whose memory is allocated here.
pub(super) async fn run(
    settings: Settings,
    capacity: usize,
    entries: Vec<Entry>,
    ready: oneshot::Sender<Result<Vec<Handle>, StartError>>,
    build: impl for<'m> FnOnce(Driver<'m>, Growth<'m>) -> Task<'m>,
) {
    let mut memories = Memories::default();
    let mut growth = Growth::new(&mut memories, capacity);
    let (slots, places) = (growth.first_slots(entries.len()), growth.first_places());
    let tracker = Tracker::new(slots, places, settings, Duration::ZERO);
    let mut task = build(Driver::new(tracker), growth);
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
                return self.save_all().await;
            }
            match self.driver.step(self.began.elapsed()) {
                Step::Exchange(in_flight) => self.perform(in_flight).await?,
                // Publishing, and commands that arrive during a save, may change the next step.
                Step::Wait(_) if self.begin_save() => self.saved().await?,
                Step::Wait(until) => self.wait(until).await,
            }
        }
    }

    /// Waits until a time, or until there is something to do.
    async fn wait(&mut self, until: Option<Duration>) {
        let until = until.and_then(|until| self.began.checked_add(until));
        tokio::select! {
            () = sleep_until(until) => {}
            () = self.commands.wait() => {}
            Ok(()) = self.credentials.changed() => self.driver.credentials_changed(self.began.elapsed()),
        }
    }

    /// Awaits a future. Meanwhile, serves callers and performs saves. Returns `None` if the future is still pending when `grace`
    /// has passed since the shutdown began.
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
                    self.begin_save();
                }
                saved = self.writes.saved() => {
                    self.finish_save(saved)?;
                    self.begin_save();
                }
            }
        }
    }

    /// Stores all changes, including those that publishing causes.
    pub(super) async fn save_all(&mut self) -> Result<(), StoreError> {
        while self.begin_save() {
            self.saved().await?;
        }
        Ok(())
    }

    /// Begins to store all changes, unless a save is in progress. Returns whether a save is in progress or anything was published.
    ///
    /// The replies and events that depend on these changes are sent after the changes are stored.
    pub(super) fn begin_save(&mut self) -> bool {
        if self.writes.saving_since().is_some() {
            return true;
        }
        while let Some(change) = self.driver.tracker_mut().next_change() {
            if let Some(id) = change.message().filter(|_| change.record().is_none()) {
                self.keys.remove(id);
            }
            self.writes.change(&change);
        }
        self.unsaved.replies = std::mem::take(&mut self.commands.replies);
        // The tracker returns no events while changes wait to be saved.
        self.unsaved.events = std::iter::from_fn(|| self.driver.tracker_mut().next_event()).collect();
        self.writes.begin();
        let is_saving = self.writes.saving_since().is_some();
        is_saving || self.release_saved()
    }

    /// Waits for the save in progress, and serves callers meanwhile.
    pub(super) async fn saved(&mut self) -> Result<(), StoreError> {
        while let Some(saving_since) = self.writes.saving_since() {
            let closing_since = self.closing_since.map(|since| since.max(saving_since));
            tokio::select! {
                biased;
                saved = self.writes.saved() => self.finish_save(saved)?,
                () = self.commands.wait(), if closing_since.is_none() => self.handle_commands(),
                () = sleep_until(closing_since.and_then(|since| since.checked_add(self.shutdown_timeout))) => {
                    return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                }
            }
        }
        Ok(())
    }

    fn finish_save(&mut self, saved: Result<(), StoreError>) -> Result<(), StoreError> {
        saved?;
        self.release_saved();
        Ok(())
    }

    /// Sends the replies and events whose changes are stored. Returns whether there were any.
    fn release_saved(&mut self) -> bool {
        let Unsaved { replies, events } = std::mem::take(&mut self.unsaved);
        let is_any = !replies.is_empty() || !events.is_empty();
        let spare = u32::try_from(self.growth.spare_slots()).unwrap_or(u32::MAX);
        self.capacity.grow(self.driver.tracker().room().saturating_add(spare));
        self.reply(replies);
        self.publish(events);
        is_any
    }

    /// Publishes updates and events. Acknowledges the updates that need no acknowledgement by the caller.
    fn publish(&mut self, events: Vec<TrackerEvent>) {
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
                TrackerEvent::UnknownStatus { id, status } => {
                    self.events.send(Event::UnknownStatus { user_id: id, status });
                }
            }
        }
    }

    /// Returns the maximum wait for an exchange after the shutdown has begun.
    pub(super) const fn grace(&self, in_flight: &InFlight) -> Duration {
        if in_flight.is_query() { Duration::ZERO } else { self.shutdown_timeout }
    }
}

/// Waits until a time, or forever without one.
async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
