use gateway_emulator::{Emulator, Https, Options, TlsVersions};
use tokio::net::TcpListener;

use super::{PASSWORD, common::gateway_with, departures, examine, names};

async fn gateway(certificate: &str, versions: TlsVersions) -> Emulator {
    let https = Some(Https { certificate: certificate.parse().unwrap(), versions });
    gateway_with(Options { https, ..Options::default() }).await
}

#[tokio::test]
async fn the_versions_of_tls_and_the_certificate_are_named() {
    for (versions, words) in [
        (TlsVersions::Both, "1.2 and 1.3."),
        (TlsVersions::Only12, "1.2, and not 1.3."),
        (TlsVersions::Only13, "1.3, and not 1.2."),
    ] {
        let gateway = gateway("ordinary", versions).await;
        let pin = gateway.certificate().unwrap().fingerprint();
        let (findings, code) = examine(&gateway, &["--pin", &pin]).await;
        assert!(names(&findings).contains("certificate-valid"), "{findings:?}");
        assert!(!names(&findings).contains("plain-http"));
        let found = findings.iter().find(|finding| finding["finding"] == "tls-versions").unwrap();
        assert!(found["text"].as_str().unwrap().ends_with(words), "{found}");
        assert_eq!((departures(&findings).len(), code), (0, Some(0)));
    }
}

#[tokio::test]
async fn an_expired_certificate_is_named() {
    let gateway = gateway("expired", TlsVersions::Both).await;
    let pin = gateway.certificate().unwrap().fingerprint();
    let (findings, code) = examine(&gateway, &["--pin", &pin]).await;
    assert_eq!((departures(&findings), code), (["certificate-expired"].into(), Some(0)));
}

#[tokio::test]
async fn a_gateway_that_is_not_trusted_is_sent_nothing() {
    let gateway = gateway("ordinary", TlsVersions::Both).await;
    let (findings, code) = examine(&gateway, &[]).await;
    assert_eq!((departures(&findings), code), (["untrusted"].into(), Some(4)));
    assert_eq!(gateway.requests(), []);
    let pin = gateway.certificate().unwrap().fingerprint();
    let shown = format!("{findings:?}");
    assert!(!shown.contains(&pin) && !shown.contains(PASSWORD), "{shown}");
}

#[tokio::test]
async fn a_port_for_http_is_named() {
    let plain = gateway_with(Options::default()).await;
    let url = plain.url().replace("http:", "https:");
    let (findings, code) = examine(&plain, &["--gateway", &url]).await;
    assert!(departures(&findings).contains("not-tls"), "{findings:?}");
    assert_eq!(code, Some(4));
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (findings, code) = examine(&plain, &["--gateway", &format!("https://{nowhere}")]).await;
    assert_eq!((departures(&findings), code), (["unreachable"].into(), Some(4)));
}
