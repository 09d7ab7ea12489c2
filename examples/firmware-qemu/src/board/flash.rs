//! A flash in RAM that survives a reset. It obeys the rules of NOR flash, but loses its content without power.

use embassy_futures::yield_now;
use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

use super::{
    reset,
    survivor::{self, WORDS},
};

const WORD: usize = size_of::<u32>();
const ERASED: u32 = u32::MAX;
/// Number of words written before yielding to other tasks. Real flash blocks them while a page is programmed.
const WORDS_AT_ONCE: usize = 64;

/// A flash that is erased in pages of 4 KiB and written in words. Each word can be written only once after it was erased.
///
/// If a reset interrupts writing or erasing, the words before that point are written or erased, and the others are unchanged.
pub(crate) struct RamFlash(());

/// An error of the flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Error {
    /// The range does not begin and end at word boundaries, or, in an erasure, at page boundaries.
    NotAligned,
    /// The range is not within the flash.
    OutOfBounds,
    /// The word at this offset, in bytes, has been written since it was erased. Real flash would store a wrong value.
    NotErased(u32),
}

impl RamFlash {
    /// Size in bytes.
    pub(crate) const SIZE: u32 = 32 * 1024;

    /// Creates the flash. Called once, when the board starts.
    pub(super) fn new() -> Self {
        Self(())
    }
}

const _: () = assert!(WORDS * WORD == RamFlash::SIZE as usize);

impl ErrorType for RamFlash {
    type Error = Error;
}

impl NorFlashError for Error {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotErased(_) => NorFlashErrorKind::Other,
        }
    }
}

impl ReadNorFlash for RamFlash {
    const READ_SIZE: usize = WORD;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Error> {
        let first = first_word(offset, bytes.len(), Self::READ_SIZE)?;
        for (index, word) in (first..).zip(bytes.as_chunks_mut().0) {
            *word = survivor::get(index).to_le_bytes();
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        WORDS * WORD
    }
}

impl NorFlash for RamFlash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = 4096;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Error> {
        let length = to.checked_sub(from).ok_or(Error::OutOfBounds)?;
        let first = first_word(from, length as usize, Self::ERASE_SIZE)?;
        for page in 0..length as usize / Self::ERASE_SIZE {
            let first = first + page * (Self::ERASE_SIZE / WORD);
            (first..first + Self::ERASE_SIZE / WORD).for_each(|index| survivor::set(index, ERASED));
            yield_now().await;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Error> {
        let first = first_word(offset, bytes.len(), Self::WRITE_SIZE)?;
        for (written, word) in bytes.as_chunks().0.iter().enumerate() {
            write_word(first + written, u32::from_le_bytes(*word))?;
            if (written + 1).is_multiple_of(WORDS_AT_ONCE) {
                yield_now().await;
            }
        }
        Ok(())
    }
}

fn write_word(index: usize, word: u32) -> Result<(), Error> {
    if survivor::get(index) != ERASED {
        return Err(Error::NotErased(u32::try_from(index * WORD).unwrap_or(u32::MAX)));
    }
    survivor::set(index, word);
    reset::step();
    Ok(())
}

/// Returns the index of the first word of a range. The range must be within the flash and consist of whole units of `unit`
/// bytes.
fn first_word(offset: u32, length: usize, unit: usize) -> Result<usize, Error> {
    let offset = offset as usize;
    if offset.checked_add(length).is_none_or(|end| end > WORDS * WORD) {
        return Err(Error::OutOfBounds);
    }
    if !offset.is_multiple_of(unit) || !length.is_multiple_of(unit) {
        return Err(Error::NotAligned);
    }
    Ok(offset / WORD)
}
