//! HTTPS: responses have the same bytes as over plain TCP, and clients that refuse the certificate send no request.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::rustls::RootCertStore;

use crate::{
    Canned, CertificateKey, CertificateKind, Emulator, End, Https, Options, Restart,
    test_client::{Client, Login, open},
};

const TARGET: &str = "/api/query_sms_in_queue";
const BODY: &str = r#"{"error_code":200,"in_queue":0}"#;

fn https(certificate: &str) -> Options {
    let https = Https { certificate: certificate.parse().unwrap(), ..Https::default() };
    Options { https: Some(https), ..Options::default() }
}

async fn with(quirks: &str) -> (Emulator, Client) {
    open(Options { quirks: quirks.parse().unwrap(), ..https("ec") }).await
}

#[tokio::test]
async fn a_login_works_over_tls() {
    let gateway = Emulator::start(https("ordinary")).await.unwrap();
    assert!(gateway.url().starts_with("https://127.0.0.1:"));
    let mut client = Client::connect(&gateway).await;
    let challenge = client.request("GET", TARGET, "", "").await.unwrap();
    let line = Login::new(&challenge).line("GET", TARGET);
    assert_eq!(client.request("GET", TARGET, &line, "").await.unwrap().body, BODY);
    let counts = gateway.counts();
    assert_eq!((counts.connections, counts.handshakes, counts.failed_handshakes), (1, 1, 0));
}

#[tokio::test]
async fn responses_of_every_framing_arrive_over_tls() {
    for (quirks, is_kept) in [
        ("none", true),
        ("chunked", true),
        ("data-follows,no-content-type", true),
        ("until-close", false),
        ("http-1-0", false),
        ("close-after=1,close-unannounced", false),
    ] {
        let (gateway, mut client) = with(quirks).await;
        let first = client.request("GET", TARGET, "", "").await.unwrap();
        if quirks == "chunked" {
            assert!(first.body.ends_with("\r\n0\r\nX-Served: yes\r\n\r\n"), "{}", first.body);
        } else {
            assert_eq!(first.body, BODY, "{quirks}");
        }
        let second = client.request("GET", TARGET, "", "").await;
        assert_eq!(second.is_ok(), is_kept, "{quirks}");
        assert_eq!(gateway.counts().connections, 1);
    }
}

#[tokio::test]
async fn requests_that_were_read_ahead_are_not_lost() {
    let (gateway, mut client) = with("chunked").await;
    super::http::read_ahead(&gateway, &mut client).await;
}

#[tokio::test]
async fn prepared_responses_arrive_in_pieces_cut_or_not_at_all() {
    let (gateway, mut client) = with("none").await;
    gateway.answer_next("query_sms_in_queue", Canned::truth().in_pieces(1, Duration::ZERO));
    assert_eq!(client.request("GET", TARGET, "", "").await.unwrap().body, BODY);
    gateway.answer_next("query_sms_in_queue", Canned::truth().cut_at(20).then(End::Close));
    client.send("GET", TARGET, "", "").await.unwrap();
    assert_eq!(client.remaining().await, "HTTP/1.1 200 OK\r\nCon");
    let mut client = Client::connect(&gateway).await;
    gateway.answer_next("query_sms_in_queue", Canned::silence());
    client.send("GET", TARGET, "", "").await.unwrap();
    assert_eq!(client.remaining().await, "");
}

#[tokio::test]
async fn a_restart_keeps_the_certificate_and_closes_connections() {
    let (gateway, mut client) = with("none").await;
    let before = gateway.certificate().cloned();
    gateway.restart(Restart::default());
    assert_eq!(client.remaining().await, "");
    assert_eq!(gateway.certificate().cloned(), before);
    Client::connect(&gateway).await.get(TARGET).await;
}

#[tokio::test]
async fn each_start_makes_another_certificate_and_only_ec_another_key() {
    for (kind, same_key) in [("ordinary", true), ("rsa-1024", true), ("ec", false)] {
        let start = async || {
            let gateway = Emulator::start(https(kind)).await.unwrap();
            gateway.certificate().cloned().unwrap()
        };
        let (one, other) = (start().await, start().await);
        assert_ne!(one.fingerprint(), other.fingerprint(), "{kind}");
        assert_eq!(one.key_fingerprint() == other.key_fingerprint(), same_key, "{kind}");
    }
}

#[tokio::test]
async fn a_refused_certificate_leaves_no_request() {
    let other = Emulator::start(https("ec")).await.unwrap();
    for kind in ["ordinary", "v1", "rsa-1024", "sha1", "expired", "ec", "ec-p384", "v1,rsa-1024,sha1"] {
        let gateway = Emulator::start(https(kind)).await.unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(other.certificate().unwrap().der().into()).unwrap();
        assert!(Client::connect_trusting(&gateway, roots).await.is_err(), "{kind}");
        let counts = gateway.counts_when(|counts| counts.failed_handshakes == 1).await;
        assert_eq!((counts.connections, counts.handshakes, counts.requests), (1, 0, 0), "{kind}");
    }
}

#[tokio::test]
async fn trusted_certificates_are_refused_for_their_time_and_name() {
    for (kind, fault) in [
        ("expired", "Expired"),
        ("not-yet-valid", "NotValidYet"),
        ("wrong-name", "NotValidForName"),
        ("no-san", "NotValidForName"),
    ] {
        let gateway = Emulator::start(https(kind)).await.unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(gateway.certificate().unwrap().der().into()).unwrap();
        let error = Client::connect_trusting(&gateway, roots).await.err().unwrap();
        let text = format!("{error:?}");
        assert!(text.contains(fault), "{kind}: {text}");
    }
}

#[tokio::test]
async fn plain_http_gets_an_alert_and_no_response() {
    let (gateway, _client) = with("none").await;
    let mut stream = TcpStream::connect(gateway.addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n").await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    // A TLS record that contains an alert.
    assert_eq!((received.first(), received.len()), (Some(&21), 7));
    let counts = gateway.counts_when(|counts| counts.failed_handshakes == 1).await;
    assert_eq!(counts.requests, 0);
}

#[tokio::test]
async fn impossible_certificates_are_refused_at_the_start() {
    let certificate = CertificateKind { key: CertificateKey::Ec, sha1: true, ..CertificateKind::default() };
    let https = Some(Https { certificate, ..Https::default() });
    let refusal = Emulator::start(Options { https, ..Options::default() }).await.err().unwrap();
    assert_eq!(refusal.kind(), io::ErrorKind::InvalidInput);
    assert!(refusal.to_string().contains("RSA"), "{refusal}");
}
