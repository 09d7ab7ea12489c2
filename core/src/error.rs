//! The error that all parts share. Other errors are declared next to their subject.

use core::fmt;

/// A buffer lent by the caller is too small for the data to be written into it.
///
/// The buffer's content is unspecified then. Lend one of [`needed`](Self::needed) bytes and call again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooSmall {
    /// The size that suffices, in bytes.
    pub needed: usize,
}

impl fmt::Display for TooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the lent buffer is too small: {} bytes are needed", self.needed)
    }
}

impl core::error::Error for TooSmall {}
