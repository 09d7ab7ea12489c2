//! HTTPS with `--pin` and `--ca`, and the command `pin`.

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../../adapter-std/tests/tls/peer.rs"]
#[allow(dead_code, missing_docs)]
mod peer;
mod texts;

use std::process::Stdio;

use common::{PASSWORD, Run, Running, fails, gateway_with, run_command, run_talking};
use gateway_emulator::{Https, Options};
use peer::{Identity, Kind, Peer, THIS_HOST};
use tokio::process::Command;

const PIN: &str = "SMS_GATEWAY_PIN";

fn command(gateway: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sms-client"));
    command.args(args).stdin(Stdio::null()).kill_on_drop(true).env_remove(PIN);
    command
        .env("SMS_GATEWAY", gateway)
        .env("SMS_GATEWAY_USER", "admin")
        .env("SMS_GATEWAY_PASSWORD", PASSWORD);
    command
}

async fn run(gateway: &str, args: &[&str]) -> Run {
    run_command(command(gateway, args)).await
}

fn succeeds(run: &Run) {
    assert_eq!((run.code, &*run.out, &*run.err), (Some(0), "3 messages wait to be sent\n", ""), "{run:?}");
}

async fn start() -> (Identity, Peer) {
    let identity = Identity::new(Kind::PLAIN);
    let peer = identity.serve(&[]).await;
    (identity, peer)
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_with_the_way_to_pin_it() {
    needs_openssl!();
    let (identity, peer) = start().await;
    let refused = run(&peer.url(), &["queue"]).await;
    let pin = identity.pin().to_string();
    fails(
        &refused,
        4,
        &["the gateway's certificate is not trusted", &pin, "pin it with --pin or SMS_GATEWAY_PIN"],
    );
    succeeds(&run(&peer.url(), &["queue", "--pin", &pin]).await);
}

#[tokio::test]
async fn a_pin_in_the_environment_and_a_file_with_the_certificate_are_trusted() {
    needs_openssl!();
    let (identity, peer) = start().await;
    let other = Identity::new(Kind::PLAIN);
    let mut pinned = command(&peer.url(), &["queue"]);
    pinned.env(PIN, format!("{},{}", other.pin(), identity.key_pin()));
    succeeds(&run_command(pinned).await);
    // With a pin, the URL needs no scheme.
    succeeds(&run(&peer.address, &["queue", "--pin", &identity.pin().to_string()]).await);
    let path = identity.path("cert.pem");
    succeeds(&run(&peer.address, &["queue", "--ca", &path]).await);
    let other = other.path("cert.pem");
    fails(&run(&peer.address, &["queue", "--ca", &other]).await, 4, &["no trusted authority vouches for it"]);
}

#[tokio::test]
async fn a_wrong_pin_ends_a_wait_at_once() {
    needs_openssl!();
    let (_, peer) = start().await;
    let pin = Identity::new(Kind::PLAIN).pin().to_string();
    let args = ["send", "--wait", "--text", "Hello", "--to", "10086", "--timeout", "10m", "--pin", &pin];
    let refused = run_talking(command(&peer.url(), &args)).await;
    fails(&refused, 4, &["it is not the pinned one", "otherwise something else answers in its place"]);
}

#[tokio::test]
async fn pin_prints_the_fingerprint_and_sends_no_request() {
    needs_openssl!();
    let identity = Identity::new(Kind::PLAIN);
    let peer = identity.listen(&[]).await;
    let shown = run_talking(command("", &["pin", &peer.address])).await;
    assert_eq!((shown.code, shown.out), (Some(0), format!("{}\n", identity.pin())));
    for words in [
        "\"O=Example, CN=box\\u{7}\"",
        "valid from 20",
        "over a direct cable",
        &identity.key_pin().to_string(),
    ] {
        assert!(shown.err.contains(words), "{words}: {}", shown.err);
    }
    let json = run_talking(command(&peer.url(), &["pin", "--json"])).await;
    assert_eq!(json.out, format!("{{\"pin\":\"{}\"}}\n", identity.pin()));
    let printed = peer.end().await;
    assert!(printed.contains("CIPHER is"), "{printed}");
    assert!(!printed.contains("HTTP/1.1") && !printed.contains("admin"), "{printed}");
}

#[tokio::test]
async fn pin_compares_the_fingerprint_with_the_given_one() {
    needs_openssl!();
    let (identity, peer) = start().await;
    for pin in [identity.pin(), identity.key_pin()] {
        let mut same = command(&peer.url(), &["pin"]);
        same.env(PIN, pin.to_string());
        let same = run_talking(same).await;
        assert_eq!((same.code, same.out), (Some(0), format!("{}\n", identity.pin())));
        assert!(same.err.contains("It matches the given pin"), "{}", same.err);
    }
    let mut differs = command(&peer.url(), &["pin"]);
    differs.env(PIN, Identity::new(Kind::PLAIN).pin().to_string());
    let differs = run_talking(differs).await;
    fails(&differs, 1, &[&identity.pin().to_string(), "the certificate is not the pinned one"]);
    assert_eq!(differs.out, "");
}

#[tokio::test]
async fn the_systems_authorities_are_trusted_without_a_pin() {
    needs_openssl!();
    let authority = Identity::new(Kind::PLAIN);
    let issued = authority.issue(THIS_HOST, &[]);
    let peer = issued.serve(&[]).await;
    let with = |file: &str| {
        let mut command = command(&peer.url(), &["queue"]);
        command.env("SSL_CERT_FILE", file).env_remove("SSL_CERT_DIR");
        command
    };
    succeeds(&run_command(with(&authority.path("cert.pem"))).await);
    let other = Identity::new(Kind::PLAIN);
    let refused = run_command(with(&other.path("cert.pem"))).await;
    fails(&refused, 4, &["no trusted authority vouches for it"]);
    let refused = run_command(with("/dev/null")).await;
    fails(&refused, 4, &["there are no root certificates on this computer", "pin it with --pin"]);
}

#[tokio::test]
async fn pin_explains_a_port_without_tls() {
    let gateway = gateway_with(Options::default()).await;
    let failed = run(&format!("https://{}", gateway.addr()), &["pin"]).await;
    fails(&failed, 4, &["the gateway's certificate can't be fetched: this port speaks no TLS"]);
}

#[tokio::test]
async fn wrong_pins_files_and_schemes_are_refused_before_anything_is_sent() {
    let sha1 = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33";
    let pin = format!("sha256:{}", "0f".repeat(32));
    for (args, words) in [
        (&["queue", "--pin", sha1][..], "this is a SHA-1 fingerprint"),
        (&["queue", "--pin", "0f"], "a pin begins with sha256:"),
        (&["queue", "--pin", &pin, "--gateway", "http://127.0.0.1"], "need a URL that begins with https://"),
        (&["queue", "--ca", "no-such-file.pem"], "no-such-file.pem: No such file"),
        (&["queue", "--ca", "/dev/null"], "/dev/null: no certificate in PEM"),
        (&["pin", "http://127.0.0.1"], "need a URL that begins with https://"),
    ] {
        fails(&run("https://127.0.0.1:9", args).await, 2, &[words]);
    }
}

#[tokio::test]
async fn messages_are_sent_and_watched_over_https() {
    let gateway = gateway_with(Options { https: Some(Https::default()), ..Options::default() }).await;
    let pin = gateway.certificate().unwrap().key_fingerprint();
    let args = ["send", "--text", "Hello", "--to", "10086", "--wait", "--interval", "10ms", "--pin", &pin];
    let sent = run_talking(command(&gateway.url(), &args)).await;
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert_eq!(gateway.messages()[0].text, "Hello");
    gateway.receive_sms(2, "Bank", "Code 4711");
    let mut watch = Running::new(command(&gateway.url(), &["watch", "--interval", "10ms", "--pin", &pin]));
    watch.line(&["from Bank", "Code 4711"]).await;
    assert_eq!(watch.stop().await.code, Some(0));
}
