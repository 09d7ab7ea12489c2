//! Held messages: those that were queued in a backup that was restored.

use ::redb::{Database, ReadTransaction, ReadableTable};

use super::{
    super::{AccountId, HistoryEntry, Lane, Message, MessageId, Place, State, Time},
    change::write,
    queue,
    tables::{Fault, HELD, MESSAGES, Tables, open, row},
};

/// The maximum number of messages that are held in one commit.
const HELD_AT_ONCE: usize = 10_000;

pub(super) fn list(
    transaction: &ReadTransaction,
    account: Option<AccountId>,
    after: Option<MessageId>,
    limit: usize,
) -> Result<Vec<(MessageId, Message)>, Fault> {
    let (held, messages) = (open(transaction, HELD)?, open(transaction, MESSAGES)?);
    let from = after.map_or(0, |after| after.0.saturating_add(1));
    let mut found = Vec::new();
    for entry in held.range(from..)? {
        if found.len() >= limit {
            break;
        }
        let (id, of) = entry?;
        if account.is_none_or(|account| account.0 == of.value())
            && let Some(message) = row(&messages, id.value())?
        {
            found.push((MessageId(id.value()), message));
        }
    }
    Ok(found)
}

pub(super) fn release(
    tables: &mut Tables<'_>,
    ids: &[MessageId],
    now: Time,
) -> Result<Vec<(MessageId, Lane)>, Fault> {
    let mut released = Vec::new();
    for id in ids {
        let message: Option<Message> = row(&tables.messages, id.0)?;
        let Some(mut message) = message.filter(|message| message.place == Place::Held) else { continue };
        released.push((*id, message.lane()));
        tables.held.remove(id.0)?;
        queue::add(tables, *id, &message)?;
        message.place = Place::Queued;
        let detail = Some("released by a person".into());
        write(tables, *id, message, &HistoryEntry { detail, ..HistoryEntry::new(now, State::Queued) })?;
    }
    Ok(released)
}

/// Holds all queued messages. Returns their number.
pub(super) fn hold_all(database: &Database, entry: &HistoryEntry) -> Result<u64, Fault> {
    let mut count = 0;
    loop {
        let transaction = database.begin_write()?;
        let mut tables = Tables::open(&transaction)?;
        let first = tables.queue.iter()?.take(HELD_AT_ONCE);
        let ids = first.map(|entry| Ok(entry?.0.value().3)).collect::<Result<Vec<_>, Fault>>()?;
        for id in &ids {
            hold(&mut tables, MessageId(*id), entry)?;
        }
        drop(tables);
        transaction.commit()?;
        count += ids.len() as u64;
        if ids.is_empty() {
            return Ok(count);
        }
    }
}

fn hold(tables: &mut Tables<'_>, id: MessageId, entry: &HistoryEntry) -> Result<(), Fault> {
    let message: Option<Message> = row(&tables.messages, id.0)?;
    let Some(mut message) = message else {
        return Err(Fault::Corrupted(format!("{id} is queued but not stored")));
    };
    queue::remove(tables, id, &message)?;
    tables.held.insert(id.0, message.account.0)?;
    message.place = Place::Held;
    write(tables, id, message, entry)
}
