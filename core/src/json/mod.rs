//! JSON as the gateways use it: a writer for requests, and a tolerant reader for responses that can stop at any byte.
//!
//! The reader is iterative and keeps at most one record. Its state is a few numbers and the lent buffer.
//! In addition to well-formed JSON it accepts the output of real devices:
//!
//! - missing and surplus commas, a key with a trailing colon (`"result:"`);
//! - integers written as strings, strings written as integers, `null` and missing keys;
//! - unknown keys with values of any nesting (counted, not recursed into), keys in any order, duplicated keys (the first wins);
//! - raw control characters, a byte order mark, white space anywhere between tokens;
//! - lone surrogates and invalid UTF-8, which become U+FFFD, and unnecessary backslashes before a character, which
//!   are kept: the text is then marked [`Lossy`](Text::Lossy).
//!
//! It refuses, with the offset, an incomplete document, anything except a JSON object, and anything ambiguous: a key
//! without a value, an array of records that holds something else, a value that is neither a string, a number, a word nor an
//! object or array. Records read before the error are valid.

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

/// Whether well-formed fields are recognised at once, and texts are scanned a word at a time. The result is the same. A
/// microcontroller reads few records, so it saves the 1.7 KB of flash. `--cfg sms_gateway_small` omits it elsewhere, for tests.
pub(crate) const FAST: bool = cfg!(not(any(target_os = "none", sms_gateway_small)));

/// The maximum number of keys in each part of a response.
pub(crate) mod slots {
    #![allow(non_upper_case_globals)]
    pub(crate) use super::schema::{HEAD_SLOTS as head, RECORD_SLOTS as record};
}
