//! The example for a durable store does what it says.
#![cfg(feature = "redb")]
#![allow(missing_docs)]

mod following;
#[allow(dead_code)]
#[path = "../examples/notify.rs"]
mod notify;

use std::{env, fs, process};

use following::{builder, options};
use gateway_emulator::{Canned, Emulator, Fate};
use sms_gateway::{Sms, store::Database};

#[tokio::test]
async fn a_message_is_sent_once_over_restarts() {
    let emulator = Emulator::start(options()).await.unwrap();
    emulator.set_fate("10086", Fate::NoReport);
    emulator.receive_sms(1, "10010", "hi");
    let path = env::temp_dir().join(format!("sms-gateway-notify-{}", process::id()));
    let database = Database::open(&path).unwrap();
    let builder = || builder(&emulator.url()).store(database.gateway("box").unwrap()).exclusive(true);

    // This run ends before the status report arrives.
    let (messenger, _) = builder().start().await.unwrap();
    let sms = Sms::new("10086", "Hello").unwrap().reference("order-17").idempotency_key("order-17");
    let handle = messenger.send(sms).await.unwrap();
    let sent = handle.sent().await.unwrap().sent.unwrap();
    messenger.shutdown().await.unwrap();

    let (port, reference, time) = (sent.port, sent.reference, sent.time.unwrap());
    let report = format!(
        r#"{{"error_code":200,"result":[{{"port":{port},"number":"10086","time":"{time}","ref_id":{reference},"status_code":0}}]}}"#
    );
    emulator.answer_next("query_sms_deliver_status", Canned::json(200, &report));
    let message = ["order-17", "10086", "Hello"].map(str::to_owned);
    notify::run(builder(), &message).await.unwrap();
    assert_eq!(emulator.messages().len(), 1);

    // The outcome was acknowledged. Running the same command again sends nothing, and running another one sends its message.
    notify::run(builder(), &message).await.unwrap();
    assert_eq!(emulator.messages().len(), 1);
    let (messenger, handles) = builder().start().await.unwrap();
    assert!(handles.is_empty());
    messenger.shutdown().await.unwrap();
    notify::run(builder(), &["order-18", "10011", "Hello"].map(str::to_owned)).await.unwrap();
    assert_eq!(emulator.messages().len(), 2);
    fs::remove_file(path).unwrap();
}
