//! The order in which a gateway writes the keys of its records, learnt from the record before.

use super::store::RECORD_SLOTS;

/// Which known key came after which the last time.
pub(crate) struct Order {
    /// The known key that came last in the record, plus one; 0: none yet.
    last: usize,
    follows: [u8; RECORD_SLOTS + 1],
}

impl Order {
    /// The document's, to begin with.
    pub(crate) const fn new() -> Self {
        Self { last: 0, follows: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }
    }

    pub(crate) fn begin_record(&mut self) {
        self.last = 0;
    }

    /// The known key to expect next.
    pub(crate) fn expected(&self) -> usize {
        self.follows.get(self.last).copied().unwrap_or_default().into()
    }

    /// The expected key came.
    pub(crate) fn took(&mut self, expected: usize) {
        self.last = expected.saturating_add(1);
    }

    /// Another key came.
    pub(crate) fn learn(&mut self, key: usize) {
        if let (Some(follows), Ok(key)) = (self.follows.get_mut(self.last), u8::try_from(key)) {
            *follows = key;
        }
        self.took(key);
    }
}
