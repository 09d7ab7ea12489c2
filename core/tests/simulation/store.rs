//! The store, which survives the client's resets: records by key, like a log in flash.

use std::collections::BTreeMap;

use crate::rng::Rng;

/// Number of versions of a record before old ones are removed.
const VERSIONS: usize = 3;

#[derive(Debug)]
pub(crate) struct Store {
    /// Versions by key, the latest one last.
    records: BTreeMap<u32, Vec<Vec<u8>>>,
    /// Writes that a reset interrupted.
    torn: Vec<Vec<u8>>,
    rng: Rng,
}

impl Store {
    pub(crate) const fn new(rng: Rng) -> Self {
        Self { records: BTreeMap::new(), torn: Vec::new(), rng }
    }

    /// Writes a record, or deletes its key.
    pub(crate) fn save(&mut self, key: u32, record: Option<&[u8]>) {
        let Some(record) = record else {
            self.records.remove(&key);
            return;
        };
        let versions = self.records.entry(key).or_default();
        if versions.len() >= VERSIONS {
            versions.drain(..VERSIONS - 1);
        }
        versions.push(record.to_vec());
    }

    /// Interrupts a write: the first bytes are new, and the others are those of the old record or of erased flash.
    pub(crate) fn tear(&mut self, key: u32, record: Option<&[u8]>) {
        let Some(record) = record else { return };
        let mut torn = record.to_vec();
        let written = self.rng.below(record.len() as u64) as usize;
        let before = self.records.get(&key).and_then(|versions| versions.last());
        for (at, byte) in torn.iter_mut().enumerate().skip(written) {
            *byte = before.and_then(|before| before.get(at).copied()).unwrap_or(0xFF);
        }
        if self.rng.below(4) == 0 {
            torn.truncate(written);
        }
        if torn != record && before != Some(&torn) {
            self.torn.push(torn);
        }
    }

    /// Returns all records found after a reset, in random order, and whether each is intact.
    pub(crate) fn found(&mut self) -> Vec<(Vec<u8>, bool)> {
        let whole = self.records.values().flatten().map(|record| (record.clone(), true));
        let torn = std::mem::take(&mut self.torn).into_iter().map(|record| (record, false));
        let mut all: Vec<(Vec<u8>, bool)> = whole.chain(torn).collect();
        self.rng.shuffle(&mut all);
        all
    }
}
