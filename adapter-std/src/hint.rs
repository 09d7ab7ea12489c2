//! Hints at a wrong scheme: the URL begins with `http://`, but the port speaks TLS.

use crate::error::BoxError;

/// The types of the TLS records with which a server may answer plain HTTP: alert and handshake (RFC 8446 §5.1).
const TLS_RECORDS: std::ops::RangeInclusive<u8> = 0x15..=0x16;

/// An error on a connection without TLS which suggests that the port speaks TLS.
#[derive(Debug, thiserror::Error)]
enum WrongScheme {
    /// This replaces hyper's own error, which would only say that a TLS record is not HTTP.
    #[error("this port speaks TLS; its URL begins with https://")]
    Certain,
    #[error("if this port speaks TLS, its URL begins with https://")]
    Possible(#[source] hyper::Error),
}

/// Adds a hint to the error of the first exchange on a connection without TLS. `first_byte` is the first byte of the response.
pub(crate) fn hint(error: hyper::Error, first_byte: Option<u8>) -> BoxError {
    match first_byte {
        Some(byte) if TLS_RECORDS.contains(&byte) => WrongScheme::Certain.into(),
        // A TLS server that receives plain HTTP often closes the connection without a response.
        None if error.is_incomplete_message() => WrongScheme::Possible(error).into(),
        _ => error.into(),
    }
}
