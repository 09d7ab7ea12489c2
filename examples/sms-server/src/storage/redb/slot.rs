//! The open database. After a fault of the disk it is closed and opened again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use ::redb::{Database, WriteTransaction};

use super::{super::StorageError, tables::Fault};

/// The time between two attempts to open the database again.
pub(super) const RETRY: Duration = Duration::from_millis(200);

/// The time between two checks whether a database that is to be closed is still being read.
const READ_CHECK: Duration = Duration::from_millis(5);

/// The size of the file from which on a crash must not make redb read all of it, in bytes: that takes about 3 s for each GiB. A commit that
/// prevents it waits twice for the disk, so smaller files do without.
const QUICK_REPAIR_FROM: u64 = 2 << 30;

type Open = Box<dyn Fn() -> Result<Database, StorageError> + Send + Sync>;

/// The database, while it can be used.
pub(super) struct Slot {
    open: Open,
    bytes: Box<dyn Fn() -> u64 + Send + Sync>,
    database: Mutex<Option<Arc<Database>>>,
}

impl Slot {
    /// Opens the database. `bytes` returns the size of its file.
    pub(super) fn new(open: Open, bytes: Box<dyn Fn() -> u64 + Send + Sync>) -> Result<Self, StorageError> {
        let database = Mutex::new(Some(Arc::new(open()?)));
        Ok(Self { open, bytes, database })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Database>>> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the database.
    ///
    /// # Errors
    /// [`StorageError::Failed`] while it cannot be used.
    pub(super) fn get(&self) -> Result<Arc<Database>, StorageError> {
        self.lock().clone().ok_or_else(|| StorageError::Failed("the disk failed, and is tried again".into()))
    }

    /// Returns the size of the file.
    pub(super) fn bytes(&self) -> u64 {
        (self.bytes)()
    }

    /// Closes the database after a fault, once it is not read any more.
    pub(super) fn close(&self) {
        let Some(mut database) = self.lock().take() else { return };
        while let Err(read) = Arc::try_unwrap(database) {
            database = read;
            thread::sleep(READ_CHECK);
        }
    }

    /// Opens the database again, if it is closed. Only one thread does so.
    pub(super) fn reopen(&self) {
        if self.lock().is_some() {
            return;
        }
        // It is not locked meanwhile, because a repair takes long, and readers must not block.
        match (self.open)() {
            Ok(database) => *self.lock() = Some(Arc::new(database)),
            Err(error) => tracing::error!(%error, "the storage cannot be opened again yet"),
        }
    }
}

/// Begins a transaction on a file of this size. After a crash, a file whose last commit was [large](QUICK_REPAIR_FROM) opens at once.
pub(super) fn begin_write(database: &Database, bytes: u64) -> Result<WriteTransaction, Fault> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(bytes >= QUICK_REPAIR_FROM);
    Ok(transaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether a file of this size opens without a repair after a crash.
    fn opens_at_once(bytes: u64) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("used"), folder.path().join("copy"));
        let database = Database::create(&path).unwrap();
        begin_write(&database, bytes).unwrap().commit().unwrap();
        // The copy is the file as a crash would leave it.
        std::fs::copy(&path, &copy).unwrap();
        Database::builder().set_repair_callback(::redb::RepairSession::abort).open(&copy).is_ok()
    }

    #[test]
    fn a_large_file_opens_at_once_after_a_crash() {
        assert!(!opens_at_once(QUICK_REPAIR_FROM - 1), "the test shows no repair");
        assert!(opens_at_once(QUICK_REPAIR_FROM));
    }
}
