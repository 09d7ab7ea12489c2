//! Messages sent and followed, against an emulated gateway.

#![allow(missing_docs)]

mod following;

use following::{builder, end, options, sms, start};
use std::time::Duration;

use gateway_emulator::{Emulator, Fate, Options};
use sms_gateway::{
    Closed, Messenger, Sms,
    core::{
        Invalid,
        call::SendSms,
        track::{State, StopResult, Timing},
    },
    messenger::SendError,
};
use tokio::{io::AsyncReadExt, net::TcpListener};

#[tokio::test]
async fn a_message_is_tracked_to_its_delivery() {
    let (emulator, messenger) = start(options()).await;
    let mut handle = messenger.send(sms("10086", "Hello #param#").reference("order-17")).await.unwrap();
    assert_eq!((handle.reference(), handle.current().state), (Some("order-17"), State::Unsent));
    assert!(handle.accepted().await.unwrap().task.is_some());
    assert!(handle.sent().await.unwrap().sent.is_some());
    assert_eq!(handle.outcome().await.unwrap().state, State::Delivered);
    // Of the updates so far, only the latest is returned.
    assert_eq!(handle.next_update().await.unwrap().map(|message| message.state), Some(State::Delivered));
    assert_eq!(handle.next_update().await.unwrap(), None);
    handle.acknowledge();
    messenger.shutdown().await.unwrap();
    let messages = emulator.messages();
    assert_eq!((messages.len(), messages[0].text.as_str()), (1, "Hello #param#"));
}

#[tokio::test]
async fn updates_arrive_in_order() {
    let (_emulator, messenger) = start(Options { speed: 100.0, ..options() }).await;
    let mut handle = messenger.send(sms("10086", "Hello")).await.unwrap();
    let mut states = Vec::new();
    while let Some(message) = handle.next_update().await.unwrap() {
        states.push(message.state);
    }
    assert_eq!((states.first(), states.last()), (Some(&State::Unsent), Some(&State::Delivered)));
    assert!(states.is_sorted_by_key(|state| *state as u8), "{states:?}");
}

#[tokio::test]
async fn a_message_over_a_limit_is_not_accepted() {
    let (emulator, messenger) = start(options()).await;
    let most = "x".repeat(SendSms::MAX_TEXT_BYTES);
    assert!(Sms::new("1", most.as_str()).is_ok());
    let error = Sms::new("1", format!("{most}x")).unwrap_err();
    assert_eq!(error, Invalid::Text { bytes: 1501, recipient: None });
    assert_eq!(Sms::new("", "x").unwrap_err(), Invalid::NumberLength { bytes: 0 });
    let long = "r".repeat(Sms::MAX_REFERENCE_BYTES + 1);
    let error = messenger.send(sms("1", "x").reference(&long)).await.unwrap_err();
    assert!(matches!(error, SendError::Reference { bytes: 256 }), "{error:?}");
    let handle = messenger.send(sms("1", "x").reference(&long[1..])).await.unwrap();
    assert_eq!(handle.reference(), Some(&long[1..]));
    assert_eq!(end(handle).await.state, State::Delivered);
    assert_eq!(emulator.counts().accepted, 1);
}

/// Starts a gateway that reads and never responds, and returns a receiver of one value per request.
async fn silent() -> (String, tokio::sync::mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, requests) = tokio::sync::mpsc::channel(10);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read_u8().await;
            let _ = asked.send(()).await;
            while stream.read_u8().await.is_ok() {}
        }
    });
    (url, requests)
}

#[tokio::test]
async fn commands_are_served_while_the_gateway_is_silent() {
    let (url, mut requests) = silent().await;
    let (messenger, _) = builder(&url).start().await.unwrap();
    let first = messenger.send(sms("1", "One")).await.unwrap();
    requests.recv().await.unwrap();
    let second = messenger.send(sms("2", "Two")).await.unwrap();
    assert_eq!(second.stop().await.unwrap(), StopResult::Stopped);
    assert_eq!(end(second).await.state, State::Stopped);
    assert_eq!(first.current().state, State::Unsent);
    drop(first);
    let unclaimed = messenger.unclaimed().await.unwrap();
    assert_eq!(unclaimed.len(), 1);
    assert_eq!(unclaimed[0].stop().await.unwrap(), StopResult::Stopped);
}

#[tokio::test]
async fn send_waits_for_a_free_slot() {
    let (url, mut requests) = silent().await;
    let (messenger, _) = builder(&url).capacity(3).start().await.unwrap();
    let _first = messenger.send(sms("1", "One")).await.unwrap();
    requests.recv().await.unwrap();
    let second = messenger.send(sms("2", "Two")).await.unwrap();
    let _third = messenger.try_send(sms("3", "Three")).await.unwrap();
    assert!(matches!(messenger.try_send(sms("4", "Four")).await, Err(SendError::Full)));
    // A message whose caller has stopped waiting takes no slot.
    let mut waiting = Box::pin(messenger.send(sms("4", "Four")));
    assert!(poll_once(&mut waiting).await.is_none());
    drop(waiting);
    assert_eq!(second.stop().await.unwrap(), StopResult::Stopped);
    // A message that was never sent is deleted as soon as it is acknowledged.
    let mut fourth = Box::pin(messenger.send(sms("4", "Four")));
    assert!(poll_once(&mut fourth).await.is_none());
    second.acknowledge();
    assert_eq!(fourth.await.unwrap().current().state, State::Unsent);
}

/// Polls once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn finished_messages_free_their_slots() {
    let emulator = Emulator::start(options()).await.unwrap();
    let timing = Timing { reported: Duration::from_millis(10), ..following::timing() };
    let (messenger, _) = builder(&emulator.url()).timing(timing).capacity(5).start().await.unwrap();
    let mut ends = tokio::task::JoinSet::new();
    for number in 100..150 {
        let handle = messenger.send(sms(&number.to_string(), "Hello")).await.unwrap();
        ends.spawn(end(handle));
    }
    while let Some(message) = ends.join_next().await {
        assert_eq!(message.unwrap().state, State::Delivered);
    }
    assert_eq!(emulator.counts().accepted, 50);
}

#[tokio::test]
async fn shutdown_ends_handles_and_clones() {
    let (emulator, messenger) = start(options()).await;
    emulator.set_fate("1", Fate::NoReport);
    let handle = messenger.send(sms("1", "One")).await.unwrap();
    handle.sent().await.unwrap();
    let other = messenger.clone();
    messenger.shutdown().await.unwrap();
    assert!(matches!(handle.outcome().await, Err(Closed::ShutDown)));
    assert!(matches!(handle.stop().await, Err(Closed::ShutDown)));
    assert_eq!(handle.sent().await.unwrap().state, State::Sent);
    let error = other.send(sms("1", "Two")).await.unwrap_err();
    assert!(matches!(error, SendError::Closed(Closed::ShutDown)), "{error:?}");
    other.shutdown().await.unwrap();
    // Dropping all clones has the same effect.
    let (messenger, _) = builder(&emulator.url()).start().await.unwrap();
    let handle = messenger.send(sms("1", "Three")).await.unwrap();
    drop(messenger);
    assert!(matches!(handle.outcome().await, Err(Closed::ShutDown)));
}

async fn send_many(messenger: &Messenger, count: usize) {
    let mut ends = tokio::task::JoinSet::new();
    for n in 0..count {
        let messenger = messenger.clone();
        let number = format!("1390{n:07}");
        ends.spawn(
            async move { end(messenger.send(sms(&number, &format!("Text {n}"))).await.unwrap()).await },
        );
    }
    while let Some(message) = ends.join_next().await {
        assert_eq!(message.unwrap().state, State::Delivered);
    }
}

#[tokio::test]
async fn a_thousand_messages_are_delivered() {
    let (emulator, messenger) = start(Options { ports: 32, ..options() }).await;
    send_many(&messenger, 1000).await;
    assert_eq!(emulator.counts().accepted, 1000);
    println!("{:?}", emulator.counts().calls);
}
