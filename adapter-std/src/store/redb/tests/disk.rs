//! A simulated disk that loses power at a chosen operation. Any part of the unsynced changes is then lost.

use std::{
    io,
    sync::{Arc, Mutex},
};

use ::redb::StorageBackend;

/// The size of a sector in bytes. A disk writes a sector completely or not at all.
const SECTOR: usize = 512;

#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The contents that reads return.
    present: Vec<u8>,
    /// The contents that certainly survive a power cut.
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// The number of operations left until the power cut; `None` if there is none.
    left: Option<usize>,
}

#[derive(Debug)]
enum Change {
    Length(usize),
    Sector(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Length(length) => image.resize(*length, 0),
            Self::Sector(offset, bytes) => {
                let end = offset + bytes.len();
                if image.len() < end {
                    image.resize(end, 0);
                }
                image[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}

impl State {
    /// Counts an operation that changes the disk. Fails after the power was cut.
    fn operate(&mut self) -> io::Result<()> {
        match &mut self.left {
            Some(0) => Err(io::Error::other("no power")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.present);
        self.unsynced.push(change);
    }
}

impl Disk {
    pub(super) fn new(image: Vec<u8>) -> Self {
        let state = State { present: image.clone(), synced: image, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Cuts the power after this number of further operations.
    pub(super) fn fail_after(&self, operations: usize) {
        self.state.lock().unwrap().left = Some(operations);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.state.lock().unwrap().left == Some(0)
    }

    /// Returns possible contents after a power cut. Of the unsynced changes, those that `chance` picks survive.
    pub(super) fn after_power_cut(&self, mut chance: impl FnMut() -> bool) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        let mut image = state.synced.clone();
        for change in state.unsynced.iter().filter(|_| chance()) {
            change.apply(&mut image);
        }
        image
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().unwrap().present.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        let bytes = state.present.get(offset..offset + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.operate()?;
        state.change(Change::Length(usize::try_from(length).unwrap()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.operate()?;
        state.unsynced.clear();
        state.synced = state.present.clone();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.operate()?;
        let mut offset = usize::try_from(offset).unwrap();
        for sector in data.chunks(SECTOR) {
            state.change(Change::Sector(offset, sector.to_vec()));
            offset += sector.len();
        }
        Ok(())
    }
}
