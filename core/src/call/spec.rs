//! The differences between the calls, as data.

use crate::json::{Key, Schema};

/// The HTTP method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The call's parameters are in the query of the URI.
    Get,
    /// The call's parameters are in the body, as JSON.
    Post,
}

impl Method {
    /// Returns `GET` or `POST`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// The data of a call: its name, its HTTP method, the meanings of its error_codes, and the keys of its response.
///
/// The code that drives calls takes a `Spec` instead of a type parameter, so that the code is compiled once and not for each call.
pub struct Spec {
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    pub(crate) success: u32,
    pub(crate) meanings: &'static [(u32, &'static str)],
    pub(crate) schema: &'static Schema,
    /// Whether the call is a [`RawCall`](super::RawCall): the caller composes the request and reads the response.
    pub(crate) is_raw: bool,
}

impl Spec {
    /// Creates the data of a call. The first key must be error_code, because the first value decides whether the response is a
    /// [`Refusal`](super::Refusal).
    pub(crate) const fn new(
        name: &'static str,
        method: Method,
        success: u32,
        meanings: &'static [(u32, &'static str)],
        schema: &'static Schema,
    ) -> Self {
        assert!(begins_with_error_code(schema.head), "the first value of a response is its error_code");
        Self { name, method, success, meanings, schema, is_raw: false }
    }

    /// Creates the data of a raw call. Its schema is not used.
    pub(crate) const fn raw(method: Method, schema: &'static Schema) -> Self {
        Self { name: "raw call", method, success: 200, meanings: &[], schema, is_raw: true }
    }

    /// Returns the call's name, the last part of its path.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

const fn begins_with_error_code(keys: &[Key]) -> bool {
    let [first, ..] = keys else { return false };
    let (mut name, mut expected) = (first.name(), b"error_code".as_slice());
    while let ([byte, rest @ ..], [wanted, others @ ..]) = (name, expected) {
        if *byte != *wanted {
            return false;
        }
        (name, expected) = (rest, others);
    }
    name.is_empty() && expected.is_empty()
}

impl core::fmt::Debug for Spec {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Spec").field("name", &self.name).finish_non_exhaustive()
    }
}
