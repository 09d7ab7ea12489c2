//! A flash memory, emulated in RAM.

use core::{hint::black_box, ops::Range};

use cortex_m::singleton;
use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};

const WORD: usize = 4;
const PAGE: usize = 4096;
const SIZE: usize = 6 * PAGE;

/// A flash of six pages. It is emulated in RAM, which is subtracted from the program's RAM.
pub struct Flash(&'static mut [u8; SIZE]);

impl Flash {
    /// The addresses of the whole flash.
    pub const RANGE: Range<u32> = 0..6 * 4096;
    /// The size in bytes.
    pub const BYTES: usize = SIZE;

    /// Creates an erased flash. Only the first call returns one.
    // The array is in a static, not on the stack.
    #[allow(clippy::large_stack_arrays)]
    pub fn new() -> Option<Self> {
        // Bits are stored inverted, so that an erased page is zero and takes no space in the program.
        singleton!(: [u8; SIZE] = [0; SIZE]).map(Self)
    }

    #[inline(never)]
    fn place(&mut self, offset: u32, length: usize) -> Result<&mut [u8], NorFlashErrorKind> {
        let from = usize::try_from(black_box(offset)).unwrap_or(usize::MAX);
        let place = self.0.get_mut(from..from.saturating_add(length));
        place.ok_or(NorFlashErrorKind::OutOfBounds)
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// If the range is outside the flash.
    #[inline(never)]
    pub fn get(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        let place = self.place(offset, bytes.len())?;
        for (to, from) in black_box(bytes).iter_mut().zip(place) {
            *to = !*from;
        }
        Ok(())
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// If the range is outside the flash.
    #[inline(never)]
    pub fn put(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let place = self.place(offset, bytes.len())?;
        for (to, from) in place.iter_mut().zip(black_box(bytes)) {
            *to |= !from;
        }
        Ok(())
    }

    /// Erases pages.
    ///
    /// # Errors
    /// If the range is outside the flash.
    #[inline(never)]
    pub fn clear(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        self.place(from, length)?.fill(0);
        Ok(())
    }
}

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = WORD;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        self.get(offset, bytes)
    }

    fn capacity(&self) -> usize {
        SIZE
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.clear(from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        self.put(offset, bytes)
    }
}
