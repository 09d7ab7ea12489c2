//! A store that lasts as long as the program.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Entry, Store, StoreError, Write};

/// Stores one gateway's messages in memory: for tests, and for programs in which a restart may lose messages and hand out the
/// whole inbox again.
///
/// Clones share their entries, so that a program under test can be restarted with them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    entries: Arc<Mutex<BTreeMap<u32, Parts>>>,
}

/// The entry of a key, whose parts may arrive in any order.
#[derive(Debug, Default)]
struct Parts {
    record: Option<Vec<u8>>,
    text: Option<Arc<str>>,
    reference: Option<Arc<str>>,
    idempotency: Option<[u8; 32]>,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    async fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(entries.iter().filter_map(|(key, parts)| parts.entry(*key)).collect())
    }

    async fn save(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for write in writes {
            match write {
                Write::Record { key, record } => {
                    entries.entry(key).or_default().record = Some(record);
                }
                Write::Text { key, text } => entries.entry(key).or_default().text = Some(text),
                Write::Reference { key, reference } => {
                    entries.entry(key).or_default().reference = Some(reference);
                }
                Write::Idempotency { key, hashes } => {
                    entries.entry(key).or_default().idempotency = Some(hashes);
                }
                Write::DeleteText { key } => entries.entry(key).or_default().text = None,
                Write::Delete { key } => drop(entries.remove(&key)),
            }
        }
        Ok(())
    }
}

impl Parts {
    fn entry(&self, key: u32) -> Option<Entry> {
        let record = self.record.clone()?;
        let Self { text, reference, idempotency, .. } = self;
        Some(Entry {
            key,
            record,
            text: text.clone(),
            reference: reference.clone(),
            idempotency: *idempotency,
        })
    }
}
