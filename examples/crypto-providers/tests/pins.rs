//! Pinned certificates with each provider, against `openssl s_server`.

#[path = "../../../adapter-std/tests/tls/peer.rs"]
#[allow(dead_code)]
mod peer;

use crypto_providers::{with_aws_lc_rs, with_graviola};
use peer::{Form, IN_QUEUE, Identity, Kind, P256, RSA, call};
use sms_gateway::{Builder, Failure, tls::Reason};

const RSA_1024: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"];
const P384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];

type Setting = fn(Builder) -> Builder;

const PROVIDERS: [(&str, Setting); 2] = [("aws-lc-rs", with_aws_lc_rs), ("graviola", with_graviola)];

#[tokio::test]
async fn pinned_certificates_work_and_others_are_refused() {
    needs_openssl!();
    let version_1 = Kind { key: RSA_1024, hash: "-sha1", form: Form::Version1 };
    let of = |key| Kind { key, ..Kind::PLAIN };
    for kind in [version_1, of(RSA), of(P256), of(P384), Kind::form(Form::Expired)] {
        let (identity, other) = (Identity::new(kind), Identity::new(kind));
        for version in ["-tls1_2", "-tls1_3"] {
            let peer = identity.serve(&[version, "-cipher", "ALL:@SECLEVEL=0"]).await;
            for (name, with) in PROVIDERS {
                for pin in [identity.pin(), identity.key_pin()] {
                    let waiting = call(with(peer.builder().pin(pin))).await.unwrap();
                    assert_eq!(waiting, IN_QUEUE, "{name} {kind:?} {version}");
                }
                let error = call(with(peer.builder().pin(other.pin()))).await.unwrap_err();
                assert_eq!(error.failure, Failure::Untrusted, "{name} {kind:?} {version}");
                assert_eq!(error.untrusted().unwrap().reason, Reason::NotPinned);
            }
        }
    }
}
