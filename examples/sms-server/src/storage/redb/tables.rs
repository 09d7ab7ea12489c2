//! The tables of the file, and the rows in them.

use std::io::ErrorKind;

use ::redb::{ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::{Serialize, de::DeserializeOwned};

use super::super::{AccountId, COUNTER_BITS, StorageError, Time};

pub(super) type Fault = ::redb::Error;

/// Rows about the file itself: its format, and the time in milliseconds at which it was made if it is a backup.
pub(super) const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
/// The numbers of accounts, pools and gateways, by kind and name.
pub(super) const NAMES: TableDefinition<'_, (u8, &str), u32> = TableDefinition::new("names");
/// The modes of gateways.
pub(super) const MODES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("modes");
/// Messages by id.
pub(super) const MESSAGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("messages");
/// Entries of histories, by message and number.
pub(super) const HISTORY: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("history");
/// The messages of each account.
pub(super) const BY_ACCOUNT: TableDefinition<'_, (u32, u64), ()> = TableDefinition::new("by_account");
/// The queues: pool, 9 minus the priority, account, message.
pub(super) const QUEUE: TableDefinition<'_, (u16, u8, u32, u64), ()> = TableDefinition::new("queue");
/// The number of queued messages of each pool.
pub(super) const QUEUE_LENGTHS: TableDefinition<'_, u16, u64> = TableDefinition::new("queue_lengths");
/// The queued messages by the time at which they expire.
pub(super) const EXPIRY: TableDefinition<'_, (u64, u64), ()> = TableDefinition::new("expiry");
/// The held messages.
pub(super) const HELD: TableDefinition<'_, u64, u32> = TableDefinition::new("held");
/// A hash of the request, the first message, and the number of messages.
type Request = ([u8; 16], u64, u32);

/// Idempotency keys, by account and hash of the key.
pub(super) const IDEMPOTENCY: TableDefinition<'_, (u32, [u8; 16]), Request> =
    TableDefinition::new("idempotency");
/// Idempotency keys by the time at which they may be forgotten.
pub(super) const IDEMPOTENCY_END: TableDefinition<'_, (u64, u32, [u8; 16]), ()> =
    TableDefinition::new("idempotency_end");
/// The messengers' records, by gateway and key.
pub(super) const RECORDS: TableDefinition<'_, (u32, u32), &[u8]> = TableDefinition::new("records");
/// The messages that the messengers' records are about, and whether their text is still needed.
pub(super) const BOUND: TableDefinition<'_, (u32, u32), (u64, bool)> = TableDefinition::new("bound");

/// Incoming messages by id.
pub(super) const INCOMING: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("incoming");
/// The incoming messages of each account.
pub(super) const INCOMING_BY_ACCOUNT: TableDefinition<'_, (u32, u64), ()> =
    TableDefinition::new("incoming_by_account");
/// The marks of incoming messages: gateway, the gateway's id, hash of the contents.
pub(super) const MARKS: TableDefinition<'_, (u32, i64, [u8; 16]), u64> = TableDefinition::new("marks");
/// The recipients who opted out, by account and number, and the time at which they did.
pub(super) const OPT_OUTS: TableDefinition<'_, (u32, &str), u64> = TableDefinition::new("opt_outs");
/// The webhooks of accounts.
pub(super) const WEBHOOKS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("webhooks");
/// Events that wait to be sent, by account and place.
pub(super) const OUTBOX: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("outbox");
/// The same events by account and the time at which they are due.
pub(super) const DUE: TableDefinition<'_, (u32, u64, u64), ()> = TableDefinition::new("due");

/// A row that is only written to see whether there is room for it.
pub(super) const PROBE: TableDefinition<'_, (), &[u8]> = TableDefinition::new("probe");

/// All tables, within a transaction that changes them.
pub(super) struct Tables<'t> {
    pub(super) names: Table<'t, (u8, &'static str), u32>,
    pub(super) modes: Table<'t, u32, &'static [u8]>,
    pub(super) messages: Table<'t, u64, &'static [u8]>,
    pub(super) history: Table<'t, (u64, u32), &'static [u8]>,
    pub(super) by_account: Table<'t, (u32, u64), ()>,
    pub(super) queue: Table<'t, (u16, u8, u32, u64), ()>,
    pub(super) queue_lengths: Table<'t, u16, u64>,
    pub(super) expiry: Table<'t, (u64, u64), ()>,
    pub(super) held: Table<'t, u64, u32>,
    pub(super) idempotency: Table<'t, (u32, [u8; 16]), Request>,
    pub(super) idempotency_end: Table<'t, (u64, u32, [u8; 16]), ()>,
    pub(super) records: Table<'t, (u32, u32), &'static [u8]>,
    pub(super) bound: Table<'t, (u32, u32), (u64, bool)>,
    pub(super) incoming: Table<'t, u64, &'static [u8]>,
    pub(super) incoming_by_account: Table<'t, (u32, u64), ()>,
    pub(super) marks: Table<'t, (u32, i64, [u8; 16]), u64>,
    pub(super) opt_outs: Table<'t, (u32, &'static str), u64>,
    pub(super) webhooks: Table<'t, u32, &'static [u8]>,
    pub(super) outbox: Table<'t, (u32, u64), &'static [u8]>,
    pub(super) due: Table<'t, (u32, u64, u64), ()>,
    pub(super) probe: Table<'t, (), &'static [u8]>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            names: transaction.open_table(NAMES)?,
            modes: transaction.open_table(MODES)?,
            messages: transaction.open_table(MESSAGES)?,
            history: transaction.open_table(HISTORY)?,
            by_account: transaction.open_table(BY_ACCOUNT)?,
            queue: transaction.open_table(QUEUE)?,
            queue_lengths: transaction.open_table(QUEUE_LENGTHS)?,
            expiry: transaction.open_table(EXPIRY)?,
            held: transaction.open_table(HELD)?,
            idempotency: transaction.open_table(IDEMPOTENCY)?,
            idempotency_end: transaction.open_table(IDEMPOTENCY_END)?,
            records: transaction.open_table(RECORDS)?,
            bound: transaction.open_table(BOUND)?,
            incoming: transaction.open_table(INCOMING)?,
            incoming_by_account: transaction.open_table(INCOMING_BY_ACCOUNT)?,
            marks: transaction.open_table(MARKS)?,
            opt_outs: transaction.open_table(OPT_OUTS)?,
            webhooks: transaction.open_table(WEBHOOKS)?,
            outbox: transaction.open_table(OUTBOX)?,
            due: transaction.open_table(DUE)?,
            probe: transaction.open_table(PROBE)?,
        })
    }
}

/// Opens a table to read it.
pub(super) fn open<K: ::redb::Key + 'static, V: ::redb::Value + 'static>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<ReadOnlyTable<K, V>, Fault> {
    Ok(transaction.open_table(table)?)
}

/// Reads a row of a table of encoded values.
pub(super) fn row<K: ::redb::Key + 'static, T: DeserializeOwned>(
    table: &impl ReadableTable<K, &'static [u8]>,
    key: K::SelfType<'_>,
) -> Result<Option<T>, Fault>
where
    for<'k> K::SelfType<'k>: Clone,
{
    table.get(key)?.map(|value| decode(value.value())).transpose()
}

/// Returns at most `limit` rows of an account with ids below `before`, the highest id first. `index` lists the ids of each account.
pub(super) fn list<T: DeserializeOwned>(
    transaction: &ReadTransaction,
    index: TableDefinition<'_, (u32, u64), ()>,
    table: TableDefinition<'_, u64, &'static [u8]>,
    account: AccountId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, T)>, Fault> {
    let (index, table) = (open(transaction, index)?, open(transaction, table)?);
    let mut found = Vec::new();
    for entry in index.range((account.0, 0)..(account.0, before.unwrap_or(u64::MAX)))?.rev().take(limit) {
        let (_, id) = entry?.0.value();
        found.extend(row(&table, id)?.map(|value| (id, value)));
    }
    Ok(found)
}

/// Returns at most `limit` rows with ids below `before`, the highest id first.
pub(super) fn newest<T: DeserializeOwned>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, u64, &'static [u8]>,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, T)>, Fault> {
    let rows = open(transaction, table)?.range(..before.unwrap_or(u64::MAX))?.rev().take(limit);
    let rows = rows.map(|row| {
        let (id, value) = row?;
        Ok((id.value(), decode(value.value())?))
    });
    rows.collect()
}

/// Returns a number above the last one, even if the clock was put back.
pub(super) fn next(last: Option<u64>, now: Time) -> u64 {
    last.map_or(0, |last| last + 1).max(now.0 << COUNTER_BITS)
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    postcard::from_bytes(bytes).map_err(|error| Fault::Corrupted(format!("a row cannot be read: {error}")))
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Fault> {
    postcard::to_stdvec(value).map_err(|error| Fault::Corrupted(format!("a row cannot be written: {error}")))
}

impl From<Fault> for StorageError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::DatabaseAlreadyOpen | Fault::LockProtocolMismatch => Self::InUse,
            Fault::Io(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
                Self::Failed(format!("the file is damaged, or not a storage: {error}").into())
            }
            fault => Self::Failed(fault.to_string().into()),
        }
    }
}
