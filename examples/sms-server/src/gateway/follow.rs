//! The messages that are bound to a gateway, and what becomes of them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use sms_gateway::{
    Handle, Messenger,
    core::track::{Message, MessageFailure, State as SmsState, StopResult},
    messenger::Update,
};
use tokio::time::sleep;

use super::{Settings, Shared, room::Room};
use crate::{
    metrics,
    storage::{MessageId, Outcome, Report, State, Storage, StorageError, Time},
};

/// The maximum number of updates that are stored together.
const MAX_UPDATES: usize = 256;

/// The time before a stop is repeated, because too many wait in the messenger.
const STOP_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The bound messages, by whose handles they can be stopped.
pub(super) struct Known(Mutex<Messages>);

#[derive(Default)]
struct Messages {
    handles: HashMap<u32, Handle>,
    /// Messages that were cancelled after they were bound and before they were added.
    missed: HashSet<u32>,
}

impl Known {
    /// Takes the messages of an earlier run.
    pub(super) async fn new(
        handles: Vec<Handle>,
        room: &Room,
        storage: &dyn Storage,
    ) -> Result<Self, StorageError> {
        room.restart();
        for handle in &handles {
            let id = handle.reference().and_then(MessageId::parse);
            if let Some(id) = id
                && storage.message(id).await?.is_some_and(|message| message.is_unwanted)
            {
                room.cancel(handle.id().get());
            }
        }
        let known = Self(Mutex::default());
        known.add(handles, room);
        Ok(known)
    }

    fn lock(&self) -> MutexGuard<'_, Messages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds messages that were bound together. The updates of some may have passed already.
    pub(super) fn add(&self, handles: impl IntoIterator<Item = Handle>, room: &Room) {
        let mut messages = self.lock();
        for handle in handles {
            let (id, message) = (handle.id().get(), handle.current());
            if message.is_final {
                continue;
            }
            if message.state != SmsState::Sent {
                room.bound(id);
            }
            if messages.missed.remove(&id) {
                room.cancel(id);
            }
            messages.handles.insert(id, handle);
        }
        // All messages that are bound are added, so what is left has ended.
        messages.missed.clear();
    }

    fn remove(&self, id: u32) {
        self.lock().handles.remove(&id);
    }

    /// Stops the messages that were not submitted yet. Their updates return them to the queue.
    pub(super) async fn stop_unsent(&self) {
        let unsent: Vec<u32> = {
            let messages = self.lock();
            // An uncertain message becomes unsent without an update, once the gateway provably does not have it.
            let may_be_unsent =
                |handle: &&Handle| matches!(handle.current().state, SmsState::Unsent | SmsState::Uncertain);
            let unsent = messages.handles.values().filter(may_be_unsent);
            unsent.map(|handle| handle.id().get()).collect()
        };
        for id in unsent {
            let handle = self.lock().handles.remove(&id);
            if let Some(handle) = handle {
                // A message that is being submitted meanwhile must not be stopped: its sender did not cancel it.
                let _ = handle.stop_unsent().await;
                self.put_back(handle);
            }
        }
    }

    /// Stops the messages whose cancellation is requested. What becomes of them shows in their updates.
    pub(super) async fn stop_cancelled(&self, room: &Room) {
        loop {
            let id = room.cancelled().await;
            let handle = {
                let mut messages = self.lock();
                let handle = messages.handles.remove(&id);
                if handle.is_none() {
                    messages.missed.insert(id);
                }
                handle
            };
            let Some(handle) = handle else { continue };
            let stopped = handle.stop().await;
            self.put_back(handle);
            if matches!(stopped, Ok(StopResult::Busy)) {
                sleep(STOP_AGAIN_AFTER).await;
                room.cancel(id);
            }
        }
    }

    fn put_back(&self, handle: Handle) {
        // Its last update may have passed meanwhile.
        if !handle.current().is_final {
            self.lock().handles.insert(handle.id().get(), handle);
        }
    }
}

/// Stores what becomes of messages, and acknowledges it.
pub(super) async fn follow(
    settings: &Settings,
    shared: &Shared,
    room: &Room,
    messenger: &Messenger,
    known: &Known,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut updates = messenger.updates().await?;
    while let Some(first) = updates.next().await {
        let mut batch = vec![first];
        while batch.len() < MAX_UPDATES
            && let Some(Some(next)) = updates.next().now_or_never()
        {
            batch.push(next);
        }
        apply(settings, shared, room, known, batch).await?;
    }
    // The stream ends with the messenger.
    Err("the messenger has ended".into())
}

async fn apply(
    settings: &Settings,
    shared: &Shared,
    room: &Room,
    known: &Known,
    batch: Vec<Update>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let reports = batch.iter().filter_map(|update| report(settings, update));
    let (returned, reports): (Vec<_>, Vec<_>) =
        reports.partition(|report| report.outcome == Outcome::NotAccepted);
    let outcomes: Vec<_> = reports.iter().map(|report| report.outcome).collect();
    let applied = shared.storage.report(reports).await?;
    for (outcome, is_applied) in outcomes.into_iter().zip(applied) {
        if let (Outcome::Ended(state), true) = (outcome, is_applied) {
            metrics::message_ended(state);
        }
    }
    for report in returned {
        if shared.queue.give_back(report).await? {
            metrics::counter!(metrics::RETURNED, "gateway" => settings.name.to_string()).increment(1);
        }
    }
    for update in batch {
        let id = update.message.id.get();
        if update.message.is_final || update.message.state == SmsState::Sent {
            room.left(id);
        }
        note_outcome(room, &update.message);
        if update.message.is_final {
            known.remove(id);
        }
        update.acknowledge();
    }
    Ok(())
}

/// Notes whether a SIM card could send a message.
fn note_outcome(room: &Room, message: &Message) {
    let port = message.sent.map(|sent| sent.port);
    let is_failed = message.failure == Some(MessageFailure::NotSent);
    match (message.state, port) {
        (SmsState::Sent | SmsState::Delivered, Some(port)) => room.outcome(port, true),
        (SmsState::Failed, Some(port)) if is_failed => room.outcome(port, false),
        (SmsState::Failed, None) if is_failed => room.failed_somewhere(message.id),
        _ => {}
    }
}

/// Returns the report of an update; `None` if the message is not the server's.
fn report(settings: &Settings, update: &Update) -> Option<Report> {
    let message = &update.message;
    Some(Report {
        message: MessageId::parse(update.reference()?)?,
        gateway: settings.id,
        key: message.id.get(),
        at: Time::now(),
        port: message.sent.map(|sent| sent.port),
        outcome: outcome(message),
        detail: message.failure.map(|failure| failure.to_string().into()),
    })
}

/// Returns what a message's state means for the server.
///
/// Only a message that was stopped before it was submitted returns to the queue: then the gateway cannot have it. The `task` of a message
/// is known as soon as the gateway has accepted it.
fn outcome(message: &Message) -> Outcome {
    match message.state {
        SmsState::Unsent | SmsState::Submitted => Outcome::Is(State::Submitting),
        SmsState::Uncertain => Outcome::Is(State::Uncertain),
        SmsState::Accepted | SmsState::Sending => Outcome::Is(State::Accepted),
        SmsState::Sent if message.is_final => Outcome::Ended(State::Sent),
        SmsState::Sent => Outcome::Is(State::Sent),
        SmsState::Delivered => Outcome::Ended(State::Delivered),
        SmsState::Failed => Outcome::Ended(State::Failed),
        SmsState::Stopped if message.task.is_none() && message.sent.is_none() => Outcome::NotAccepted,
        SmsState::Stopped => Outcome::Ended(State::Cancelled),
        SmsState::Expired if message.sent.is_some() => Outcome::Ended(State::Sent),
        // The gateway accepted it, and never told more.
        SmsState::Expired if message.task.is_some() => Outcome::Ended(State::Unresolved),
        SmsState::Expired => Outcome::Ended(State::Expired),
        SmsState::Unresolved => Outcome::Ended(State::Unresolved),
    }
}
