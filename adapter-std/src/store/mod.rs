//! Stores keep a gateway's messages across restarts: the tracker's records, and the texts that are not sent yet.
//!
//! A [`Store`] belongs to one gateway. [`MemoryStore`] lasts as long as the program. `Database`, with the feature `redb`,
//! stores any number of gateways in one file, and merges the waiting saves of all gateways into one commit.
//!
//! The file is a [redb](https://www.redb.org) database. The alternative was SQLite (rusqlite with bundled SQLite, in WAL
//! mode). Both sync the disk once per commit, and the sync takes most of the time. Even on a disk that syncs in 0.1 ms, redb
//! needs only 1.6 times as long as SQLite for a single write, and 1.3 times as long for a hundred writes in one commit. A
//! hundred writes take less than twice as long as one. redb was chosen because it is written in Rust alone, so that no C
//! compiler for the device is needed. It also needs two crates instead of thirteen, and compiles in half the time. The file
//! grows to the size that was needed at the busiest time, and does not shrink again.

mod boxed;
mod memory;
#[cfg(feature = "redb")]
mod redb;

use std::{error, io, sync::Arc};

pub use boxed::BoxStore;
pub use memory::MemoryStore;
#[cfg(feature = "redb")]
pub use redb::{Database, RedbStore};

/// Keeps the messages of one gateway across restarts.
///
/// If many gateways share a file or a server, each gateway has its own value of this type, and the file or server merges
/// changes that are saved at the same time. One call saves many changes, because the time that a durable store needs depends
/// more on the number of calls than on their contents. A [`Messenger`](crate::Messenger) makes one call at a time, and serves
/// its callers meanwhile.
///
/// Implement the methods as `async fn`. They must not block: a store that needs to block uses its own thread, or
/// `tokio::task::spawn_blocking`. For this reason [`save`](Self::save) takes the changes by value.
///
/// ```
/// use sms_gateway::store::{MemoryStore, Store, StoreError, Write};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), StoreError> {
/// let mut store = MemoryStore::new();
/// store.save(vec![
///     Write::Record { key: 7, record: vec![1, 2, 3] },
///     Write::Text { key: 7, text: "Hello".into() },
/// ]).await?;
/// // The gateway has accepted the message, so its text is no longer needed.
/// store.save(vec![Write::Record { key: 7, record: vec![1, 2, 4] }, Write::DeleteText { key: 7 }]).await?;
/// let entries = store.load().await?;
/// assert_eq!((entries[0].record.as_slice(), entries[0].text.as_deref()), ([1, 2, 4].as_slice(), None));
/// # Ok(()) }
/// ```
pub trait Store: Send + 'static {
    /// Returns all entries, in any order, with the effects of all earlier calls of [`save`](Self::save). Texts, references and
    /// hashes with a key that has no record are left out.
    ///
    /// # Errors
    /// [`StoreError`]: nothing is returned, even if some entries could be read.
    fn load(&mut self) -> impl Future<Output = Result<Vec<Entry>, StoreError>> + Send;

    /// Applies all of these changes, in order, or none. They are durable when the future is ready. If the future is dropped
    /// before that, the store may or may not apply them.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was stored, with one exception: if the disk failed at the very end, all changes may have been
    /// stored. The store can no longer be used. Opening it again shows whether the changes were stored.
    fn save(&mut self, writes: Vec<Write>) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A change of a key's entry. A [`Store`] must apply every kind of change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Stores a tracker's record, replacing the key's earlier one.
    Record {
        /// The tracker's key.
        key: u32,
        /// Up to 96 bytes, opaque to the store.
        record: Vec<u8>,
    },
    /// Stores a text that is not sent yet. It is separate from the record, which changes more often.
    Text {
        /// The message's key.
        key: u32,
        /// Up to 1,500 bytes.
        text: Arc<str>,
    },
    /// Stores the caller's reference of the message.
    Reference {
        /// The message's key.
        key: u32,
        /// Up to 255 bytes.
        reference: Arc<str>,
    },
    /// Stores the hash of the caller's [idempotency key](crate::Sms::idempotency_key), and that of the message's number and text.
    Idempotency {
        /// The message's key.
        key: u32,
        /// The hashes, opaque to the store.
        hashes: [u8; 32],
    },
    /// Deletes the text, which is no longer needed.
    DeleteText {
        /// The message's key.
        key: u32,
    },
    /// Deletes the record, text, reference and hashes.
    Delete {
        /// The key.
        key: u32,
    },
}

/// Everything that is stored under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: u32,
    /// The tracker's record.
    pub record: Vec<u8>,
    /// The text, if it is not sent yet.
    pub text: Option<Arc<str>>,
    /// The caller's reference of the message.
    pub reference: Option<Arc<str>>,
    /// The hash of the caller's idempotency key, and that of the message's number and text.
    pub idempotency: Option<[u8; 32]>,
}

/// The reason something could not be stored or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be created, read or written.
    #[error("the store can't be used")]
    Io(#[from] io::Error),
    /// The store is already open, in this process or another.
    #[error("the store is in use, by this process or another")]
    InUse,
    /// The file is damaged or not a store, with a description.
    #[error("the store is damaged, or the file is not a store: {0}")]
    Damaged(String),
    /// The file was written by a later version of this library.
    #[error("the store has format {found}, which is newer than this version of the library")]
    Version {
        /// The format of the file.
        found: u32,
    },
    /// Any other error of a store.
    #[error("the store failed")]
    Other(#[source] Box<dyn error::Error + Send + Sync>),
}
