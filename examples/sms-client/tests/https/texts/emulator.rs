//! What the program prints against the emulator.

use gateway_emulator::{Emulator, Https, Options, TlsVersions};
use sms_gateway::tls::Certificate;

use super::{Case, Texts, Trust};
use crate::common::gateway_with;

const AGAINST: &str = "emulator";

async fn start(kind: &str, versions: TlsVersions) -> (Emulator, Certificate) {
    let https = Some(Https { certificate: kind.parse().unwrap(), versions });
    let gateway = gateway_with(Options { https, ..Options::default() }).await;
    let certificate = Certificate::from_der(gateway.certificate().unwrap().der());
    (gateway, certificate)
}

/// Adds rows for each kind of certificate, each version of TLS, and wrong schemes.
pub(super) async fn rows(texts: &mut Texts) {
    for kind in [
        "ordinary",
        "v1",
        "rsa-1024",
        "sha1",
        "v1,rsa-1024,sha1",
        "no-san",
        "expired",
        "not-yet-valid",
        "wrong-name",
        "ec",
        "ec-p384",
    ] {
        let (gateway, certificate) = start(kind, TlsVersions::Both).await;
        let url = gateway.url();
        let case = Case { name: kind, against: AGAINST, url: &url, certificate: Some(&certificate) };
        texts.with_each_pin(case).await;
    }
    for (name, versions) in [("TLS 1.2 only", TlsVersions::Only12), ("TLS 1.3 only", TlsVersions::Only13)] {
        let (gateway, certificate) = start("v1,rsa-1024,sha1", versions).await;
        let url = gateway.url();
        let case = Case { name, against: AGAINST, url: &url, certificate: Some(&certificate) };
        texts.with_each_pin(case).await;
    }
    commands(texts).await;
    schemes(texts).await;
}

/// Adds rows for commands other than a query.
async fn commands(texts: &mut Texts) {
    let (gateway, certificate) = start("ordinary", TlsVersions::Both).await;
    let url = gateway.url();
    let case = Case { name: "ordinary", against: AGAINST, url: &url, certificate: Some(&certificate) };
    let pin = certificate.pin().to_string();
    texts.run(case, &["queue"], Trust::Nobody).await;
    texts.run(case, &["pin"], Trust::System).await;
    texts.run(case, &["pin"], Trust::Pin(&pin, "of it")).await;
    texts.run(case, &["pin"], Trust::Pin(super::WRONG_PIN, "of another")).await;
    let send = ["send", "--to", "10086", "--text", "Hi"];
    let wait = [&send[..], &["--wait", "--interval", "10ms"]].concat();
    for args in [&send[..], &wait, &["watch"]] {
        texts.run(case, args, Trust::System).await;
        texts.run(case, args, Trust::Pin(super::WRONG_PIN, "of another")).await;
    }
    assert_eq!(gateway.counts().requests, 0);
}

/// Adds rows for URLs with the wrong scheme, and for a redirect.
async fn schemes(texts: &mut Texts) {
    let plain = gateway_with(Options::default()).await;
    let url = plain.url().replace("http:", "https:");
    let case =
        Case { name: "https:// for a port without TLS", against: AGAINST, url: &url, certificate: None };
    for args in ["queue", "pin"] {
        texts.run(case, &[args], Trust::System).await;
    }
    let case = Case { name: "pin with http://", url: &plain.url(), ..case };
    texts.run(case, &["queue"], Trust::Pin(super::WRONG_PIN, "of another")).await;
    let (gateway, _) = start("ordinary", TlsVersions::Both).await;
    let url = gateway.url().replace("https:", "http:");
    texts
        .run(Case { name: "http:// for a port with TLS", url: &url, ..case }, &["queue"], Trust::System)
        .await;
    let quirks = "redirect-https".parse().unwrap();
    let redirecting = gateway_with(Options { quirks, ..Options::default() }).await;
    let case = Case { name: "redirect to https://", url: &redirecting.url(), ..case };
    texts.run(case, &["queue"], Trust::System).await;
}
