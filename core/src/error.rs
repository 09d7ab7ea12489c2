//! The error that all modules share. Other errors are declared in their modules.

use core::fmt;

/// An error: the buffer lent by the caller is too small for the data to be written.
///
/// The content of the buffer is then unspecified. Call again with a buffer of [`needed`](Self::needed) bytes.
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
