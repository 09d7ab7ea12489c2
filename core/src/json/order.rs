//! The order in which a gateway writes the keys of its records, learned from the previous record.

use super::{FAST, schema::RECORD_SLOTS};

/// The length of the table. Only the fast paths use it.
const PLACES: usize = if FAST { RECORD_SLOTS + 1 } else { 0 };

/// The known key that followed each known key in the previous record.
pub(crate) struct Order {
    /// The last known key of the record, plus one, or 0 if there was none yet.
    last: usize,
    follows: [u8; PLACES],
}

impl Order {
    /// The order in the document.
    const DOCUMENT: [u8; PLACES] = {
        let mut follows = [0; PLACES];
        let mut place = 1;
        while place < PLACES {
            follows[place] = follows[place - 1] + 1;
            place += 1;
        }
        follows
    };

    /// Starts with the order in the document.
    pub(crate) const fn new() -> Self {
        Self { last: 0, follows: Self::DOCUMENT }
    }

    pub(crate) fn begin_record(&mut self) {
        self.last = 0;
    }

    /// Returns the known key that is expected next.
    pub(crate) fn expected(&self) -> usize {
        self.follows.get(self.last).copied().unwrap_or_default().into()
    }

    /// Notes that the expected key was read.
    pub(crate) fn took(&mut self, expected: usize) {
        self.last = expected.saturating_add(1);
    }

    /// Notes that another key was read.
    pub(crate) fn learn(&mut self, key: usize) {
        if let (Some(follows), Ok(key)) = (self.follows.get_mut(self.last), u8::try_from(key)) {
            *follows = key;
        }
        self.took(key);
    }
}
