//! Pinned certificates of the kinds that gateways have.

use crate::{
    needs_openssl,
    peer::{Form, IN_QUEUE, Identity, Kind, P256, RSA, call},
};

const P384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];

const fn rsa(bits: &'static str) -> Kind {
    let key: &[&str] = match bits.as_bytes() {
        b"1024" => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
        b"1025" => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1025"],
        b"1536" => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1536"],
        b"2047" => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2047"],
        _ => RSA,
    };
    Kind { key, ..Kind::PLAIN }
}

/// Calls a server with this kind of certificate over TLS 1.2 and 1.3, with the pin of the certificate and with the pin of its key.
async fn works(kind: Kind) {
    let identity = Identity::new(kind);
    for version in ["-tls1_2", "-tls1_3"] {
        let peer = identity.serve(&[version, "-cipher", "ALL:@SECLEVEL=0"]).await;
        for pin in [identity.pin(), identity.key_pin()] {
            assert_eq!(call(peer.builder().pin(pin)).await.unwrap(), IN_QUEUE, "{kind:?} {version} {pin}");
        }
        let certificate = peer.builder().fetch_certificate().await.unwrap();
        assert_eq!(certificate.pin(), identity.pin(), "{kind:?} {version}");
        assert_eq!(certificate.key_pin(), Some(identity.key_pin()), "{kind:?} {version}");
        // Without the pin, no kind of certificate is trusted.
        let error = peer.call().await.unwrap_err();
        assert_eq!(error.untrusted().unwrap().certificate, certificate, "{kind:?} {version}");
    }
}

#[tokio::test]
async fn version_1_works() {
    needs_openssl!();
    works(Kind::form(Form::Version1)).await;
    works(Kind { form: Form::Version1, ..rsa("1024") }).await;
}

#[tokio::test]
async fn short_rsa_keys_work() {
    needs_openssl!();
    for bits in ["1024", "1025", "1536", "2047"] {
        works(rsa(bits)).await;
    }
}

#[tokio::test]
async fn rsa_keys_of_2048_bits_and_obsolete_signatures_work() {
    needs_openssl!();
    for hash in ["-sha256", "-sha1", "-md5"] {
        works(Kind { hash, ..rsa("2048") }).await;
    }
}

#[tokio::test]
async fn elliptic_curves_work() {
    needs_openssl!();
    for key in [P256, P384] {
        works(Kind { key, ..Kind::PLAIN }).await;
    }
    works(Kind { key: &["-algorithm", "ED25519"], hash: "-sha512", form: Form::Valid(None) }).await;
}

#[tokio::test]
async fn expired_certificates_work() {
    needs_openssl!();
    works(Kind::form(Form::Expired)).await;
}
