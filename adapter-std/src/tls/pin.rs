//! Pins: the fingerprints by which certificates and public keys are trusted.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

use super::der;

/// The fingerprint of a gateway's certificate or of its public key, by which this gateway is trusted.
///
/// The pin of a certificate is written `sha256:` and 64 hexadecimal digits. The pin of a public key is written `key-sha256:` and
/// 64 digits; it still matches after a renewal of the certificate that keeps the key. The digits may be upper case and separated
/// by colons, as browsers and `openssl x509 -fingerprint -sha256` print them.
///
/// A pinned certificate may be self-signed, expired, for another host name, or of an obsolete kind. The gateway must prove
/// that it has the private key. Some vendors install the same key on all their devices; a pin does not distinguish such devices.
///
/// ```
/// use sms_gateway::{Gateway, tls::Pin};
///
/// let pin: Pin = "sha256:0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8".parse()?;
/// let gateway = Gateway::builder("https://192.168.1.9").pin(pin).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pin {
    object: Object,
    digest: [u8; 32],
}

/// The object that a pin is the fingerprint of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Object {
    Certificate,
    Key,
}

impl Object {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Certificate => "sha256:",
            Self::Key => "key-sha256:",
        }
    }
}

impl Pin {
    /// Returns the pin of a certificate, in DER.
    pub fn of_certificate(der: &[u8]) -> Self {
        Self { object: Object::Certificate, digest: Sha256::digest(der).into() }
    }

    /// Returns the pin of a certificate's public key; `None` if the certificate is unreadable.
    pub fn of_key(der: &[u8]) -> Option<Self> {
        let fields = der::certificate(der)?;
        Some(Self { object: Object::Key, digest: Sha256::digest(fields.key_info).into() })
    }

    /// Whether this is the pin of a certificate, in DER, or of the certificate's public key.
    pub fn matches(&self, der: &[u8]) -> bool {
        match self.object {
            Object::Certificate => *self == Self::of_certificate(der),
            Object::Key => Some(*self) == Self::of_key(der),
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.object.prefix())?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The reason a text is not a [`Pin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// It does not begin with the name of a fingerprint.
    #[error("a pin begins with sha256: (of a certificate) or key-sha256: (of its public key)")]
    Prefix,
    /// It is a SHA-1 fingerprint, which others can forge.
    #[error(
        "this is a SHA-1 fingerprint, which can be forged; a pin needs the SHA-256 fingerprint, of 64 digits"
    )]
    Sha1,
    /// It has this number of digits instead of 64.
    #[error("a pin has 64 hexadecimal digits, not {0}")]
    Digits(usize),
    /// It contains something other than hexadecimal digits and colons.
    #[error("a pin has only hexadecimal digits and colons after its name")]
    NotHexadecimal,
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let text = text.trim().to_ascii_lowercase();
        let prefixed = [Object::Key, Object::Certificate]
            .into_iter()
            .find_map(|object| Some((object, text.strip_prefix(object.prefix())?)));
        let (object, digits) = prefixed.map_or((None, text.as_str()), |(object, rest)| (Some(object), rest));
        let digits = digits.strip_prefix("sha1:").unwrap_or(digits).replace(':', "");
        let Some(digits) = digits.chars().map(|digit| digit.to_digit(16)).collect::<Option<Vec<_>>>() else {
            return Err(if object.is_some() { PinError::NotHexadecimal } else { PinError::Prefix });
        };
        let mut digest = [0; 32];
        match (object, digits.len()) {
            (_, 40) => return Err(PinError::Sha1),
            (None, _) => return Err(PinError::Prefix),
            (Some(_), 64) => {}
            (Some(_), count) => return Err(PinError::Digits(count)),
        }
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | u8::try_from(*digit).unwrap_or(0));
        }
        Ok(Self { object: object.ok_or(PinError::Prefix)?, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "00017f80ffabcdef00017f80ffabcdef00017f80ffabcdef00017f80ffabcdef";

    #[test]
    fn pins_are_shown_as_they_are_read() {
        for text in [format!("sha256:{DIGITS}"), format!("key-sha256:{DIGITS}")] {
            assert_eq!(text.parse::<Pin>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn colons_upper_case_and_spaces_around_are_accepted() {
        let digits = DIGITS.to_ascii_uppercase();
        let pairs: Vec<_> =
            digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
        let pin: Pin = format!(" SHA256:{}\n", pairs.join(":")).parse().unwrap();
        assert_eq!(pin.to_string(), format!("sha256:{DIGITS}"));
    }

    #[test]
    fn other_texts_are_refused_with_a_reason() {
        let sha1 = &DIGITS[..40];
        for (text, expected) in [
            (String::new(), PinError::Prefix),
            (DIGITS.to_owned(), PinError::Prefix),
            (format!("md5:{DIGITS}"), PinError::Prefix),
            (sha1.to_owned(), PinError::Sha1),
            (format!("sha1:{sha1}"), PinError::Sha1),
            (format!("sha256:{sha1}"), PinError::Sha1),
            ("sha256:".to_owned(), PinError::Digits(0)),
            (format!("sha256:{}", &DIGITS[..63]), PinError::Digits(63)),
            (format!("key-sha256:{DIGITS}0"), PinError::Digits(65)),
            (format!("sha256:{}g", &DIGITS[..63]), PinError::NotHexadecimal),
            (format!("sha256:sha1:{DIGITS}é"), PinError::NotHexadecimal),
        ] {
            assert_eq!(text.parse::<Pin>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn an_unreadable_certificate_has_no_pin_of_its_key() {
        assert_eq!(Pin::of_key(b"no certificate"), None);
        assert!(Pin::of_certificate(b"no certificate").matches(b"no certificate"));
        assert!(!Pin::of_certificate(b"no certificate").matches(b"a certificate"));
    }
}
