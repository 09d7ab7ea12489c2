//! Storage in one file, a [redb](https://www.redb.org) database.
//!
//! One thread makes all changes. Reads see the state of the last commit, and do not wait for it.

mod accept;
mod backup;
mod change;
mod file;
mod held;
mod incoming;
mod modes;
mod names;
mod opt_outs;
mod outbox;
mod probe;
mod queue;
mod read;
mod records;
mod restore;
mod slot;
mod statistics;
mod tables;
mod webhooks;
mod writer;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ::redb::{Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, backends};
use async_trait::async_trait;
use sms_gateway::store::{Entry, Write};

pub use restore::Restored;

use self::{
    names::Kind,
    slot::Slot,
    tables::{ABOUT, Fault, Tables},
    writer::Writer,
};
use super::{
    Acceptance, AccountId, GatewayId, HistoryEntry, IdempotencyKey, Incoming, IncomingId, IncomingMark,
    Keyword, Lane, Message, MessageId, Mode, NewMessage, Place, PoolId, Report, Statistics, Storage,
    StorageError, Time, Waiting, Webhook,
};

/// The format of the file.
const FORMAT: u64 = 1;

/// The size of the cache, in bytes. It is most of the memory that the storage takes.
const CACHE_BYTES: usize = 64 << 20;

/// Storage in one file.
pub struct Redb {
    slot: Arc<Slot>,
    writer: Writer,
}

impl Redb {
    /// Opens a file, and creates it if it does not exist.
    ///
    /// # Errors
    /// [`StorageError`]: the file cannot be used.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        file::create(path)?;
        let (path, measured) = (path.to_owned(), path.to_owned());
        let bytes = move || fs::metadata(&measured).map_or(0, |file| file.len());
        Self::new(move || file::open(&path), bytes)
    }

    /// Creates a storage that lasts as long as this value.
    ///
    /// # Errors
    /// [`StorageError`]: there is no thread for it.
    pub fn in_memory() -> Result<Self, StorageError> {
        Self::new(|| Ok(backends::InMemoryBackend::new()), || 0)
    }

    /// Makes a storage of a backup. A storage that exists at `path` is renamed, not deleted. See [`Storage::backup`].
    ///
    /// Messages that were queued in the backup are held until a person releases them, because they may have been sent since. Messages that
    /// were bound are looked up by their gateways, and not submitted again.
    ///
    /// # Errors
    /// [`StorageError`]: nothing was changed, except that a storage at `path` may have been renamed.
    pub fn restore(backup: &Path, path: &Path, now: Time) -> Result<Restored, StorageError> {
        restore::restore(backup, path, now)
    }

    /// Holds all queued messages, as restoring a backup does.
    #[cfg(test)]
    pub(in crate::storage) fn hold_all(&self, entry: &HistoryEntry) -> Result<u64, StorageError> {
        Ok(held::hold_all(&*self.slot.get()?, entry)?)
    }

    /// Opens the database on a backend, now and after each fault. `bytes` returns the size of the file.
    pub(in crate::storage) fn new<B: StorageBackend>(
        backend: impl Fn() -> Result<B, StorageError> + Send + Sync + 'static,
        bytes: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Result<Self, StorageError> {
        let open = move || {
            let mut builder = Builder::new();
            builder.set_cache_size(CACHE_BYTES);
            Ok(builder.create_with_backend(backend()?).map_err(Fault::from)?)
        };
        let slot = Arc::new(Slot::new(Box::new(open), Box::new(bytes))?);
        // Not after a fault: then the file can be read although it cannot be written.
        prepare(&*slot.get()?, slot.bytes())?;
        let writer = Writer::start(Arc::clone(&slot))?;
        Ok(Self { slot, writer })
    }

    /// Reads on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        let database = self.slot.get()?;
        let read = tokio::task::spawn_blocking(move || read(&database.begin_read()?));
        let read = read.await.map_err(|_| StorageError::Failed("the reading thread has ended".into()))?;
        Ok(read?)
    }

    async fn numbers(&self, kind: Kind, names: Vec<String>) -> Result<Vec<u32>, StorageError> {
        self.writer.change(move |tables| Ok(Ok(names::numbers(tables, kind, &names)?))).await
    }
}

/// Stands for the format of a backup, which is not opened as a storage: its queued messages may have been sent since.
const BACKUP_FORMAT: u64 = u64::MAX;

/// Creates the tables that a file lacks, and rejects files of later versions.
fn prepare(database: &Database, bytes: u64) -> Result<(), StorageError> {
    let prepare = || -> Result<u64, Fault> {
        let transaction = slot::begin_write(database, bytes)?;
        let mut about = transaction.open_table(ABOUT)?;
        let found = about.get("format")?.map(|format| format.value());
        if about.get(backup::BACKUP)?.is_some() {
            return Ok(BACKUP_FORMAT);
        }
        if found.is_none() {
            about.insert("format", FORMAT)?;
        }
        drop(about);
        // A table that was never written cannot be read.
        statistics::count(&mut Tables::open(&transaction)?)?;
        transaction.commit()?;
        Ok(found.unwrap_or(FORMAT))
    };
    match prepare()? {
        FORMAT => Ok(()),
        BACKUP_FORMAT => Err(StorageError::Backup),
        found => Err(StorageError::Version { found }),
    }
}

#[async_trait]
impl Storage for Redb {
    async fn accounts(&self, names: Vec<String>) -> Result<Vec<AccountId>, StorageError> {
        Ok(self.numbers(Kind::Account, names).await?.into_iter().map(AccountId).collect())
    }

    async fn pools(&self, names: Vec<String>) -> Result<Vec<PoolId>, StorageError> {
        let numbers = self.numbers(Kind::Pool, names).await?.into_iter();
        let too_many = |_| StorageError::Failed("more than 65,536 pools".into());
        numbers.map(|number| u16::try_from(number).map(PoolId).map_err(too_many)).collect()
    }

    async fn gateways(&self, names: Vec<String>) -> Result<Vec<GatewayId>, StorageError> {
        Ok(self.numbers(Kind::Gateway, names).await?.into_iter().map(GatewayId).collect())
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.writer.change(|tables| Ok(Ok(probe::write(tables)?))).await
    }

    async fn statistics(&self) -> Result<Statistics, StorageError> {
        self.read(statistics::statistics).await
    }

    async fn modes(&self) -> Result<BTreeMap<GatewayId, Mode>, StorageError> {
        self.read(modes::modes).await
    }

    async fn set_mode(&self, gateway: GatewayId, mode: Mode) -> Result<(), StorageError> {
        self.writer.change(move |tables| Ok(Ok(modes::set(tables, gateway, mode)?))).await
    }

    async fn accept(
        &self,
        account: AccountId,
        key: Option<IdempotencyKey>,
        messages: Vec<NewMessage>,
        now: Time,
    ) -> Result<Acceptance, StorageError> {
        let count = messages.len();
        let accept =
            move |tables: &mut Tables<'_>| Ok(Ok(accept::accept(tables, account, key, messages, now)?));
        self.writer.change_many(count, accept).await
    }

    async fn message(&self, id: MessageId) -> Result<Option<Message>, StorageError> {
        self.read(move |transaction| read::message(transaction, id)).await
    }

    async fn history(&self, id: MessageId) -> Result<Vec<HistoryEntry>, StorageError> {
        self.read(move |transaction| read::history(transaction, id)).await
    }

    async fn history_entry(&self, id: MessageId, number: u32) -> Result<Option<HistoryEntry>, StorageError> {
        self.read(move |transaction| read::history_entry(transaction, id, number)).await
    }

    async fn list(
        &self,
        account: Option<AccountId>,
        before: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<(MessageId, Message)>, StorageError> {
        self.read(move |transaction| read::list(transaction, account, before, limit)).await
    }

    async fn lanes(&self) -> Result<Vec<Lane>, StorageError> {
        self.read(queue::lanes).await
    }

    async fn queued(
        &self,
        lane: Lane,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<(MessageId, Message)>, StorageError> {
        self.read(move |transaction| queue::queued(transaction, lane, after, limit)).await
    }

    async fn expired(&self, now: Time, limit: usize) -> Result<Vec<MessageId>, StorageError> {
        self.read(move |transaction| queue::expired(transaction, now, limit)).await
    }

    async fn end(&self, id: MessageId, entry: HistoryEntry) -> Result<Option<Place>, StorageError> {
        self.writer.change(move |tables| Ok(Ok(queue::end(tables, id, &entry)?))).await
    }

    async fn held(
        &self,
        account: Option<AccountId>,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<(MessageId, Message)>, StorageError> {
        self.read(move |transaction| held::list(transaction, account, after, limit)).await
    }

    async fn release(&self, ids: Vec<MessageId>, now: Time) -> Result<Vec<(MessageId, Lane)>, StorageError> {
        self.writer.change(move |tables| Ok(Ok(held::release(tables, &ids, now)?))).await
    }

    async fn backup(&self, path: PathBuf, now: Time) -> Result<(), StorageError> {
        let database = self.slot.get()?;
        let write = move || backup::write(&database.begin_read().map_err(Fault::from)?, &path, now);
        let written = tokio::task::spawn_blocking(write).await;
        written.map_err(|_| StorageError::Failed("the copying thread has ended".into()))?
    }

    async fn records(&self, gateway: GatewayId) -> Result<Vec<Entry>, StorageError> {
        self.read(move |transaction| records::load(transaction, gateway)).await
    }

    async fn bound_to_others(&self, gateways: Vec<GatewayId>) -> Result<Vec<(String, usize)>, StorageError> {
        self.read(move |transaction| records::bound_to_others(transaction, &gateways)).await
    }

    async fn save(&self, gateway: GatewayId, writes: Vec<Write>, now: Time) -> Result<(), StorageError> {
        self.writer.change(move |tables| records::save(tables, gateway, &writes, now)).await
    }

    async fn report(&self, reports: Vec<Report>) -> Result<Vec<bool>, StorageError> {
        self.writer
            .change_many(reports.len(), move |tables| {
                let applied = reports.iter().map(|report| records::report(tables, report));
                Ok(Ok(applied.collect::<Result<_, _>>()?))
            })
            .await
    }

    async fn receive(
        &self,
        mark: IncomingMark,
        message: Incoming,
    ) -> Result<Option<IncomingId>, StorageError> {
        self.writer.change(move |tables| Ok(Ok(incoming::receive(tables, mark, &message)?))).await
    }

    async fn incoming(&self, id: IncomingId) -> Result<Option<Incoming>, StorageError> {
        self.read(move |transaction| incoming::get(transaction, id)).await
    }

    async fn list_incoming(
        &self,
        account: AccountId,
        before: Option<IncomingId>,
        limit: usize,
    ) -> Result<Vec<(IncomingId, Incoming)>, StorageError> {
        self.read(move |transaction| incoming::list(transaction, account, before, limit)).await
    }

    async fn set_opt_out(
        &self,
        account: AccountId,
        number: Box<str>,
        keyword: Keyword,
        now: Time,
    ) -> Result<bool, StorageError> {
        self.writer.change(move |tables| Ok(Ok(opt_outs::set(tables, account, &number, keyword, now)?))).await
    }

    async fn opt_out(&self, account: AccountId, number: Box<str>) -> Result<Option<Time>, StorageError> {
        self.read(move |transaction| opt_outs::get(transaction, account, &number)).await
    }

    async fn opt_outs(
        &self,
        account: AccountId,
        after: Option<Box<str>>,
        limit: usize,
    ) -> Result<Vec<(Box<str>, Time)>, StorageError> {
        self.read(move |transaction| opt_outs::list(transaction, account, after.as_deref(), limit)).await
    }

    async fn set_webhooks(&self, configured: Vec<(AccountId, [u8; 16])>) -> Result<(), StorageError> {
        self.writer.change(move |tables| Ok(Ok(webhooks::set(tables, &configured)?))).await
    }

    async fn webhooks(&self) -> Result<Vec<Webhook>, StorageError> {
        self.read(webhooks::list).await
    }

    async fn disable_webhook(&self, account: AccountId, now: Time) -> Result<(), StorageError> {
        self.writer
            .change(move |tables| Ok(Ok(webhooks::disable(tables, account, Some(now)).map(drop)?)))
            .await
    }

    async fn enable_webhook(&self, account: AccountId) -> Result<bool, StorageError> {
        self.writer.change(move |tables| Ok(Ok(webhooks::disable(tables, account, None)?))).await
    }

    async fn due(&self, account: AccountId, now: Time, limit: usize) -> Result<Vec<Waiting>, StorageError> {
        self.read(move |transaction| outbox::due(transaction, account, now, limit)).await
    }

    async fn finish(&self, account: AccountId, place: u64) -> Result<(), StorageError> {
        self.writer.change(move |tables| Ok(Ok(outbox::finish(tables, account, place)?))).await
    }

    async fn postpone(
        &self,
        account: AccountId,
        place: u64,
        due: Time,
        failure: Box<str>,
    ) -> Result<(), StorageError> {
        self.writer
            .change(move |tables| Ok(Ok(outbox::postpone(tables, account, place, due, failure)?)))
            .await
    }

    async fn dead_letters(
        &self,
        account: AccountId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StorageError> {
        self.read(move |transaction| outbox::dead_letters(transaction, account, after, limit)).await
    }

    async fn retry(
        &self,
        account: AccountId,
        place: Option<u64>,
        limit: usize,
        now: Time,
    ) -> Result<usize, StorageError> {
        self.writer.change(move |tables| Ok(Ok(outbox::retry(tables, account, place, limit, now)?))).await
    }
}
