//! Peers to which no TLS connection is possible, and URLs with the wrong scheme.

use gateway_emulator::{Emulator, Options};
use sms_gateway::{
    Error, Failure, Gateway,
    core::{
        Number,
        call::{Recipient, SendSms},
    },
    tls::Pin,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    needs_openssl,
    peer::{Identity, Kind, RSA},
};

async fn submit(url: &str) -> Error {
    let mut builder = Gateway::builder(url).credentials("admin", "secret");
    if url.starts_with("https") {
        let pin: Pin = format!("sha256:{}", "0f".repeat(32)).parse().unwrap();
        builder = builder.pin(pin);
    }
    let recipients = [Recipient::new(Number::new("10086").unwrap())];
    let request = SendSms::new("Hello", &recipients).unwrap();
    builder.build().unwrap().send_sms(&request).await.unwrap_err()
}

/// Checks that a submission fails before anything is sent, and that the error contains these words.
async fn fails(url: &str, words: &[&str]) {
    let error = submit(url).await;
    assert!(matches!(error.failure, Failure::Unreachable(_)), "{error:?}");
    assert!(!error.may_have_arrived());
    let text = error.explain();
    for words in words {
        assert!(text.contains(words), "{words}: {text}");
    }
    // The error text of the TLS library lists bytes, which must not appear.
    assert!(!text.contains('[') && text.len() < 400, "{text}");
}

const OBSOLETE: &str = "examples/openssl";

#[tokio::test]
async fn a_peer_of_obsolete_versions_is_named_so() {
    needs_openssl!();
    let identity = Identity::new(Kind { key: RSA, ..Kind::PLAIN });
    for version in ["-tls1", "-tls1_1"] {
        let peer = identity.serve(&[version, "-cipher", "ALL:@SECLEVEL=0"]).await;
        fails(&peer.url(), &["supports neither TLS 1.2 nor 1.3", OBSOLETE]).await;
    }
}

#[tokio::test]
async fn a_peer_without_a_common_cipher_or_key_is_named_so() {
    needs_openssl!();
    let identity = Identity::new(Kind { key: RSA, ..Kind::PLAIN });
    for cipher in
        ["AES128-SHA256", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"]
    {
        let cipher = format!("{cipher}:@SECLEVEL=0");
        let peer = identity.serve(&["-tls1_2", "-cipher", &cipher]).await;
        let connect = format!("openssl s_client -connect {}", peer.address);
        fails(&peer.url(), &["no TLS cipher or kind of key in common", &connect, OBSOLETE]).await;
    }
    for key in [
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"][..],
        &["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
    ] {
        let peer = Identity::new(Kind { key, ..Kind::PLAIN }).serve(&[]).await;
        fails(&peer.url(), &["no TLS cipher or kind of key in common", OBSOLETE]).await;
    }
}

#[tokio::test]
async fn plain_http_behind_https_is_named_so() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    fails(&format!("https://{}", emulator.addr()), &["this port speaks no TLS"]).await;
    assert!(emulator.requests().is_empty());
}

/// A peer that reads the client's hello or a part of it, writes some bytes, and closes. After a part, the close is a reset.
async fn closing(bytes: &'static [u8], is_all_read: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 2048];
        let room = if is_all_read { hello.len() } else { 1 };
        let _ = stream.read(&mut hello[..room]).await;
        let _ = stream.write_all(bytes).await;
    });
    url
}

#[tokio::test]
async fn a_peer_that_closes_or_resets_is_named_so() {
    for is_all_read in [true, false] {
        let url = closing(b"", is_all_read).await;
        fails(&url, &["closed the connection during the TLS handshake", OBSOLETE]).await;
    }
}

#[tokio::test]
async fn alerts_and_malformed_handshakes_are_named_so() {
    let url = closing(b"\x15\x03\x03\x00\x02\x02\x50", true).await;
    fails(&url, &["the gateway refused the TLS handshake with the alert InternalError"]).await;
    let url = closing(b"\x15\x03\x03\x00\x02\x02\x70", true).await;
    fails(&url, &["does not know this host name; use its IP address"]).await;
    let url = closing(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", true).await;
    fails(&url, &["the gateway's TLS handshake is malformed"]).await;
}

#[tokio::test]
async fn tls_behind_http_is_named_so() {
    needs_openssl!();
    let peer = Identity::new(Kind::PLAIN).serve(&[]).await;
    let error = submit(&format!("http://{}", peer.address)).await;
    let text = error.explain();
    assert!(text.contains("this port speaks TLS") && text.contains("https://"), "{text}");
    assert!(!error.may_have_arrived(), "{error:?}");
}

#[tokio::test]
async fn a_tls_alert_behind_http_is_certain() {
    let url = closing(b"\x15\x03\x01\x00\x02\x02\x46", true).await;
    let text = submit(&url.replace("https", "http")).await.explain();
    assert!(text.contains(": this port speaks TLS; its URL begins with https://"), "{text}");
}

#[tokio::test]
async fn a_redirect_to_https_is_shown_and_not_followed() {
    let quirks = "redirect-https".parse().unwrap();
    let emulator = Emulator::start(Options { quirks, ..Options::default() }).await.unwrap();
    let error = submit(&emulator.url()).await;
    assert_eq!(error.failure, Failure::Redirect);
    assert!(error.explain().contains("use https:// in its URL"), "{}", error.explain());
}
