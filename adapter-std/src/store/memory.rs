//! A store that forgets when the program ends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Entry, Store, StoreError, Write};

/// Keeps one gateway's messages in memory: for tests, and where a restart may lose them, and may bring the whole inbox again.
///
/// Clones share what they hold, so that a program under test can be restarted with it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    kept: Arc<Mutex<BTreeMap<u32, Kept>>>,
}

/// What is kept under a key.
#[derive(Debug, Default)]
struct Kept {
    record: Option<Vec<u8>>,
    text: Option<Arc<str>>,
    reference: Option<Arc<str>>,
}

impl MemoryStore {
    /// A store that holds nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.iter().filter_map(|(key, kept)| kept.entry(*key)).collect())
    }

    fn save(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for write in writes {
            match write {
                Write::Record { key, record } => {
                    kept.entry(*key).or_default().record = Some(record.clone());
                }
                Write::Text { key, text } => kept.entry(*key).or_default().text = Some(text.clone()),
                Write::Reference { key, reference } => {
                    kept.entry(*key).or_default().reference = Some(reference.clone());
                }
                Write::ForgetText { key } => kept.entry(*key).or_default().text = None,
                Write::Forget { key } => drop(kept.remove(key)),
            }
        }
        Ok(())
    }
}

impl Kept {
    fn entry(&self, key: u32) -> Option<Entry> {
        let record = self.record.clone()?;
        Some(Entry { key, record, text: self.text.clone(), reference: self.reference.clone() })
    }
}
