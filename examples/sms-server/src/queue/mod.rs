//! The order in which queued messages are offered to gateways.
//!
//! Messages stay in the [storage](crate::storage) until they are bound. The queue holds only the first ones of each
//! [lane](crate::storage::Lane), so its memory and the time of a start do not depend on the number of waiting messages.
//!
//! A higher priority always precedes a lower one. Within a priority, accounts take turns, so that an account with many messages delays
//! the others by one message each.
//!
//! Whoever moves a message out of the queue, to bind, cancel or expire it, holds its claim meanwhile. So no two of them move the same
//! message.

mod claims;
mod lanes;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::select_all;
use tokio::sync::Notify;

use self::{
    claims::{Claim, Claims},
    lanes::{Lanes, Next},
};
use crate::{
    metrics,
    storage::{HistoryEntry, Lane, Message, MessageId, Place, PoolId, Report, Storage, StorageError, Time},
};

/// The maximum number of messages of a lane that are read at a time.
const PAGE: usize = 64;

/// The queue. Clones share it.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

struct Shared {
    storage: Arc<dyn Storage>,
    lanes: Mutex<Lanes>,
    claims: Claims,
    /// For each pool, notified once for each message that can be offered anew.
    more: Mutex<HashMap<PoolId, Arc<Notify>>>,
}

/// A message that its receiver may bind. Unless it was [bound](Offer::bound), dropping it returns the message to the queue if the storage
/// still has it there.
pub struct Offer {
    /// The message's id.
    pub id: MessageId,
    /// The message.
    pub message: Message,
    claim: Option<Claim>,
    queue: Queue,
}

impl Queue {
    /// Opens the queue of a storage.
    ///
    /// # Errors
    /// [`StorageError`]: the lanes cannot be read.
    pub async fn open(storage: Arc<dyn Storage>) -> Result<Self, StorageError> {
        let mut lanes = Lanes::default();
        for lane in storage.lanes().await? {
            lanes.wake(lane);
        }
        let (lanes, more) = (Mutex::new(lanes), Mutex::default());
        let shared = Shared { storage, lanes, claims: Claims::default(), more };
        Ok(Self(Arc::new(shared)))
    }

    /// Reads everything again, in case the storage failed and its state is another one than this queue assumes.
    ///
    /// # Errors
    /// [`StorageError`]: nothing is changed.
    pub async fn refresh(&self) -> Result<(), StorageError> {
        let lanes = self.0.storage.lanes().await?;
        let pools: BTreeSet<_> = lanes.iter().map(|lane| lane.pool).collect();
        self.lanes().refresh(lanes);
        for pool in pools {
            self.more(pool).notify_one();
        }
        Ok(())
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn more(&self, pool: PoolId) -> Arc<Notify> {
        let mut more = self.0.more.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(more.entry(pool).or_default())
    }

    /// Notes that messages were accepted in a lane.
    pub fn added(&self, lane: Lane) {
        self.lanes().wake(lane);
        self.more(lane.pool).notify_one();
    }

    /// Applies a report that a gateway did not accept a message, which returns to the queue. No other task binds it meanwhile.
    /// Returns whether the report was applied.
    ///
    /// # Errors
    /// [`StorageError`]: the next [refreshment](Self::refresh) finds the message if it was returned all the same.
    pub async fn give_back(&self, report: Report) -> Result<bool, StorageError> {
        let id = report.message;
        let claim = self.0.claims.wait(id).await;
        let applied = self.0.storage.report(vec![report]).await?.first() == Some(&true);
        if applied
            && let Some(message) = self.0.storage.message(id).await?
            && message.place == Place::Queued
        {
            self.returned(id, message, Some(claim));
        }
        Ok(applied)
    }

    /// Takes the next message of these pools and claims it at the same moment, so that no other task binds it in between.
    fn next(&self, pools: &[PoolId]) -> (Option<Next>, Option<Claim>) {
        let mut lanes = self.lanes();
        let next = lanes.next(pools);
        let claim = match &next {
            Some(Next::Message(id, _)) => self.0.claims.claim(*id),
            _ => None,
        };
        (next, claim)
    }

    /// Removes a message that is not queued any more. Its claim ends at the same moment.
    fn left(&self, id: MessageId, lane: Lane, claim: Option<Claim>) {
        let mut lanes = self.lanes();
        lanes.remove(id, lane);
        drop(claim);
    }

    /// Puts a message into its lane that is queued again, after it was bound or offered. Its claim ends at the same moment: whoever takes
    /// the message afterwards can claim it.
    fn returned(&self, id: MessageId, message: Message, claim: Option<Claim>) {
        let pool = message.pool;
        let mut lanes = self.lanes();
        lanes.put(id, message);
        drop(claim);
        drop(lanes);
        self.more(pool).notify_one();
    }

    /// Reads the lane of a message again, because it is not certain whether the message is queued. Its claim ends at the same moment.
    fn doubt(&self, lane: Lane, claim: Option<Claim>) {
        let mut lanes = self.lanes();
        lanes.forget(lane);
        drop(claim);
        drop(lanes);
        self.more(lane.pool).notify_one();
    }

    /// Returns at most `limit` messages of these pools that have not expired, in order. Waits until there is at least one.
    ///
    /// # Errors
    /// [`StorageError`]: the lanes cannot be read. Nothing is offered.
    pub async fn take(&self, pools: &[PoolId], limit: usize) -> Result<Vec<Offer>, StorageError> {
        let more: Vec<_> = pools.iter().map(|pool| self.more(*pool)).collect();
        loop {
            // A notification that arrives during the search is not missed: it stays until somebody waits.
            let offers = self.take_now(pools, limit, Time::now()).await?;
            if !offers.is_empty() {
                // One notification may stand for many messages: the next receiver looks for the rest.
                for pool in offers.iter().map(|offer| offer.message.pool).collect::<BTreeSet<_>>() {
                    self.more(pool).notify_one();
                }
                return Ok(offers);
            }
            if more.is_empty() {
                std::future::pending::<()>().await;
            }
            let waiting = more.iter().map(|more| Box::pin(more.notified()));
            select_all(waiting).await;
        }
    }

    /// Returns at most `limit` messages of these pools that have not expired, in order.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub async fn take_now(
        &self,
        pools: &[PoolId],
        limit: usize,
        now: Time,
    ) -> Result<Vec<Offer>, StorageError> {
        let mut offers = Vec::new();
        while offers.len() < limit {
            let (next, claim) = self.next(pools);
            match next {
                None => break,
                Some(Next::Message(id, message)) => offers.extend(self.offer(id, message, claim, now)),
                Some(Next::Read { lane, after }) => {
                    let reading = Reading { queue: self, lane, page: None };
                    reading.finish(self.0.storage.queued(lane, after, PAGE).await?);
                }
            }
        }
        Ok(offers)
    }

    /// Returns the offer of a message; `None` if it has expired or is being ended. [`end`](Self::end) puts it back if it fails.
    fn offer(&self, id: MessageId, message: Message, claim: Option<Claim>, now: Time) -> Option<Offer> {
        if message.expires < now {
            return None;
        }
        let claim = claim?;
        Some(Offer { id, message, claim: Some(claim), queue: self.clone() })
    }

    /// Ends a queued message, as [`Storage::end`] does, while no other task moves it. Returns the place where it was.
    ///
    /// # Errors
    /// [`StorageError`]: the message is still queued.
    pub async fn end(
        &self,
        id: MessageId,
        message: Message,
        entry: HistoryEntry,
    ) -> Result<Option<Place>, StorageError> {
        let claim = self.0.claims.wait(id).await;
        let state = entry.state;
        let ended = self.0.storage.end(id, entry).await;
        if matches!(ended, Ok(Some(Place::Queued | Place::Held))) {
            metrics::message_ended(state);
        }
        match ended {
            Ok(_) => self.left(id, message.lane(), Some(claim)),
            // It may have been left out of an offer meanwhile, or be bound.
            Err(_) => self.doubt(message.lane(), Some(claim)),
        }
        ended
    }
}

impl Offer {
    /// Notes that the message is bound: it is not queued any more.
    pub fn bound(mut self) {
        // A page that was read before the message was bound may still contain it.
        let claim = self.claim.take();
        self.queue.left(self.id, self.message.lane(), claim);
    }
}

/// Its lane is read again, since its receiver may have bound it without knowing.
impl Drop for Offer {
    fn drop(&mut self) {
        if self.claim.is_some() {
            self.queue.doubt(self.message.lane(), self.claim.take());
        }
    }
}

/// A page of a lane that is being read. If it is dropped before it is finished, the page can be read again.
struct Reading<'q> {
    queue: &'q Queue,
    lane: Lane,
    page: Option<Vec<(MessageId, Message)>>,
}

impl Reading<'_> {
    fn finish(mut self, page: Vec<(MessageId, Message)>) {
        self.page = Some(page);
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.queue.lanes().read(self.lane, self.page.take(), PAGE);
        // Others found nothing while the page was being read.
        self.queue.more(self.lane.pool).notify_one();
    }
}
