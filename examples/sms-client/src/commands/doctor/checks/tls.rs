//! The security of the connection: the versions of TLS, and the certificate.

use std::{
    error::Error,
    io,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sms_gateway::{
    Builder, Failure as CallFailure,
    tls::{
        Certificate, FetchError, HandshakeError,
        rustls::crypto::{CryptoProvider, ring},
    },
};

use super::wire;
use crate::commands::doctor::{
    ask::{Answer, Asker},
    finding::Findings,
};

/// Makes a handshake with each version of TLS. Nothing else is sent.
pub(super) async fn check(asker: &Asker, findings: &mut Findings) {
    let Some(builder) = asker.https() else {
        let text =
            "Plain HTTP: everyone on the network can read the messages. A Digest login hides the password.";
        findings.fact("tls", "plain-http", text);
        return;
    };
    let newer = handshake(builder, true).await;
    let older = handshake(builder, false).await;
    let versions = match (&newer, &older) {
        (Ok(_), Ok(_)) => "1.2 and 1.3",
        (Ok(_), Err(_)) => "1.3, and not 1.2",
        (Err(_), Ok(_)) => "1.2, and not 1.3",
        (Err(_), Err(error)) => {
            explain(error, findings);
            return;
        }
    };
    findings.fact("tls", "tls-versions", format!("The gateway supports TLS {versions}."));
    if let Ok(certificate) = newer.or(older) {
        describe(&certificate, findings);
    }
}

async fn handshake(builder: &Builder, is_newer: bool) -> Result<Certificate, FetchError> {
    let mut provider: CryptoProvider = ring::default_provider();
    provider.cipher_suites.retain(|suite| suite.tls13().is_some() == is_newer);
    builder.clone().crypto_provider(Arc::new(provider)).fetch_certificate().await
}

/// Describes the validity of a certificate. Its subject and its fingerprint may be those of one device alone.
fn describe(certificate: &Certificate, findings: &mut Findings) {
    let Some((from, to)) = certificate.validity() else {
        findings.quirk("tls", "certificate-unreadable", "The validity of the certificate cannot be read.");
        return;
    };
    let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let begins = |day| wire::day_seconds(day).map(Duration::from_secs);
    if begins(to).is_some_and(|last| last < today.saturating_sub(Duration::from_secs(86_400))) {
        findings.quirk("tls", "certificate-expired", format!("The certificate expired on {to}."));
    } else if begins(from).is_some_and(|first| first > today) {
        findings.quirk(
            "tls",
            "certificate-not-yet-valid",
            format!("The certificate is valid from {from} only."),
        );
    } else {
        findings.fact("tls", "certificate-valid", format!("The certificate is valid from {from} to {to}."));
    }
}

/// Explains why no handshake succeeds.
fn explain(error: &FetchError, findings: &mut Findings) {
    let reason =
        error.source().and_then(|error| error.downcast_ref::<io::Error>()).and_then(io::Error::get_ref);
    let (name, text) = match reason.and_then(|error| error.downcast_ref::<HandshakeError>()) {
        Some(HandshakeError::ObsoleteVersion { .. }) => {
            ("tls-obsolete", "The gateway supports neither TLS 1.2 nor 1.3.")
        }
        Some(HandshakeError::NothingInCommon { .. }) => {
            ("tls-nothing-in-common", "The gateway has no cipher or kind of key in common with this program.")
        }
        Some(HandshakeError::NotTls) => ("not-tls", "The port speaks no TLS: is it for http:// in the URL?"),
        Some(_) => ("tls-failed", "The TLS handshake fails."),
        None => return,
    };
    findings.problem("tls", name, text);
}

/// Reports a certificate that is not trusted. Returns whether it was.
pub(super) fn is_untrusted(answer: &Answer, findings: &mut Findings) -> bool {
    let is_untrusted = answer.error.as_ref().is_some_and(|error| error.failure == CallFailure::Untrusted);
    if is_untrusted {
        let text =
            "The certificate is not trusted. `sms-client pin` shows its fingerprint, and --pin trusts it.";
        findings.problem("tls", "untrusted", text);
    }
    is_untrusted
}
