//! Restores a backup.
//!
//! What happened after the backup was made is not known: messages that were queued then may have been sent since. So nothing is sent
//! again by itself. Queued messages are held until a person releases them. Messages that were bound to a gateway are only looked up there.
//! New messages get user_ids that were not used since.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use ::redb::{Builder, Database, ReadableDatabase, ReadableTable};
use sms_gateway::core::track::Change;

use super::{
    super::{HistoryEntry, Message, State, StorageError, Time},
    FORMAT,
    backup::{BACKUP, beside, rename},
    held,
    tables::{ABOUT, Fault, Tables, encode, row},
};

/// The time in milliseconds for which a gateway needs a block of user_ids, at least: 100 messages a second. A gateway sends a few.
const BLOCK_MILLISECONDS: u64 = 10_000;

/// The number of blocks of user_ids that are skipped at least.
const LEAST_BLOCKS: u64 = 1 << 10;

/// The greatest age of a backup in milliseconds: 180 days. The user_ids of an older one could have been used again.
const MAX_AGE: u64 = 180 * 86_400_000;

/// The number of history entries, and so of ids of events, that are skipped: they may have been used after the backup was made.
const SKIPPED_ENTRIES: u32 = 1 << 10;

/// The result of restoring a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The time at which the backup was made.
    pub made: Time,
    /// The number of held messages.
    pub held: u64,
    /// The number of messages that are looked up in their gateways.
    pub looked_up: u64,
    /// The former storage, if there was one.
    pub replaced: Option<PathBuf>,
}

/// Makes a storage of a backup. A storage that exists already is renamed.
pub(super) fn restore(backup: &Path, path: &Path, now: Time) -> Result<Restored, StorageError> {
    check_unused(path)?;
    let part = beside(path, "restoring");
    fs::copy(backup, &part)?;
    // The database panics at some kinds of damage.
    let prepared = thread::scope(|scope| scope.spawn(|| prepare(&part, now)).join());
    let prepared = prepared.unwrap_or_else(|_| Err(StorageError::Failed("the backup is damaged".into())));
    let prepared = prepared.inspect_err(|_| drop(fs::remove_file(&part)));
    let (made, held, looked_up) = prepared?;
    let replaced = path.exists().then(|| beside(path, &format!("before-{}", now.0)));
    if let Some(replaced) = &replaced {
        rename(path, replaced)?;
    }
    rename(&part, path)?;
    Ok(Restored { made, held, looked_up, replaced })
}

/// Checks that a file is not in use. It may be damaged.
fn check_unused(path: &Path) -> Result<(), StorageError> {
    if !path.exists() {
        return Ok(());
    }
    match Builder::new().open(path).map_err(|error| StorageError::from(Fault::from(error))) {
        Err(StorageError::InUse) => Err(StorageError::InUse),
        _ => Ok(()),
    }
}

fn prepare(path: &Path, now: Time) -> Result<(Time, u64, u64), StorageError> {
    let mut database = Builder::new().open(path).map_err(Fault::from)?;
    if !database.check_integrity().map_err(Fault::from)? {
        return Err(StorageError::Failed("the backup is damaged".into()));
    }
    let made = made(&database)?;
    let age = now.0.saturating_sub(made.0);
    if age > MAX_AGE {
        return Err(StorageError::Failed("the backup is older than 180 days".into()));
    }
    let detail =
        "restored from a backup: it was queued when the backup was made, and may have been sent since";
    let entry = HistoryEntry { detail: Some(detail.into()), ..HistoryEntry::new(now, State::Held) };
    skip_entries(&database)?;
    let held = held::hold_all(&database, &entry)?;
    let looked_up = prepare_records(&database, age)?;
    finish(&database)?;
    Ok((made, held, looked_up))
}

/// Returns the time at which a backup was made.
fn made(database: &Database) -> Result<Time, StorageError> {
    let read = || -> Result<_, Fault> {
        let about = database.begin_read()?.open_table(ABOUT)?;
        let value = |name| Ok::<_, Fault>(about.get(name)?.map(|value| value.value()));
        Ok((value("format")?, value(BACKUP)?))
    };
    match read()? {
        (Some(FORMAT), Some(made)) => Ok(Time(made)),
        (Some(found), Some(_)) => Err(StorageError::Version { found }),
        _ => Err(StorageError::NotBackup),
    }
}

/// Skips numbers of history entries of all messages that have not ended. They are those in the queue, held, and bound ones.
fn skip_entries(database: &Database) -> Result<(), Fault> {
    let transaction = database.begin_write()?;
    let mut tables = Tables::open(&transaction)?;
    let queued = tables.queue.iter()?.map(|entry| Ok(entry?.0.value().3));
    let held = tables.held.iter()?.map(|entry| Ok(entry?.0.value()));
    let bound = tables.bound.iter()?.map(|entry| Ok(entry?.1.value().0));
    let ids = queued.chain(held).chain(bound).collect::<Result<Vec<u64>, Fault>>()?;
    for id in ids {
        let message: Option<Message> = row(&tables.messages, id)?;
        if let Some(mut message) = message {
            message.entries = message.entries.saturating_add(SKIPPED_ENTRIES);
            tables.messages.insert(id, encode(&message)?.as_slice())?;
        }
    }
    drop(tables);
    Ok(transaction.commit()?)
}

/// Prepares the records of all messengers. Returns the number of messages that are looked up.
fn prepare_records(database: &Database, age: u64) -> Result<u64, Fault> {
    let blocks = LEAST_BLOCKS + age.div_ceil(BLOCK_MILLISECONDS);
    let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
    let transaction = database.begin_write()?;
    let mut tables = Tables::open(&transaction)?;
    let mut changes = Vec::new();
    for entry in tables.records.iter()? {
        let (key, record) = entry?;
        // The messenger skips records that it cannot read.
        if let Ok(Some(change)) = Change::of_backup(record.value(), blocks) {
            changes.push((key.value(), change));
        }
    }
    let mut looked_up = 0;
    for (key, change) in changes {
        looked_up += u64::from(change.message().is_some());
        if let Some(record) = change.record() {
            tables.records.insert(key, record)?;
        }
    }
    drop(tables);
    transaction.commit()?;
    Ok(looked_up)
}

/// Makes the file a storage.
fn finish(database: &Database) -> Result<(), Fault> {
    let transaction = database.begin_write()?;
    transaction.open_table(ABOUT)?.remove(BACKUP)?;
    Ok(transaction.commit()?)
}
