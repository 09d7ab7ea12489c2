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
        Certificate, FetchError, HandshakeError, Reason,
        rustls::crypto::{CryptoProvider, ring},
    },
};

use crate::commands::doctor::{
    ask::{Answer, Asker},
    dates::day_seconds,
    finding::Findings,
};

/// The minimum size in bits of an RSA key that public authorities sign.
const SHORT_KEY_BITS: usize = 2048;

/// Makes a handshake with each version of TLS. Nothing else is sent.
pub(super) async fn check(asker: &mut Asker, findings: &mut Findings) {
    let Some(builder) = asker.https().cloned() else {
        let text =
            "Plain HTTP: everyone on the network can read the messages. A Digest login hides the password.";
        findings.fact("tls", "plain-http", text);
        return;
    };
    let Some(newer) = asker.within(handshake(&builder, true)).await else { return };
    let Some(older) = asker.within(handshake(&builder, false)).await else { return };
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
        describe_validity(&certificate, findings);
    }
}

async fn handshake(builder: &Builder, is_newer: bool) -> Result<Certificate, FetchError> {
    let mut provider: CryptoProvider = ring::default_provider();
    provider.cipher_suites.retain(|suite| suite.tls13().is_some() == is_newer);
    builder.clone().crypto_provider(Arc::new(provider)).fetch_certificate().await
}

/// Describes the kind of a certificate. Its subject and its fingerprint are left out, because they may identify a device.
fn describe(certificate: &Certificate, findings: &mut Findings) {
    if certificate.is_self_issued() {
        findings.fact("tls", "certificate-self-signed", "The certificate is issued by its own subject.");
    }
    if certificate.version() == Some(1) {
        findings.quirk("tls", "certificate-v1", "The certificate is of X.509 version 1.");
    }
    if let Some(bits) = certificate.rsa_bits().filter(|bits| *bits < SHORT_KEY_BITS) {
        findings.quirk("tls", "certificate-short-key", format!("Its RSA key has only {bits} bits."));
    }
    if certificate.is_signed_with_sha1() {
        findings.quirk("tls", "certificate-sha1", "The certificate is signed with SHA-1.");
    }
    if !certificate.has_alternative_names() && certificate.version() != Some(1) {
        findings.quirk("tls", "certificate-no-names", "The certificate lists no names of its host.");
    }
}

fn describe_validity(certificate: &Certificate, findings: &mut Findings) {
    let day = |day| day_seconds(day).map(|seconds| (day, Duration::from_secs(seconds)));
    let days = certificate.validity().and_then(|(from, to)| Some((day(from)?, day(to)?)));
    let Some(((from, first), (to, last))) = days else {
        findings.quirk("tls", "certificate-unreadable", "The validity of the certificate cannot be read.");
        return;
    };
    let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    if last < today.saturating_sub(Duration::from_secs(86_400)) {
        findings.quirk("tls", "certificate-expired", format!("The certificate expired on {to}."));
    } else if first > today {
        let text = format!("The certificate is valid from {from} only.");
        findings.quirk("tls", "certificate-not-yet-valid", text);
    } else {
        findings.fact("tls", "certificate-valid", format!("The certificate is valid from {from} to {to}."));
    }
}

/// Reports why no handshake succeeds.
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

/// If the certificate was not trusted, reports the reason and returns true.
pub(super) fn is_untrusted(answer: &Answer, findings: &mut Findings) -> bool {
    let Some(error) = answer.error.as_ref().filter(|error| error.failure == CallFailure::Untrusted) else {
        return false;
    };
    let untrusted = error.untrusted();
    let reason = untrusted.map(|why| match why.reason {
        Reason::WrongHost(_) => "it is not for this host".to_owned(),
        ref reason => reason.to_string(),
    });
    let reason =
        reason.unwrap_or_else(|| "the gateway has not proved that it has the private key".to_owned());
    findings.problem("tls", "untrusted", format!("The certificate is not trusted: {reason}."));
    if let Some(why) = untrusted {
        let pin = why.certificate.pin();
        findings.add_local(
            "untrusted",
            "Its fingerprint is below; compare it with the gateway's own.",
            &format!("\n{pin}"),
        );
    }
    true
}
