//! The messengers' records: messages are bound to a gateway, followed, and returned to the queue.

use ::redb::{ReadTransaction, ReadableTable};
use sms_gateway::store::{Entry, Write};

use super::{
    super::{GatewayId, HistoryEntry, Message, MessageId, Outcome, Place, Report, State, StorageError, Time},
    change::write,
    names::{self, Kind},
    queue,
    tables::{BOUND, Fault, MESSAGES, RECORDS, Tables, encode, open, row},
};

pub(super) fn load(transaction: &ReadTransaction, gateway: GatewayId) -> Result<Vec<Entry>, Fault> {
    let (records, bound) = (open(transaction, RECORDS)?, open(transaction, BOUND)?);
    let messages = open(transaction, MESSAGES)?;
    let mut entries = Vec::new();
    for stored in records.range((gateway.0, 0)..=(gateway.0, u32::MAX))? {
        let (key, record) = stored?;
        let bound = bound.get(key.value())?.map(|bound| bound.value());
        let message: Option<Message> = match bound {
            Some((id, true)) => row(&messages, id)?,
            _ => None,
        };
        entries.push(Entry {
            key: key.value().1,
            record: record.value().to_vec(),
            text: message.map(|message| message.text.into()),
            reference: bound.map(|(id, _)| MessageId(id).to_string().into()),
            idempotency: None,
        });
    }
    Ok(entries)
}

pub(super) fn bound_to_others(
    transaction: &ReadTransaction,
    gateways: &[GatewayId],
) -> Result<Vec<(String, usize)>, Fault> {
    let mut found = Vec::new();
    for (name, number) in names::all(transaction, Kind::Gateway)? {
        let gateway = GatewayId(number);
        if !gateways.contains(&gateway) {
            let messages = count(transaction, gateway)?;
            found.extend((messages > 0).then_some((name, messages)));
        }
    }
    Ok(found)
}

/// Returns the number of messages that are bound to a gateway.
fn count(transaction: &ReadTransaction, gateway: GatewayId) -> Result<usize, Fault> {
    let (bound, messages) = (open(transaction, BOUND)?, open(transaction, MESSAGES)?);
    let mut count = 0;
    for entry in bound.range((gateway.0, 0)..=(gateway.0, u32::MAX))? {
        let (key, bound) = entry?;
        let message: Option<Message> = row(&messages, bound.value().0)?;
        let place = Place::Bound { gateway, key: key.value().1 };
        count += usize::from(message.is_some_and(|message| message.place == place));
    }
    Ok(count)
}

pub(super) fn save(
    tables: &mut Tables<'_>,
    gateway: GatewayId,
    writes: &[Write],
    now: Time,
) -> Result<Result<(), StorageError>, Fault> {
    // Nothing is changed unless all of them can be bound.
    let mut bindings = Vec::new();
    for write in writes {
        if let Write::Reference { key, reference } = write {
            let Some(id) = MessageId::parse(reference) else { continue };
            match queued(tables, id)? {
                Some(message) => bindings.push((*key, id, message)),
                None => return Ok(Err(StorageError::NotQueued(id))),
            }
        }
    }
    for (key, id, message) in bindings {
        bind(tables, gateway, key, id, message, now)?;
    }
    for write in writes {
        apply(tables, gateway, write)?;
    }
    Ok(Ok(()))
}

fn queued(tables: &Tables<'_>, id: MessageId) -> Result<Option<Message>, Fault> {
    let message: Option<Message> = row(&tables.messages, id.0)?;
    Ok(message.filter(|message| message.place == Place::Queued))
}

fn bind(
    tables: &mut Tables<'_>,
    gateway: GatewayId,
    key: u32,
    id: MessageId,
    mut message: Message,
    now: Time,
) -> Result<(), Fault> {
    queue::remove(tables, id, &message)?;
    tables.bound.insert((gateway.0, key), (id.0, true))?;
    message.place = Place::Bound { gateway, key };
    message.attempts = message.attempts.saturating_add(1);
    let entry = HistoryEntry { gateway: Some(gateway), ..HistoryEntry::new(now, State::Submitting) };
    write(tables, id, message, &entry)
}

fn apply(tables: &mut Tables<'_>, gateway: GatewayId, write: &Write) -> Result<(), Fault> {
    match write {
        Write::Record { key, record } => {
            tables.records.insert((gateway.0, *key), record.as_slice())?;
        }
        // The message has it.
        Write::Text { .. } | Write::Reference { .. } | Write::Idempotency { .. } => {}
        Write::DeleteText { key } => {
            let bound = tables.bound.get((gateway.0, *key))?.map(|bound| bound.value());
            if let Some((id, _)) = bound {
                tables.bound.insert((gateway.0, *key), (id, false))?;
            }
        }
        Write::Delete { key } => {
            tables.records.remove((gateway.0, *key))?;
            tables.bound.remove((gateway.0, *key))?;
        }
    }
    Ok(())
}

/// Applies a report. Returns false if the message is not bound by that record any more, or has that state already.
pub(super) fn report(tables: &mut Tables<'_>, report: &Report) -> Result<bool, Fault> {
    let message: Option<Message> = row(&tables.messages, report.message.0)?;
    let place = Place::Bound { gateway: report.gateway, key: report.key };
    let Some(mut message) = message.filter(|message| message.place == place) else { return Ok(false) };
    let state = match report.outcome {
        Outcome::Is(state) if state == message.state => return Ok(false),
        Outcome::Is(state) => state,
        // It has ended without news: its state was reported when it was reached.
        Outcome::Ended(state) if state == message.state => {
            message.place = Place::Ended;
            tables.messages.insert(report.message.0, encode(&message)?.as_slice())?;
            return Ok(true);
        }
        Outcome::Ended(state) => {
            let is_known = state != State::Expired || message.state != State::Accepted;
            message.place = Place::Ended;
            // The gateway had accepted it, and never told more.
            if is_known { state } else { State::Unresolved }
        }
        // Its cancellation was requested: it ends here.
        Outcome::NotAccepted if message.is_unwanted => {
            message.place = Place::Ended;
            State::Cancelled
        }
        Outcome::NotAccepted => {
            message.place = Place::Queued;
            queue::add(tables, report.message, &message)?;
            State::Queued
        }
    };
    let entry = HistoryEntry {
        gateway: Some(report.gateway),
        port: report.port,
        detail: report.detail.clone(),
        ..HistoryEntry::new(report.at, state)
    };
    write(tables, report.message, message, &entry)?;
    Ok(true)
}
