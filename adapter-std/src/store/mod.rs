//! Where a gateway's messages outlive the program: what a tracker has to remember, and the texts it has still to send.
//!
//! A [`Store`] belongs to one gateway. [`MemoryStore`] forgets when the program ends; `Database`, behind the feature
//! `redb`, keeps any number of gateways in one file.
//!
//! The file is a [redb](https://www.redb.org) database. SQLite (rusqlite, with SQLite's own source) was weighed against
//! it. For a commit each syncs the disk once, SQLite in WAL mode, which is what takes the time: even on a disk that syncs
//! in 0.1 ms redb needs only 1.6 times as long as SQLite for a single write and 1.3 times as long for a hundred in one
//! commit, and a hundred take less than twice as long as one. redb was chosen for being Rust alone, so that no C compiler
//! for the device is needed, and for two crates instead of thirteen and half the time to compile. Its file grows to what
//! was stored at the busiest time, and stays at that.

mod memory;
#[cfg(feature = "redb")]
mod redb;

use std::{error, fmt, io, sync::Arc};

pub use memory::MemoryStore;
#[cfg(feature = "redb")]
pub use redb::{Database, RedbStore};

/// What one gateway's messages need to survive a restart.
///
/// Its calls block, on a disk for example; an asynchronous caller makes them from a thread that may. What may be many
/// is given in one call, since the time a durable store needs depends on the number of calls more than on what they hold.
///
/// ```
/// use sms_gateway::store::{MemoryStore, Store, StoreError, Write};
///
/// # fn main() -> Result<(), StoreError> {
/// let mut store = MemoryStore::new();
/// store.save(&[
///     Write::Record { key: 7, record: vec![1, 2, 3] },
///     Write::Text { key: 7, text: "Hello".into() },
/// ])?;
/// // The gateway has accepted it: the text has done its work.
/// store.save(&[Write::Record { key: 7, record: vec![1, 2, 4] }, Write::ForgetText { key: 7 }])?;
/// let entries = store.load()?;
/// assert_eq!((entries[0].record.as_slice(), entries[0].text.as_deref()), ([1, 2, 4].as_slice(), None));
/// # Ok(()) }
/// ```
pub trait Store: Send + 'static {
    /// All that is stored, in any order. A text or a reference without a record is none.
    ///
    /// # Errors
    /// [`StoreError`]: what was read so far is not told.
    fn load(&mut self) -> Result<Vec<Entry>, StoreError>;

    /// Carries out all of these, in order, or none. They are durable once this returns.
    ///
    /// # Errors
    /// [`StoreError`]: none of it was stored; or, where the disk failed at the very end, all. Either is seen by opening the
    /// store anew, which is what is left to do with it.
    fn save(&mut self, writes: &[Write]) -> Result<(), StoreError>;
}

impl<S: Store + ?Sized> Store for Box<S> {
    fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        (**self).load()
    }

    fn save(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        (**self).save(writes)
    }
}

/// A change of what is stored under a key. Whoever makes a [`Store`] has to carry out each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Stores a tracker's record, in place of the one that is there.
    Record {
        /// The tracker's key.
        key: u32,
        /// Up to 96 bytes, of which a store knows nothing.
        record: Vec<u8>,
    },
    /// Stores the text that is to be sent. It is apart from the record, which changes more often.
    Text {
        /// The message's key.
        key: u32,
        /// Up to 1,500 bytes.
        text: Arc<str>,
    },
    /// Stores by what the caller knows the message.
    Reference {
        /// The message's key.
        key: u32,
        /// Up to 255 bytes.
        reference: Arc<str>,
    },
    /// Forgets the text, which is not to be sent any more.
    ForgetText {
        /// The message's key.
        key: u32,
    },
    /// Forgets record, text and reference.
    Forget {
        /// The key.
        key: u32,
    },
}

/// All that is stored under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: u32,
    /// The tracker's record.
    pub record: Vec<u8>,
    /// The text that is still to be sent.
    pub text: Option<Arc<str>>,
    /// By what the caller knows the message.
    pub reference: Option<Arc<str>>,
}

/// Why something could not be stored or loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The file can't be created, read or written.
    Io(io::Error),
    /// It is open already, in this process or another.
    InUse,
    /// The file is damaged, or not a store at all. Says what was found.
    Damaged(String),
    /// The file was written by a later version of this library.
    Version {
        /// Its format.
        found: u32,
    },
    /// What else a store may meet.
    Other(Box<dyn error::Error + Send + Sync>),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("the store can't be used"),
            Self::InUse => f.write_str("the store is in use, by this process or another"),
            Self::Damaged(found) => write!(f, "the store is damaged, or the file is not a store: {found}"),
            Self::Version { found } => {
                write!(f, "the store has format {found}, which is newer than this version of the library")
            }
            Self::Other(_) => f.write_str("the store failed"),
        }
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Other(error) => Some(error.as_ref()),
            Self::InUse | Self::Damaged(_) | Self::Version { .. } => None,
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
