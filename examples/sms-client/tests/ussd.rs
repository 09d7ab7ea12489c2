//! `ussd send`, `ussd cancel` and `ussd replies`.

mod common;

use common::{fails, gateway, json, objects, people, run};
use gateway_emulator::{Canned, Reg};
use serde_json::json;

#[tokio::test]
async fn code_is_sent_and_its_reply_shown() {
    let gateway = gateway().await;
    gateway.set_ussd(None, "*125#", "Balance: 12.50\n1. More");
    gateway.set_ussd(Some(2), "*125#", "您好");
    let out = people(&gateway, &["ussd", "send", "--port", "1,2", "*125#", "--wait", "2"]).await;
    assert_eq!(out, "PORT  STATUS  REPLY\n   1  reply   Balance: 12.50\\n1. More\n   2  reply   您好\n");
    let out = people(&gateway, &["ussd", "replies", "--port", "0-2"]).await;
    assert_eq!(out, "PORT  REPLY\n   0  -\n   1  Balance: 12.50\\n1. More\n   2  您好\n");
    let (records, summary) = json(&gateway, &["ussd", "replies", "--port", "2"]).await;
    assert_eq!((records, summary), (vec![json!({"port": 2, "text": "您好"})], json!({"error_code": 200})));
}

#[tokio::test]
async fn earlier_reply_is_marked() {
    let gateway = gateway().await;
    gateway.set_ussd(None, "*125#", "Balance");
    let args = ["ussd", "send", "--port", "1", "*125#", "--wait", "0.6"];
    let reply = json!({"port": 1, "status": 200, "text": "Balance"});
    let summary = json!({"error_code": 202, "replies": 1});
    assert_eq!(json(&gateway, &args).await, (vec![reply], summary.clone()));
    let out = people(&gateway, &args).await;
    assert!(out.contains("   1  unchanged  Balance\n\nunchanged: "), "{out}");
    let unchanged = json!({"port": 1, "status": 200, "text": "Balance", "unchanged": true});
    assert_eq!(json(&gateway, &args).await, (vec![unchanged], summary));
}

#[tokio::test]
async fn code_is_sent_once_if_the_question_for_earlier_replies_is_refused() {
    let gateway = gateway().await;
    gateway.set_ussd(None, "*125#", "Balance");
    gateway.set_quirks("ussd-replies-refused".parse().unwrap());
    let args = ["ussd", "send", "--port", "1", "*125#", "--wait", "0.6"];
    let (records, summary) = json(&gateway, &args).await;
    assert_eq!(summary, json!({"error_code": 202, "replies": 1}));
    // `unchanged` is not compared. It is absent only if a query after the code has shown that the port had no text.
    assert!(records[0]["text"] == "Balance" && records[0]["port"] == 1, "{records:?}");
    let sent = gateway.requests().into_iter().filter(|request| request.uri == "/api/send_ussd");
    assert_eq!(sent.filter(|request| request.status == Some(200)).count(), 1);
    let refusal = Canned::json(200, r#"{"error_code":500}"#);
    gateway.answer_next("query_ussd_reply", refusal);
    let out = people(&gateway, &args).await;
    assert!(out.contains("   1  unchanged  Balance\n\nunchanged: "), "{out}");
}

#[tokio::test]
async fn failing_ports_and_missing_replies_are_reported() {
    let gateway = gateway().await;
    gateway.set_reg(3, Reg::NoSim);
    gateway.set_ussd(None, "*125#", "Balance");
    let some = run(&gateway, &["ussd", "send", "--port", "2,3", "*125#", "--wait", "2"]).await;
    fails(&some, 3, &["1 of 2 ports did not send it"]);
    assert!(some.out.contains("   2  reply                          Balance\n"), "{some:?}");
    assert!(some.out.contains("   3  not sent: not available (503)  -\n"), "{some:?}");
    let none = run(&gateway, &["ussd", "send", "--port", "1", "*9#", "--wait", "0.2", "--json"]).await;
    fails(&none, 4, &["no reply within 0.2 s"]);
    assert_eq!(objects(&none.out), [json!({"port": 1, "status": 200})]);
    gateway.answer_next("send_ussd", Canned::json(200, r#"{"error_code":400}"#));
    let refused = run(&gateway, &["ussd", "send", "--port", "1", "*9#"]).await;
    fails(&refused, 3, &["send_ussd: 400, no text to send"]);
}

#[tokio::test]
async fn session_is_ended() {
    let gateway = gateway().await;
    gateway.set_reg(3, Reg::NoSim);
    assert_eq!(people(&gateway, &["ussd", "cancel", "--port", "1"]).await, "PORT  STATUS\n   1  ended\n");
    let (records, summary) = json(&gateway, &["ussd", "cancel", "--port", "1", "bye"]).await;
    assert_eq!(records, [json!({"port": 1, "status": 200})]);
    assert_eq!(summary["error_code"], 202);
    let refused = run(&gateway, &["ussd", "cancel", "--port", "3"]).await;
    fails(&refused, 3, &["the port did not end it"]);
    assert!(refused.out.contains("not ended: not available (503)"), "{refused:?}");
}

#[tokio::test]
async fn limits_are_checked_before_anything_is_sent() {
    let gateway = gateway().await;
    let long = "1".repeat(61);
    for (args, words) in [
        (&["send", "--port", "1", ""][..], "the USSD text is empty"),
        (&["send", "--port", "1", &long], "61 bytes"),
        (&["cancel", "--port", "1", &long], "61 bytes"),
        (&["send", "*125#"], "--port"),
        (&["send", "--port", "1", "*125#", "--wait", "0"], "not a time from 1ms to 72h"),
        (&["replies", "--port", "a"], "ports are written as"),
    ] {
        fails(&run(&gateway, &[&["ussd"], args].concat()).await, 2, &[words]);
    }
    assert!(gateway.requests().is_empty());
}
