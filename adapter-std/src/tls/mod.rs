//! HTTPS to gateways, with rustls.
//!
//! Gateways have self-signed certificates. No authority vouches for them, and they often name no host. So trust has three
//! forms:
//!
//! - a [`Pin`]: exactly this certificate or key, whatever its contents; see [`Builder::pin`](crate::Builder::pin),
//! - [`RootCertificates`] of the caller, see [`Builder::root_certificates`](crate::Builder::root_certificates),
//! - otherwise the root certificates of the system.
//!
//! Nothing is trusted on first use, and no setting accepts every certificate. A call that meets an unknown certificate fails
//! with [`Failure::Untrusted`](crate::Failure::Untrusted) before anything is sent, and its error shows the fingerprint to pin.
//! [`Builder::fetch_certificate`](crate::Builder::fetch_certificate) returns the fingerprint too.
//!
//! After a gateway's certificate was refused, no connection to the gateway is opened for 30 s. Calls fail at once meanwhile.
//!
//! TLS 1.2 and 1.3 are supported, with elliptic-curve keys, RSA keys of at least 2048 bits (1024 bits if pinned), and the ciphers
//! of rustls. A gateway that supports only older versions or ciphers needs another TLS library, connected by
//! [`Builder::connector`](crate::Builder::connector): see `examples/openssl`.

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
