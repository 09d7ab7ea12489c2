//! The open database. After a fault of the disk it is closed and opened again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use ::redb::Database;

use super::super::StorageError;

/// The time between two attempts to open the database again. Before the database is closed, also the time between two checks whether it is
/// still being read.
pub(super) const RETRY: Duration = Duration::from_millis(200);

type Open = Box<dyn Fn() -> Result<Database, StorageError> + Send + Sync>;

/// The database, while it can be used.
pub(super) struct Slot {
    open: Open,
    database: Mutex<Option<Arc<Database>>>,
}

impl Slot {
    /// Opens the database.
    pub(super) fn new(open: Open) -> Result<Self, StorageError> {
        let database = Mutex::new(Some(Arc::new(open()?)));
        Ok(Self { open, database })
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

    /// Closes the database after a fault, once it is not read any more.
    pub(super) fn close(&self) {
        let Some(mut database) = self.lock().take() else { return };
        while let Err(read) = Arc::try_unwrap(database) {
            database = read;
            thread::sleep(RETRY);
        }
    }

    /// Opens the database again, if it is closed. Returns whether it is open now.
    pub(super) fn reopen(&self) -> bool {
        let mut slot = self.lock();
        if slot.is_none() {
            match (self.open)() {
                Ok(database) => *slot = Some(Arc::new(database)),
                Err(error) => tracing::error!(%error, "the storage cannot be opened again yet"),
            }
        }
        slot.is_some()
    }
}
