//! A store in flash, over the map of `sequential-storage`.
//!
//! That map keeps the latest value of each key and takes care of wear and of writes that are cut off; a key once used is never given up,
//! since not all flash can be written twice. So the keys of the map are places, which are used again, and a value begins with what it
//! is of. Several changes are written as one value first, the journal, which is worked off again if the power goes meanwhile.

use core::{fmt, ops::Range};

use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::{
    cache::{Cache, Uncached},
    map::{MapConfig, MapStorage},
};

use super::{Key, Store, Write};

/// The place of the journal.
const JOURNAL: u16 = u16::MAX;
/// A value begins with its key, and in the journal with its length before that.
const KEY: usize = 5;
const LENGTH: usize = 2;

type Map<F> = MapStorage<u16, F, Cache<Uncached, Uncached, Uncached, u16>>;

/// Keeps all in flash. Feature `flash`.
///
/// A page of the flash must have room for a text and the records of up to eight messages at once, 2.5 KB if texts may be as long as the
/// API allows; and the flash for two pages more than all values take.
pub struct FlashStore<'m, F: NorFlash> {
    map: Map<F>,
    table: &'m mut [Option<Key>],
    batch: &'m mut [u8],
    work: &'m mut [u8],
    /// The table is that of the flash, and the journal is worked off.
    is_open: bool,
}

/// What goes wrong with a [`FlashStore`]. `E` is the flash's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlashError<E> {
    /// The flash's own error.
    Flash(E),
    /// The range is not one of whole pages, at least two, or its pages are too small.
    Range,
    /// The flash is full.
    Full,
    /// The lent table has no place for another value.
    NoPlace,
    /// A lent buffer is too small, or a page.
    TooSmall {
        /// The size that would do, in bytes; 0 if it is the page's.
        needed: usize,
    },
    /// The flash holds something else, or does not keep what is written.
    Corrupted,
}

impl<E: fmt::Debug> fmt::Display for FlashError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash failed: {error:?}"),
            Self::Range => f.write_str("the range is not one of two or more whole pages"),
            Self::Full => f.write_str("the flash is full"),
            Self::NoPlace => f.write_str("no place for another value"),
            Self::TooSmall { needed: 0 } => f.write_str("a page of the flash is too small"),
            Self::TooSmall { needed } => write!(f, "a lent buffer is too small: {needed} bytes are needed"),
            Self::Corrupted => f.write_str("the flash does not hold what was stored"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for FlashError<E> {}

impl<E> From<sequential_storage::Error<E>> for FlashError<E> {
    fn from(error: sequential_storage::Error<E>) -> Self {
        use sequential_storage::Error;
        match error {
            Error::Storage { value } => Self::Flash(value),
            Error::FullStorage => Self::Full,
            Error::BufferTooSmall(needed) => Self::TooSmall { needed },
            Error::ItemTooBig => Self::TooSmall { needed: 0 },
            _ => Self::Corrupted,
        }
    }
}

impl<'m, F: NorFlash> FlashStore<'m, F> {
    /// A store in these pages of the flash, which it has for itself, and which are erased before their first use.
    ///
    /// `table` has a place for each value: one for each slot, one for each text that waits, and two more. In `batch` changes are put
    /// together: 2.5 KB do for texts of all lengths, and 850 bytes beside the longest text. `work` is as large, and 8 bytes more.
    ///
    /// # Errors
    /// [`FlashError::Range`].
    pub fn new(
        flash: F,
        range: Range<u32>,
        table: &'m mut [Option<Key>],
        batch: &'m mut [u8],
        work: &'m mut [u8],
    ) -> Result<Self, FlashError<F::Error>> {
        let config = MapConfig::try_new(range).map_err(|_| FlashError::Range)?;
        let map = MapStorage::new(flash, config, Cache::new_uncached());
        Ok(Self { map, table, batch, work, is_open: false })
    }

    /// Gives the flash back.
    pub fn into_flash(self) -> F {
        self.map.destroy().0
    }

    /// Reads what is where, and works off what was cut off.
    async fn open(&mut self) -> Result<(), FlashError<F::Error>> {
        if self.is_open {
            return Ok(());
        }
        for (place, entry) in (0..JOURNAL).zip(self.table.iter_mut()) {
            let value = self.map.fetch_item::<&[u8]>(self.work, &place).await?;
            *entry = value.and_then(|value| Some(split(value)?.0));
        }
        let journal = self.map.fetch_item::<&[u8]>(self.work, &JOURNAL).await?.unwrap_or_default();
        let length = journal.len();
        let room = self.batch.get_mut(..length).ok_or(FlashError::TooSmall { needed: length })?;
        room.copy_from_slice(journal);
        self.apply(length).await?;
        if length > 0 {
            self.map.store_item(self.work, &JOURNAL, &&[][..]).await?;
        }
        self.is_open = true;
        Ok(())
    }

    /// Puts changes together, and gives their length and how many they are. What is not there need not be forgotten.
    fn gather(&mut self, writes: &[Write<'_>]) -> Result<(usize, usize), FlashError<F::Error>> {
        let (mut used, mut count) = (0_usize, 0);
        for write in writes {
            if write.value.is_none()
                && !self.table.contains(&Some(write.key))
                && !gathers(self.batch, used, write.key)
            {
                continue;
            }
            let bytes = write.value.unwrap_or_default();
            let end = used.saturating_add(LENGTH + KEY).saturating_add(bytes.len());
            let room = self.batch.get_mut(used..end).ok_or(FlashError::TooSmall { needed: end })?;
            put(room, write.key, write.value).ok_or(FlashError::TooSmall { needed: end })?;
            (used, count) = (end, count + 1);
        }
        Ok((used, count))
    }

    /// Stores the changes that are put together, one by one.
    async fn apply(&mut self, length: usize) -> Result<(), FlashError<F::Error>> {
        let Self { map, table, batch, work, .. } = self;
        for value in Entries(batch.get(..length).unwrap_or_default()) {
            let Some((key, bytes)) = split(value) else { continue };
            let is_forgotten = bytes.is_none();
            let known = table.iter().position(|entry| *entry == Some(key));
            let place = known.or_else(|| table.iter().position(Option::is_none).filter(|_| !is_forgotten));
            let Some(place) = place else {
                if is_forgotten {
                    continue;
                }
                return Err(FlashError::NoPlace);
            };
            let index =
                u16::try_from(place).ok().filter(|index| *index != JOURNAL).ok_or(FlashError::NoPlace)?;
            let stored = if is_forgotten { &[][..] } else { value };
            map.store_item(work, &index, &stored).await?;
            if let Some(entry) = table.get_mut(place) {
                *entry = Some(key).filter(|_| !is_forgotten);
            }
        }
        Ok(())
    }
}

impl<F: NorFlash> Store for FlashStore<'_, F>
where
    F::Error: fmt::Debug,
{
    type Error = FlashError<F::Error>;

    async fn save(&mut self, writes: &[Write<'_>]) -> Result<(), Self::Error> {
        self.open().await?;
        let (length, count) = self.gather(writes)?;
        // Cut off, it begins with what the flash has.
        self.is_open = false;
        if count > 1 {
            let batch = self.batch.get(..length).unwrap_or_default();
            self.map.store_item(self.work, &JOURNAL, &batch).await?;
        }
        self.apply(length).await?;
        if count > 1 {
            self.map.store_item(self.work, &JOURNAL, &&[][..]).await?;
        }
        self.is_open = true;
        Ok(())
    }

    async fn load(&mut self, key: Key, buffer: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        self.open().await?;
        let Some((place, _)) = (0..JOURNAL).zip(self.table.iter()).find(|(_, entry)| **entry == Some(key))
        else {
            return Ok(None);
        };
        let value = self.map.fetch_item::<&[u8]>(self.work, &place).await?;
        let Some((_, Some(bytes))) = value.and_then(split) else { return Ok(None) };
        let Some(room) = buffer.get_mut(..bytes.len()) else { return Ok(None) };
        room.copy_from_slice(bytes);
        Ok(Some(bytes.len()))
    }

    async fn restore(&mut self, each: &mut dyn FnMut(Key, &[u8])) -> Result<(), Self::Error> {
        self.open().await?;
        for (place, entry) in (0..JOURNAL).zip(self.table.iter()) {
            if entry.is_some()
                && let Some(value) = self.map.fetch_item::<&[u8]>(self.work, &place).await?
                && let Some((key, Some(bytes))) = split(value)
            {
                each(key, bytes);
            }
        }
        Ok(())
    }
}

/// The values of a journal.
struct Entries<'a>(&'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<LENGTH>()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        self.0 = rest;
        Some(value)
    }
}

/// Whether a batch has something of this key.
fn gathers(batch: &[u8], length: usize, key: Key) -> bool {
    Entries(batch.get(..length).unwrap_or_default())
        .any(|value| split(value).is_some_and(|(of, _)| of == key))
}

/// A value's key and bytes; `None` in place of bytes: it is forgotten.
fn split(value: &[u8]) -> Option<(Key, Option<&[u8]>)> {
    let (kind, rest) = value.split_first()?;
    let (id, bytes) = rest.split_first_chunk::<4>()?;
    let id = u32::from_le_bytes(*id);
    let key = if kind & 1 == 0 { Key::Record(id) } else { Key::Text(id) };
    Some((key, Some(bytes).filter(|_| kind & 2 == 0)))
}

/// Writes a value with its length before it; `None` if it does not fit exactly.
fn put(room: &mut [u8], key: Key, value: Option<&[u8]>) -> Option<()> {
    let (kind, id) = match key {
        Key::Record(id) => (0, id),
        Key::Text(id) => (1, id),
    };
    let kind = if value.is_some() { kind } else { kind | 2 };
    let (length, rest) = room.split_first_chunk_mut::<LENGTH>()?;
    *length = u16::try_from(rest.len()).ok()?.to_le_bytes();
    let (first, rest) = rest.split_first_mut()?;
    *first = kind;
    let (number, bytes) = rest.split_first_chunk_mut::<4>()?;
    *number = id.to_le_bytes();
    let value = value.unwrap_or_default();
    bytes.get_mut(..value.len())?.copy_from_slice(value);
    Some(())
}

/// Shows nothing of what is stored.
impl<F: NorFlash> fmt::Debug for FlashStore<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashStore").field("is_open", &self.is_open).finish_non_exhaustive()
    }
}
