//! The program as users run it.

use std::{process::Stdio, time::Duration};

use gateway_emulator::{Emulator, Https, Options};
use sms_client::text::width;
use tokio::{process::Command, time::timeout};

/// Runs the program, and returns its exit status, output and errors.
async fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    command.args(args).stdin(Stdio::null()).env("SMS_GATEWAY_PASSWORD", "admin").kill_on_drop(true);
    let output = timeout(Duration::from_secs(15), command.output()).await.unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let out = text(output.stdout);
    assert!(out.lines().all(|line| width(line) <= 80), "{out}");
    (output.status.code(), out, text(output.stderr))
}

/// Returns the row with this name in the table of outcomes.
fn row<'a>(out: &'a str, name: &str) -> &'a str {
    let (_, table) = out.split_once("What became of them:").unwrap();
    table.lines().find(|line| line.starts_with(name)).unwrap()
}

#[tokio::test]
async fn demonstration_on_the_emulator_runs_to_its_end() {
    let (code, out, err) = run(&[]).await;
    assert_eq!((code, &*err), (Some(0), ""), "{out}");
    for (name, number, rest) in [
        ("Ann", "+8613800138000", "1/1  -"),
        ("Bob", "+8613800138001", "3/3  -"),
        ("Zoë", "13800138002", "1/1  -"),
        ("陈先生", "13800138003", "1/1  -"),
        ("Eve", "13800138004", "-  the gateway could not send it"),
        ("Max", "13800138005", "0/1  status 70, validity expired"),
    ] {
        let row = row(&out, name);
        let state = if rest.ends_with("  -") { "  delivered  " } else { "  failed  " };
        assert!(row.contains(number) && row.contains(state) && row.ends_with(rest), "{row}");
    }
    for words in [
        "Mobile Registered",
        " s  Zoë     delivered, port ",
        " s  Bob     delivered, port ",
        " s  from +8613800138000: Thank you! I shall be at home. 😀\\nAnn\n",
        "Your balance is 12.50 EUR.",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
}

#[tokio::test]
async fn demonstration_runs_on_the_users_gateway() {
    let gateway = Emulator::start(Options { speed: 20.0, ..Options::default() }).await.unwrap();
    gateway.set_ussd(None, "*1#", "Hello");
    gateway.receive_sms(0, "10086", "welcome");
    let args = ["--gateway", &gateway.url(), "--user", "admin", "--to", "10010", "--to", "10011"];
    let (code, out, err) =
        run(&[&args[..], &["--ussd", "*1#", "--port", "2", "--speed", "20"]].concat()).await;
    assert_eq!((code, &*err), (Some(0), ""), "{out}");
    assert!(row(&out, "10011").contains("  delivered     2       1/1  -"), "{out}");
    assert!(out.contains("welcome") && out.contains("   2  Hello"), "{out}");
    let mut seen: Vec<_> = gateway.messages().iter().map(|sms| (sms.number.clone(), sms.port)).collect();
    seen.sort();
    assert_eq!(seen, [("10010".to_owned(), Some(2)), ("10011".to_owned(), Some(2))]);
}

#[tokio::test]
async fn demonstration_runs_over_https_with_a_pin() {
    let options = Options { speed: 20.0, https: Some(Https::default()), ..Options::default() };
    let gateway = Emulator::start(options).await.unwrap();
    let pin = gateway.certificate().unwrap().fingerprint();
    let args = ["--gateway", &gateway.url(), "--user", "admin", "--to", "10010", "--speed", "20"];
    let (code, out, err) = run(&[&args[..], &["--pin", &pin]].concat()).await;
    assert_eq!((code, &*err), (Some(0), ""), "{out}");
    assert!(row(&out, "10010").contains("  delivered  "), "{out}");
}

#[tokio::test]
async fn a_certificate_that_is_not_pinned_is_refused_with_its_fingerprint() {
    let options = Options { https: Some(Https::default()), ..Options::default() };
    let gateway = Emulator::start(options).await.unwrap();
    let fingerprint = gateway.certificate().unwrap().fingerprint();
    let args = ["--gateway", &gateway.url(), "--user", "admin", "--to", "10010"];
    let wrong = format!("sha256:{}", "0f".repeat(32));
    for (pin, words) in [
        (&[][..], "pin it with --pin or SMS_GATEWAY_PIN\n"),
        (&["--pin", &wrong], "it is not the pinned one"),
    ] {
        let (code, _, err) = run(&[&args, pin].concat()).await;
        assert!(code == Some(1) && err.contains(words) && err.contains(&fingerprint), "{err}");
    }
    assert_eq!(gateway.counts().requests, 0);
}

#[tokio::test]
async fn nothing_is_sent_without_recipients() {
    let gateway = Emulator::start(Options::default()).await.unwrap();
    let (code, _, err) = run(&["--gateway", &gateway.url(), "--user", "admin"]).await;
    assert!(code == Some(2) && err.contains("--to"), "{err}");
    assert_eq!(run(&["--gateway", &gateway.url(), "--to", "12x"]).await.0, Some(1));
    let (code, _, err) = run(&["--gateway", &gateway.url(), "--user", "eve", "--to", "1"]).await;
    let address = gateway.addr();
    let expected = format!("quickstart: {address}: the gateway refused the user name or password\n");
    assert_eq!((code, err), (Some(1), expected));
    assert!(gateway.messages().is_empty());
}
