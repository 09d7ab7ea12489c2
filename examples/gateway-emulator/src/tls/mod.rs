//! HTTPS with a certificate that is generated at the start.

mod certificate;
mod der;
mod kind;
mod rsa;

use std::{io, net::IpAddr, sync::Arc};

use clap::ValueEnum;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, SupportedProtocolVersion,
        crypto::ring,
        pki_types::CertificateDer,
        sign::{CertifiedKey, SingleCertAndKey},
        version::{TLS12, TLS13},
    },
};

pub use self::{
    certificate::Certificate,
    kind::{CertificateKey, CertificateKind},
};

/// The versions of TLS that a gateway supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TlsVersions {
    /// TLS 1.2 and 1.3.
    #[default]
    Both,
    /// Only TLS 1.2.
    #[value(name = "1.2")]
    Only12,
    /// Only TLS 1.3.
    #[value(name = "1.3")]
    Only13,
}

impl TlsVersions {
    fn list(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Both => vec![&TLS12, &TLS13],
            Self::Only12 => vec![&TLS12],
            Self::Only13 => vec![&TLS13],
        }
    }
}

/// The HTTPS settings of a gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Https {
    /// The kind of certificate that is generated at the start. Default ordinary.
    pub certificate: CertificateKind,
    /// The versions of TLS. Default 1.2 and 1.3.
    pub versions: TlsVersions,
}

/// The certificate, and the acceptor that serves it.
pub(crate) struct Tls {
    pub(crate) certificate: Certificate,
    pub(crate) acceptor: TlsAcceptor,
}

impl Tls {
    /// Makes a certificate for the address.
    pub(crate) fn new(https: &Https, address: IpAddr) -> io::Result<Self> {
        let (certificate, key) = certificate::make(&https.certificate, address)?;
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        // Unlike the other constructors, this one does not refuse a certificate that webpki cannot read.
        let certified = CertifiedKey::new(chain, key);
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&https.versions.list())
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        Ok(Self { certificate, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}
