//! The header fields that affect framing, connection and login.

use super::ResponseErrorKind;
use crate::http::word::Word;

/// The field that is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// No field yet.
    None,
    /// A field that is not needed.
    Ignored,
    /// `Content-Length`.
    Length,
    /// `Transfer-Encoding`.
    Coding,
    /// `Connection`.
    Connection,
    /// `WWW-Authenticate`, whose value is kept.
    Challenge,
    /// `Location`, whose value is kept.
    Location,
}

impl Field {
    const NAMES: [(&[u8], Self); 5] = [
        (b"content-length", Self::Length),
        (b"transfer-encoding", Self::Coding),
        (b"connection", Self::Connection),
        (b"www-authenticate", Self::Challenge),
        (b"location", Self::Location),
    ];

    /// Returns the field of this name in a response with this status.
    pub(super) fn named(name: &Word, status: u16) -> Self {
        let known = Self::NAMES.iter().find(|(known, _)| name.is(known));
        match known.map_or(Self::Ignored, |known| known.1) {
            Self::Challenge if status != 401 => Self::Ignored,
            Self::Location if status / 100 != 3 => Self::Ignored,
            field => field,
        }
    }
}

/// The properties of the body and the connection that the fields have set.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
}

impl Fields {
    pub(super) const NONE: Self = Self { length: None, chunked: false, close: false, keep_alive: false };

    /// Applies an element of a field's value. The fields handled here are lists (RFC 9110 §5.6.1), except `Content-Length`, whose value
    /// may be repeated as in a list (§8.6).
    pub(super) fn element(&mut self, field: Field, word: &Word) -> Result<(), ResponseErrorKind> {
        match field {
            Field::Length => {
                let length = word.number(10).ok_or(ResponseErrorKind::Length)?;
                if *self.length.get_or_insert(length) != length {
                    return Err(ResponseErrorKind::LengthsDiffer);
                }
            }
            Field::Coding => {
                if self.chunked || !word.is(b"chunked") {
                    return Err(ResponseErrorKind::Coding);
                }
                self.chunked = true;
            }
            Field::Connection => {
                self.close |= word.is(b"close");
                self.keep_alive |= word.is(b"keep-alive");
            }
            Field::None | Field::Ignored | Field::Challenge | Field::Location => {}
        }
        Ok(())
    }
}
