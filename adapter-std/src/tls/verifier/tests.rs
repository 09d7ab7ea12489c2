//! Signatures of handshakes, made by OpenSSL.

use rustls::{
    crypto::ring,
    internal::msgs::codec::{Codec, Reader},
};

use super::*;

const MESSAGE: &[u8] = b"the message of a handshake";

/// A certificate, a scheme, and its signature over [`MESSAGE`].
struct Signed {
    certificate: &'static [u8],
    scheme: SignatureScheme,
    signature: &'static [u8],
    /// Whether TLS 1.3 allows the scheme for this key.
    is_for_tls13: bool,
}

macro_rules! signed {
    ($certificate:literal, $scheme:ident, $signature:literal, $is_for_tls13:literal) => {
        Signed {
            certificate: include_bytes!($certificate),
            scheme: SignatureScheme::$scheme,
            signature: include_bytes!($signature),
            is_for_tls13: $is_for_tls13,
        }
    };
}

const SIGNED: [Signed; 9] = [
    signed!("rsa1024.der", RSA_PKCS1_SHA256, "rsa1024-pkcs1.sig", false),
    signed!("rsa1024.der", RSA_PSS_SHA256, "rsa1024-pss.sig", true),
    signed!("rsa2048.der", RSA_PKCS1_SHA256, "rsa2048-pkcs1.sig", false),
    signed!("rsa2048.der", RSA_PSS_SHA256, "rsa2048-pss.sig", true),
    signed!("P-256.der", ECDSA_NISTP256_SHA256, "P-256-sha256.sig", true),
    signed!("P-256.der", ECDSA_NISTP384_SHA384, "P-256-sha384.sig", false),
    signed!("P-384.der", ECDSA_NISTP384_SHA384, "P-384-sha384.sig", true),
    signed!("P-384.der", ECDSA_NISTP256_SHA256, "P-384-sha256.sig", false),
    signed!("ed25519.der", ED25519, "ed25519.sig", true),
];

fn verifier(trust: Trust) -> Verifier {
    Verifier::new(trust, Arc::new(ring::default_provider()))
}

fn pinned(certificate: &[u8]) -> Verifier {
    verifier(Trust::Chosen { pins: vec![Pin::of_certificate(certificate)], roots: None })
}

/// Whether the signature is valid in TLS 1.2 and in TLS 1.3.
fn verified(verifier: &Verifier, signed: &Signed, message: &[u8], signature: &[u8]) -> (bool, bool) {
    let length = u16::try_from(signature.len()).unwrap().to_be_bytes();
    let bytes = [&u16::from(signed.scheme).to_be_bytes()[..], &length, signature].concat();
    let proof = DigitallySignedStruct::read(&mut Reader::init(&bytes)).unwrap();
    let certificate = CertificateDer::from(signed.certificate);
    (
        verifier.verify_tls12_signature(message, &certificate, &proof).is_ok(),
        verifier.verify_tls13_signature(message, &certificate, &proof).is_ok(),
    )
}

#[test]
fn each_scheme_verifies_its_signatures_in_the_versions_that_have_it() {
    for signed in &SIGNED {
        let outcome = verified(&pinned(signed.certificate), signed, MESSAGE, signed.signature);
        assert_eq!(outcome, (true, signed.is_for_tls13), "{:?}", signed.scheme);
    }
}

#[test]
fn no_scheme_verifies_another_message_signature_or_certificate() {
    for signed in &SIGNED {
        let verifier = pinned(signed.certificate);
        let changed = b"the message of A handshake";
        assert_eq!(
            verified(&verifier, signed, changed, signed.signature),
            (false, false),
            "{:?}",
            signed.scheme
        );
        for index in 0..signed.signature.len() {
            let mut flipped = signed.signature.to_vec();
            flipped[index] ^= 1 << (index % 8);
            assert_eq!(verified(&verifier, signed, MESSAGE, &flipped), (false, false), "{:?}", signed.scheme);
        }
        for other in SIGNED.iter().filter(|other| other.certificate != signed.certificate) {
            let shown = Signed { certificate: other.certificate, ..*signed };
            let outcome = verified(&pinned(other.certificate), &shown, MESSAGE, signed.signature);
            assert_eq!(outcome, (false, false), "{:?} {:?}", signed.scheme, other.scheme);
        }
        for other in SIGNED.iter().filter(|other| other.scheme != signed.scheme) {
            let claimed = Signed { scheme: other.scheme, ..*signed };
            let outcome = verified(&verifier, &claimed, MESSAGE, signed.signature);
            assert_eq!(outcome, (false, false), "{:?} as {:?}", signed.scheme, other.scheme);
        }
    }
}

#[test]
fn a_short_key_counts_only_if_its_certificate_is_trusted_itself() {
    for signed in &SIGNED {
        let outcome = verified(&verifier(Trust::System), signed, MESSAGE, signed.signature);
        let is_long = !signed.certificate.starts_with(SIGNED[0].certificate);
        assert_eq!(outcome, (is_long, is_long && signed.is_for_tls13), "{:?}", signed.scheme);
    }
}
