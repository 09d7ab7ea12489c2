//! The login, the errors, and the help.

mod common;

use common::{PASSWORD, Running, command, fails, gateway, gateway_with, people, run, run_command};
use gateway_emulator::{Auth, Canned, Emulator, End, Options, Quirks};
use sms_client::text::width;
use tokio::{net::TcpListener, process::Command};

async fn queue(gateway: &Emulator, change: impl FnOnce(&mut Command) -> &mut Command) -> common::Run {
    let mut command = command(gateway, &["queue"]);
    change(&mut command);
    run_command(command).await
}

#[tokio::test]
async fn login_is_read_from_the_environment() {
    let gateway = gateway().await;
    assert_eq!(people(&gateway, &["queue"]).await, "no message waits to be sent\n");
    let wrong = queue(&gateway, |command| command.env("SMS_GATEWAY_PASSWORD", "wrong")).await;
    fails(&wrong, 4, &["refused the user name or password"]);
    assert_eq!(gateway.counts().refused, 1);
    let wrong = run(&gateway, &["queue", "--user", "eve"]).await;
    fails(&wrong, 4, &["refused the user name or password"]);
    let none = queue(&gateway, |command| command.env_remove("SMS_GATEWAY_USER")).await;
    fails(&none, 4, &["wants a user name and password; give the name with --user or SMS_GATEWAY_USER"]);
}

#[tokio::test]
async fn missing_or_invalid_arguments_are_wrong_usage() {
    let gateway = gateway().await;
    let none = queue(&gateway, |command| command.env_remove("SMS_GATEWAY_PASSWORD")).await;
    fails(&none, 2, &["no password: set SMS_GATEWAY_PASSWORD"]);
    let none = queue(&gateway, |command| command.env_remove("SMS_GATEWAY")).await;
    fails(&none, 2, &["no gateway"]);
    for (args, words) in [
        (&["queue", "--gateway", "http://a:b@127.0.0.1"][..], "don't belong into the URL"),
        (&["queue", "--gateway", "http://127.0.0.1/api"], "the API's paths are fixed"),
        (&["queue", "--request-timeout", "0"], "not a time from 1ms to 72h"),
        (&["watch", "--metered", "--interval", "6s"], "'--metered' cannot be used with '--interval"),
        (&["send", "--text=x", "--to=1", "--metered"], "--wait"),
        (&["queeu"], "'queeu'; tip: a similar subcommand exists: 'queue'; see --help"),
        (&["queue", "--password", "x"], "unexpected argument '--password'"),
        (&["results", "--after", "yesterday"], "not a time as YYYY-MM-DD HH:MM:SS"),
        (&["results", "--number", "1a"], "'a' as character 2"),
        (&["inbox", "--flag", "new"], "[possible values: all, unread, read]"),
    ] {
        fails(&run(&gateway, args).await, 2, &[words]);
    }
    assert!(gateway.requests().is_empty());
}

#[tokio::test]
async fn gateway_may_be_given_without_a_scheme() {
    let gateway = gateway_with(Options { auth: Auth::None, ..Options::default() }).await;
    let out = people(&gateway, &["queue", "--gateway", &gateway.addr().to_string()]).await;
    assert_eq!(out, "no message waits to be sent\n");
}

#[tokio::test]
async fn basic_login_only_when_allowed() {
    let gateway = gateway_with(Options { auth: Auth::Basic, ..Options::default() }).await;
    fails(&run(&gateway, &["queue"]).await, 4, &["allow it explicitly with --allow-basic"]);
    assert!(gateway.requests().iter().all(|request| !request.authorization));
    people(&gateway, &["queue", "--allow-basic"]).await;
}

#[tokio::test]
async fn unreachable_and_slow_gateways_are_reported() {
    let gateway = gateway().await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    fails(&run(&gateway, &["queue", "--gateway", &free]).await, 4, &["can't be reached"]);
    gateway.answer_next("query_sms_result", Canned::bytes("").then(End::Stall));
    let late = run(&gateway, &["results", "--request-timeout", "1"]).await;
    fails(&late, 4, &["no response from the gateway, after 1 s"]);
    let body = r#"{"error_code":200,"result":[{"port":1},"#;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{body}");
    gateway.answer_next("query_sms_result", Canned::bytes(head.clone()).then(End::Stall));
    let late = run(&gateway, &["results", "--request-timeout", "1", "--json"]).await;
    fails(&late, 4, &["the gateway's response stopped, after 1 s"]);
    assert_eq!(late.out, "{\"port\":1}\n");
    gateway.answer_next("query_sms_result", Canned::bytes(head).then(End::Close));
    fails(&run(&gateway, &["results"]).await, 4, &["broke"]);
}

#[tokio::test]
async fn http_errors_and_redirects_are_reported() {
    let gateway = gateway().await;
    gateway.answer_next("query_sms_in_queue", Canned::truth());
    gateway.answer_next("query_sms_result", Canned::json(503, ""));
    fails(&run(&gateway, &["results"]).await, 4, &["HTTP status 503"]);
    gateway.answer_next("query_sms_result", Canned::json(404, ""));
    fails(&run(&gateway, &["results"]).await, 4, &["HTTP status 404", "New Version API"]);
    let quirks: Quirks = "redirect-https".parse().unwrap();
    let gateway = gateway_with(Options { quirks, ..Options::default() }).await;
    fails(&run(&gateway, &["results"]).await, 4, &["redirects to https://"]);
}

#[tokio::test]
async fn a_lock_out_is_explained_to_people_and_scripts() {
    let gateway = gateway_with(Options { lock_out_after: Some(1), ..Options::default() }).await;
    let wrong = queue(&gateway, |command| command.env("SMS_GATEWAY_PASSWORD", "wrong")).await;
    fails(&wrong, 4, &[]);
    let words = ["HTTP status 403, \"forbid to try again\"; ", "wait some minutes", "the API is enabled"];
    fails(&run(&gateway, &["queue"]).await, 4, &words);
    let mut watch = Running::new(command(&gateway, &["watch", "--json"]));
    let trouble = watch.line(&["\"trouble\""]).await;
    let trouble: serde_json::Value = serde_json::from_str(&trouble).unwrap();
    assert!(words.iter().all(|words| trouble["error"].as_str().unwrap().contains(words)), "{trouble}");
    watch.stop().await;
}

#[tokio::test]
async fn a_forbidden_call_shows_no_markup_and_no_secret() {
    let gateway = gateway().await;
    gateway.answer_next("query_sms_in_queue", Canned::truth());
    let page = "<html><title>No</title><body><h1>Not\u{1b}[31m here</h1></body></html>";
    gateway.answer_next("query_sms_result", Canned::json(403, page));
    fails(&run(&gateway, &["results"]).await, 4, &["HTTP status 403, \"No Not [31m here\"; "]);
    gateway.answer_next("query_sms_in_queue", Canned::truth());
    gateway.answer_next("query_sms_result", Canned::json(403, &format!("admin:{PASSWORD}")));
    fails(&run(&gateway, &["results"]).await, 4, &["HTTP status 403; "]);
}

#[tokio::test]
async fn malformed_responses_are_reported() {
    let gateway = gateway().await;
    for (body, words) in [
        ("<html>login</html>", "at byte 0: no JSON object but '<'"),
        ("", "at byte 0: it ends before"),
        (r#"{"error_code":200,"result":[{"port":1}"#, "at byte 38: it ends before"),
        ("{}", "it has no error_code"),
    ] {
        gateway.answer_next("query_sms_result", Canned::json(200, body));
        fails(&run(&gateway, &["results"]).await, 5, &[words]);
    }
}

#[tokio::test]
async fn refusals_explain_their_code() {
    let gateway = gateway().await;
    for (code, words) in [
        (413, "413, more than 32 numbers"),
        (500, "500, other error"),
        (777, "777, a code that the document"),
    ] {
        let body = format!(r#"{{"error_code":{code},"result":[]}}"#);
        gateway.answer_next("query_sms_result", Canned::json(200, &body));
        let refused = run(&gateway, &["results", "--json"]).await;
        fails(&refused, 3, &["the gateway refused query_sms_result", words]);
        assert_eq!(refused.out, "");
    }
}

#[tokio::test]
async fn help_fits_the_screen() {
    let gateway = gateway().await;
    let out = people(&gateway, &["--help"]).await;
    for words in ["Exit status:", "Examples:", "SMS_GATEWAY_PASSWORD", "  7  send --wait: stopped waiting"] {
        assert!(out.contains(words), "{words}");
    }
    for command in [
        "send",
        "watch",
        "results",
        "deliveries",
        "queue",
        "inbox",
        "ussd",
        "stop",
        "ports",
        "call",
        "doctor",
        "pin",
    ] {
        let out = people(&gateway, &[command, "--help"]).await;
        assert!(out.lines().all(|line| width(line) <= 80), "{out}");
    }
    assert!(people(&gateway, &["send", "--help"]).await.contains(r"`\,` is a comma"));
    let bare = command(&gateway, &[]).output().await.unwrap();
    assert_eq!(bare.status.code(), Some(2));
    assert!(String::from_utf8(bare.stderr).unwrap().contains("Usage: sms-client"));
}
