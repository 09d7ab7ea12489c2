//! A storage whose commits take time and can fail.

use std::{
    collections::BTreeMap,
    future::Future,
    path::PathBuf,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake},
    thread::{self, Thread},
    time::Duration,
};

use async_trait::async_trait;
use sms_gateway::store::{Entry, Write};
use tokio::time::sleep;

use super::{
    chance::Chance,
    steps::{Fault, Steps},
};
use crate::storage::{
    Acceptance, AccountId, GatewayId, HistoryEntry, IdempotencyKey, Incoming, IncomingId, IncomingMark,
    Keyword, Lane, Message, MessageId, Mode, NewMessage, Place, PoolId, Redb, Report, Statistics, Storage,
    StorageError, Time, Waiting, Webhook,
};

/// The maximum time that a change waits before and after its commit, in milliseconds.
const DELAY: u64 = 4;

/// A storage whose changes are steps of a world: one before and one after each commit. Between both, the runtime's thread is blocked, so
/// that paused time does not jump.
pub(super) struct Stepping {
    storage: Arc<Redb>,
    steps: Steps,
    chance: Mutex<Chance>,
    /// The earliest time at which a queued message expires, and the number of steps when it was read.
    expiry: Mutex<(Time, u64)>,
    /// The number of events that were read and not finished or postponed yet.
    events: Arc<AtomicUsize>,
}

impl Stepping {
    pub(super) fn new(storage: Arc<Redb>, steps: Steps, chance: Chance) -> Self {
        Self { storage, steps, chance: Mutex::new(chance), expiry: Mutex::default(), events: Arc::default() }
    }

    /// Returns the earliest time at which a queued message expires. The server asks for expired messages each second, and seldom finds any.
    fn next_expiry(&self) -> Stored<Time> {
        let mut known = self.expiry.lock().unwrap_or_else(PoisonError::into_inner);
        let steps = self.steps.taken();
        if known.1 != steps {
            let first = block_on(self.storage.expired(Time::NEVER, 1))?;
            let first = first.first().map(|id| block_on(self.storage.message(*id))).transpose()?.flatten();
            *known = (first.map_or(Time::NEVER, |message| message.expires), steps);
        }
        Ok(known.0)
    }

    async fn change<T>(
        &self,
        change: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, StorageError> {
        self.step().await?;
        let changed = block_on(change);
        self.step().await?;
        changed
    }

    async fn step(&self) -> Result<(), StorageError> {
        let delay = self.chance.lock().unwrap_or_else(PoisonError::into_inner).below(DELAY + 1);
        sleep(Duration::from_millis(delay)).await;
        match self.steps.take() {
            None => Ok(()),
            Some(Fault::Failure) => Err(StorageError::Failed("a failure of the test".into())),
            Some(Fault::Crash) => std::future::pending().await,
        }
    }

    /// Holds time while events are sent: they use a socket, whose delays paused time does not know.
    fn hold_time(&self, events: usize) {
        if self.events.fetch_add(events, Ordering::Relaxed) == 0 && events > 0 {
            let events = Arc::clone(&self.events);
            tokio::spawn(async move {
                while events.load(Ordering::Relaxed) > 0 {
                    tokio::task::yield_now().await;
                }
            });
        }
    }

    fn event_ended(&self) {
        self.events.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Blocks this thread until a future is ready. Meanwhile, no other task runs, and paused time does not pass.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(tokio::task::unconstrained(future));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

type Stored<T> = Result<T, StorageError>;

#[async_trait]
impl Storage for Stepping {
    async fn accounts(&self, names: Vec<String>) -> Stored<Vec<AccountId>> {
        block_on(self.storage.accounts(names))
    }
    async fn pools(&self, names: Vec<String>) -> Stored<Vec<PoolId>> {
        block_on(self.storage.pools(names))
    }
    async fn gateways(&self, names: Vec<String>) -> Stored<Vec<GatewayId>> {
        block_on(self.storage.gateways(names))
    }
    async fn accept(
        &self,
        account: AccountId,
        key: Option<IdempotencyKey>,
        messages: Vec<NewMessage>,
        now: Time,
    ) -> Stored<Acceptance> {
        self.change(self.storage.accept(account, key, messages, now)).await
    }
    async fn message(&self, id: MessageId) -> Stored<Option<Message>> {
        block_on(self.storage.message(id))
    }
    async fn history(&self, id: MessageId) -> Stored<Vec<HistoryEntry>> {
        block_on(self.storage.history(id))
    }
    async fn check(&self) -> Stored<()> {
        self.change(self.storage.check()).await
    }
    async fn statistics(&self) -> Stored<Statistics> {
        block_on(self.storage.statistics())
    }
    async fn modes(&self) -> Stored<BTreeMap<GatewayId, Mode>> {
        block_on(self.storage.modes())
    }
    async fn set_mode(&self, gateway: GatewayId, mode: Mode) -> Stored<()> {
        block_on(self.storage.set_mode(gateway, mode))
    }
    async fn history_entry(&self, id: MessageId, number: u32) -> Stored<Option<HistoryEntry>> {
        block_on(self.storage.history_entry(id, number))
    }
    async fn list(
        &self,
        account: Option<AccountId>,
        before: Option<MessageId>,
        limit: usize,
    ) -> Stored<Vec<(MessageId, Message)>> {
        block_on(self.storage.list(account, before, limit))
    }
    async fn lanes(&self) -> Stored<Vec<Lane>> {
        block_on(self.storage.lanes())
    }
    async fn queued(
        &self,
        lane: Lane,
        after: Option<MessageId>,
        limit: usize,
    ) -> Stored<Vec<(MessageId, Message)>> {
        let read = block_on(self.storage.queued(lane, after, limit));
        // The page is old when its reader gets it.
        let delay = self.chance.lock().unwrap_or_else(PoisonError::into_inner).below(DELAY + 1);
        sleep(Duration::from_millis(delay)).await;
        read
    }
    async fn expired(&self, now: Time, limit: usize) -> Stored<Vec<MessageId>> {
        if now <= self.next_expiry()? { Ok(Vec::new()) } else { block_on(self.storage.expired(now, limit)) }
    }
    async fn end(&self, id: MessageId, entry: HistoryEntry) -> Stored<Option<Place>> {
        self.change(self.storage.end(id, entry)).await
    }
    async fn held(
        &self,
        account: Option<AccountId>,
        after: Option<MessageId>,
        limit: usize,
    ) -> Stored<Vec<(MessageId, Message)>> {
        block_on(self.storage.held(account, after, limit))
    }
    async fn release(&self, ids: Vec<MessageId>, now: Time) -> Stored<Vec<(MessageId, Lane)>> {
        self.change(self.storage.release(ids, now)).await
    }
    async fn backup(&self, path: PathBuf, now: Time) -> Stored<()> {
        block_on(self.storage.backup(path, now))
    }
    async fn records(&self, gateway: GatewayId) -> Stored<Vec<Entry>> {
        block_on(self.storage.records(gateway))
    }
    async fn bound_to_others(&self, gateways: Vec<GatewayId>) -> Stored<Vec<(String, usize)>> {
        block_on(self.storage.bound_to_others(gateways))
    }
    async fn save(&self, gateway: GatewayId, writes: Vec<Write>, now: Time) -> Stored<()> {
        self.change(self.storage.save(gateway, writes, now)).await
    }
    async fn report(&self, reports: Vec<Report>) -> Stored<Vec<bool>> {
        self.change(self.storage.report(reports)).await
    }
    async fn receive(&self, mark: IncomingMark, message: Incoming) -> Stored<Option<IncomingId>> {
        self.change(self.storage.receive(mark, message)).await
    }
    async fn incoming(&self, id: IncomingId) -> Stored<Option<Incoming>> {
        block_on(self.storage.incoming(id))
    }
    async fn list_incoming(
        &self,
        account: AccountId,
        before: Option<IncomingId>,
        limit: usize,
    ) -> Stored<Vec<(IncomingId, Incoming)>> {
        block_on(self.storage.list_incoming(account, before, limit))
    }
    async fn set_opt_out(
        &self,
        account: AccountId,
        number: Box<str>,
        keyword: Keyword,
        now: Time,
    ) -> Stored<bool> {
        self.change(self.storage.set_opt_out(account, number, keyword, now)).await
    }
    async fn opt_out(&self, account: AccountId, number: Box<str>) -> Stored<Option<Time>> {
        block_on(self.storage.opt_out(account, number))
    }
    async fn opt_outs(
        &self,
        account: AccountId,
        after: Option<Box<str>>,
        limit: usize,
    ) -> Stored<Vec<(Box<str>, Time)>> {
        block_on(self.storage.opt_outs(account, after, limit))
    }
    async fn set_webhooks(&self, webhooks: Vec<(AccountId, [u8; 16])>) -> Stored<()> {
        block_on(self.storage.set_webhooks(webhooks))
    }
    async fn webhooks(&self) -> Stored<Vec<Webhook>> {
        block_on(self.storage.webhooks())
    }
    async fn disable_webhook(&self, account: AccountId, now: Time) -> Stored<()> {
        self.event_ended();
        self.change(self.storage.disable_webhook(account, now)).await
    }
    async fn enable_webhook(&self, account: AccountId) -> Stored<bool> {
        self.change(self.storage.enable_webhook(account)).await
    }
    async fn due(&self, account: AccountId, now: Time, limit: usize) -> Stored<Vec<Waiting>> {
        let due = block_on(self.storage.due(account, now, limit))?;
        self.hold_time(due.len());
        Ok(due)
    }
    async fn finish(&self, account: AccountId, place: u64) -> Stored<()> {
        self.event_ended();
        self.change(self.storage.finish(account, place)).await
    }
    async fn postpone(&self, account: AccountId, place: u64, due: Time, failure: Box<str>) -> Stored<()> {
        self.event_ended();
        self.change(self.storage.postpone(account, place, due, failure)).await
    }
    async fn dead_letters(
        &self,
        account: AccountId,
        after: Option<u64>,
        limit: usize,
    ) -> Stored<Vec<Waiting>> {
        block_on(self.storage.dead_letters(account, after, limit))
    }
    async fn retry(&self, account: AccountId, place: Option<u64>, limit: usize, now: Time) -> Stored<usize> {
        self.change(self.storage.retry(account, place, limit, now)).await
    }
}
