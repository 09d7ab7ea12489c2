//! Resuming after an interruption: `send --wait --store` and `watch --store`.
#![cfg(feature = "store")]

mod common;

use std::path::PathBuf;

use common::{Running, command, fails, gateway, gateway_with, objects, run};
use gateway_emulator::{Canned, Emulator, Fate, Options};
use serde_json::json;

/// A separate file for each test.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("sms-client-{}-{name}.redb", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn start(gateway: &Emulator, file: &File, args: &[&str]) -> Running {
    Running::new(command(
        gateway,
        &[args, &["--interval", "10ms", "--json", "--store", file.path()]].concat(),
    ))
}

const SEND: [&str; 6] = ["send", "--wait", "--text", "Hello", "--to", "10086"];

#[tokio::test]
async fn interrupted_wait_is_resumed() {
    let gateway = gateway().await;
    let file = File::new("taken-up");
    gateway.set_fate("10086", Fate::NoReport);
    // Without --exclusive, a report that arrives while no program is running could belong to another program's message.
    let exclusive = |args: &[&'static str]| [args, &["--exclusive"]].concat();
    let mut sending = start(&gateway, &file, &exclusive(&SEND));
    let sent = objects(&sending.line(&["\"sent\""]).await).remove(0);
    let advice = format!("open; follow with: sms-client watch --store {}\n", file.path());
    fails(&sending.stop().await, 7, &["interrupted; 1 of 1 message still ", &advice]);

    // The report arrives while no program is running.
    let report = json!({"port": sent["port"], "number": "10086", "time": sent["time"], "ref_id": sent["ref_id"],
        "status_code": 0});
    let response = json!({"error_code": 200, "result": [report]}).to_string();
    gateway.answer_next("query_sms_deliver_status", Canned::json(200, &response));
    gateway.receive_sms(0, "10010", "hi");
    let mut watch = start(&gateway, &file, &exclusive(&["watch"]));
    let told = watch.line(&["\"delivered\",\"final\":true"]).await;
    assert_eq!(objects(&told)[0]["number"], json!("10086"));
    watch.line(&["\"incoming\"", "\"hi\""]).await;
    assert_eq!(watch.stop().await.code, Some(0));
    assert_eq!(gateway.messages().len(), 1);

    // Updates that were shown are not shown again.
    gateway.receive_sms(0, "10010", "new");
    let mut watch = start(&gateway, &file, &exclusive(&["watch"]));
    watch.line(&["\"new\""]).await;
    assert_eq!(objects(&watch.stop().await.out).len(), 1);
}

#[tokio::test]
async fn unsent_messages_are_sent_later() {
    let first = gateway().await;
    let listen = first.addr();
    drop(first);
    let file = File::new("later");
    let nobody = gateway().await;
    let url = format!("http://{listen}");
    let args = [&SEND[..], &["--timeout", "1s", "--gateway", &url]].concat();
    let late = start(&nobody, &file, &args).end().await;
    let words = "1 of 1 message still open, 1 not sent yet; follow with: sms-client watch --store ";
    fails(&late, 7, &["time is up after 1 s; the gateway can't be reached", words]);
    assert_eq!(objects(&late.out).pop(), Some(json!({"event": "end", "messages": 1, "unsent": 1})));

    let gateway = gateway_with(Options { listen, ..Options::default() }).await;
    let mut watch = start(&gateway, &file, &["watch"]);
    watch.line(&["\"10086\"", "\"delivered\",\"final\":true"]).await;
    assert_eq!(watch.stop().await.code, Some(0));
    assert_eq!((gateway.messages().len(), nobody.messages().len()), (1, 0));
}

#[tokio::test]
async fn reports_of_other_clients_are_shown() {
    let gateway = gateway_with(Options { ports: 1, ..Options::default() }).await;
    let file = File::new("unmatched");
    gateway.set_fate("10086", Fate::NoReport);
    let mut sending = start(&gateway, &file, &SEND);
    sending.line(&["\"sent\""]).await;
    sending.stop().await;
    let mut watch = start(&gateway, &file, &["watch"]);
    assert_eq!(run(&gateway, &["send", "--text", "x", "--to", "10099"]).await.code, Some(0));
    let told = watch.line(&["\"unmatched_report\"", "\"10099\""]).await;
    assert_eq!(objects(&told)[0]["status_code"], 0);
    // Two programs must not use the store at the same time.
    fails(&run(&gateway, &["watch", "--store", file.path()]).await, 1, &[file.path(), "the store is in use"]);
    assert_eq!(watch.stop().await.code, Some(0));
}

#[tokio::test]
async fn wrong_password_leaves_no_messages_in_the_store() {
    let gateway = gateway().await;
    let file = File::new("wrong");
    let mut command = command(&gateway, &[&SEND[..], &["--store", file.path()]].concat());
    command.env("SMS_GATEWAY_PASSWORD", "wrong");
    let refused = common::run_talking(command).await;
    let created = format!("sms-client: note: created the store {}\n", file.path());
    let expected = created + "sms-client: the gateway refused the user name or password; nothing was sent\n";
    assert_eq!((refused.code, refused.err), (Some(4), expected));
    gateway.receive_sms(0, "10010", "new");
    let mut watch = start(&gateway, &file, &["watch"]);
    watch.line(&["\"new\""]).await;
    assert_eq!(objects(&watch.stop().await.out).len(), 1);
    assert!(gateway.messages().is_empty());
}

#[tokio::test]
async fn messages_are_not_sent_if_the_store_fails() {
    let gateway = gateway().await;
    let nowhere = "/nonexistent/messages.redb";
    let failed = run(&gateway, &[&SEND[..], &["--store", nowhere]].concat()).await;
    fails(&failed, 1, &["/nonexistent/messages.redb: the store can't be used: "]);
    assert!(gateway.requests().is_empty());
}

#[tokio::test]
async fn a_command_with_the_same_key_sends_nothing_again() {
    let gateway = gateway().await;
    let file = File::new("keys");
    let command = |text: &'static str, number: &'static str| {
        let to = ["send", "--wait", "--key", "order-17", "--to", "10086", "--to", number, "--text", text];
        start(&gateway, &file, &to)
    };
    for _ in 0..2 {
        let sent = command("Hello", "10010").end().await;
        assert_eq!(sent.code, Some(0), "{sent:?}");
        let end = json!({"event": "end", "messages": 2, "delivered": 2});
        assert_eq!(objects(&sent.out).pop(), Some(end));
        assert_eq!(gateway.messages().len(), 2);
    }
    let other = command("Hi", "10010").end().await;
    fails(&other, 2, &["another message has the same idempotency key"]);
    assert_eq!(gateway.messages().len(), 2);
    // The new recipient gets the message. The first recipient does not get it again.
    assert_eq!(command("Hello", "10011").end().await.code, Some(0));
    let numbers: Vec<_> = gateway.messages().into_iter().map(|sms| sms.number).collect();
    assert_eq!(numbers, ["10086", "10010", "10011"]);
}

#[tokio::test]
async fn a_command_with_a_key_of_another_message_sends_nothing_later() {
    let gateway = gateway().await;
    let file = File::new("conflict");
    let key = ["--key", "order-17"];
    assert_eq!(start(&gateway, &file, &[&SEND[..], &key].concat()).end().await.code, Some(0));
    let more = ["send", "--wait", "--text", "Hi", "--to", "10086", "--to", "10010", "--to", "10011"];
    fails(&start(&gateway, &file, &[&more[..], &key].concat()).end().await, 2, &["same idempotency key"]);
    gateway.receive_sms(0, "10010", "new");
    let mut watch = start(&gateway, &file, &["watch"]);
    watch.line(&["\"new\""]).await;
    assert_eq!(objects(&watch.stop().await.out).len(), 1);
    assert_eq!(gateway.messages().len(), 1);
}

#[tokio::test]
async fn a_message_expires_if_it_is_not_submitted_in_its_time() {
    let first = gateway().await;
    let listen = first.addr();
    drop(first);
    let nobody = gateway().await;
    let (url, file) = (format!("http://{listen}"), File::new("validity"));
    let args = [&SEND[..], &["--valid-for", "9s", "--timeout", "1s", "--gateway", &url]].concat();
    fails(&start(&nobody, &file, &args).end().await, 7, &["1 not sent yet"]);
    // Time during which no program is running does not count towards --valid-for.
    let mut watch = start(&nobody, &file, &["watch", "--gateway", &url]);
    watch.line(&["\"10086\"", "\"expired\",\"final\":true"]).await;
    assert_eq!(watch.stop().await.code, Some(0));
}

#[tokio::test]
async fn urgent_messages_precede_those_in_the_store() {
    let first = gateway().await;
    let listen = first.addr();
    drop(first);
    let nobody = gateway().await;
    let (url, file) = (format!("http://{listen}"), File::new("urgent"));
    for (number, more) in [("1", &[][..]), ("2", &["--urgent"])] {
        let send =
            ["send", "--wait", "--text", "Hello", "--timeout", "1s", "--gateway", &url, "--to", number];
        fails(&start(&nobody, &file, &[&send[..], more].concat()).end().await, 7, &["not sent yet"]);
    }
    let gateway = gateway_with(Options { listen, ..Options::default() }).await;
    let mut watch = start(&gateway, &file, &["watch"]);
    for _ in 0..2 {
        watch.line(&["\"delivered\",\"final\":true"]).await;
    }
    assert_eq!(watch.stop().await.code, Some(0));
    let numbers: Vec<_> = gateway.messages().into_iter().map(|sms| sms.number).collect();
    assert_eq!(numbers, ["2", "1"]);
}
