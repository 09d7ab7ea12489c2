//! The TLS settings of a gateway's builder.

use std::{io, sync::Arc};

use rustls::crypto::CryptoProvider;

use super::{Certificate, Pin, RootCertificates, verifier::Trust};
use crate::{
    Builder, UrlError,
    builder::Site,
    connect::{Connector, Stage},
};

/// # HTTPS
/// These methods need the feature `tls`, which is on by default.
impl Builder {
    /// Trusts the certificate or key with this fingerprint. The system's authorities are no longer trusted. Other pins and the
    /// caller's [root certificates](Self::root_certificates) can be added. Several pins are useful during a renewal, for example.
    #[must_use]
    pub fn pin(mut self, pin: Pin) -> Self {
        self.tls.trust.choose(Some(pin), None);
        self
    }

    /// Trusts these certificates and those that they have issued. The system's authorities are no longer trusted.
    #[must_use]
    pub fn root_certificates(mut self, roots: RootCertificates) -> Self {
        self.tls.trust.choose(None, Some(roots));
        self
    }

    /// Sets the cryptography provider of TLS, for example `aws_lc_rs::default_provider()`. The default is ring.
    #[must_use]
    pub fn crypto_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.tls.provider = Some(provider);
        self
    }

    /// Connects and returns the certificate of whoever answers, trusted or not, so that a person can compare its fingerprint
    /// with the gateway's. The server must prove that it has the private key. No request and no credentials are sent.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch_certificate(&self) -> Result<Certificate, FetchError> {
        let site = Site::of(&self.url)?;
        if !site.is_https {
            return Err(UrlError::NotHttps.into());
        }
        let stage = Stage::default();
        let inspection = self.tls.clone().inspect(&self.connector, site.host(), &site.address, &stage);
        let limit = self.timeouts.connect;
        let Ok(certificate) = tokio::time::timeout(limit, inspection).await else {
            let error = stage.stalled().unwrap_or_else(|| format!("no response after {limit:?}").into());
            return Err(io::Error::new(io::ErrorKind::TimedOut, error).into());
        };
        Ok(certificate?)
    }

    /// Returns the connector for a gateway, over TLS if its URL is `https`.
    pub(crate) fn secured(&self, site: &Site) -> Result<Connector, UrlError> {
        let (connector, tls) = (self.connector.clone(), self.tls.clone());
        if site.is_https {
            tls.connector(connector, site.host()).ok_or(UrlError::Tls)
        } else if matches!(tls.trust, Trust::System) {
            Ok(connector)
        } else {
            Err(UrlError::NotHttps)
        }
    }
}

/// The reason a certificate cannot be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The URL cannot be used.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The gateway cannot be reached, or the handshake fails.
    #[error("the gateway's certificate can't be fetched")]
    Connect(#[from] io::Error),
}
