//! Root certificates of the caller.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, pem::PemObject};

/// Root certificates from a PEM file, which replace those of the system.
///
/// A gateway's own certificate in the file counts as a [`Pin`](super::Pin) of it: its validity, its host name and its kind do
/// not matter.
///
/// ```no_run
/// use sms_gateway::{Gateway, tls::RootCertificates};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let roots = RootCertificates::from_pem(&std::fs::read("company-ca.pem")?)?;
/// let gateway = Gateway::builder("https://gateway.example").root_certificates(roots).build()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct RootCertificates(Arc<[CertificateDer<'static>]>);

impl RootCertificates {
    /// Reads the certificates of a PEM file. Other sections are ignored.
    ///
    /// # Errors
    /// [`PemError`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, PemError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.map_err(|_| PemError::Malformed)?;
        if certificates.is_empty() { Err(PemError::Empty) } else { Ok(Self(certificates.into())) }
    }

    pub(super) fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        self.0.contains(certificate)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.0.iter()
    }
}

/// The reason a file has no [`RootCertificates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// A section of the file is malformed.
    #[error("malformed PEM")]
    Malformed,
    /// The file contains no certificate.
    #[error("no certificate in PEM (BEGIN CERTIFICATE)")]
    Empty,
}
