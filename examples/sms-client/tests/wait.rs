//! `send --wait`.

mod common;

use common::{
    Run, Running, command, fails, gateway, gateway_with, json, objects, run, run_talking, slower_gateway_with,
};
use gateway_emulator::{Canned, Emulator, Fate, Options};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
};

/// The polling interval fits a gateway that is a thousand times as fast as real ones.
const SEND: [&str; 6] = ["send", "--wait", "--interval", "10ms", "--text", "Hello"];

fn to<'a>(numbers: &[&'a str]) -> Vec<&'a str> {
    let to = numbers.iter().flat_map(|number| ["--to", number]);
    SEND.into_iter().chain(to).collect()
}

async fn send(gateway: &Emulator, args: &[&str]) -> Run {
    let run = run_talking(command(gateway, args)).await;
    for line in run.out.lines() {
        assert_eq!(line, line.trim_end());
    }
    run
}

#[tokio::test]
async fn messages_are_followed_to_their_delivery() {
    let gateway = gateway().await;
    let text = format!("#param#, {}", "long ".repeat(40));
    let args = ["send", "--wait", "--interval", "10ms", "--port", "3", "--text", &text];
    let run =
        send(&gateway, &[&args[..], &["--to", "10086=Ann", "--to", "+8613800138000=陈"]].concat()).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        run.out.lines().collect::<Vec<_>>(),
        [
            "TO              STATE      PORT  SEGMENTS  REASON",
            "10086           delivered     3       2/2  -",
            "+8613800138000  delivered     3       4/4  -",
        ]
    );
    let lines: Vec<_> = run.err.lines().collect();
    assert!(lines.contains(&"10086: delivered, port 3, 2/2 segments"), "{run:?}");
    assert!(lines.iter().all(|line| line.starts_with("10086: ") || line.starts_with("+8613800138000: ")));
    let seen = gateway.messages();
    assert!(seen.len() == 2 && seen[0].text.starts_with("Ann, long") && seen[1].text.starts_with("陈, long"));
}

#[tokio::test]
async fn each_change_is_an_object() {
    let gateway = gateway().await;
    gateway.set_fate("1", Fate::Deliver.early());
    let (changes, end) = json(&gateway, &to(&["1", "2"])).await;
    assert_eq!(end, json!({"event": "end", "messages": 2, "delivered": 2}));
    assert!(changes.iter().all(|change| change["event"] == "message"), "{changes:?}");
    let first = |number: &str| changes.iter().find(|change| change["number"] == number).unwrap();
    assert_eq!((&first("1")["final"], &first("1")["delivered"]), (&json!(false), &json!(0)));
    let last = |number: &str| changes.iter().rfind(|change| change["number"] == number).unwrap();
    let seen = gateway.messages().into_iter().find(|sms| sms.number == "2").unwrap();
    let shown = last("2");
    assert_eq!((&shown["state"], &shown["final"]), (&json!("delivered"), &json!(true)));
    assert_eq!((&shown["port"], &shown["ref_id"]), (&json!(seen.port), &json!(seen.ref_id)));
    assert_eq!((&shown["user_id"], &shown["task_id"]), (&json!(seen.user_id), &json!(seen.task)));
    assert_eq!(
        (&shown["count"], &shown["succ_count"], &shown["delivered"]),
        (&json!(1), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn a_message_that_the_gateway_refuses_fails_alone() {
    let quirks = "first-550=1,max-recipients=2,bad-number=2".parse().unwrap();
    let gateway = gateway_with(Options { quirks, ..Options::default() }).await;
    let run = send(&gateway, &to(&["1", "2", "3"])).await;
    assert_eq!(run.code, Some(6), "{run:?}");
    let rows = ["1 delivered", "2 failed", "3 delivered"];
    let words = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let shown: Vec<_> = run.out.lines().map(words).filter(|row| rows.contains(&&**row)).collect();
    assert_eq!(shown, rows, "{run:?}");
    assert!(run.out.contains("the gateway refused it: 400"), "{run:?}");
    assert!(
        run.err.contains("550, no port available") && run.err.contains("1 of 3 messages failed"),
        "{run:?}"
    );
    let mut sent: Vec<_> = gateway.messages().into_iter().map(|sms| sms.number).collect();
    sent.sort();
    assert_eq!(sent, ["1", "3"]);
}

#[tokio::test]
async fn messages_are_followed_however_results_are_spelt() {
    for quirks in [
        "result-number-international",
        "result-number-separated",
        "result-number-missing",
        "failed-before",
        "failed-after",
        "failed-before,failed-after",
        "status-lower-case",
        "status-unknown",
        "missing-keys",
        "integers-as-decimals",
        "integers-as-exponents",
        "integers-padded",
        "integers-as-strings,integers-as-decimals,status-lower-case,result-number-separated,failed-before",
    ] {
        let options = Options { quirks: quirks.parse().unwrap(), ..Options::default() };
        let gateway = slower_gateway_with(options).await;
        gateway.set_fate("13800138001", Fate::Fail);
        let (changes, end) = json(&gateway, &to(&["13800138000"])).await;
        assert_eq!(end, json!({"event": "end", "messages": 1, "delivered": 1}), "{quirks}: {changes:?}");
        assert_eq!(changes.last().unwrap()["succ_count"], 1, "{quirks}");
        let failed = send(&gateway, &to(&["13800138001"])).await;
        fails(&failed, 6, &["1 of 1 message failed"]);
        assert_eq!(gateway.messages().len(), 2, "{quirks}");
    }
}

#[tokio::test]
async fn later_versions_name_the_sim_card_and_the_gateway() {
    let quirks = "later-version".parse().unwrap();
    let gateway = gateway_with(Options { quirks, ..Options::default() }).await;
    let (changes, _) = json(&gateway, &[&to(&["1"])[..], &["--port", "2"]].concat()).await;
    let delivered = changes.last().unwrap();
    assert_eq!((&delivered["state"], &delivered["imsi"]), (&json!("delivered"), &json!("460016529802202")));
    assert_eq!(delivered["sn"], "da00-0089-1020-0015");
    assert!(changes[0].get("imsi").is_none(), "{changes:?}");
}

#[tokio::test]
async fn an_unknown_status_is_shown_once() {
    let quirks = "status-unknown".parse().unwrap();
    let gateway = gateway_with(Options { quirks, ..Options::default() }).await;
    gateway.set_fate("1", Fate::Stuck);
    let mut running = Running::new(command(&gateway, &[&to(&["1"])[..], &["--json"]].concat()));
    let line = running.line(&["unknown_status"]).await;
    let user_id = gateway.messages()[0].user_id;
    let event = json!({"event": "unknown_status", "user_id": user_id, "status": "QUEUED"});
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), event);
    // The result of the message is queried again meanwhile.
    let queries = || gateway.requests().iter().filter(|request| request.uri.contains("result")).count();
    let before = queries();
    while queries() < before + 2 {
        tokio::task::yield_now().await;
    }
    let stopped = running.stop().await;
    assert_eq!(stopped.out.matches("unknown_status").count(), 1, "{stopped:?}");
}

#[tokio::test]
async fn failures_are_shown_with_their_reasons() {
    let gateway = slower_gateway_with(Options::default()).await;
    gateway.set_fate("10086", Fate::Fail);
    gateway.set_fate("10010", Fate::Undelivered(70));
    let args = to(&["10086", "10010", "10011"]);
    let failed = send(&gateway, &args).await;
    fails(
        &failed,
        6,
        &["sms-client: 2 of 3 messages failed\n", "10086: failed: the gateway could not send it"],
    );
    for row in
        ["10086  failed        -         -  the gateway could not send it", "  status 70, validity expired\n"]
    {
        assert!(failed.out.contains(row), "{failed:?}");
    }
    let failed = run(&gateway, &[&args[..], &["--json"]].concat()).await;
    fails(&failed, 6, &["2 of 3 messages failed"]);
    let objects = objects(&failed.out);
    let status = |code: &Value| objects.iter().any(|object| &object["status_code"] == code);
    assert!(status(&json!(70)), "{failed:?}");
    assert_eq!(objects.last(), Some(&json!({"event": "end", "messages": 3, "failed": 2, "delivered": 1})));
}

#[tokio::test]
async fn refusal_ends_a_message() {
    let gateway = gateway().await;
    gateway.answer_next("send_sms", Canned::json(200, r#"{"error_code":413}"#));
    let refused = run(&gateway, &[&to(&["10086"])[..], &["--json"]].concat()).await;
    fails(&refused, 6, &["1 of 1 message failed"]);
    assert!(
        refused.out.contains(r#""error_code":413,"reason":"the gateway refused it: 413, "#),
        "{refused:?}"
    );
    assert!(gateway.messages().is_empty());
}

#[tokio::test]
async fn waiting_ends_at_sent_if_requested() {
    let gateway =
        gateway_with(Options { quirks: "later-version".parse().unwrap(), ..Options::default() }).await;
    gateway.set_fate("10086", Fate::NoReport);
    let args = ["send", "--wait=sent", "--interval", "10ms", "--text", "Hello", "--to", "10086"];
    let (changes, end) = json(&gateway, &args).await;
    assert_eq!(end, json!({"event": "end", "messages": 1, "sent": 1}));
    assert_eq!(changes.last().unwrap()["final"], true);
}

#[tokio::test]
async fn lost_response_sends_no_message_twice() {
    let gateway = gateway().await;
    gateway.answer_next("send_sms", Canned::truth().cut_at(0));
    let (events, end) = json(&gateway, &to(&["10086"])).await;
    assert_eq!((&end["delivered"], gateway.messages().len()), (&json!(1), 1));
    let kinds: Vec<_> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert!(kinds.contains(&"trouble") && kinds.contains(&"recovered"), "{events:?}");
    assert!(events.iter().any(|event| event["state"] == "uncertain"), "{events:?}");
}

#[tokio::test]
async fn interrupt_lists_open_messages() {
    let gateway = gateway().await;
    gateway.set_fate("10010", Fate::NoReport);
    let mut running = Running::new(command(&gateway, &[&to(&["10086", "10010"])[..], &["--json"]].concat()));
    running.line(&["\"10086\"", "delivered\",\"final\":true"]).await;
    running.line(&["\"10010\"", "\"sent\""]).await;
    let stopped = running.stop().await;
    let id = gateway.messages()[1].user_id.unwrap();
    let advice = format!(
        "sms-client: interrupted; 1 of 2 messages still open; follow with: sms-client results --user-id {id} and deliveries\n"
    );
    assert_eq!((stopped.code, &stopped.err), (Some(7), &advice));
    let end = objects(&stopped.out).pop().unwrap();
    assert_eq!(end, json!({"event": "end", "messages": 2, "delivered": 1, "sent": 1}));
    assert!(!gateway.counts().calls.contains_key("stop_sms"));
}

#[tokio::test]
async fn permanent_errors_end_the_wait() {
    let gateway = gateway().await;
    let args = to(&["10086"]);
    let mut wrong = command(&gateway, &args);
    wrong.env("SMS_GATEWAY_PASSWORD", "wrong");
    let wrong = run_talking(wrong).await;
    assert_eq!(
        (wrong.code, &*wrong.err, &*wrong.out),
        (Some(4), "sms-client: the gateway refused the user name or password; nothing was sent\n", "")
    );
    assert_eq!(gateway.counts().refused, 1);
    let moved =
        gateway_with(Options { quirks: "redirect-login-page".parse().unwrap(), ..Options::default() }).await;
    fails(&run(&moved, &args).await, 4, &["redirects to", "; nothing was sent"]);
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let late = send(&gateway, &[&args[..], &["--gateway", &free, "--timeout", "1s"]].concat()).await;
    fails(
        &late,
        4,
        &["trouble: the gateway can't be reached", "time is up after 1 s; ", "; nothing was sent\n"],
    );
    assert!(gateway.messages().is_empty());
}

#[tokio::test]
async fn closed_output_does_not_stop_sending() {
    let gateway = gateway().await;
    let args = [&to(&["1", "2", "3", "4"])[..], &["--json"]].concat();
    let mut child = command(&gateway, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().is_some());
    drop(lines);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    assert_eq!(gateway.messages().len(), 4);
}

#[tokio::test]
async fn wrong_usage_is_reported_before_anything_is_sent() {
    let gateway = gateway().await;
    let args = ["send", "--wait", "--text", "Hello", "--to", "10086"];
    for (more, words) in [
        (&["--dry-run"][..], "cannot be used with"),
        (&["--user-id", "1"], "cannot be used with"),
        (&["--timeout", "5min"], "not a time from 1ms to 72h"),
        (&["--interval", "0"], "not a time from 1ms to 72h"),
        (&["--encoding", "gsm-7bit", "--to", "10010=x"], "10010 has 1 parameter"),
    ] {
        fails(&run(&gateway, &[&args[..], more].concat()).await, 2, &[words]);
    }
    let bare = ["send", "--text", "x", "--to", "1", "--timeout", "5m"];
    fails(&run(&gateway, &bare).await, 2, &["not provided: --wait"]);
    fails(
        &run(&gateway, &["send", "--wait=read", "--text", "x", "--to", "1"]).await,
        2,
        &["delivered, sent"],
    );
    if cfg!(not(feature = "store")) {
        let stored = run(&gateway, &[&args[..], &["--store", "x"]].concat()).await;
        fails(&stored, 2, &["build it with --features store"]);
    }
    assert!(gateway.requests().is_empty());
}
