//! Decides whether a gateway's certificate is trusted, and verifies that the gateway has the certificate's private key.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerMisbehaved, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime},
};

use super::{Certificate, Pin, Reason, RootCertificates, Untrusted, der, short_rsa};

/// The certificates that are trusted.
#[derive(Clone, Debug, Default)]
pub(crate) enum Trust {
    /// Those that the system's authorities have issued.
    #[default]
    System,
    /// Pinned certificates, and those of the caller's authorities.
    Chosen { pins: Vec<Pin>, roots: Option<RootCertificates> },
    /// All, so that the certificate can be shown. No request follows.
    Inspection,
}

impl Trust {
    /// Adds a pin to those of the caller, or sets the caller's root certificates.
    pub(crate) fn choose(&mut self, pin: Option<Pin>, added: Option<RootCertificates>) {
        if !matches!(self, Self::Chosen { .. }) {
            *self = Self::Chosen { pins: Vec::new(), roots: None };
        }
        if let Self::Chosen { pins, roots } = self {
            pins.extend(pin);
            *roots = added.or_else(|| roots.take());
        }
    }

    /// Whether exactly this certificate, or its key, is trusted, whatever its contents.
    fn names(&self, certificate: &CertificateDer<'_>) -> bool {
        match self {
            Self::System => false,
            Self::Chosen { pins, roots } => {
                pins.iter().any(|pin| pin.matches(certificate))
                    || roots.as_ref().is_some_and(|roots| roots.contains(certificate))
            }
            Self::Inspection => true,
        }
    }
}

/// Verifies the certificates of a gateway.
#[derive(Debug)]
pub(super) struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
    /// The verifier by root certificates, which are loaded when they are first needed; `None` if there are none.
    by_roots: OnceLock<Option<Arc<WebPkiServerVerifier>>>,
}

impl Verifier {
    pub(super) const fn new(trust: Trust, provider: Arc<CryptoProvider>) -> Self {
        Self { trust, provider, by_roots: OnceLock::new() }
    }

    fn by_roots(&self) -> Option<&Arc<WebPkiServerVerifier>> {
        let load = || {
            let mut store = RootCertStore::empty();
            match &self.trust {
                Trust::Chosen { roots, .. } => {
                    store.add_parsable_certificates(roots.iter().flat_map(RootCertificates::iter).cloned())
                }
                _ => store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
            };
            let provider = Arc::clone(&self.provider);
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build().ok()
        };
        self.by_roots.get_or_init(load).as_ref()
    }

    /// Verifies the signature of a handshake. A short RSA key is accepted only if its certificate is itself trusted.
    fn verify_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        is_first_only: bool,
    ) -> Result<HandshakeSignatureValid, Error> {
        let fields = der::certificate(certificate).ok_or(CertificateError::BadEncoding)?;
        let (scheme, signature) = (signed.scheme, signed.signature());
        let known = self.provider.signature_verification_algorithms.mapping;
        let is_valid = if let Some(key) = short_rsa::key(fields.key_algorithm, fields.key) {
            if !self.trust.names(certificate) {
                return Err(untrusted(Reason::ShortKey, certificate));
            }
            short_rsa::is_valid(&key, scheme, message, signature)
        } else if short_rsa::is_unverifiable(fields.key_algorithm, fields.key)
            || !known.iter().flat_map(|known| known.1).any(|algorithm| is_for(*algorithm, &fields))
        {
            return Err(CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: Vec::new(),
                public_key_algorithm_id: fields.key_algorithm.to_vec(),
            }
            .into());
        } else {
            let algorithms = known.iter().find(|known| known.0 == scheme).map_or(&[][..], |known| known.1);
            algorithms
                .iter()
                .take(if is_first_only { 1 } else { usize::MAX })
                .filter(|algorithm| is_for(**algorithm, &fields))
                .any(|algorithm| algorithm.verify_signature(fields.key, message, signature).is_ok())
        };
        if is_valid {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }
}

/// Whether an algorithm can verify signatures by the key of a certificate.
fn is_for(algorithm: &dyn SignatureVerificationAlgorithm, fields: &der::Fields<'_>) -> bool {
    algorithm.public_key_alg_id().as_ref() == fields.key_algorithm
}

/// Creates the error of a certificate that is not trusted.
fn untrusted(reason: Reason, certificate: &CertificateDer<'_>) -> Error {
    let untrusted = Untrusted { reason, certificate: Certificate::from_der(certificate) };
    CertificateError::Other(OtherError(Arc::new(untrusted))).into()
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.trust.names(certificate) {
            return Ok(ServerCertVerified::assertion());
        }
        let reason = if matches!(self.trust, Trust::Chosen { roots: None, .. }) {
            Reason::NotPinned
        } else if let Some(verifier) = self.by_roots() {
            match verifier.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
                Ok(verified) => return Ok(verified),
                Err(error) => Reason::of(&error, name),
            }
        } else {
            Reason::NoRoots
        };
        Err(untrusted(reason, certificate))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_signature(message, certificate, signed, false)
    }

    /// Verifies as in TLS 1.2, but PKCS#1 v1.5 is forbidden, and a scheme determines the curve (RFC 8446 §4.2.3).
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match signed.scheme {
            SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512 => {
                Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
            }
            _ => self.verify_signature(message, certificate, signed, true),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
