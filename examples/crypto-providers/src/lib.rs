//! TLS connections that use a cryptography library other than ring. Such a library is called a provider, and is set with
//! [`Builder::crypto_provider`](sms_gateway::Builder::crypto_provider).
//!
//! A pin works with each provider. Providers refuse RSA keys below 2048 bits, so the client itself verifies signatures of such keys.

use std::sync::Arc;

use sms_gateway::{Builder, tls::rustls::crypto::CryptoProvider};

/// Uses aws-lc-rs, whose build compiles a C library. It also exists in a FIPS variant.
#[must_use]
pub fn with_aws_lc_rs(builder: Builder) -> Builder {
    builder.crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

/// Uses graviola, which needs no C compiler. It panics on a CPU that lacks the instructions it needs, for example AVX2 and ADX
/// on x86-64.
///
/// ```no_run
/// use sms_gateway::Gateway;
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let pin = "sha256:0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8".parse()?;
/// let builder = Gateway::builder("https://192.168.1.9").pin(pin).credentials("admin", "secret");
/// let gateway = crypto_providers::with_graviola(builder).build()?;
/// # Ok(()) }
/// ```
#[must_use]
pub fn with_graviola(builder: Builder) -> Builder {
    let provider: CryptoProvider = rustls_graviola::default_provider();
    builder.crypto_provider(Arc::new(provider))
}
