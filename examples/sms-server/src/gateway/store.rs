//! The messenger's store: its part of the server's storage.

use std::sync::Arc;

use sms_gateway::store::{Entry, Store, StoreError, Write};

use crate::storage::{GatewayId, Storage, StorageError, Time};

/// Stores the records of one gateway's messenger. A message's first record and its binding to the gateway are one commit.
pub(super) struct GatewayStore {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) gateway: GatewayId,
}

impl Store for GatewayStore {
    async fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        self.storage.records(self.gateway).await.map_err(fault)
    }

    async fn save(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.storage.save(self.gateway, writes, Time::now()).await.map_err(fault)
    }
}

fn fault(error: StorageError) -> StoreError {
    StoreError::Other(Box::new(error))
}
