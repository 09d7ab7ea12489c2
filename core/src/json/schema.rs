//! The known keys of a response.

/// Maximum number of known keys of a response outside its records.
pub(crate) const HEAD_SLOTS: usize = 6;
/// Maximum number of known keys in a record.
pub(crate) const RECORD_SLOTS: usize = 12;

/// A known key in its usual spelling with quotes and colon, such as `"port":`. One comparison recognises it.
#[derive(Clone, Copy)]
pub struct Key(&'static str);

impl Key {
    pub(crate) const fn new(literal: &'static str) -> Self {
        Self(literal)
    }

    /// Returns the key with its quotes and colon.
    pub(crate) const fn literal(self) -> &'static [u8] {
        self.0.as_bytes()
    }

    /// Returns the key without quotes and colon.
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

/// The known keys of one call's response.
pub struct Schema {
    /// The keys of the response outside its records.
    pub head: &'static [Key],
    /// The key of the array of records, if the response has one.
    pub list: Option<Key>,
    /// The keys of a record.
    pub record: &'static [Key],
}
