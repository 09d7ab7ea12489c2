//! The changes that are stored together.

use std::pin::Pin;

use sms_gateway_core::track::Change;
use tokio::time::Instant;

use crate::store::{BoxStore, Entry, Store, StoreError, Write};

type Saving = Pin<Box<dyn Future<Output = (BoxStore, Result<(), StoreError>)> + Send>>;

/// A store, the save in progress, and the changes to store next.
pub(super) struct WriteBatch {
    /// `None` during a save.
    store: Option<BoxStore>,
    writes: Vec<Write>,
    saving: Option<(Saving, Instant)>,
}

impl WriteBatch {
    /// Loads all entries of a store.
    pub(super) async fn load(mut store: BoxStore) -> Result<(Self, Vec<Entry>), StoreError> {
        let entries = store.load().await?;
        Ok((Self { store: Some(store), writes: Vec::new(), saving: None }, entries))
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

    /// Begins to save the batch, unless a save is in progress or the batch is empty.
    pub(super) fn begin(&mut self) {
        if self.writes.is_empty() {
            return;
        }
        if let Some(mut store) = self.store.take() {
            let writes = std::mem::take(&mut self.writes);
            let saving = async move {
                let saved = store.save(writes).await;
                (store, saved)
            };
            self.saving = Some((Box::pin(saving), Instant::now()));
        }
    }

    /// Returns the time at which the save in progress began, if there is one.
    pub(super) fn saving_since(&self) -> Option<Instant> {
        self.saving.as_ref().map(|(_, since)| *since)
    }

    /// Waits for the end of the save in progress, or forever without one. Dropping the future loses nothing.
    pub(super) async fn saved(&mut self) -> Result<(), StoreError> {
        let Some((saving, _)) = &mut self.saving else { return std::future::pending().await };
        let (store, saved) = saving.await;
        self.store = Some(store);
        self.saving = None;
        saved
    }

    /// Closes the store.
    pub(super) async fn close(self) {
        // Closing may block.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}
