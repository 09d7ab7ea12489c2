//! A store in lent memory.

use core::fmt;

use super::{Key, Store, Write};
use crate::memory::copy;

/// Stores the texts of queued messages in lent memory. After a restart they are lost. A text takes six bytes in addition to its length.
pub struct RamStore<'m> {
    /// Entries one after another: the message's id, the text's length, the text.
    bytes: &'m mut [u8],
    used: usize,
}

/// The lent memory has no room for another text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NoRoom;

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room for another text")
    }
}

impl core::error::Error for NoRoom {}

const HEAD: usize = 6;

impl<'m> RamStore<'m> {
    /// Creates an empty store.
    pub const fn new(bytes: &'m mut [u8]) -> Self {
        Self { bytes, used: 0 }
    }

    /// Returns the entry at an offset: the message's id and its text.
    fn entry(&self, at: usize) -> Option<(u32, &[u8])> {
        let (id, rest) = self.bytes.get(at..self.used)?.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        Some((u32::from_le_bytes(*id), rest.get(..usize::from(u16::from_le_bytes(*length)))?))
    }

    fn find(&self, wanted: u32) -> Option<usize> {
        let mut at = 0;
        while let Some((id, text)) = self.entry(at) {
            if id == wanted {
                return Some(at);
            }
            at = at.saturating_add(HEAD).saturating_add(text.len());
        }
        None
    }

    fn remove(&mut self, id: u32) {
        let Some(at) = self.find(id) else { return };
        let length = self.entry(at).map_or(0, |(_, text)| text.len()).saturating_add(HEAD);
        if let Some(rest) = self.bytes.get_mut(at..self.used) {
            rest.rotate_left(length.min(rest.len()));
        }
        self.used = self.used.saturating_sub(length);
    }

    fn put(&mut self, id: u32, text: &[u8]) -> Result<(), NoRoom> {
        let length = u16::try_from(text.len()).map_err(|_| NoRoom)?;
        let (place, room) =
            self.bytes.get_mut(self.used..).unwrap_or_default().split_at_mut_checked(HEAD).ok_or(NoRoom)?;
        let room = room.get_mut(..text.len()).ok_or(NoRoom)?;
        copy(room, text);
        if let Some((first, second)) = place.split_first_chunk_mut::<4>() {
            *first = id.to_le_bytes();
            copy(second, &length.to_le_bytes());
        }
        self.used = self.used.saturating_add(HEAD).saturating_add(text.len());
        Ok(())
    }
}

/// Shows only sizes and nothing of the texts.
impl fmt::Debug for RamStore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RamStore").field("size", &self.bytes.len()).field("used", &self.used).finish()
    }
}

impl Store for RamStore<'_> {
    type Error = NoRoom;

    async fn save(&mut self, writes: &[Write<'_>]) -> Result<(), NoRoom> {
        for write in writes {
            let Key::Text(id) = write.key else { continue };
            self.remove(id);
            if let Some(text) = write.value {
                self.put(id, text)?;
            }
        }
        Ok(())
    }

    async fn load(&mut self, key: Key, buffer: &mut [u8]) -> Result<Option<usize>, NoRoom> {
        let Key::Text(id) = key else { return Ok(None) };
        let text = self.find(id).and_then(|at| self.entry(at)).map_or(&[][..], |(_, text)| text);
        let Some(room) = buffer.get_mut(..text.len()).filter(|_| self.find(id).is_some()) else {
            return Ok(None);
        };
        copy(room, text);
        Ok(Some(text.len()))
    }

    async fn restore(&mut self, _: &mut dyn FnMut(Key, &[u8])) -> Result<(), NoRoom> {
        Ok(())
    }
}
