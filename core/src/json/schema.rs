//! Which keys of an answer are known.

/// The most keys that an answer's head knows.
pub(crate) const HEAD_SLOTS: usize = 6;
/// The most keys that a record knows.
pub(crate) const RECORD_SLOTS: usize = 12;

/// A known key, written as a tidy answer writes it: `"port":`, so that it is recognised by one comparison.
#[derive(Clone, Copy)]
pub struct Key(&'static str);

impl Key {
    pub(crate) const fn new(literal: &'static str) -> Self {
        Self(literal)
    }

    /// The key with its quotes and the colon.
    pub(crate) const fn literal(self) -> &'static [u8] {
        self.0.as_bytes()
    }

    /// The key alone.
    pub(crate) const fn name(self) -> &'static [u8] {
        match self.0.as_bytes() {
            [b'"', name @ .., b'"', b':'] => name,
            other => other,
        }
    }
}

macro_rules! key {
    ($name:literal) => {
        $crate::json::Key::new(concat!("\"", $name, "\":"))
    };
}
pub(crate) use key;

/// The known keys of one call's answer.
pub struct Schema {
    /// The keys of the answer's object.
    pub head: &'static [Key],
    /// The key of the array of records, where there is one.
    pub list: Option<Key>,
    /// The keys of a record.
    pub record: &'static [Key],
}
