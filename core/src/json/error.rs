//! Errors of malformed responses.

use core::fmt;

use crate::show::Decimal;

/// An error after which the response can't be read any further. Records returned before it are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReadError {
    /// The offset at which reading stopped, in bytes from the start of the response's body.
    pub offset: u64,
    /// The kind of error.
    pub kind: Malformed,
}

/// A kind of error in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Malformed {
    /// The response does not begin with `{`. It is probably a web page.
    NotAnObject {
        /// The first byte that is not white space.
        found: u8,
    },
    /// Expected a key, a comma or the end of the object.
    KeyExpected {
        /// The byte found instead.
        found: u8,
    },
    /// Expected a colon.
    ColonExpected {
        /// The byte found instead.
        found: u8,
    },
    /// Expected a value.
    ValueExpected {
        /// The byte found instead.
        found: u8,
    },
    /// Expected a record, a comma or the end of the array, or found an object in place of the array.
    RecordExpected {
        /// The byte found instead.
        found: u8,
    },
    /// Found a quote or a closing brace after the end of the document. Probably a text with an unescaped quote ended the document
    /// early.
    EndExpected {
        /// The byte found instead.
        found: u8,
    },
    /// An unknown value is nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// The response ended before the document did.
    CutOff,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unreadable response at byte {}: {}", Decimal::from(self.offset), self.kind)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (due, found) = match *self {
            Self::NotAnObject { found } => {
                return write!(
                    f,
                    "no JSON object but '{}'; is the gateway's \"New Version API\" enabled (firmware 1102 or later)?",
                    found.escape_ascii()
                );
            }
            Self::TooDeep => return f.write_str("a value nests too deep"),
            Self::CutOff => return f.write_str("it ends before the document's end"),
            Self::KeyExpected { found } => ("a key or the end of the object", found),
            Self::ColonExpected { found } => ("a colon", found),
            Self::ValueExpected { found } => ("a value", found),
            Self::EndExpected { found } => ("the end of the response", found),
            Self::RecordExpected { found } => ("a record or the end of the array", found),
        };
        write!(f, "{due} was due, not '{}'", found.escape_ascii())
    }
}

impl core::error::Error for ReadError {}
