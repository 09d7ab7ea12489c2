//! A store in flash, over the map of `sequential-storage`.
//!
//! That map keeps the latest value of each key, levels wear, and copes with interrupted writes. A key that was used is never removed,
//! because that requires a flash whose words can be written twice. So this store has a fixed set of map keys, called places, and uses them
//! again and again. Each value begins with its own [`Key`].
//!
//! Several changes are first written as one value, the journal. If the power fails before all of them are stored, they are stored from the
//! journal later. So the journal must not be written before it is certain that all its changes fit.
//!
//! Capacity: the map empties its pages in turn, each into the next, and never merges what is left of two pages. It keeps one page free. A
//! new value must fit into one of the other pages when only the latest values are left there. It certainly fits if the latest values take
//! at most `(pages - 1) * (page - new)` bytes, where `new` is the size of the new value.

mod error;

use core::{fmt, ops::Range};

use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::{
    cache::{Cache, Uncached},
    map::{MapConfig, MapStorage},
};

use sms_gateway_core::track::MAX_RECORD_BYTES;

use super::{Key, Store, Write};
use crate::memory::copy;
pub use error::FlashError;

/// The place of the journal.
const JOURNAL: u16 = u16::MAX;
/// The size of a value's key, in bytes.
const KEY: usize = 5;
/// The size of the length that precedes a value in the journal, in bytes.
const LENGTH: usize = 2;
/// The size of the place, which the map stores before a value, in bytes.
const PLACE: usize = size_of::<u16>();
/// The maximum number of bytes that a flash writes or reads at once.
const MAX_WORD: usize = 32;

/// The maximum number of messages whose changes a messenger saves at once. The same save may also delete the texts of as many other
/// messages.
const MESSAGES: usize = 8;
/// The maximum size of a save without a new text, in bytes. For each changed message, it contains the record and the deletion of the text;
/// for each of the other messages, only the deletion of the text.
const CHANGES: usize = MESSAGES * (LENGTH + KEY + MAX_RECORD_BYTES + 2 * (LENGTH + KEY));
/// The maximum size of a save that only deletes, in bytes: the record and the text of each changed message, and the texts of the others.
const FORGETTING: usize = 3 * MESSAGES * (LENGTH + KEY);

/// Returns the minimum size of `batch` in [`FlashStore::new`], in bytes, for texts of at most `longest_text` bytes.
pub const fn batch_size(longest_text: usize) -> usize {
    LENGTH.saturating_add(KEY).saturating_add(longest_text).saturating_add(CHANGES)
}

/// Returns the minimum size of `work` in [`FlashStore::new`], in bytes, for any flash.
pub const fn work_size(longest_text: usize) -> usize {
    words(PLACE.saturating_add(batch_size(longest_text)), MAX_WORD)
}

/// Rounds bytes up to whole words.
const fn words(bytes: usize, word: usize) -> usize {
    match bytes.checked_next_multiple_of(word) {
        Some(bytes) => bytes,
        None => usize::MAX,
    }
}

type Map<F> = MapStorage<u16, F, Cache<Uncached, Uncached, Uncached, u16>>;

/// Stores everything in flash. It requires the feature `flash`.
///
/// A page of the flash must have room for a batch, [`batch_size`]: 2.5 KB if texts may be as long as the API allows. The store is never
/// full if `(pages - 1) * (page - batch)` is at least `values + batch`, all in bytes. In `values`, a text counts with its length plus 30,
/// and a record with 130. If the flash writes 32 bytes at once, each text and each record counts with 100 more.
///
/// With fewer pages, a save may fail with [`FlashError::Full`]. With too small a table, it may fail with [`FlashError::NoPlace`]. In both
/// cases, no change of the batch is stored, a new message in it is not accepted, and earlier values remain. There is room again when
/// messages are final and acknowledged. With pages of 2 KiB or more, there is always enough room for accepted messages to reach that point.
/// After [`FlashError::Corrupted`], only [`erase`](Self::erase) helps.
///
/// ```no_run
/// use embedded_storage_async::nor_flash::NorFlash;
/// use sms_gateway_embassy::{
///     Event, Gateway, Messenger, MessengerBuffers, Store, StoreError, Transport,
///     core::track::{PendingReport, Settings, Slot},
///     store::{FlashError, FlashStore, batch_size, work_size},
/// };
///
/// const SLOTS: usize = 8;
/// const TEXT: usize = 640;
///
/// /// Follows messages across resets. The store uses 16 pages of 4 KiB, which begin 1 MiB into the flash.
/// async fn follow<T: Transport, F: NorFlash>(
///     gateway: Gateway<'_, T>,
///     flash: F,
/// ) -> Result<(), StoreError<FlashError<F::Error>>> {
///     // On a board, it is better to put these into a static.
///     let (mut table, mut batch, mut work) =
///         ([None; 2 * SLOTS + 2], [0; batch_size(TEXT)], [0; work_size(TEXT)]);
///     let mut store = FlashStore::new(flash, 0x10_0000..0x11_0000, &mut table, &mut batch, &mut work)
///         .map_err(StoreError::Store)?;
///     // The flash contained other data, or is worn out. Erasing it loses all messages.
///     if let Err(FlashError::Corrupted) = store.restore(&mut |_, _| ()).await {
///         store.erase().await.map_err(StoreError::Store)?;
///     }
///
///     let (mut slots, mut pending_reports) = ([Slot::EMPTY; SLOTS], [PendingReport::EMPTY; 4]);
///     let (mut texts, mut incoming) = ([0; TEXT], [0; 512]);
///     let buffers = MessengerBuffers { slots: &mut slots, pending_reports: &mut pending_reports, texts: &mut texts, incoming: &mut incoming };
///     let mut messenger = Messenger::new(gateway, store, buffers, Settings::default());
///     loop {
///         if let Event::Update(message) = messenger.next().await? {
///             messenger.acknowledge(&message);
///         }
///     }
/// }
/// ```
pub struct FlashStore<'m, F: NorFlash> {
    map: Map<F>,
    table: &'m mut [Option<Key>],
    batch: &'m mut [u8],
    work: &'m mut [u8],
    /// The size of all values in the flash, in bytes, as counted by [`size`](Self::size).
    used: usize,
    /// Whether the table matches the flash, and the journal is empty.
    is_open: bool,
}

impl<'m, F: NorFlash> FlashStore<'m, F> {
    /// Creates a store in these pages of the flash, which must have no other use. Before their first use, and again if the range changes,
    /// the pages must be erased with [`erase`](Self::erase). The pages of a new chip are erased.
    ///
    /// `table` needs a place for each value: two for each slot (the record and the text of a queued message), and two more. `batch`
    /// collects changes; [`batch_size`] returns its size. `work` needs 2 bytes more than `batch`, rounded up to the flash's word: the
    /// larger of `F::WRITE_SIZE` and `F::READ_SIZE`. [`work_size`] suffices for any flash. If the buffers are smaller than before, reading
    /// stored values may fail with [`FlashError::NoPlace`] or [`FlashError::TooSmall`].
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
        if range.is_empty() {
            return Err(FlashError::Range);
        }
        let config = MapConfig::try_new(range).map_err(|_| FlashError::Range)?;
        let map = MapStorage::new(flash, config, Cache::new_uncached());
        let places = table.len().min(usize::from(JOURNAL));
        let table = table.get_mut(..places).unwrap_or_default();
        Ok(Self { map, table, batch, work, used: 0, is_open: false })
    }

    /// Erases the pages. If the erasure is interrupted, it must be repeated before the store is used.
    ///
    /// # Errors
    /// [`FlashError::Flash`].
    pub async fn erase(&mut self) -> Result<(), FlashError<F::Error>> {
        self.is_open = false;
        Ok(self.map.erase_all().await?)
    }

    /// Returns the flash.
    pub fn into_flash(self) -> F {
        self.map.destroy().0
    }

    /// Reads the table from the flash, and completes an interrupted save.
    async fn open(&mut self) -> Result<(), FlashError<F::Error>> {
        if self.is_open {
            return Ok(());
        }
        self.used = 0;
        for (place, entry) in (0..JOURNAL).zip(self.table.iter_mut()) {
            let value = self.map.fetch_item::<&[u8]>(self.work, &place).await?;
            *entry = value.and_then(|value| Some(split(value)?.0));
            if let (Some(key), Some(value)) = (*entry, value) {
                self.used = self.used.saturating_add(Self::size(key, value.len()));
            }
        }
        self.look_beyond().await?;
        let journal = self.map.fetch_item::<&[u8]>(self.work, &JOURNAL).await?.unwrap_or_default();
        let length = journal.len();
        let room = self.batch.get_mut(..length).ok_or(FlashError::TooSmall { needed: length })?;
        copy(room, journal);
        self.apply(length, length > 0).await?;
        self.is_open = true;
        Ok(())
    }

    /// Checks that no values are stored at places beyond the table.
    async fn look_beyond(&mut self) -> Result<(), FlashError<F::Error>> {
        let mut from = u16::try_from(self.table.len()).unwrap_or(JOURNAL);
        loop {
            let mut found: Option<u16> = None;
            let mut items = self.map.fetch_all_items(self.work).await?;
            while let Some((place, value)) = items.next::<&[u8]>(self.work).await? {
                if (from..JOURNAL).contains(&place) && !value.is_empty() {
                    found = Some(found.map_or(place, |found| found.min(place)));
                }
            }
            let Some(place) = found else { return Ok(()) };
            // The value may be outdated; this fetches the latest one at that place.
            let value = self.map.fetch_item::<&[u8]>(self.work, &place).await?;
            if value.is_some_and(|value| !value.is_empty()) {
                return Err(FlashError::NoPlace);
            }
            from = place.saturating_add(1);
        }
    }

    /// The space for values in a page, in bytes. A page has a marker at each end.
    const PAGE: usize = F::ERASE_SIZE.saturating_sub(Self::WORD.saturating_mul(2));
    const WORD: usize = if F::WRITE_SIZE > F::READ_SIZE { F::WRITE_SIZE } else { F::READ_SIZE };

    /// Returns the size of a value of `length` bytes in the flash.
    fn item(length: usize) -> usize {
        let head = usize::try_from(Map::<F>::item_overhead_size()).unwrap_or(usize::MAX);
        head.saturating_add(words(PLACE.saturating_add(length), Self::WORD))
    }

    /// Returns the size of a value in the flash. A record counts with its maximum size, so that it may grow.
    fn size(key: Key, length: usize) -> usize {
        Self::item(match key {
            Key::Record(_) => length.max(KEY + MAX_RECORD_BYTES),
            Key::Text(_) => length,
        })
    }

    /// A value of `largest` bytes certainly fits if at most this number of bytes is in use.
    fn capacity(&self, largest: usize) -> usize {
        let range = self.map.flash_range();
        let bytes = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0);
        let pages = bytes.checked_div(F::ERASE_SIZE).unwrap_or(0).saturating_sub(1);
        // A deleted value, and an empty journal, are stored as empty values.
        let empty = self.table.len().saturating_add(1).saturating_mul(Self::item(0));
        pages.saturating_mul(Self::PAGE.saturating_sub(largest)).saturating_sub(empty)
    }

    /// Returns the size of the largest journal that must still fit after a value was added. There must always be room to delete the stored
    /// messages. If the pages are large enough, there must also be room to update these messages.
    fn reserve(&self) -> usize {
        let further = Self::item(CHANGES.min(self.batch.len()));
        let forgetting = Self::item(FORGETTING);
        if further <= Self::PAGE / 2 { further.max(forgetting) } else { forgetting }
    }

    /// Collects the changes in `batch`. Returns their length and number if there is room for all of them. A value that does not exist is
    /// not deleted. Deletions come first, because they make room.
    fn gather(&mut self, writes: &[Write<'_>]) -> Result<(usize, usize), FlashError<F::Error>> {
        let (mut length, mut count) = (0_usize, 0_usize);
        let (mut growth, mut largest) = (0_usize, Self::item(0));
        let mut places = self.table.iter().filter(|entry| entry.is_none()).count();
        for is_forgetting in [true, false] {
            for (index, write) in writes.iter().enumerate() {
                let later = writes.get(index.saturating_add(1)..).unwrap_or_default();
                let is_known = self.table.contains(&Some(write.key));
                if write.value.is_none() != is_forgetting
                    || (is_forgetting && !is_known)
                    || later.iter().any(|later| later.key == write.key)
                {
                    continue;
                }
                let bytes = write.value.unwrap_or_default();
                let end = length.saturating_add(LENGTH + KEY).saturating_add(bytes.len());
                let room = self.batch.get_mut(length..end).ok_or(FlashError::TooSmall { needed: end })?;
                put(room, write.key, write.value).ok_or(FlashError::TooSmall { needed: end })?;
                (length, count) = (end, count.saturating_add(1));
                if is_forgetting {
                    places = places.saturating_add(1);
                    continue;
                }
                if !is_known {
                    places = places.checked_sub(1).ok_or(FlashError::NoPlace)?;
                }
                let size = Self::size(write.key, bytes.len().saturating_add(KEY));
                largest = largest.max(size);
                if !is_known || matches!(write.key, Key::Text(_)) {
                    growth = growth.saturating_add(size);
                }
            }
        }
        let needed = words(length.saturating_add(PLACE), Self::WORD);
        if self.work.len() < needed {
            return Err(FlashError::TooSmall { needed });
        }
        if Self::item(length) > Self::PAGE {
            return Err(FlashError::TooSmall { needed: 0 });
        }
        let mut journal = if count > 1 { Self::item(length) } else { 0 };
        if growth > 0 {
            journal = journal.max(self.reserve());
            largest = largest.max(self.reserve());
        }
        let used = self.used.saturating_add(growth).saturating_add(journal);
        // A single change without growth is not checked: if it does not fit, nothing is changed.
        if journal > 0 && used > self.capacity(largest) {
            return Err(FlashError::Full);
        }
        Ok((length, count))
    }

    /// Stores the collected changes one by one. Then empties the journal, if it holds these changes.
    async fn apply(&mut self, length: usize, has_journal: bool) -> Result<(), FlashError<F::Error>> {
        let Self { map, table, batch, work, used, .. } = self;
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
            let index = u16::try_from(place).map_err(|_| FlashError::NoPlace)?;
            let before = match (known, key) {
                (None, _) => 0,
                (_, Key::Record(_)) => Self::size(key, 0),
                (_, Key::Text(_)) => {
                    let value = map.fetch_item::<&[u8]>(work, &index).await?;
                    Self::size(key, value.unwrap_or_default().len())
                }
            };
            let (stored, after) =
                if is_forgotten { (&[][..], 0) } else { (value, Self::size(key, value.len())) };
            map.store_item(work, &index, &stored).await?;
            if let Some(entry) = table.get_mut(place) {
                *entry = Some(key).filter(|_| !is_forgotten);
            }
            *used = used.saturating_sub(before).saturating_add(after);
        }
        if has_journal {
            map.store_item(work, &JOURNAL, &&[][..]).await?;
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
        // If this save is interrupted, the next call reads the flash again.
        self.is_open = false;
        let has_journal = count > 1;
        if has_journal {
            let batch = self.batch.get(..length).unwrap_or_default();
            self.map.store_item(self.work, &JOURNAL, &batch).await?;
        }
        let applied = self.apply(length, has_journal).await;
        self.is_open = applied.is_ok();
        // With the journal written, the changes are safe even if `apply` failed: the next call completes them.
        if has_journal { Ok(()) } else { applied }
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
        copy(room, bytes);
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

/// Splits a value into its key and its bytes. `None` instead of bytes means that the value is deleted.
fn split(value: &[u8]) -> Option<(Key, Option<&[u8]>)> {
    let (kind, rest) = value.split_first()?;
    let (id, bytes) = rest.split_first_chunk::<4>()?;
    let id = u32::from_le_bytes(*id);
    let key = if kind & 1 == 0 { Key::Record(id) } else { Key::Text(id) };
    Some((key, Some(bytes).filter(|_| kind & 2 == 0)))
}

/// Fills `room` with an entry of the journal: its length, the key, and the value. `room` must have the size of the entry. Returns `None`
/// if the entry does not fit.
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
    copy(bytes.get_mut(..value.len())?, value);
    Some(())
}

/// Shows nothing of the stored values.
impl<F: NorFlash> fmt::Debug for FlashStore<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashStore").field("is_open", &self.is_open).finish_non_exhaustive()
    }
}
