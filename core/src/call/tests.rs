//! Helpers that the tests of all calls share.

use std::{string::String, vec, vec::Vec};

use serde::Serialize;

use super::{Call, CommaEncoding, Decoder, MAX_TARGET_BYTES};
use crate::{
    TooSmall,
    json::{Field, Malformed, ReadError},
};

pub(super) const fn known<T>(value: T) -> Field<'static, T> {
    Field::Known(value)
}

/// Formats a record or summary, so that it can be compared after its buffer is reused.
fn keep<T: core::fmt::Debug>(value: &T) -> String {
    std::format!("{value:?}")
}

/// The formatted records and summary of a response, and the result of reading it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) records: Vec<String>,
    pub(crate) summary: String,
    pub(crate) end: Result<(), ReadError>,
}

pub(crate) fn read<'i, C: Call>(pieces: impl IntoIterator<Item = &'i [u8]>, buffer: usize) -> Read
where
    for<'a> C::Record<'a>: std::fmt::Debug,
    for<'a> C::Summary<'a>: std::fmt::Debug,
{
    let mut buffer = vec![0; buffer];
    let mut decoder = Decoder::<C, _>::new(&mut buffer[..]);
    let mut records = Vec::new();
    'pieces: for mut input in pieces {
        loop {
            match decoder.next(&mut input).map(|record| record.as_ref().map(keep)) {
                Ok(Some(record)) => records.push(record),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next(&mut &b"}"[..]).err(), Some(error), "an error is permanent");
                    break 'pieces;
                }
            }
        }
    }
    let end = decoder.finish().map(|_| ());
    Read { records, summary: keep(&decoder.summary()), end }
}

/// Tests that an example response is read as expected: at once, split at every byte, byte by byte, and cut off at every byte.
pub(super) fn printed<C: Call>(response: &str, records: &[C::Record<'_>], summary: &C::Summary<'_>)
where
    for<'a> C::Record<'a>: std::fmt::Debug,
    for<'a> C::Summary<'a>: std::fmt::Debug,
{
    let bytes = response.as_bytes();
    let whole = read::<C>([bytes], 256);
    assert_eq!(whole.records, records.iter().map(keep).collect::<Vec<_>>());
    assert_eq!(whole.summary, keep(summary));
    assert_eq!(whole.end, Ok(()));
    for at in 0..=bytes.len() {
        let (first, second) = bytes.split_at(at);
        assert_eq!(read::<C>([first, second], 256), whole, "split at {at}");
    }
    assert_eq!(read::<C>(bytes.chunks(1), 256), whole);
    for at in 0..bytes.len() {
        let cut = read::<C>([&bytes[..at]], 256);
        assert_eq!(cut.end, Err(ReadError { offset: at as u64, kind: Malformed::CutOff }));
        let complete = response.bytes().take(at).filter(|byte| *byte == b'}').count();
        assert_eq!(cut.records, whole.records[..complete], "cut at {at}");
    }
}

/// Asserts that the body is this JSON value and has the announced length.
pub(super) fn body_is<C: Call + Serialize>(call: &C, expected: &str) {
    let length = call.body_length();
    let mut buffer = vec![0; length];
    let body = call.body(&mut buffer).unwrap();
    let value: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(value, serde_json::from_str::<serde_json::Value>(expected).unwrap());
    // Serializing the request yields the same value. serde-json-core writes the same number of bytes, in another order of keys.
    assert_eq!(value, serde_json::to_value(call).unwrap());
    let mut theirs = vec![0; length];
    assert_eq!(serde_json_core::to_slice(call, &mut theirs), Ok(length));
    for room in 0..length {
        assert_eq!(call.body(&mut buffer[..room]), Err(TooSmall { needed: length }));
    }
}

/// Asserts that the target is written in both encodings of commas. `raw` is the target with raw commas, as in the document.
pub(super) fn target_is<C: Call>(call: &C, raw: &str) {
    for (commas, expected) in
        [(CommaEncoding::Raw, raw.into()), (CommaEncoding::Encoded, raw.replace(',', "%2C"))]
    {
        let mut buffer = vec![0; expected.len()];
        assert_eq!(call.target(commas, &mut buffer), Ok(expected.as_str()));
        for room in 0..expected.len() {
            assert_eq!(call.target(commas, &mut buffer[..room]), Err(TooSmall { needed: expected.len() }));
        }
    }
    assert!(raw.len() <= MAX_TARGET_BYTES);
    assert_eq!(call.body(&mut []), Ok(&b""[..]));
}
