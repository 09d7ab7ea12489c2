//! Root certificates of the caller, and certificates that are not trusted.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sms_gateway::{
    Error, Failure, Gateway, Timeouts, UrlError,
    tls::{
        FetchError, PemError, Pin, Reason, RootCertificates,
        rustls::crypto::{CryptoProvider, ring},
    },
};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    needs_openssl,
    peer::{Form, IN_QUEUE, Identity, Kind, THIS_HOST, call},
};

/// Checks that nothing was sent, that a retry cannot succeed, and that the text explains how to trust the certificate.
fn is_refused(error: &Error, identity: &Identity, words: &str) -> Reason {
    assert_eq!(error.failure, Failure::Untrusted, "{error:?}");
    assert!(!error.may_have_arrived() && !error.may_pass());
    let text = error.explain();
    let pin = identity.pin().to_string();
    for words in
        [words, "the gateway's certificate is not trusted", &pin, "pin", r#""O=Example, CN=box\u{7}""#]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    error.untrusted().unwrap().reason.clone()
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_with_its_fingerprint() {
    needs_openssl!();
    let identity = Identity::new(Kind::PLAIN);
    let peer = identity.serve(&[]).await;
    let error = peer.call().await.unwrap_err();
    is_refused(&error, &identity, "valid from 20");
}

#[tokio::test]
async fn with_a_wrong_pin_no_byte_of_a_request_arrives() {
    needs_openssl!();
    let (identity, other) = (Identity::new(Kind::PLAIN), Identity::new(Kind::PLAIN));
    for version in ["-tls1_2", "-tls1_3"] {
        for pin in [other.pin(), other.key_pin()] {
            let mut peer = identity.listen(&[version]).await;
            let error = call(peer.builder().pin(pin)).await.unwrap_err();
            assert_eq!(is_refused(&error, &identity, "it is not the pinned one"), Reason::NotPinned);
            let printed = peer.printed("ERROR").await + &peer.end().await;
            assert!(!printed.contains("/api/") && !printed.contains("Host"), "{printed}");
        }
        // The same server prints the request of a client that trusts it.
        let mut peer = identity.listen(&[version]).await;
        let gateway = peer.builder().pin(other.pin()).pin(identity.pin()).build().unwrap();
        let call = tokio::spawn(async move { gateway.query_sms_in_queue().await });
        assert!(peer.printed("GET /api/").await.contains("GET /api/query_sms_in_queue HTTP/1.1"));
        call.abort();
    }
}

#[tokio::test]
async fn a_certificate_that_the_given_roots_have_issued_is_trusted_for_its_host_alone() {
    needs_openssl!();
    let authority = Identity::new(Kind::PLAIN);
    let issued = authority.issue(THIS_HOST, &[]);
    let peer = issued.serve(&[]).await;
    assert_eq!(call(peer.builder().root_certificates(authority.roots())).await.unwrap(), IN_QUEUE);
    let peer = authority.issue("subjectAltName=IP:192.0.2.1", &[]).serve(&[]).await;
    let error = call(peer.builder().root_certificates(authority.roots())).await.unwrap_err();
    assert_eq!(error.untrusted().unwrap().reason, Reason::WrongHost("127.0.0.1".into()));
    assert!(error.explain().contains("it is not for the host 127.0.0.1"), "{}", error.explain());
    let stranger = Identity::new(Kind::form(Form::Valid(Some(THIS_HOST))));
    let peer = stranger.serve(&[]).await;
    let error = call(peer.builder().root_certificates(authority.roots())).await.unwrap_err();
    is_refused(&error, &stranger, "no trusted authority vouches for it");
}

#[tokio::test]
async fn an_expired_certificate_and_one_of_the_future_are_refused_unless_pinned() {
    needs_openssl!();
    let authority = Identity::new(Kind::PLAIN);
    for (dates, expected, words) in [
        (["-startdate", "20200101000000Z", "-enddate", "20201231000000Z"], Reason::Expired, "it has expired"),
        (
            ["-startdate", "20980101000000Z", "-enddate", "20981231000000Z"],
            Reason::NotYetValid,
            "it is not valid yet by this computer's clock",
        ),
    ] {
        let issued = authority.issue(THIS_HOST, &dates);
        let peer = issued.serve(&[]).await;
        let error = call(peer.builder().root_certificates(authority.roots())).await.unwrap_err();
        assert_eq!(error.untrusted().unwrap().reason, expected);
        assert!(error.explain().contains(words), "{}", error.explain());
        let year = &dates[1][..4];
        assert!(
            error.explain().contains(&format!("valid from {year}-01-01 to {year}-12-31")),
            "{}",
            error.explain()
        );
        let pinned = peer.builder().root_certificates(authority.roots()).pin(issued.pin());
        assert_eq!(call(pinned).await.unwrap(), IN_QUEUE);
    }
}

#[tokio::test]
async fn a_gateways_own_certificate_among_the_roots_counts_as_its_pin() {
    needs_openssl!();
    for form in [Form::Valid(None), Form::Version1, Form::Expired] {
        let identity = Identity::new(Kind::form(form));
        let peer = identity.serve(&[]).await;
        assert_eq!(
            call(peer.builder().root_certificates(identity.roots())).await.unwrap(),
            IN_QUEUE,
            "{form:?}"
        );
    }
}

#[tokio::test]
async fn a_refused_certificate_is_not_fetched_again_and_again() {
    needs_openssl!();
    let identity = Identity::new(Kind::PLAIN);
    let peer = identity.serve(&[]).await;
    let connections = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&connections);
    let builder = peer.builder().connector(move |address| {
        counted.fetch_add(1, Ordering::Relaxed);
        TcpStream::connect(address)
    });
    let gateway = builder.build().unwrap();
    for _ in 0..5 {
        is_refused(&gateway.query_sms_in_queue().await.unwrap_err(), &identity, "valid from 20");
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn after_half_a_minute_a_refused_gateway_is_connected_to_again() {
    needs_openssl!();
    let identity = Identity::new(Kind::PLAIN);
    let peer = identity.serve(&[]).await;
    let connections = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&connections);
    let builder = peer.builder().connector(move |address| {
        counted.fetch_add(1, Ordering::Relaxed);
        TcpStream::connect(address)
    });
    let gateway = builder.build().unwrap();
    gateway.query_sms_in_queue().await.unwrap_err();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    gateway.query_sms_in_queue().await.unwrap_err();
    assert_eq!(connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn the_callers_cryptography_is_used() {
    needs_openssl!();
    let identity = Identity::new(Kind::PLAIN);
    let peer = identity.serve(&["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"]).await;
    let with = |cipher_suites| {
        let provider = CryptoProvider { cipher_suites, ..ring::default_provider() };
        peer.builder().pin(identity.pin()).crypto_provider(Arc::new(provider))
    };
    assert_eq!(call(with(vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256])).await.unwrap(), IN_QUEUE);
    let other = with(vec![ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256]);
    let error = call(other).await.unwrap_err();
    assert!(error.explain().contains("no TLS cipher or kind of key in common"), "{}", error.explain());
    assert_eq!(with(vec![]).build().unwrap_err(), UrlError::Tls);
}

#[tokio::test]
async fn fetching_a_certificate_ends_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let limit = Timeouts::new().connect(Duration::from_millis(10));
    let error = Gateway::builder(&url).timeouts(limit).fetch_certificate().await.unwrap_err();
    assert!(
        matches!(&error, FetchError::Connect(error) if error.kind() == io::ErrorKind::TimedOut),
        "{error:?}"
    );
}

#[test]
fn pins_and_roots_need_https() {
    let pin: Pin = format!("sha256:{}", "0f".repeat(32)).parse().unwrap();
    let refused = Gateway::builder("http://192.168.1.9").pin(pin).build();
    assert_eq!(refused.unwrap_err(), UrlError::NotHttps);
    Gateway::builder("https://192.168.1.9").pin(pin).build().unwrap();
    Gateway::builder("https://[::1]:8443").pin(pin).build().unwrap();
    assert_eq!(Gateway::builder("https://-").build().unwrap_err(), UrlError::Tls);
}

#[test]
fn files_without_a_certificate_are_refused() {
    let read = |pem: &str| RootCertificates::from_pem(pem.as_bytes()).map(|_| ());
    assert_eq!(read(""), Err(PemError::Empty));
    assert_eq!(read("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), Err(PemError::Empty));
    assert_eq!(read("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n"), Err(PemError::Malformed));
    assert_eq!(read("-----BEGIN CERTIFICATE-----\nAAAA\n"), Err(PemError::Malformed));
}
