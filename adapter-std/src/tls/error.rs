//! The reasons a TLS connection is not made, in words that a person can act on.

use std::{error, fmt, io};

use rustls::{
    AlertDescription, CertificateError, Error, OtherError, PeerIncompatible, pki_types::ServerName,
};

use super::Certificate;

/// The advice for a gateway that needs an obsolete kind of TLS.
const OBSOLETE: &str = "update its firmware, or connect by OpenSSL as in examples/openssl";

/// A certificate that is not trusted. Nothing was sent to the gateway.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Untrusted {
    /// The reason.
    pub reason: Reason,
    /// The certificate that the gateway, or whoever answers in its place, has shown.
    pub certificate: Certificate,
}

/// The reason a certificate is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// No trusted authority has issued it, as is usual for gateways, or it has a form that cannot be verified.
    #[error("no trusted authority vouches for it, as is usual for gateways")]
    UnknownIssuer,
    /// It has an RSA key below 2048 bits, and is not pinned.
    #[error("its RSA key is too short to be trusted without a pin")]
    ShortKey,
    /// It is not pinned.
    #[error("it is not the pinned one")]
    NotPinned,
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// It is not valid yet, or the computer's clock is wrong.
    #[error("it is not valid yet by this computer's clock")]
    NotYetValid,
    /// It is not for this host.
    #[error("it is not for the host {0}")]
    WrongHost(String),
    /// There are no root certificates to verify it with.
    #[error("there are no root certificates on this computer to verify it")]
    NoRoots,
}

impl Reason {
    /// Converts an error of the verifier to a reason.
    pub(super) fn of(error: &Error, name: &ServerName<'_>) -> Self {
        match error {
            Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            ) => Self::Expired,
            Error::InvalidCertificate(
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
            ) => Self::NotYetValid,
            Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Self::WrongHost(name.to_str().into_owned()),
            _ => Self::UnknownIssuer,
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, certificate } = self;
        let advice = match reason {
            Reason::NotPinned => {
                "if the gateway has a new certificate, pin that; otherwise something else answers in its place"
            }
            _ => {
                "compare this fingerprint over a direct cable, or with a browser that you trust, and if it is the gateway's, pin it"
            }
        };
        write!(f, "{reason}; it is {certificate}; {advice}")
    }
}

impl error::Error for Untrusted {}

/// The reason a TLS handshake fails. Nothing was sent to the gateway.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The certificate is not trusted.
    #[error(transparent)]
    Untrusted(Untrusted),
    /// The gateway has shown a certificate, but has not proved that it has the private key.
    #[error(
        "it has not proved that it has the private key of the certificate that it shows; something else may answer in the \
         gateway's place"
    )]
    NoProof,
    /// The gateway's public key is of a kind or length that cannot be verified.
    #[error(
        "the gateway's key is not one that this client can verify (RSA of 1024 to 8192 bits, P-256, P-384, Ed25519); {OBSOLETE}"
    )]
    UnsupportedKey,
    /// The gateway supports neither TLS 1.2 nor 1.3.
    #[error("the gateway supports neither TLS 1.2 nor 1.3{}; {OBSOLETE}", at_most(.newest.as_ref()))]
    ObsoleteVersion {
        /// The newest version that the gateway supports, if it has reported one.
        newest: Option<&'static str>,
    },
    /// The gateway has no cipher, key exchange, signature or kind of key in common with this client.
    #[error(
        "the gateway has no TLS cipher or kind of key in common with this client; `openssl s_client -connect {address} \
         -cipher ALL:@SECLEVEL=0` may show what it has; {OBSOLETE}"
    )]
    NothingInCommon {
        /// The gateway's `host:port`.
        address: Box<str>,
    },
    /// The port answers with something other than TLS.
    #[error("this port speaks no TLS; is it for http://?")]
    NotTls,
    /// The connection was closed during the handshake.
    #[error(
        "the gateway closed the connection during the TLS handshake; if it always does, this port is for http://, or its TLS is \
         obsolete: {OBSOLETE}"
    )]
    Closed(io::Error),
    /// The gateway has refused with a TLS alert.
    #[error("the gateway refused the TLS handshake with the alert {0}; if it always does, {OBSOLETE}")]
    Alert(String),
    /// The gateway does not know the host name in the handshake.
    #[error("the gateway does not know this host name; use its IP address in the URL")]
    UnknownName,
    /// The gateway violates the protocol.
    #[error("the gateway's TLS handshake is malformed; {OBSOLETE}")]
    Malformed,
}

impl HandshakeError {
    /// Converts an error of a handshake with `host:port`.
    ///
    /// # Errors
    /// `error` itself if it is an error of the connection and not of the handshake.
    pub(super) fn of(
        error: io::Error,
        address: &str,
        newest: Option<&'static str>,
    ) -> Result<Self, io::Error> {
        match error.get_ref().and_then(|error| error.downcast_ref::<Error>()) {
            Some(tls) => Ok(Self::of_tls(tls, address, newest)),
            None => match error.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe => Ok(Self::Closed(error)),
                _ => Err(error),
            },
        }
    }

    fn of_tls(error: &Error, address: &str, newest: Option<&'static str>) -> Self {
        match error {
            Error::InvalidCertificate(CertificateError::Other(OtherError(error))) => {
                let untrusted = error.downcast_ref::<Untrusted>();
                untrusted.map_or(Self::Malformed, |untrusted| Self::Untrusted(untrusted.clone()))
            }
            Error::InvalidCertificate(CertificateError::BadSignature) => Self::NoProof,
            Error::InvalidCertificate(
                CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
            ) => Self::UnsupportedKey,
            Error::AlertReceived(AlertDescription::ProtocolVersion)
            | Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => Self::ObsoleteVersion { newest },
            Error::AlertReceived(
                AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
            )
            | Error::PeerIncompatible(_) => Self::NothingInCommon { address: address.into() },
            Error::AlertReceived(AlertDescription::UnrecognisedName) => Self::UnknownName,
            Error::AlertReceived(alert) => Self::Alert(format!("{alert:?}")),
            Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => Self::NotTls,
            _ => Self::Malformed,
        }
    }
}

/// Formats the newest version that a gateway supports, as the end of a clause.
fn at_most(newest: Option<&&str>) -> String {
    newest.map_or_else(String::new, |version| format!(", but {version} at most"))
}

impl From<HandshakeError> for io::Error {
    fn from(error: HandshakeError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl crate::Error {
    /// Returns the certificate that is not trusted, for [`Failure::Untrusted`](crate::Failure::Untrusted).
    pub fn untrusted(&self) -> Option<&Untrusted> {
        match handshake_error(error::Error::source(self)?)? {
            HandshakeError::Untrusted(untrusted) => Some(untrusted),
            _ => None,
        }
    }
}

/// Whether a connection failed because the peer has not proved that it is the gateway. Then only a person can help.
pub(crate) fn is_untrusted(error: &(dyn error::Error + 'static)) -> bool {
    matches!(handshake_error(error), Some(HandshakeError::Untrusted(_) | HandshakeError::NoProof))
}

fn handshake_error<'e>(error: &'e (dyn error::Error + 'static)) -> Option<&'e HandshakeError> {
    error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}
