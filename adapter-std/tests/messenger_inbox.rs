//! Incoming messages are handed out again until they are acknowledged.

#![allow(missing_docs)]

mod following;

use following::{builder, end, life, options, runtime, sms};
use gateway_emulator::{Emulator, Options};
use sms_gateway::{Messenger, core::track::State, messenger::Inbox, store::MemoryStore};

async fn texts(inbox: &mut Inbox, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        texts.push(inbox.next().await.unwrap().text);
    }
    texts
}

async fn acknowledge(inbox: &mut Inbox, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        let message = inbox.next().await.unwrap();
        texts.push(message.text.clone());
        message.acknowledge();
    }
    texts
}

fn assert_flags(emulator: &Emulator) {
    let asked: Vec<_> =
        emulator.requests().into_iter().filter(|seen| seen.uri.contains("query_incoming_sms")).collect();
    assert!(!asked.is_empty() && asked.iter().all(|seen| seen.uri.contains("flag=all")), "{asked:?}");
}

#[test]
fn messages_are_handed_out_until_they_are_acknowledged() {
    let gateways = runtime();
    let emulator = gateways.block_on(Emulator::start(options())).unwrap();
    for n in 1..=5 {
        emulator.receive_sms(n, "10086", &format!("Text {n}"));
    }
    let store = MemoryStore::new();
    let live = || builder(&emulator.url()).store(store.clone()).incoming(true);
    life(live(), async |messenger, _| {
        let mut inbox = messenger.incoming().unwrap();
        assert!(messenger.incoming().is_none());
        let first = inbox.next().await.unwrap();
        assert_eq!((first.port, first.number.as_str(), first.flaw), (Some(1), "10086", None));
        assert!(first.time.is_some());
        assert_eq!(acknowledge(&mut inbox, 1).await, ["Text 2"]);
        first.acknowledge();
        // The third message is not acknowledged, so the fourth is handed out again too.
        let third = inbox.next().await.unwrap();
        assert_eq!(acknowledge(&mut inbox, 1).await, ["Text 4"]);
        drop(third);
        messenger.shutdown().await.unwrap();
        assert_eq!(texts(&mut inbox, 1).await, ["Text 5"]);
        assert!(inbox.next().await.is_none());
    });
    life(live(), async |messenger, _| {
        let mut inbox = messenger.incoming().unwrap();
        assert_eq!(acknowledge(&mut inbox, 3).await, ["Text 3", "Text 4", "Text 5"]);
        messenger.shutdown().await.unwrap();
    });
    emulator.receive_sms(6, "10086", "Text 6");
    life(live(), async |messenger, _| {
        assert_eq!(texts(&mut messenger.incoming().unwrap(), 1).await, ["Text 6"]);
    });
    assert_flags(&emulator);
}

#[test]
fn without_a_store_the_whole_inbox_is_handed_out_after_each_start() {
    let gateways = runtime();
    let emulator = gateways.block_on(Emulator::start(options())).unwrap();
    for n in 1..=3 {
        emulator.receive_sms(n, "10086", &format!("Text {n}"));
    }
    for _ in 0..2 {
        life(builder(&emulator.url()).incoming(true), async |messenger, _| {
            let mut inbox = messenger.incoming().unwrap();
            assert_eq!(acknowledge(&mut inbox, 3).await, ["Text 1", "Text 2", "Text 3"]);
            messenger.shutdown().await.unwrap();
        });
    }
}

async fn start(options: Options, most: usize) -> (Emulator, Messenger, Inbox) {
    let emulator = Emulator::start(options).await.unwrap();
    let (messenger, _) = builder(&emulator.url()).incoming(true).unacknowledged(most).start().await.unwrap();
    let inbox = messenger.incoming().unwrap();
    (emulator, messenger, inbox)
}

/// Returns the number of queries of the inbox.
fn looks(emulator: &Emulator) -> u64 {
    emulator.counts().calls.get("query_incoming_sms").copied().unwrap_or(0)
}

/// Waits until the inbox has been queried twice more.
async fn look_twice(emulator: &Emulator) {
    let enough = looks(emulator) + 2;
    while looks(emulator) < enough {
        let last = emulator.requests().last().map_or(0, |seen| seen.serial);
        emulator.requests_after(last).await;
    }
}

#[tokio::test]
async fn a_full_queue_stops_the_inbox_and_nothing_else() {
    let (emulator, messenger, mut inbox) = start(options(), 2).await;
    for n in 1..=9 {
        emulator.receive_sms(1, "10086", &n.to_string());
    }
    let (first, second) = (inbox.next().await.unwrap(), inbox.next().await.unwrap());
    assert_eq!((first.text.as_str(), second.text.as_str()), ("1", "2"));
    let handle = messenger.send(sms("1", "Hello")).await.unwrap();
    assert_eq!(end(handle).await.state, State::Delivered);
    second.acknowledge();
    look_twice(&emulator).await;
    assert!(is_waiting(&mut inbox).await);
    first.acknowledge();
    assert_eq!(acknowledge(&mut inbox, 7).await, ["3", "4", "5", "6", "7", "8", "9"]);
    look_twice(&emulator).await;
    assert!(is_waiting(&mut inbox).await);
}

async fn is_waiting(inbox: &mut Inbox) -> bool {
    tokio::select! {
        biased;
        _ = inbox.next() => false,
        () = std::future::ready(()) => true,
    }
}

#[tokio::test]
async fn a_dropped_inbox_delays_nothing() {
    let (emulator, messenger, inbox) = start(options(), 2).await;
    drop(inbox);
    for n in 1..=9 {
        emulator.receive_sms(1, "10086", &n.to_string());
    }
    look_twice(&emulator).await;
    let handle = messenger.send(sms("1", "Hello")).await.unwrap();
    assert_eq!(end(handle).await.state, State::Delivered);
}
