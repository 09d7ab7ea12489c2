//! The stores of any number of gateways in one redb file.

mod file;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    collections::BTreeSet,
    io::{self, ErrorKind},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use ::redb::{
    Builder, Database as Redb, Error as Fault, ReadableTable, ReadableTableMetadata, StorageBackend, Table,
    TableDefinition, TableHandle, WriteTransaction,
};

use super::{Entry, Store, StoreError, Write};
use writer::Writer;

/// The version of the table format, stored so that a later version of the library recognizes it.
const FORMAT: u32 = 2;
/// The format before idempotency keys. Opening such a file adds the table of their hashes.
const FORMAT_WITHOUT_KEYS: u32 = 1;
/// The size of the cache, in bytes. redb's default is a gigabyte.
const CACHE_BYTES: usize = 8 << 20;

/// A gateway's number, and a key.
type Key = (u32, u32);

/// Facts about the file. The only key is `format`.
const ABOUT: TableDefinition<'_, &str, u32> = TableDefinition::new("sms-gateway");
/// The numbers of the gateways, by name.
const GATEWAYS: TableDefinition<'_, &str, u32> = TableDefinition::new("gateways");
const RECORDS: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("records");
const TEXTS: TableDefinition<'_, Key, &str> = TableDefinition::new("texts");
const REFERENCES: TableDefinition<'_, Key, &str> = TableDefinition::new("references");
const IDEMPOTENCY: TableDefinition<'_, Key, [u8; 32]> = TableDefinition::new("idempotency");

/// A file that holds the messages of any number of gateways. It is cheap to clone. The file closes when the last clone and the
/// last [`RedbStore`] are dropped. That drop blocks until all pending changes are saved.
///
/// A thread writes the file. Each commit contains the waiting changes of all gateways, so that many gateways wait hardly
/// longer for the disk than a single one.
///
/// ```
/// use sms_gateway::store::{Database, Store, StoreError, Write};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StoreError> {
/// # let path = std::env::temp_dir().join(format!("sms-gateway-doctest-{}", std::process::id()));
/// let database = Database::open(&path)?;
/// let mut cellar = database.gateway("cellar")?;
/// let mut roof = database.gateway("roof")?;
/// cellar.save(vec![Write::Record { key: 1, record: vec![0; 96] }]).await?;
/// assert_eq!(cellar.load().await?.len(), 1);
/// assert!(roof.load().await?.is_empty());
/// # std::fs::remove_file(path)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Database {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    redb: Arc<Redb>,
    writer: Writer,
    /// The gateways with a [`RedbStore`].
    in_use: Mutex<BTreeSet<u32>>,
}

impl Database {
    /// Opens a file, or creates one; on Unix, only its owner can read a created file. Opening checks the integrity of the whole
    /// file, so it takes longer for a larger file.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if the file is open elsewhere; [`StoreError::Damaged`] if it is damaged or not a store;
    /// [`StoreError::Version`]; [`StoreError::Io`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        file::open(path.as_ref())
    }

    /// Returns the store of a gateway. The caller chooses the name, which must stay the same.
    ///
    /// # Errors
    /// [`StoreError::InUse`] while another store of this name exists; [`StoreError::Io`].
    pub fn gateway(&self, name: &str) -> Result<RedbStore, StoreError> {
        let gateway = self.number(name)?;
        let mut in_use = self.shared.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        if !in_use.insert(gateway) {
            return Err(StoreError::InUse);
        }
        drop(in_use);
        Ok(RedbStore { shared: Arc::clone(&self.shared), gateway })
    }

    fn new(backend: impl StorageBackend) -> Result<Self, StoreError> {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        let redb = builder.create_with_backend(backend).map_err(fault)?;
        prepare(&redb)?;
        let redb = Arc::new(redb);
        let writer = Writer::start(Arc::clone(&redb))?;
        Ok(Self { shared: Arc::new(Shared { redb, writer, in_use: Mutex::default() }) })
    }

    /// Returns the number of the gateway with this name. A new name gets a new number.
    fn number(&self, name: &str) -> Result<u32, StoreError> {
        let transaction = self.shared.redb.begin_write().map_err(fault)?;
        let mut gateways = transaction.open_table(GATEWAYS).map_err(fault)?;
        let known = gateways.get(name).map_err(fault)?.map(|number| number.value());
        if let Some(number) = known {
            return Ok(number);
        }
        let number = u32::try_from(gateways.len().map_err(fault)?)
            .map_err(|_| StoreError::Other("too many gateways".into()))?;
        gateways.insert(name, number).map_err(fault)?;
        drop(gateways);
        transaction.commit().map_err(fault)?;
        Ok(number)
    }
}

/// One gateway's store in a [`Database`].
#[derive(Debug)]
pub struct RedbStore {
    shared: Arc<Shared>,
    gateway: u32,
}

impl Store for RedbStore {
    async fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        self.shared.writer.load(self.gateway).await
    }

    async fn save(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.shared.writer.save(self.gateway, writes).await
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        let mut in_use = self.shared.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.remove(&self.gateway);
    }
}

/// The tables of the entries.
struct Tables<'t> {
    records: Table<'t, Key, &'static [u8]>,
    texts: Table<'t, Key, &'static str>,
    references: Table<'t, Key, &'static str>,
    idempotency: Table<'t, Key, [u8; 32]>,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, Fault> {
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            texts: transaction.open_table(TEXTS)?,
            references: transaction.open_table(REFERENCES)?,
            idempotency: transaction.open_table(IDEMPOTENCY)?,
        })
    }

    fn apply(&mut self, gateway: u32, write: &Write) -> Result<(), Fault> {
        match write {
            Write::Record { key, record } => {
                self.records.insert((gateway, *key), record.as_slice())?;
            }
            Write::Text { key, text } => {
                self.texts.insert((gateway, *key), &**text)?;
            }
            Write::Reference { key, reference } => {
                self.references.insert((gateway, *key), &**reference)?;
            }
            Write::Idempotency { key, hashes } => {
                self.idempotency.insert((gateway, *key), hashes)?;
            }
            Write::DeleteText { key } => {
                self.texts.remove((gateway, *key))?;
            }
            Write::Delete { key } => {
                self.records.remove((gateway, *key))?;
                self.texts.remove((gateway, *key))?;
                self.references.remove((gateway, *key))?;
                self.idempotency.remove((gateway, *key))?;
            }
        }
        Ok(())
    }
}

/// Creates the tables that a file lacks, and rejects files of other programs.
fn prepare(redb: &Redb) -> Result<(), StoreError> {
    let transaction = redb.begin_write().map_err(fault)?;
    let tables: Vec<_> = transaction.list_tables().map_err(fault)?.collect();
    let ours = tables.is_empty() || tables.iter().any(|table| table.name() == ABOUT.name());
    if !ours {
        return Err(StoreError::Damaged("a redb database of another program".to_owned()));
    }
    let mut about = transaction.open_table(ABOUT).map_err(fault)?;
    let format = about.get("format").map_err(fault)?.map(|format| format.value());
    match format {
        Some(FORMAT) => return Ok(()),
        Some(FORMAT_WITHOUT_KEYS) | None => about.insert("format", FORMAT).map_err(fault)?,
        Some(found) => return Err(StoreError::Version { found }),
    };
    drop(about);
    // A read transaction cannot open a table that was never created.
    transaction.open_table(GATEWAYS).map_err(fault)?;
    drop(Tables::open(&transaction).map_err(fault)?);
    transaction.commit().map_err(fault)
}

/// Converts an error of redb.
fn fault(error: impl Into<Fault>) -> StoreError {
    match error.into() {
        Fault::DatabaseAlreadyOpen | Fault::LockProtocolMismatch => StoreError::InUse,
        Fault::Corrupted(found) => StoreError::Damaged(found),
        // The file is not a redb database, or is truncated.
        Fault::Io(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
            StoreError::Damaged(error.to_string())
        }
        Fault::Io(error) => StoreError::Io(error),
        error @ Fault::PreviousIo => StoreError::Io(io::Error::other(error)),
        error => StoreError::Other(Box::new(error)),
    }
}
