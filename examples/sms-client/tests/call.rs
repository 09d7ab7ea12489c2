//! `call`: requests for which the program has no command of its own.

mod common;

use std::process::Stdio;

use common::{command, fails, gateway, json, people, run, run_command};
use gateway_emulator::{Canned, End};
use serde_json::json;
use tokio::io::AsyncWriteExt;

const QUEUE: &str = "/api/query_sms_in_queue";
const RESULTS: &str = "/api/query_sms_result";

#[tokio::test]
async fn the_body_is_printed_as_it_is() {
    let gateway = gateway().await;
    assert_eq!(people(&gateway, &["call", "GET", QUEUE]).await, r#"{"error_code":200,"in_queue":0}"#);
    let bytes = b"\x1b[2J\xff\0 \xe2\x80\xaeend";
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
    gateway.answer_next("query_sms_in_queue", Canned::bytes([head.as_bytes(), bytes].concat()));
    let output = command(&gateway, &["call", "GET", QUEUE]).output().await.unwrap();
    assert_eq!((output.status.code(), &*output.stdout, &*output.stderr), (Some(0), &bytes[..], &b""[..]));
}

#[tokio::test]
async fn data_is_a_text_a_file_or_the_standard_input() {
    let gateway = gateway().await;
    let body = r#"{"user_id":[7]}"#;
    let file = std::env::temp_dir().join(format!("sms-client-call-{}.json", std::process::id()));
    std::fs::write(&file, body).unwrap();
    let named = format!("@{}", file.display());
    for data in [body, &named] {
        people(&gateway, &["call", "POST", RESULTS, "--data", data]).await;
    }
    std::fs::remove_file(file).unwrap();
    let mut piped = command(&gateway, &["call", "POST", RESULTS, "--data", "-"]);
    let mut child = piped.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(body.as_bytes()).await.unwrap();
    assert!(child.wait().await.unwrap().success());
    let bodies =
        gateway.requests().into_iter().filter(|request| request.method == "POST" && request.authorization);
    assert_eq!(bodies.map(|request| request.body).collect::<Vec<_>>(), [body; 3]);
}

#[tokio::test]
async fn other_statuses_end_with_4_after_the_body() {
    let gateway = gateway().await;
    let missing = run(&gateway, &["call", "GET", "/api/get_cdr?port=1,2"]).await;
    fails(&missing, 4, &["HTTP status 404"]);
    assert!(missing.out.starts_with("<html>") && missing.out.ends_with("</html>\n"), "{missing:?}");
    assert_eq!(gateway.requests().last().unwrap().uri, "/api/get_cdr?port=1,2");
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: https://box/\r\nContent-Length: 2\r\n\r\nhi";
    gateway.answer_next("query_sms_in_queue", Canned::bytes(elsewhere));
    let redirect = run(&gateway, &["call", "GET", QUEUE, "--include"]).await;
    fails(&redirect, 4, &["HTTP status 302"]);
    assert_eq!(redirect.out, "HTTP 302\nlocation: https://box/\ncontent-length: 2\n\nhi");
}

#[tokio::test]
async fn json_has_status_headers_and_body() {
    let gateway = gateway().await;
    let head = "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: \u{1b}\r\nContent-Length: 3\r\n\r\n";
    gateway.answer_next("query_sms_in_queue", Canned::bytes([head.as_bytes(), b"a\xff\x1b"].concat()));
    let (records, shown) = json(&gateway, &["call", "GET", QUEUE]).await;
    assert_eq!(records, Vec::<serde_json::Value>::new());
    assert_eq!(
        (&shown["status"], &shown["body"], &shown["lossy"]),
        (&json!(200), &json!("a\u{fffd}\u{1b}"), &json!(true))
    );
    assert!(shown["headers"].as_array().unwrap().contains(&json!(["x-a", "1"])), "{shown}");
    let missing = run(&gateway, &["call", "GET", "/nothing", "--json"]).await;
    fails(&missing, 4, &["HTTP status 404"]);
    assert!(
        missing.out.starts_with(r#"{"status":404,"headers":[["content-type","text/html"]"#),
        "{missing:?}"
    );
}

#[tokio::test]
async fn the_part_before_a_broken_connection_is_printed() {
    let gateway = gateway().await;
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe first part";
    gateway.answer_next("query_sms_in_queue", Canned::bytes(cut).then(End::Close));
    let broken = run(&gateway, &["call", "GET", QUEUE]).await;
    fails(&broken, 4, &["broke"]);
    assert_eq!(broken.out, "the first part");
    gateway.answer_next("query_sms_in_queue", Canned::bytes(cut).then(End::Stall));
    let late = run(&gateway, &["call", "GET", QUEUE, "--request-timeout", "1"]).await;
    fails(&late, 4, &["stopped, after 1 s"]);
    assert_eq!(late.out, "the first part");
}

#[tokio::test]
async fn a_wrong_password_is_sent_once() {
    let gateway = gateway().await;
    let mut wrong = command(&gateway, &["call", "POST", "/api/get_status", "--data", "[]"]);
    wrong.env("SMS_GATEWAY_PASSWORD", "wrong");
    fails(&run_command(wrong).await, 4, &["refused"]);
    assert_eq!(gateway.counts().refused, 1);
    let mut open = command(&gateway, &["call", "GET", QUEUE]);
    open.env_remove("SMS_GATEWAY_USER");
    fails(&run_command(open).await, 4, &["HTTP status 401"]);
}

#[tokio::test]
async fn wrong_usage_sends_nothing() {
    let gateway = gateway().await;
    for (args, words) in [
        (&["call", "GET", QUEUE, "--data", "x"][..], "a GET has no body"),
        (&["call", "PUT", QUEUE], "'PUT'"),
        (&["call", "GET", "api/x"], "the path must begin with /"),
        (&["call", "GET", "/api/x y"], "position 6 of the path must be percent-encoded"),
        (&["call", "POST", "/x", "--data", "@no-such-file"], "no-such-file: No such file"),
    ] {
        fails(&run(&gateway, args).await, 2, &[words]);
    }
    assert_eq!(gateway.requests(), []);
}
