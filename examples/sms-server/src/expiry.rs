//! Queued messages whose time has expired.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{
    queue::Queue,
    storage::{HistoryEntry, MessageId, State, Storage, StorageError, Time},
};

/// The time between two searches.
const EVERY: Duration = Duration::from_secs(1);

/// The maximum number of messages that are ended at a time.
const MAX_EXPIRED: usize = 500;

/// Ends queued messages whose time has expired, again and again.
pub(crate) async fn run(storage: Arc<dyn Storage>, queue: Queue) {
    loop {
        if !end_some(&*storage, &queue).await {
            sleep(EVERY).await;
        }
    }
}

/// Ends at most [`MAX_EXPIRED`] messages. Returns whether there may be more, and the storage works.
async fn end_some(storage: &dyn Storage, queue: &Queue) -> bool {
    let expired = storage.expired(Time::now(), MAX_EXPIRED).await.unwrap_or_default();
    // Together, they take a few commits. One after the other, each would take one.
    let ended = join_all(expired.into_iter().map(|id| end(storage, queue, id))).await;
    for error in ended.iter().filter_map(|ended| ended.as_ref().err()) {
        tracing::error!(%error, "an expired message cannot be ended");
    }
    ended.len() == MAX_EXPIRED && ended.iter().all(Result::is_ok)
}

async fn end(storage: &dyn Storage, queue: &Queue, id: MessageId) -> Result<(), StorageError> {
    let Some(message) = storage.message(id).await? else { return Ok(()) };
    queue.end(id, message, HistoryEntry::new(Time::now(), State::Expired)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{AccountId, NewMessage, PoolId, Priority, Redb};

    #[tokio::test]
    async fn all_expired_messages_end_and_others_stay() {
        let storage: Arc<dyn Storage> = Arc::new(Redb::in_memory().unwrap());
        let queue = Queue::open(Arc::clone(&storage)).await.unwrap();
        let now = Time::now();
        let new = |expires| NewMessage {
            pool: PoolId(0),
            to: "+8613800138000".into(),
            text: "Hello".into(),
            reference: None,
            priority: Priority::USUAL,
            expires,
        };
        let mut messages = vec![new(Time(now.0 - 1)); MAX_EXPIRED + 1];
        messages.push(new(now.after(3_600_000)));
        storage.accept(AccountId(0), None, messages, now).await.unwrap();
        assert!(end_some(&*storage, &queue).await, "one is left");
        assert!(!end_some(&*storage, &queue).await);
        let listed = storage.list(Some(AccountId(0)), None, MAX_EXPIRED + 2).await.unwrap();
        let count = |state| listed.iter().filter(|(_, message)| message.state == state).count();
        assert_eq!((count(State::Expired), count(State::Queued)), (MAX_EXPIRED + 1, 1));
    }
}
