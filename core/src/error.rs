//! The error that every part shares; the others stand with what they are about.

use core::fmt;

/// The caller's memory: a lent buffer is too small for what was to be written into it.
///
/// Nothing useful stands in the buffer then. Lend one of [`needed`](Self::needed) bytes and call again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooSmall {
    /// The size in bytes that would have done.
    pub needed: usize,
}

impl fmt::Display for TooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the lent buffer is too small: {} bytes are needed", self.needed)
    }
}

impl core::error::Error for TooSmall {}
