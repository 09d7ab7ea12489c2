//! The connector against `openssl s_server` with obsolete versions, ciphers and keys that rustls refuses.

#[path = "../../../adapter-std/tests/tls/peer.rs"]
#[allow(dead_code)]
mod peer;

use std::sync::Arc;

use openssl_connector::Legacy;
use peer::{Identity, Kind, RSA};
use sms_gateway::{Error, Failure, Gateway, tls::Pin};

const RSA_512: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:512"];

fn gateway(address: &str, pin: Pin) -> Gateway {
    let legacy = Arc::new(Legacy::new(pin).unwrap());
    Gateway::builder(&format!("http://{address}"))
        .connector(move |address| Arc::clone(&legacy).open(address))
        .credentials("admin", "secret")
        .build()
        .unwrap()
}

async fn call(address: &str, pin: Pin) -> Result<Option<u32>, Error> {
    gateway(address, pin).query_sms_in_queue().await
}

/// Asserts that the connector reaches a server started with these arguments, and that rustls does not.
async fn works(key: &'static [&'static str], args: &[&str]) {
    let identity = Identity::new(Kind { key, ..Kind::PLAIN });
    let peer = identity.serve(args).await;
    for pin in [identity.pin(), identity.key_pin()] {
        assert_eq!(call(&peer.address, pin).await.unwrap(), peer::IN_QUEUE, "{args:?}");
    }
    let by_rustls = peer::call(peer.builder().pin(identity.pin())).await.unwrap_err();
    assert!(!by_rustls.may_have_arrived(), "{args:?}: {by_rustls}");
}

#[tokio::test]
async fn obsolete_versions_work() {
    needs_openssl!();
    for version in ["-tls1", "-tls1_1"] {
        works(RSA, &[version, "-cipher", "ALL:@SECLEVEL=0"]).await;
    }
}

#[tokio::test]
async fn rsa_key_exchange_cbc_and_dhe_work() {
    needs_openssl!();
    for cipher in [
        "AES128-SHA:@SECLEVEL=0",
        "AES128-GCM-SHA256:@SECLEVEL=0",
        "ECDHE-RSA-AES128-SHA256:@SECLEVEL=0",
        "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
    ] {
        works(RSA, &["-tls1_2", "-cipher", cipher]).await;
    }
}

#[tokio::test]
async fn keys_that_rustls_does_not_know_work() {
    needs_openssl!();
    works(RSA_512, &["-tls1_2", "-cipher", "ALL:@SECLEVEL=0"]).await;
    works(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], &["-tls1_2"]).await;
    works(&["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"], &["-tls1_2"]).await;
}

#[tokio::test]
async fn with_a_wrong_pin_no_byte_of_a_request_arrives() {
    needs_openssl!();
    let (identity, other) = (Identity::new(Kind::PLAIN), Identity::new(Kind::PLAIN));
    let mut peer = identity.listen(&["-tls1_2"]).await;
    let error = call(&peer.address, other.pin()).await.unwrap_err();
    assert!(matches!(error.failure, Failure::Unreachable(_)), "{error:?}");
    let text = error.explain();
    assert!(text.contains("the certificate is not the pinned one"), "{text}");
    assert!(text.contains(&identity.pin().to_string()), "{text}");
    let printed = peer.printed("ERROR").await + &peer.end().await;
    assert!(!printed.contains("/api/") && !printed.contains("Host"), "{printed}");
    // A server of the same kind prints the request of a client that trusts its certificate.
    let mut peer = identity.listen(&["-tls1_2"]).await;
    let gateway = gateway(&peer.address, identity.pin());
    let call = tokio::spawn(async move { gateway.query_sms_in_queue().await });
    assert!(peer.printed("GET /api/").await.contains("GET /api/query_sms_in_queue HTTP/1.1"));
    call.abort();
}
