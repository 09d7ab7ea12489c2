//! HTTPS to gateways, by rustls.
//!
//! Gateways have self-signed certificates, which no authority vouches for, and which often name no host. So trust has three
//! forms:
//!
//! - a [`Pin`]: exactly this certificate or key, whatever its contents; see [`Builder::pin`](crate::Builder::pin),
//! - [`RootCertificates`] of the caller, see [`Builder::root_certificates`](crate::Builder::root_certificates),
//! - otherwise the root certificates of the system.
//!
//! Nothing is trusted on first use, and no setting accepts every certificate. A call that meets an unknown certificate fails
//! with [`Failure::Untrusted`](crate::Failure::Untrusted) before anything is sent, and its error shows the fingerprint to pin.
//! [`Builder::fetch_certificate`](crate::Builder::fetch_certificate) shows it too.
//!
//! A gateway whose certificate was refused is not connected to again for 30 s; calls fail at once meanwhile.
//!
//! TLS 1.2 and 1.3 are supported, with RSA keys of at least 1024 bits if pinned, elliptic curves, and the ciphers of rustls. A
//! gateway that supports only older ones needs another TLS library, by [`Builder::connector`](crate::Builder::connector), as
//! `examples/openssl` shows.

mod builder;
mod certificate;
mod connector;
mod der;
mod error;
mod first_bytes;
mod pin;
mod roots;
mod short_rsa;
mod verifier;

pub use builder::FetchError;
pub use certificate::Certificate;
pub(crate) use connector::Settings;
pub(crate) use error::is_untrusted;
pub use error::{HandshakeError, Reason, Untrusted};
pub use pin::{Pin, PinError};
pub use roots::{PemError, RootCertificates};
/// The TLS library, whose providers [`Builder::crypto_provider`](crate::Builder::crypto_provider) takes.
pub use rustls;
