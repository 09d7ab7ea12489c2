//! Claims: at most one holder at a time for each message.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

use crate::storage::MessageId;

/// The claimed messages, each with a semaphore that is closed when its claim ends. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Claims(Arc<Mutex<HashMap<MessageId, Arc<Semaphore>>>>);

/// The right to move a message. It ends when it is dropped.
pub(super) struct Claim {
    id: MessageId,
    claims: Claims,
}

impl Claims {
    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, Arc<Semaphore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims a message; `None` if it is claimed.
    pub(super) fn claim(&self, id: MessageId) -> Option<Claim> {
        self.try_claim(id).ok()
    }

    fn try_claim(&self, id: MessageId) -> Result<Claim, Arc<Semaphore>> {
        let mut claimed = self.lock();
        if let Some(ended) = claimed.get(&id) {
            return Err(Arc::clone(ended));
        }
        claimed.insert(id, Arc::new(Semaphore::new(0)));
        Ok(Claim { id, claims: self.clone() })
    }

    /// Claims a message as soon as its present claim has ended.
    pub(super) async fn wait(&self, id: MessageId) -> Claim {
        loop {
            match self.try_claim(id) {
                Ok(claim) => return claim,
                // Closed, it releases all who wait, and those who begin to wait later.
                Err(ended) => drop(ended.acquire().await),
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(ended) = self.claims.lock().remove(&self.id) {
            ended.close();
        }
    }
}
