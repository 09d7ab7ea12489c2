//! `watch`.

mod common;

use common::{Running, command, fails, gateway, gateway_with, objects};
use gateway_emulator::{Canned, Emulator, Options};
use serde_json::{Value, json};

/// The polling interval fits a gateway that is a thousand times as fast as real ones.
const WATCH: [&str; 3] = ["watch", "--interval", "10ms"];

fn watch(gateway: &Emulator, more: &[&str]) -> Running {
    Running::new(command(gateway, &[&WATCH[..], more].concat()))
}

fn page(records: &Value) -> Canned {
    Canned::json(200, &json!({"error_code": 200, "sms": records, "read": 0, "unread": 0}).to_string())
}

#[tokio::test]
async fn incoming_messages_are_printed() {
    let gateway = gateway().await;
    gateway.receive_sms(2, "Bank", "Code 4711\n\u{1b}[2Jred");
    let mut watch = watch(&gateway, &[]);
    watch.line(&["from Bank"]).await;
    gateway.receive_sms(7, "+8613800138000", &"您好，您的包裹已到达。".repeat(8));
    watch.line(&["from +8613800138000"]).await;
    let stopped = watch.stop().await;
    assert_eq!((stopped.code, &*stopped.err), (Some(0), ""));
    let lines: Vec<_> = stopped.out.lines().collect();
    assert_eq!(lines[0], r"from Bank, port 2, 2014-12-21 12:06:01: Code 4711\n\u{1b}[2Jred");
    assert!(lines[1].starts_with("from +8613800138000, port 7, 2014-12-21 "), "{lines:?}");
    // Without a terminal, each event is one line.
    assert!(lines.len() == 2 && lines[1].ends_with(&"您好，您的包裹已到达。".repeat(8)), "{lines:?}");
    let asked = gateway.requests().into_iter().filter(|request| request.uri.contains("incoming"));
    assert!(asked.into_iter().all(|request| request.uri.ends_with("flag=all")));
}

#[tokio::test]
async fn events_are_printed_as_objects() {
    let gateway = gateway().await;
    let id = gateway.receive_sms(2, "Bank", "Code 4711\nA");
    let mut watch = watch(&gateway, &["--json"]);
    watch.line(&["Bank"]).await;
    let stopped = watch.stop().await;
    assert_eq!((stopped.code, &*stopped.err), (Some(0), ""));
    assert_eq!(
        objects(&stopped.out),
        [json!({"event": "incoming", "incoming_sms_id": id, "port": 2, "number": "Bank",
            "smsc": "+8613010868500", "timestamp": "2014-12-21 12:06:01", "text": "Code 4711\nA"})]
    );
}

#[tokio::test]
async fn later_versions_name_the_sim_card_and_the_gateway() {
    let quirks = "later-version".parse().unwrap();
    let gateway = gateway_with(Options { quirks, ..Options::default() }).await;
    gateway.receive_sms(2, "Bank", "Code 4711");
    let mut watch = watch(&gateway, &["--json"]);
    let line = watch.line(&["Bank"]).await;
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&event["imsi"], &event["sn"]), (&json!("460016529802202"), &json!("da00-0089-1020-0015")));
    watch.stop().await;
}

#[tokio::test]
async fn trouble_and_recovery_are_shown() {
    let gateway = gateway().await;
    let mut watch = watch(&gateway, &[]);
    gateway.requests_after(0).await;
    for _ in 0..3 {
        gateway.answer_next("query_incoming_sms", Canned::json(503, ""));
    }
    watch.line(&["the gateway responds again"]).await;
    let stopped = watch.stop().await;
    assert_eq!((stopped.code, &*stopped.err), (Some(0), ""));
    assert_eq!(stopped.out, "trouble: HTTP status 503\nthe gateway responds again\n");
}

#[tokio::test]
async fn restarted_inbox_is_reported() {
    let gateway = gateway().await;
    let old = json!([{"incoming_sms_id": 9, "port": 1, "number": "10086", "text": "old"}]);
    gateway.answer_next("query_incoming_sms", page(&old));
    let mut watch = watch(&gateway, &["--json"]);
    watch.line(&["\"old\""]).await;
    watch.line(&["{\"event\":\"inbox_restarted\"}"]).await;
    gateway.receive_sms(1, "10086", "new");
    watch.line(&["\"incoming_sms_id\":1,", "\"new\""]).await;
    assert_eq!(watch.stop().await.code, Some(0));
}

#[tokio::test]
async fn incomplete_text_is_marked() {
    let gateway = gateway().await;
    let cut = r#"{"error_code":200,"sms":[{"incoming_sms_id":1,"number":"1","text":"a\ud83d"}]}"#;
    gateway.answer_next("query_incoming_sms", Canned::json(200, cut));
    let mut human = watch(&gateway, &[]);
    assert_eq!(human.line(&["from 1"]).await, "from 1: a\u{FFFD} [unreadable in part]");
    human.stop().await;
    gateway.receive_sms(0, "1", &"x".repeat(70_000));
    let mut script = watch(&gateway, &["--json"]);
    script.line(&["\"number\":\"1\"", "\"text\":null"]).await;
    script.stop().await;
}

#[tokio::test]
async fn wrong_password_ends_the_program() {
    let gateway = gateway().await;
    let mut command = command(&gateway, &WATCH);
    command.env("SMS_GATEWAY_PASSWORD", "wrong");
    let wrong = common::run_command(command).await;
    fails(&wrong, 4, &["sms-client: the gateway refused the user name or password\n"]);
    assert_eq!((wrong.out.as_str(), gateway.counts().refused), ("", 1));
}

#[cfg(not(feature = "store"))]
#[tokio::test]
async fn build_without_a_store_rejects_the_option() {
    let gateway = gateway().await;
    fails(&common::run(&gateway, &["watch", "--store", "x"]).await, 2, &["build it with --features store"]);
    assert!(gateway.requests().is_empty());
}
