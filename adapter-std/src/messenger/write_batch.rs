//! The changes that are stored together.

use sms_gateway_core::track::Change;

use crate::store::{Entry, Store, StoreError, Write};

/// A store, and the changes to store next.
pub(super) struct WriteBatch {
    store: Option<Box<dyn Store>>,
    writes: Vec<Write>,
}

impl WriteBatch {
    /// Loads all that a store holds.
    pub(super) async fn load(mut store: Box<dyn Store>) -> Result<(Self, Vec<Entry>), StoreError> {
        let (store, entries) = blocking(move || {
            let entries = store.load();
            (store, entries)
        })
        .await?;
        Ok((Self { store: Some(store), writes: Vec::new() }, entries?))
    }

    pub(super) fn add(&mut self, write: Write) {
        self.writes.push(write);
    }

    pub(super) fn change(&mut self, change: &Change) {
        let key = change.key();
        self.writes.push(match change.record() {
            Some(record) => Write::Record { key, record: record.to_vec() },
            None => Write::Delete { key },
        });
    }

    /// Stores the batch durably. If the future is dropped, the store finishes the batch and cannot be used again.
    pub(super) async fn save(&mut self) -> Result<(), StoreError> {
        if self.writes.is_empty() {
            return Ok(());
        }
        let lost = || StoreError::Other("a write was interrupted".into());
        let mut store = self.store.take().ok_or_else(lost)?;
        let mut writes = std::mem::take(&mut self.writes);
        let (store, writes, saved) = blocking(move || {
            let saved = store.save(&writes);
            writes.clear();
            (store, writes, saved)
        })
        .await?;
        (self.store, self.writes) = (Some(store), writes);
        saved
    }

    /// Closes the store.
    pub(super) async fn close(self) {
        // Closing may write as well.
        let _ = blocking(move || drop(self)).await;
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StoreError::Other(Box::new(error)))
}
