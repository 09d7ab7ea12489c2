//! The order in which a gateway writes the keys of its records, learned from earlier records.

use super::{FAST, schema::RECORD_SLOTS};

/// The length of `Order::follows`, which only the fast paths use.
const PLACES: usize = if FAST { RECORD_SLOTS + 1 } else { 0 };

/// A prediction of the next key in a record. For each known key, `follows` contains the index of the known key that followed it
/// last time. The first entry is for the start of a record.
pub(crate) struct Order {
    /// The index of the known key read last in this record, plus one. 0 before the first key.
    last: usize,
    follows: [u8; PLACES],
}

impl Order {
    /// The order of the keys in the vendor's document.
    const DOCUMENT: [u8; PLACES] = {
        let mut follows = [0; PLACES];
        let mut place = 1;
        while place < PLACES {
            follows[place] = follows[place - 1] + 1;
            place += 1;
        }
        follows
    };

    /// Creates a prediction that expects the order of the vendor's document at first.
    pub(crate) const fn new() -> Self {
        Self { last: 0, follows: Self::DOCUMENT }
    }

    pub(crate) fn begin_record(&mut self) {
        self.last = 0;
    }

    /// Returns the index of the known key that is expected next.
    pub(crate) fn expected(&self) -> usize {
        self.follows.get(self.last).copied().unwrap_or_default().into()
    }

    /// Moves past the expected key, which was read.
    pub(crate) fn took(&mut self, expected: usize) {
        self.last = expected.saturating_add(1);
    }

    /// Moves past a key that was read, and remembers that it follows the previous key.
    pub(crate) fn learn(&mut self, key: usize) {
        if let (Some(follows), Ok(key)) = (self.follows.get_mut(self.last), u8::try_from(key)) {
            *follows = key;
        }
        self.took(key);
    }
}
