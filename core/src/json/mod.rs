//! JSON as the gateways use it: a writer for requests, and a tolerant reader for responses that can stop at any byte.
//!
//! The reader does not recurse. The lent buffer holds at most one record and the values outside the records; all other state has
//! a fixed size. In addition to well-formed JSON, the reader accepts these deviations of real devices:
//!
//! - missing and surplus commas, and a colon before the closing quote of a key (`"result:"`);
//! - `null` and missing keys, integers written as strings, and strings written as integers;
//! - unknown keys with values of any nesting (counted, not recursed into), keys in any order, repeated keys (the first usable
//!   value wins);
//! - raw control characters, a byte order mark, white space anywhere between tokens;
//! - lone surrogates, incomplete `\u` escapes and invalid UTF-8, which become U+FFFD; and unnecessary backslashes, which are
//!   kept. A text with any of these is marked [`Lossy`](Text::Lossy).
//!
//! The reader rejects an incomplete document, anything except a JSON object, and anything ambiguous: a key without a value, an
//! array of records that contains anything else, or a value that is not a string, number, word, object or array. The error
//! contains the offset. Records read before the error are valid.

mod error;
mod escape;
mod order;
mod reader;
mod scan;
mod schema;
mod store;
mod text;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use error::{Malformed, ReadError};
pub use reader::MAX_DEPTH;
pub(crate) use reader::Reader;
pub(crate) use schema::{Key, Schema, key};
pub use store::MAX_KEY_BYTES;
pub use value::{Field, Text};
pub(crate) use value::{FromRaw, TakeValue, Values, position};
pub(crate) use write::JsonWriter;

/// Whether the fast paths are compiled: they read a well-formed field in one step and scan texts a machine word at a time. The
/// results are the same. Microcontrollers read few records, so they omit the fast paths, which saves 1.7 KB of flash. For tests,
/// `--cfg sms_gateway_small` omits them on other targets too.
pub(crate) const FAST: bool = cfg!(not(any(target_os = "none", sms_gateway_small)));

/// The maximum number of known keys in each part of a response. The names are those of the parts in `answer!`.
pub(crate) mod slots {
    #![allow(non_upper_case_globals)]
    pub(crate) use super::schema::{HEAD_SLOTS as head, RECORD_SLOTS as record};
}
