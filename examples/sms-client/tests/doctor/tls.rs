use std::collections::BTreeSet;

use gateway_emulator::{Emulator, Https, Options, Replay, TlsVersions};
use tokio::net::TcpListener;

use super::{
    File,
    common::{command, gateway_with, run_command},
    departures, examine, names,
    replay::findings,
};

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
async fn the_kind_of_a_certificate_is_named_with_and_without_a_pin() {
    for (kind, found) in [
        ("ordinary", &[][..]),
        ("ec", &[]),
        ("ca", &[]),
        ("wrong-name", &[]),
        ("rsa-1024", &["certificate-short-key"]),
        ("v1", &["certificate-v1"]),
        ("sha1", &["certificate-sha1"]),
        ("no-san", &["certificate-no-names"]),
        ("expired", &["certificate-expired"]),
        (
            "v1,rsa-1024,sha1,expired",
            &["certificate-v1", "certificate-short-key", "certificate-sha1", "certificate-expired"],
        ),
    ] {
        let found: BTreeSet<_> = found.iter().copied().collect();
        let gateway = gateway(kind, TlsVersions::Both).await;
        let pin = gateway.certificate().unwrap().fingerprint();
        let (findings, code) = examine(&gateway, &["--pin", &pin]).await;
        assert!(names(&findings).contains("certificate-self-signed"), "{kind}: {findings:?}");
        assert_eq!((departures(&findings), code), (found.clone(), Some(0)), "{kind}");
        let served = gateway.requests().len();
        let (findings, code) = examine(&gateway, &[]).await;
        let untrusted = found.into_iter().chain(["untrusted"]).collect();
        assert_eq!((departures(&findings), code), (untrusted, Some(4)), "{kind}");
        assert_eq!(gateway.requests().len(), served, "{kind}");
    }
}

#[tokio::test]
async fn a_gateway_that_is_not_trusted_is_sent_nothing_and_its_pin_is_shown() {
    let gateway = gateway("ordinary", TlsVersions::Both).await;
    let pin = gateway.certificate().unwrap().fingerprint();
    let other = format!("sha256:{}", "0".repeat(64));
    for (more, words) in [
        (
            &["doctor"][..],
            &["no trusted authority vouches for it", "No request and no password was sent", "--pin"][..],
        ),
        (&["doctor", "--pin", &other], &["it is not the pinned one", "something else answers"]),
    ] {
        let run = run_command(command(&gateway, more)).await;
        let shown = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(run.out.split_whitespace().any(|word| word.trim_end_matches(';') == pin), "{}", run.out);
        for words in words {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        assert_eq!(run.code, Some(4));
    }
    assert_eq!(gateway.requests(), []);
}

#[tokio::test]
async fn a_replay_over_https_gives_the_same_findings() {
    let kind = || Https { certificate: "v1,rsa-1024,sha1".parse().unwrap(), versions: TlsVersions::Only12 };
    let options = || Options { https: Some(kind()), ..Options::default() };
    let mut reports = Vec::new();
    for name in ["https", "https-again"] {
        let first: Option<&String> = reports.first();
        let replay = first.map(|report| Replay::read(report).unwrap());
        let (gateway, file) = (gateway_with(Options { replay, ..options() }).await, File::new(name));
        let pin = gateway.certificate().unwrap().fingerprint();
        examine(&gateway, &["--pin", &pin, "--report", file.path()]).await;
        reports.push(file.read());
    }
    assert!(reports[0].contains("certificate-short-key") && reports[0].contains("1.2, and not 1.3"));
    assert_eq!(findings(&reports[1]), findings(&reports[0]));
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
