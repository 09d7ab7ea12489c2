//! What is true of messages, found out without the server: from the tables of the storage, and from the gateways.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use gateway_emulator::{MessageSeen, Status};
use sms_gateway::{
    core::{
        UserId,
        track::{Message as Tracked, PendingReport, Settings, Slot, Tracker},
    },
    store::Entry,
};

use super::{
    storage::block_on,
    world::{ACCOUNT, World},
};
use crate::storage::{GatewayId, Message, MessageId, Place, State, Storage, Subject, Time};

/// Asserts that each message is in exactly one place.
pub(super) fn examine(world: &World) {
    let (queued, records) = (queued(world), records(world));
    for (id, message) in block_on(world.storage.list(Some(ACCOUNT), None, usize::MAX)).unwrap() {
        let is_queued = queued.contains(&id);
        assert_eq!(is_queued, message.place == Place::Queued, "{id}: {message:?}");
        let of: Vec<_> = records.iter().filter(|record| record.message == id).collect();
        let mut live = of.iter().filter(|record| record.is_live);
        match message.place {
            Place::Bound { gateway, key } => {
                assert!(
                    of.iter().any(|record| (record.gateway, record.key) == (gateway, key)),
                    "{id} is lost"
                );
                assert!(
                    live.all(|record| (record.gateway, record.key) == (gateway, key)),
                    "{id} is at two places"
                );
            }
            Place::Queued | Place::Held | Place::Ended => {
                assert_eq!(live.count(), 0, "{id} is at two places: {message:?}");
            }
        }
    }
}

/// Returns the messages in the tables of queued messages, which agree.
fn queued(world: &World) -> BTreeSet<MessageId> {
    let mut queued = BTreeSet::new();
    for lane in block_on(world.storage.lanes()).unwrap() {
        let page = block_on(world.storage.queued(lane, None, usize::MAX)).unwrap();
        queued.extend(page.into_iter().map(|(id, _)| id));
    }
    let expiring = block_on(world.storage.expired(Time::NEVER, usize::MAX)).unwrap();
    assert_eq!(expiring.into_iter().collect::<BTreeSet<_>>(), queued);
    queued
}

/// A record of a gateway's messenger about a message.
struct Record {
    message: MessageId,
    gateway: GatewayId,
    key: u32,
    /// Whether the messenger may still send the message, or follows it.
    is_live: bool,
}

fn records(world: &World) -> Vec<Record> {
    let mut records = Vec::new();
    for gateway in (0..world.lines.len()).map(|index| GatewayId(u32::try_from(index).unwrap())) {
        let entries = block_on(world.storage.records(gateway)).unwrap();
        let tracked = tracked(&entries);
        for entry in &entries {
            let Some(message) = entry.reference.as_deref().and_then(MessageId::parse) else { continue };
            let is_live = tracked.get(&entry.key).is_some_and(|tracked| !tracked.is_final);
            records.push(Record { message, gateway, key: entry.key, is_live });
        }
    }
    records
}

/// Reads records as a messenger does. Returns the messages by their keys.
fn tracked(entries: &[Entry]) -> BTreeMap<u32, Tracked> {
    let (mut slots, mut places) = (vec![Slot::EMPTY; entries.len() + 1], [PendingReport::EMPTY; 8]);
    let mut tracker = Tracker::new(&mut slots, &mut places, Settings::default(), Duration::ZERO);
    for entry in entries {
        tracker.restore(&entry.record).unwrap();
    }
    let message = |entry: &Entry| Some((entry.key, tracker.message(UserId::new(entry.key.into()).ok()?)?));
    entries.iter().filter_map(message).collect()
}

/// Returns the ids of all events that must be sent: one for each sending, each outcome and each incoming message.
pub(super) fn events(world: &World) -> BTreeSet<String> {
    let mut events = BTreeSet::new();
    for (id, _) in block_on(world.storage.list(Some(ACCOUNT), None, usize::MAX)).unwrap() {
        let history = block_on(world.storage.history(id)).unwrap();
        let entries =
            (0..).zip(history).filter(|(_, entry)| entry.state == State::Sent || entry.state.is_final());
        events.extend(entries.map(|(entry, _)| Subject::Message { id, entry }.to_string()));
    }
    let incoming = block_on(world.storage.list_incoming(ACCOUNT, None, usize::MAX)).unwrap();
    events.extend(incoming.into_iter().map(|(id, _)| Subject::Incoming(id).to_string()));
    events
}

/// Whether a message that expired did so in time. A messenger rounds the time that is left down, by a sixteenth at most.
pub(super) fn was_due(world: &World, id: MessageId, message: &Message) -> bool {
    let ended = block_on(world.storage.history(id)).unwrap().last().unwrap().at;
    let lifetime = message.expires.0 - message.created.0;
    ended.after(lifetime / 16 + 1000) >= message.expires
}

/// What happened to a message at the gateways.
#[derive(Debug)]
pub(super) struct Truth {
    accepted: Vec<MessageSeen>,
    /// Whether a gateway refused a request that had only this message, for a reason that lies in the message.
    is_refused: bool,
}

impl Truth {
    pub(super) fn of(world: &World, text: &str) -> Self {
        let (mut accepted, mut is_refused) = (Vec::new(), false);
        for line in &world.lines {
            accepted.extend(line.emulator().messages().into_iter().filter(|seen| seen.text == text));
            is_refused |= line.emulator().requests().iter().any(|request| {
                let code = request.error_code.or(request.status);
                request.body.contains(text) && matches!(code, Some(400 | 413))
            });
        }
        Self { accepted, is_refused }
    }

    /// Whether no gateway shows the message.
    pub(super) fn is_unseen(&self) -> bool {
        self.accepted.iter().all(|seen| seen.status == Status::Forgotten)
    }

    /// Whether a message that ended in this state did so truly, and was sent at most once.
    pub(super) fn is_true(&self, state: State) -> bool {
        let [seen] = self.accepted.as_slice() else {
            let is_none = self.accepted.is_empty();
            return is_none
                && match state {
                    State::Expired | State::Cancelled | State::Unresolved => true,
                    State::Failed => self.is_refused,
                    _ => false,
                };
        };
        let status = seen.before_restart.unwrap_or(seen.status);
        let is_sent = seen.segments == seen.sent;
        match state {
            State::Delivered => is_sent && seen.reported.iter().all(|code| *code == Some(0)),
            State::Sent => is_sent,
            State::Failed => {
                status == Status::Failed || seen.reported.iter().flatten().any(|code| *code >= 64)
            }
            State::Cancelled => seen.sent == 0 && status != Status::Sending,
            State::Unresolved => true,
            _ => false,
        }
    }
}
