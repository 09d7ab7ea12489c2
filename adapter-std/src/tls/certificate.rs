//! The properties of a certificate that are shown to a person.

use std::fmt;

use super::{Pin, der};

/// The maximum number of characters of a subject that are shown.
const MAX_SUBJECT_CHARS: usize = 80;

/// A certificate that a gateway has presented, for a person to judge. It may be unknown or forged.
// Any combination of the properties is possible.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pin: Pin,
    key_pin: Option<Pin>,
    subject: String,
    validity: Option<(String, String)>,
    version: Option<u8>,
    rsa_bits: Option<usize>,
    is_self_issued: bool,
    is_signed_with_sha1: bool,
    has_alternative_names: bool,
}

impl Certificate {
    /// Reads a certificate in DER. Fields that cannot be read are missing.
    pub fn from_der(der: &[u8]) -> Self {
        let fields = der::certificate(der);
        let subject = fields.map(|fields| fields.subject()).unwrap_or_default();
        let validity = fields.and_then(|fields| fields.validity());
        let subject = shown(&subject);
        Self {
            pin: Pin::of_certificate(der),
            key_pin: Pin::of_key(der),
            subject,
            validity,
            version: fields.and_then(|fields| fields.version()),
            rsa_bits: fields.and_then(|fields| fields.rsa_bits()),
            is_self_issued: fields.is_some_and(|fields| fields.is_self_issued()),
            is_signed_with_sha1: fields.is_some_and(|fields| fields.is_signed_with_sha1()),
            has_alternative_names: fields.is_some_and(|fields| fields.has_alternative_names()),
        }
    }

    /// Returns the pin of the certificate.
    pub const fn pin(&self) -> Pin {
        self.pin
    }

    /// Returns the pin of its public key; `None` if the certificate is unreadable.
    pub const fn key_pin(&self) -> Option<Pin> {
        self.key_pin
    }

    /// Returns the subject, as `CN=…, O=…`. Control characters, and other characters that could mislead, are escaped. A long subject is
    /// shortened. The text is empty if the certificate has no subject, or is unreadable.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the first and the last day of its validity, as `YYYY-MM-DD`; `None` if one of them is unreadable.
    pub fn validity(&self) -> Option<(&str, &str)> {
        self.validity.as_ref().map(|(from, to)| (from.as_str(), to.as_str()))
    }

    /// Returns the version of X.509, usually 3; `None` if it is unreadable.
    pub const fn version(&self) -> Option<u8> {
        self.version
    }

    /// Returns the number of bits of its RSA key; `None` if its key is of another kind, or unreadable.
    pub const fn rsa_bits(&self) -> Option<usize> {
        self.rsa_bits
    }

    /// Whether its issuer is its subject, as with self-signed certificates. This does not verify its signature.
    pub const fn is_self_issued(&self) -> bool {
        self.is_self_issued
    }

    /// Whether it is signed with SHA-1.
    pub const fn is_signed_with_sha1(&self) -> bool {
        self.is_signed_with_sha1
    }

    /// Whether it lists the names of its host (RFC 5280 §4.2.1.6). Without this list, it can be trusted only by a pin.
    pub const fn has_alternative_names(&self) -> bool {
        self.has_alternative_names
    }
}

/// Shows fingerprint, subject and validity.
impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pin.fmt(f)?;
        match self.subject() {
            "" => f.write_str(" without a subject")?,
            subject => write!(f, " of \"{subject}\"")?,
        }
        match self.validity() {
            Some((from, to)) => write!(f, ", valid from {from} to {to}"),
            None => f.write_str(", of unreadable validity"),
        }
    }
}

/// Escapes and shortens a text from the peer.
fn shown(text: &str) -> String {
    // Everything outside ASCII is escaped, so that look-alike letters cannot be taken for others. Escapes are ASCII.
    let mut escaped = text.escape_default();
    let mut shown: String = escaped.by_ref().take(MAX_SUBJECT_CHARS).collect();
    if escaped.next().is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests;
