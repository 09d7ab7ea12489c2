//! Consistent copies of a file.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use ::redb::{Builder, Database, Key, ReadTransaction, ReadableTable, TableDefinition, Value};

use super::{
    super::{StorageError, Time},
    tables::{
        ABOUT, BOUND, BY_ACCOUNT, DUE, EXPIRY, Fault, HELD, HISTORY, IDEMPOTENCY, IDEMPOTENCY_END, INCOMING,
        INCOMING_BY_ACCOUNT, MARKS, MESSAGES, MODES, NAMES, OPT_OUTS, OUTBOX, PROBE, QUEUE, QUEUE_LENGTHS,
        RECORDS, WEBHOOKS, open,
    },
};

/// The row of [`ABOUT`] with the time at which a backup was made.
pub(super) const BACKUP: &str = "backup";

/// The size of a copy's cache, in bytes.
const CACHE_BYTES: usize = 16 << 20;

/// The maximum number of rows that are copied in one commit.
const ROWS_AT_ONCE: usize = 20_000;

/// Writes a copy to a new file. It has its name only once it is complete and durable.
pub(super) fn write(from: &ReadTransaction, path: &Path, now: Time) -> Result<(), StorageError> {
    let part = beside(path, "part");
    // A copy that was interrupted may have left it.
    let _ = fs::remove_file(&part);
    if path.exists() {
        return Err(StorageError::Failed(format!("{} exists already", path.display()).into()));
    }
    let written = copy_to(from, &part, now).map_err(StorageError::from).and_then(|()| rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// Returns a path in the same folder with another ending.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Renames a file durably.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StorageError> {
    fs::rename(from, to)?;
    Ok(sync_folder(to)?)
}

/// Makes the name of a file durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn copy_to(from: &ReadTransaction, path: &Path, now: Time) -> Result<(), Fault> {
    let to = Builder::new().set_cache_size(CACHE_BYTES).create(path)?;
    copy_all(from, &to)?;
    let transaction = to.begin_write()?;
    transaction.open_table(ABOUT)?.insert(BACKUP, now.0)?;
    Ok(transaction.commit()?)
}

/// Copies all tables. A test compares their number with that of the file.
fn copy_all(from: &ReadTransaction, to: &Database) -> Result<(), Fault> {
    copy(from, to, ABOUT)?;
    copy(from, to, NAMES)?;
    copy(from, to, MODES)?;
    copy(from, to, MESSAGES)?;
    copy(from, to, HISTORY)?;
    copy(from, to, BY_ACCOUNT)?;
    copy(from, to, QUEUE)?;
    copy(from, to, QUEUE_LENGTHS)?;
    copy(from, to, EXPIRY)?;
    copy(from, to, HELD)?;
    copy(from, to, IDEMPOTENCY)?;
    copy(from, to, IDEMPOTENCY_END)?;
    copy(from, to, RECORDS)?;
    copy(from, to, BOUND)?;
    copy(from, to, INCOMING)?;
    copy(from, to, INCOMING_BY_ACCOUNT)?;
    copy(from, to, MARKS)?;
    copy(from, to, OPT_OUTS)?;
    copy(from, to, WEBHOOKS)?;
    copy(from, to, OUTBOX)?;
    copy(from, to, DUE)?;
    copy(from, to, PROBE)
}

fn copy<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &Database,
    table: TableDefinition<'_, K, V>,
) -> Result<(), Fault> {
    let source = open(from, table)?;
    let mut rows = source.iter()?.peekable();
    loop {
        let transaction = to.begin_write()?;
        let mut target = transaction.open_table(table)?;
        for row in rows.by_ref().take(ROWS_AT_ONCE) {
            let (key, value) = row?;
            target.insert(key.value(), value.value())?;
        }
        drop(target);
        transaction.commit()?;
        if rows.peek().is_none() {
            return Ok(());
        }
    }
}
