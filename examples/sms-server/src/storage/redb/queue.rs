//! The queues: lanes of queued messages, and their order of expiry.

use ::redb::{ReadTransaction, ReadableTable};

use super::{
    super::{AccountId, HistoryEntry, Lane, Message, MessageId, Place, PoolId, Priority, State, Time},
    change::write,
    tables::{EXPIRY, Fault, MESSAGES, QUEUE, Tables, encode, open, row},
};

type Key = (u16, u8, u32, u64);

/// The highest priority comes first.
fn key(lane: Lane, id: u64) -> Key {
    (lane.pool.0, Priority::HIGHEST.number() - lane.priority.number(), lane.account.0, id)
}

fn lane((pool, rank, account, _): Key) -> Lane {
    let priority = Priority::HIGHEST.number().saturating_sub(rank);
    let priority = Priority::new(priority).unwrap_or(Priority::USUAL);
    Lane { pool: PoolId(pool), priority, account: AccountId(account) }
}

impl Message {
    /// The lane that it waits in while it is queued.
    pub const fn lane(&self) -> Lane {
        Lane { pool: self.pool, priority: self.priority, account: self.account }
    }
}

pub(super) fn add(tables: &mut Tables<'_>, id: MessageId, message: &Message) -> Result<(), Fault> {
    tables.queue.insert(key(message.lane(), id.0), ())?;
    tables.expiry.insert((message.expires.0, id.0), ())?;
    note_length(tables, message.pool, 1)
}

pub(super) fn remove(tables: &mut Tables<'_>, id: MessageId, message: &Message) -> Result<(), Fault> {
    let was_queued = tables.queue.remove(key(message.lane(), id.0))?.is_some();
    tables.expiry.remove((message.expires.0, id.0))?;
    if was_queued { note_length(tables, message.pool, -1) } else { Ok(()) }
}

/// Notes that messages have entered or left the queue of a pool.
fn note_length(tables: &mut Tables<'_>, pool: PoolId, change: i64) -> Result<(), Fault> {
    let length = tables.queue_lengths.get(pool.0)?.map_or(0, |length| length.value());
    tables.queue_lengths.insert(pool.0, length.saturating_add_signed(change))?;
    Ok(())
}

pub(super) fn lanes(transaction: &ReadTransaction) -> Result<Vec<Lane>, Fault> {
    Ok(heads(transaction)?.into_iter().map(|(lane, _)| lane).collect())
}

/// Finds the lanes and the oldest message of each by seeking from each to the next, so that the time depends on their number and not on
/// that of the messages.
pub(super) fn heads(transaction: &ReadTransaction) -> Result<Vec<(Lane, MessageId)>, Fault> {
    let queue = open(transaction, QUEUE)?;
    let mut heads = Vec::new();
    let mut from = (0, 0, 0, 0);
    while let Some(next) = queue.range(from..)?.next() {
        let next = next?.0.value();
        let found = lane(next);
        from = key(found, u64::MAX);
        heads.push((found, MessageId(next.3)));
    }
    Ok(heads)
}

pub(super) fn queued(
    transaction: &ReadTransaction,
    lane: Lane,
    after: Option<MessageId>,
    limit: usize,
) -> Result<Vec<(MessageId, Message)>, Fault> {
    let (queue, messages) = (open(transaction, QUEUE)?, open(transaction, MESSAGES)?);
    let from = after.map_or(0, |after| after.0.saturating_add(1));
    let mut found = Vec::new();
    for entry in queue.range(key(lane, from)..=key(lane, u64::MAX))?.take(limit) {
        let (.., id) = entry?.0.value();
        if let Some(message) = row(&messages, id)? {
            found.push((MessageId(id), message));
        }
    }
    Ok(found)
}

pub(super) fn expired(
    transaction: &ReadTransaction,
    now: Time,
    limit: usize,
) -> Result<Vec<MessageId>, Fault> {
    let expiry = open(transaction, EXPIRY)?;
    let due = expiry.range(..(now.0, 0))?.take(limit);
    due.map(|entry| Ok(MessageId(entry?.0.value().1))).collect()
}

pub(super) fn end(
    tables: &mut Tables<'_>,
    id: MessageId,
    entry: &HistoryEntry,
) -> Result<Option<Place>, Fault> {
    let message: Option<Message> = row(&tables.messages, id.0)?;
    let Some(mut message) = message else { return Ok(None) };
    let place = message.place;
    match place {
        Place::Queued | Place::Held => {
            remove(tables, id, &message)?;
            tables.held.remove(id.0)?;
            message.place = Place::Ended;
            write(tables, id, message, entry)?;
        }
        Place::Bound { .. } if entry.state == State::Cancelled => {
            message.is_unwanted = true;
            tables.messages.insert(id.0, encode(&message)?.as_slice())?;
        }
        Place::Bound { .. } | Place::Ended => {}
    }
    Ok(Some(place))
}
