//! The errors of a store in flash.

use core::fmt;

/// The error of a [`FlashStore`](super::FlashStore). `E` is the flash's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlashError<E> {
    /// The flash's own error.
    Flash(E),
    /// The range does not consist of at least two whole pages, or the pages are too small.
    Range,
    /// The flash is full. No change of the batch is stored.
    Full,
    /// The lent table has no free place for another value, or too few places for the stored values.
    NoPlace,
    /// A lent buffer or a page of the flash is too small.
    TooSmall {
        /// The size that suffices, in bytes; 0 if the page is too small.
        needed: usize,
    },
    /// The flash holds other data, or does not keep what is written to it.
    Corrupted,
}

impl<E: fmt::Debug> fmt::Display for FlashError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flash(error) => write!(f, "the flash failed: {error:?}"),
            Self::Range => f.write_str("the range is not one of two or more whole pages"),
            Self::Full => f.write_str("the flash is full"),
            Self::NoPlace => f.write_str("no place for another value"),
            Self::TooSmall { needed: 0 } => f.write_str("a page of the flash is too small"),
            Self::TooSmall { needed } => write!(f, "a lent buffer is too small: {needed} bytes are needed"),
            Self::Corrupted => f.write_str("the flash does not hold what was stored"),
        }
    }
}

impl<E: fmt::Debug> core::error::Error for FlashError<E> {}

impl<E> From<sequential_storage::Error<E>> for FlashError<E> {
    fn from(error: sequential_storage::Error<E>) -> Self {
        use sequential_storage::Error;
        match error {
            Error::Storage { value } => Self::Flash(value),
            Error::FullStorage => Self::Full,
            Error::BufferTooSmall(needed) => Self::TooSmall { needed },
            Error::ItemTooBig => Self::TooSmall { needed: 0 },
            _ => Self::Corrupted,
        }
    }
}
