//! A certificate as a person sees it.

use std::fmt;

use super::{Pin, der};

/// The maximum number of characters of a subject that are shown.
const MAX_SUBJECT_CHARS: usize = 80;

/// A certificate that a gateway has shown, as a person sees it. It may be unknown or forged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    pin: Pin,
    key_pin: Option<Pin>,
    subject: String,
    validity: Option<(String, String)>,
}

impl Certificate {
    /// Reads a certificate in DER. Fields that cannot be read are missing.
    pub fn from_der(der: &[u8]) -> Self {
        let fields = der::certificate(der);
        let subject = fields.map(|fields| fields.subject()).unwrap_or_default();
        let validity = fields.and_then(|fields| fields.validity());
        let subject = shown(&subject);
        Self { pin: Pin::of_certificate(der), key_pin: Pin::of_key(der), subject, validity }
    }

    /// The pin of the certificate.
    pub const fn pin(&self) -> Pin {
        self.pin
    }

    /// The pin of its public key; `None` if the certificate is unreadable.
    pub const fn key_pin(&self) -> Option<Pin> {
        self.key_pin
    }

    /// The subject, as `CN=…, O=…`. Control characters and others that could mislead are escaped, and a long one is
    /// shortened. It is empty if the certificate has none, or is unreadable.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The first and the last day of its validity, as `YYYY-MM-DD`; `None` if they are unreadable.
    pub fn validity(&self) -> Option<(&str, &str)> {
        self.validity.as_ref().map(|(from, to)| (from.as_str(), to.as_str()))
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

/// Escapes a text of the peer, and shortens it.
fn shown(text: &str) -> String {
    // Escapes are ASCII, and everything outside of ASCII becomes one: look-alike letters must not pass for others.
    let mut escaped = text.escape_default();
    let mut shown: String = escaped.by_ref().take(MAX_SUBJECT_CHARS).collect();
    if escaped.next().is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests;
