//! Errors in the framing of a response.

use core::fmt;

use crate::show::Decimal;

/// An error after which the response can't be read any further. The parts before it are valid, and the connection must be
/// closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ResponseError {
    /// The offset in bytes from the start of the response at which reading stopped. Usually this is the faulty byte. A faulty value
    /// of a field may be noticed only on the next line, because the value could have continued there.
    pub offset: u64,
    /// The kind of error.
    pub kind: ResponseErrorKind,
}

/// An error in a response's head or in the framing of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ResponseErrorKind {
    /// The connection ended before the first byte. Usually the gateway had closed a kept connection. It is not known whether
    /// the request was processed.
    NoAnswer,
    /// The connection ended within the head.
    HeadCutOff,
    /// The connection ended within the body.
    BodyCutOff,
    /// The response does not begin with `HTTP/1.`, a digit and a space (RFC 9112 §4): another protocol, or HTTP/0.9.
    NotHttp,
    /// The status code is not a number from 100 to 999 (RFC 9110 §15).
    Status,
    /// The status is 101 Switching Protocols, although the request did not ask for it (RFC 9110 §15.2.2).
    Switched,
    /// A line of the head or trailers is not a field: a name, a colon, a value (RFC 9112 §5).
    Field,
    /// A control character other than a tab, or a carriage return without a line feed (RFC 9112 §2.2, RFC 9110 §5.5).
    Control,
    /// `Content-Length` is not a number in decimal digits, or is too large (RFC 9110 §8.6).
    Length,
    /// There are two different values of `Content-Length` (RFC 9112 §6.3).
    LengthsDiffer,
    /// There are both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.1).
    LengthAndCoding,
    /// `Transfer-Encoding` is not a single `chunked` (RFC 9112 §6.1).
    Coding,
    /// A chunk's size is not a number in hexadecimal digits, or is too large (RFC 9112 §7.1).
    ChunkSize,
    /// A chunk is not followed by a line end (RFC 9112 §7.1). Or a line between chunks ends with a bare line feed, although the head's
    /// last line does not.
    ChunkEnd,
    /// More than [`MAX_HEAD_BYTES`](super::MAX_HEAD_BYTES) arrived without a byte of the body.
    TooLong,
}

impl ResponseErrorKind {
    const fn describe(self) -> &'static str {
        match self {
            Self::NoAnswer => "the connection ended without a response",
            Self::HeadCutOff => "the connection ended within the head of the response",
            Self::BodyCutOff => "the connection ended within the body of the response",
            Self::NotHttp => "no HTTP/1 status line",
            Self::Status => "no status code of three digits",
            Self::Switched => "a switch of protocols that was not asked for",
            Self::Field => "no header field",
            Self::Control => "control character in the head or between chunks",
            Self::Length => "unreadable Content-Length",
            Self::LengthsDiffer => "two values of Content-Length",
            Self::LengthAndCoding => "both Content-Length and Transfer-Encoding",
            Self::Coding => "unknown Transfer-Encoding",
            Self::ChunkSize => "unreadable chunk size",
            Self::ChunkEnd => "a chunk longer than its size",
            Self::TooLong => "head or trailers too long",
        }
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unreadable HTTP response at byte {}: {}", Decimal::from(self.offset), self.kind.describe())
    }
}

impl core::error::Error for ResponseError {}
