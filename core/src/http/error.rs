//! Errors of a login that occur before the credentials are sent.

use crate::TooSmall;
use core::fmt;

/// The reason why a login challenge can't be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ChallengeError {
    /// The offset in the header value, in bytes: of the faulty byte if the value is malformed, otherwise of the challenge.
    pub offset: usize,
    /// The kind of error.
    pub kind: ChallengeErrorKind,
}

impl ChallengeError {
    /// There is no challenge.
    pub(crate) const NONE: Self = Self { offset: 0, kind: ChallengeErrorKind::NoChallenge };
}

/// An error in a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ChallengeErrorKind {
    /// The value contains no challenge.
    NoChallenge,
    /// A byte that is not allowed in its position. The rest of the value is not read.
    Malformed,
    /// A control character. The rest of the value is not read.
    Control,
    /// A quoted string without a closing quote. The offset is that of the opening quote.
    Unterminated,
    /// A challenge without the `realm` that Digest (RFC 7616 §3.3) and Basic (RFC 7617 §2) need.
    NoRealm,
    /// A Digest challenge without `nonce` (RFC 7616 §3.3).
    NoNonce,
    /// A scheme other than Digest and Basic.
    UnknownScheme,
    /// An unsupported Digest algorithm, or SHA-256 without the feature `sha256`.
    UnknownAlgorithm,
    /// A Digest challenge that offers quality of protection, but not `auth`. `auth-int`, which hashes the body, is not
    /// supported.
    UnknownQop,
}

impl ChallengeErrorKind {
    const fn describe(self) -> &'static str {
        match self {
            Self::NoChallenge => "no login challenge",
            Self::Malformed => "malformed login challenge",
            Self::Control => "control character in the login challenge",
            Self::Unterminated => "quoted string without an end in the login challenge",
            Self::NoRealm => "login challenge without a realm",
            Self::NoNonce => "Digest challenge without a nonce",
            Self::UnknownScheme => "unknown login scheme",
            Self::UnknownAlgorithm => "unknown Digest algorithm",
            Self::UnknownQop => "Digest challenge without qop=auth",
        }
    }
}

impl fmt::Display for ChallengeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind.describe(), self.offset)
    }
}

impl core::error::Error for ChallengeError {}

/// An error in writing an `Authorization` value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LoginError {
    /// The lent buffer is too small.
    TooSmall(TooSmall),
    /// An ASCII control character in a field of the header. It could end the header and inject another one.
    Control {
        /// The field: `username`, `password`, `uri` or `cnonce`.
        field: &'static str,
    },
    /// A colon in the user name. In Basic it would end the name (RFC 7617 §2); Digest allows it.
    ColonInUsername,
}

impl LoginError {
    /// Checks that a field has no control character.
    pub(super) fn check(field: &'static str, text: &str) -> Result<(), Self> {
        if text.bytes().any(|byte| byte.is_ascii_control()) { Err(Self::Control { field }) } else { Ok(()) }
    }
}

impl From<TooSmall> for LoginError {
    fn from(error: TooSmall) -> Self {
        Self::TooSmall(error)
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall(error) => error.fmt(f),
            Self::Control { field } => write!(f, "control character in the {field}"),
            Self::ColonInUsername => f.write_str("colon in the user name, which Basic login can't carry"),
        }
    }
}

impl core::error::Error for LoginError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn errors_show_their_kind_and_offset() {
        let error = ChallengeError { offset: 7, kind: ChallengeErrorKind::NoNonce };
        assert_eq!(error.to_string(), "Digest challenge without a nonce at byte 7");
        let error = LoginError::from(TooSmall { needed: 12 });
        assert_eq!(error.to_string(), "the lent buffer is too small: 12 bytes are needed");
        let error = LoginError::check("uri", "/\r\nX: y").unwrap_err();
        assert_eq!(error.to_string(), "control character in the uri");
    }

    #[test]
    fn only_ascii_control_characters_are_refused() {
        for code in 0..=255_u8 {
            let text = char::from(code).to_string();
            let expected = code < 32 || code == 127;
            assert_eq!(LoginError::check("uri", &text).is_err(), expected, "{code}");
        }
    }
}
