//! An emulated flash whose power can fail.

use std::{cell::RefCell, rc::Rc};

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

pub const PAGE: usize = 1024;

/// A flash that is erased in pages of `SIZE` bytes and written in words of `WORD` bytes. Each word can be written once after it was erased.
#[derive(Clone)]
pub struct Chip<const WORD: usize, const SIZE: usize>(pub Rc<RefCell<Cells>>);

/// A flash with words of 4 bytes.
pub type Flash = Chip<4, PAGE>;

pub struct Cells {
    pub bytes: Vec<u8>,
    /// The number of words that can be written, or of blocks of 256 bytes that can be erased, until the power fails.
    pub power: usize,
    pub writes: usize,
    pub erased: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    NoPower,
    NotErased,
    Range,
}

impl NorFlashError for Failure {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl<const WORD: usize, const SIZE: usize> Chip<WORD, SIZE> {
    pub fn new(pages: usize) -> Self {
        let bytes = vec![0xFF; pages * SIZE];
        Self(Rc::new(RefCell::new(Cells { bytes, power: usize::MAX, writes: 0, erased: 0 })))
    }

    pub fn set_power(&self, power: usize) {
        self.0.borrow_mut().power = power;
    }
}

impl Cells {
    fn spend(&mut self) -> Result<(), Failure> {
        self.power = self.power.checked_sub(1).ok_or(Failure::NoPower)?;
        Ok(())
    }
}

impl<const WORD: usize, const SIZE: usize> ErrorType for Chip<WORD, SIZE> {
    type Error = Failure;
}

impl<const WORD: usize, const SIZE: usize> ReadNorFlash for Chip<WORD, SIZE> {
    const READ_SIZE: usize = WORD;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Failure> {
        let cells = self.0.borrow();
        let from = offset as usize;
        bytes.copy_from_slice(cells.bytes.get(from..from + bytes.len()).ok_or(Failure::Range)?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.borrow().bytes.len()
    }
}

impl<const WORD: usize, const SIZE: usize> NorFlash for Chip<WORD, SIZE> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Failure> {
        let mut cells = self.0.borrow_mut();
        cells.erased += 1;
        for word in (from as usize..to as usize).step_by(WORD) {
            // An erasure spends power only once per 256 bytes, so that the power can also fail within it.
            if word % 256 == 0 {
                cells.spend()?;
            }
            cells.bytes[word..word + WORD].fill(0xFF);
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Failure> {
        tokio::task::yield_now().await;
        let mut cells = self.0.borrow_mut();
        cells.writes += 1;
        for (index, word) in bytes.chunks(WORD).enumerate() {
            cells.spend()?;
            let at = offset as usize + index * WORD;
            if cells.bytes[at..at + WORD].iter().any(|byte| *byte != 0xFF) {
                return Err(Failure::NotErased);
            }
            cells.bytes[at..at + WORD].copy_from_slice(word);
        }
        Ok(())
    }
}
