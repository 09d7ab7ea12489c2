//! `inbox`: pages, flags, and text from strangers.

mod common;

use std::process::Stdio;

use common::{command, fails, gateway, gateway_with, json, objects, people, run, run_talking};
use gateway_emulator::{Canned, Emulator, Options};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

/// Starts a gateway with this number of received messages.
async fn full(messages: u32) -> Emulator {
    let gateway = gateway().await;
    for number in 1..=messages {
        gateway.receive_sms(0, "10086", &format!("{number} {}", "x".repeat(70)));
    }
    gateway
}

fn queries(gateway: &Emulator) -> Vec<String> {
    let asked = gateway.requests().into_iter().filter(|request| request.uri.contains("incoming"));
    asked.map(|request| request.uri).collect()
}

#[tokio::test]
async fn messages_are_a_table() {
    let gateway = gateway_with(Options { ports: 12, ..Options::default() }).await;
    gateway.receive_sms(2, "Bank", "Code 4711\n\u{1b}[2Jred \u{202e}evil \u{9b}x");
    gateway.receive_sms(11, "+8613800138000", "您好，您的包裹已到达。请凭取件码 12-3-4567 到菜鸟驿站领取。");
    let out = people(&gateway, &["inbox"]).await;
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        [
            "ID  PORT  FROM            RECEIVED             TEXT",
            r" 1     2  Bank            2014-12-21 12:06:01  Code 4711\n\u{1b}[2Jred \u{202e}evil \u{9b}x",
            " 2    11  +8613800138000  2014-12-21 12:06:01  您好，您的包裹已到达。请凭取件码 12-3-4567 到菜鸟驿站领取。",
        ]
    );
    let (records, summary) = json(&gateway, &["inbox"]).await;
    assert_eq!(records[0]["text"], "Code 4711\n\u{1b}[2Jred \u{202e}evil \u{9b}x");
    assert_eq!((&records[1]["smsc"], &records[1]["port"]), (&json!("+8613010868500"), &json!(11)));
    assert_eq!(summary, json!({"error_code": 200, "read": 0, "unread": 2}));
}

#[tokio::test]
async fn all_pages_are_read() {
    let gateway = full(300).await;
    let (records, summary) = json(&gateway, &["inbox"]).await;
    let ids: Vec<_> = records.iter().filter_map(|record| record["incoming_sms_id"].as_u64()).collect();
    assert_eq!(ids, (1..=300).collect::<Vec<_>>());
    assert_eq!(summary["unread"], 300);
    let uris = queries(&gateway);
    assert!(uris.len() > 4 && uris.iter().all(|uri| uri.ends_with("flag=all")), "{uris:?}");
    assert!(uris.last().unwrap().contains("incoming_sms_id=300&"), "{uris:?}");
}

#[tokio::test]
async fn since_shows_only_later_messages() {
    let gateway = full(5).await;
    let (records, _) = json(&gateway, &["inbox", "--since", "3"]).await;
    assert_eq!(records.iter().map(|record| &record["incoming_sms_id"]).collect::<Vec<_>>(), [4, 5]);
    assert!(json(&gateway, &["inbox", "--since", "5"]).await.0.is_empty());
    // This gateway ignores the id in the request.
    let page = r#"{"error_code":200,"sms":[{"incoming_sms_id":3},{"incoming_sms_id":5}]}"#;
    gateway.answer_next("query_incoming_sms", Canned::json(200, page));
    gateway.answer_next("query_incoming_sms", Canned::json(200, page));
    assert_eq!(json(&gateway, &["inbox", "--since", "3"]).await.0, [json!({"incoming_sms_id": 5})]);
}

#[tokio::test]
async fn unread_messages_are_read_once() {
    let gateway = full(300).await;
    let (records, summary) = json(&gateway, &["inbox", "--flag", "unread"]).await;
    assert_eq!((records.len(), &summary["read"], &summary["unread"]), (300, &json!(300), &json!(0)));
    assert!(queries(&gateway).iter().all(|uri| uri == "/api/query_incoming_sms?flag=unread"));
    assert_eq!(people(&gateway, &["inbox", "--flag", "unread"]).await, "no messages\n");
    gateway.receive_sms(1, "10010", "new");
    assert!(people(&gateway, &["inbox", "--flag", "unread"]).await.contains("301     1  10010"));
    assert_eq!(json(&gateway, &["inbox", "--flag", "read", "--since", "200"]).await.0.len(), 101);
}

#[tokio::test]
async fn inbox_ends_if_messages_are_not_marked_as_read() {
    let gateway = gateway().await;
    let page = Canned::json(200, r#"{"error_code":200,"sms":[{"incoming_sms_id":1,"text":"same"}]}"#);
    gateway.answer_next("query_incoming_sms", page.clone());
    gateway.answer_next("query_incoming_sms", page);
    assert_eq!(json(&gateway, &["inbox", "--flag", "unread"]).await.0.len(), 1);
}

#[tokio::test]
async fn records_before_an_error_are_shown() {
    let gateway = full(3).await;
    // With the flag `unread`, an unreadable response ends the program. With any other flag, a query changes nothing in the gateway, so the
    // program would search for the unreadable message and show the messages after it.
    let unread = ["inbox", "--flag", "unread", "--json"];
    for (args, lines) in [(&unread[..3], 1 + 3), (&unread, 3)] {
        let cut = r#"{"error_code":200,"sms":[{"incoming_sms_id":1,"text":"a"},{"incoming_sms_id":2},{"incoming_sms_id":3},?"#;
        gateway.answer_next("query_incoming_sms", Canned::json(200, cut));
        let broken = run(&gateway, args).await;
        fails(&broken, 5, &["unreadable response at byte 102", "'?'"]);
        assert_eq!(broken.out.lines().count(), lines, "{broken:?}");
    }
    // The second page is refused.
    gateway.answer_next("query_incoming_sms", Canned::truth());
    gateway.answer_next("query_incoming_sms", Canned::json(200, r#"{"error_code":500}"#));
    let refused = run(&gateway, &["inbox", "--json"]).await;
    fails(&refused, 3, &["query_incoming_sms: 500, other error"]);
    assert_eq!(objects(&refused.out).len(), 3);
}

/// Returns the ids that `inbox` shows for a gateway with these quirks, and its notes on stderr.
async fn ids_with(quirks: &str, messages: u32, texts: impl Fn(u32) -> String) -> (Vec<u64>, String) {
    let quirks = quirks.parse().unwrap();
    let gateway = gateway_with(Options { quirks, answer_limit: 2000, ..Options::default() }).await;
    for number in 1..=messages {
        gateway.receive_sms(0, "10086", &texts(number));
    }
    let outcome = run_talking(command(&gateway, &["inbox", "--json"])).await;
    let records = objects(&outcome.out);
    let mut ids: Vec<_> = records.iter().filter_map(|record| record["incoming_sms_id"].as_u64()).collect();
    ids.sort_unstable();
    (ids, outcome.err)
}

#[tokio::test]
async fn inboxes_in_any_order_are_read_once() {
    let text = |number| format!("{number} {}", "x".repeat(70));
    for quirks in ["newest-first", "shuffled-inbox"] {
        let (ids, _) = ids_with(quirks, 8, text).await;
        assert_eq!(ids, (1..=8).collect::<Vec<_>>(), "{quirks}");
    }
    assert_eq!(ids_with("cut-records", 60, text).await.0, (1..=60).collect::<Vec<_>>());
    assert_eq!(ids_with("equal-ids", 6, text).await.0, [1, 2, 2, 3, 4, 4]);
}

#[tokio::test]
async fn unreadable_messages_are_left_out_and_named() {
    let text = |number| match number {
        3 | 7 => r#"he said "hello""#.to_owned(),
        20 => r#"hi"}"#.to_owned(),
        _ => format!("{number} {}", "x".repeat(70)),
    };
    let (ids, notes) = ids_with("raw-quotes", 60, text).await;
    // Message 20, whose text ends its record early, is shown as far as it can be read.
    assert_eq!(ids, (1..=60).filter(|id| ![3, 7].contains(id)).collect::<Vec<_>>());
    for id in [3, 7, 20] {
        assert!(notes.contains(&format!("message {id} cannot be read")), "{notes}");
    }
    let (ids, _) = ids_with("raw-quotes", 5, |_| r#"x","incoming_sms_id":999,"text":"forged"#.into()).await;
    assert_eq!(ids, [1, 2, 3, 4, 5], "no id is forged");
}

#[tokio::test]
async fn incomplete_texts_are_marked() {
    let gateway = gateway().await;
    gateway.receive_sms(0, "1", &"x".repeat(70_000));
    let page = r#"{"error_code":200,"sms":[{"incoming_sms_id":1,"text":"a\ud83d"}]}"#;
    gateway.answer_next("query_incoming_sms", Canned::json(200, page));
    let out = people(&gateway, &["inbox"]).await;
    assert!(out.contains("a\u{FFFD} [unreadable in part]"), "{out}");
    let out = people(&gateway, &["inbox"]).await;
    assert!(out.contains("[too long: 70") && out.contains("bytes]"), "{out}");
    assert!(json(&gateway, &["inbox"]).await.0[0]["text"].is_null());
}

#[tokio::test]
async fn closed_output_ends_the_program_quietly() {
    let gateway = full(1500).await;
    for form in ["--json", "--flag=all"] {
        let mut command = command(&gateway, &["inbox", form]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.next_line().await.unwrap().is_some());
        drop(lines);
        let output = child.wait_with_output().await.unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    }
}
