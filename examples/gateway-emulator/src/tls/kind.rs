//! The kinds of certificates that the emulator can make.

use std::str::FromStr;

/// The key of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateKey {
    /// RSA with 2048 bits. The key is the same at each start.
    #[default]
    Rsa2048,
    /// RSA with 1024 bits. The key is the same at each start. Current TLS libraries refuse it.
    Rsa1024,
    /// ECDSA on P-256. The key is new at each start.
    Ec,
    /// ECDSA on P-384. The key is new at each start.
    EcP384,
}

/// The kind of a self-signed certificate. The default is an X.509 version 3 certificate with an RSA-2048 key, signed with SHA-256,
/// currently valid, for `localhost` and the listening address. Current clients that trust it accept it.
///
/// ```
/// use gateway_emulator::{CertificateKey, CertificateKind};
///
/// let old: CertificateKind = "v1,rsa-1024,sha1".parse()?;
/// assert!(old.version_1 && old.sha1 && old.key == CertificateKey::Rsa1024);
/// # Ok::<(), String>(())
/// ```
// Each field is on or off. Impossible combinations are refused.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateKind {
    /// The key (`rsa-2048`, `rsa-1024`, `ec`, `ec-p384`).
    pub key: CertificateKey,
    /// X.509 version 1, which has no extensions (`v1`).
    pub version_1: bool,
    /// Signed with SHA-1 (`sha1`). The key must be an RSA key.
    pub sha1: bool,
    /// No subject alternative name (`no-san`).
    pub no_san: bool,
    /// Expired at the end of 2019 (`expired`).
    pub expired: bool,
    /// Valid from 2098 on (`not-yet-valid`).
    pub not_yet_valid: bool,
    /// Issued for `other.example` (`wrong-name`).
    pub wrong_name: bool,
    /// Marked as a certificate authority, like a certificate made by `openssl req -x509` (`ca`).
    pub ca: bool,
}

impl CertificateKind {
    /// The names that [`CertificateKind::from_str`] accepts.
    pub const NAMES: [&str; 12] = [
        "ordinary",
        "rsa-2048",
        "rsa-1024",
        "ec",
        "ec-p384",
        "v1",
        "sha1",
        "no-san",
        "expired",
        "not-yet-valid",
        "wrong-name",
        "ca",
    ];

    /// Checks that such a certificate is possible.
    ///
    /// # Errors
    /// If `sha1` is combined with a key other than RSA, `ca` with version 1, or `expired` with `not-yet-valid`.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.sha1 && matches!(self.key, CertificateKey::Ec | CertificateKey::EcP384) {
            return Err("`sha1` needs an RSA key, so it cannot be combined with `ec` or `ec-p384`".to_owned());
        }
        if self.expired && self.not_yet_valid {
            return Err("`expired` cannot be combined with `not-yet-valid`".to_owned());
        }
        if self.version_1 && self.ca {
            return Err("`ca` needs an extension, which `v1` does not have".to_owned());
        }
        Ok(())
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        match name {
            "ordinary" => *self = Self::default(),
            "rsa-2048" => self.key = CertificateKey::Rsa2048,
            "rsa-1024" => self.key = CertificateKey::Rsa1024,
            "ec" => self.key = CertificateKey::Ec,
            "ec-p384" => self.key = CertificateKey::EcP384,
            "v1" => self.version_1 = true,
            "sha1" => self.sha1 = true,
            "no-san" => self.no_san = true,
            "expired" => self.expired = true,
            "not-yet-valid" => self.not_yet_valid = true,
            "wrong-name" => self.wrong_name = true,
            "ca" => self.ca = true,
            _ => {
                let names = Self::NAMES.join(", ");
                return Err(format!("`{name}` is not a kind of certificate; available are {names}"));
            }
        }
        Ok(())
    }
}

/// Reads a comma-separated list of names. `ordinary` cancels the names before it.
impl FromStr for CertificateKind {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        let mut kind = Self::default();
        list.split(',').map(str::trim).try_for_each(|name| kind.add(name))?;
        kind.check()?;
        Ok(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_accepted() {
        for name in CertificateKind::NAMES {
            let kind = name.parse::<CertificateKind>().unwrap();
            let is_default = kind == CertificateKind::default();
            assert_eq!(is_default, ["ordinary", "rsa-2048"].contains(&name), "{name}");
        }
    }

    #[test]
    fn impossible_kinds_are_refused() {
        for list in ["", "v2", "sha1,ec", "ec-p384,sha1", "v1,ca", "expired,not-yet-valid", "ordinary,,v1"] {
            assert!(list.parse::<CertificateKind>().is_err(), "{list}");
        }
    }
}
