//! Messages with an idempotency key are sent once.

#![allow(missing_docs)]

mod following;

use following::{builder, end, options, sms, timing};
use gateway_emulator::{Emulator, Options};
use sms_gateway::{
    Messenger, SendError, Sms,
    core::track::{Limits, State, StopResult, Timing},
    store::MemoryStore,
};
use std::time::Duration;

fn keyed(number: &str, text: &str) -> Sms {
    sms(number, text).idempotency_key("order-17")
}

async fn assert_conflicts(messenger: &Messenger) {
    for other in [keyed("2", "Hello"), keyed("1", "Hello!")] {
        let error = messenger.send(other).await.unwrap_err();
        assert!(matches!(error, SendError::KeyConflict), "{error:?}");
    }
}

#[tokio::test]
async fn a_repeated_call_returns_the_first_message() {
    let (emulator, messenger) = following::start(options()).await;
    let (one, other) = tokio::join!(messenger.send(keyed("1", "Hello")), messenger.send(keyed("1", "Hello")));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.id(), other.id());
    assert_conflicts(&messenger).await;
    let id = one.id();
    assert_eq!(end(one).await.state, State::Delivered);
    assert_eq!(end(other).await.state, State::Delivered);
    // The outcome is acknowledged, but the key is still known.
    let mut again = messenger.send(keyed("1", "Hello").reference("again")).await.unwrap();
    assert_eq!((again.id(), again.number(), again.text()), (id, "1", None));
    assert_eq!(again.outcome().await.unwrap().state, State::Delivered);
    assert_eq!(again.next_update().await.unwrap().unwrap().state, State::Delivered);
    assert!(again.next_update().await.unwrap().is_none());
    again.acknowledge();
    assert_conflicts(&messenger).await;
    let next = messenger.send(sms("1", "Hello").idempotency_key("order-18")).await.unwrap();
    assert_ne!(next.id(), id);
    assert_eq!(end(next).await.state, State::Delivered);
    messenger.shutdown().await.unwrap();
    assert_eq!(emulator.counts().accepted, 2);
}

#[tokio::test]
async fn keys_outlive_the_program() {
    let emulator = Emulator::start(options()).await.unwrap();
    let store = MemoryStore::new();
    let start = || builder(&emulator.url()).store(store.clone()).start();
    let (messenger, _) = start().await.unwrap();
    let handle = messenger.send(keyed("1", "Hello")).await.unwrap();
    let id = handle.id();
    assert_eq!(end(handle).await.state, State::Delivered);
    // The caller does not need this outcome.
    messenger.send(sms("2", "Hello").idempotency_key("order-18")).await.unwrap().acknowledge();
    messenger.shutdown().await.unwrap();

    let (messenger, handles) = start().await.unwrap();
    assert!(handles.is_empty());
    let again = messenger.send(keyed("1", "Hello")).await.unwrap();
    assert_eq!((again.id(), end(again).await.state), (id, State::Delivered));
    assert_conflicts(&messenger).await;
    let other = messenger.send(sms("2", "Hello").idempotency_key("order-18")).await.unwrap();
    assert_eq!(end(other).await.state, State::Delivered);
    messenger.shutdown().await.unwrap();
    assert_eq!(emulator.counts().accepted, 2);
}

#[tokio::test]
async fn a_key_ends_with_its_message_and_needs_no_slot() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let timing = Timing { first_result: Duration::from_secs(3600), ..timing() };
    // The second message waits for the first one.
    let limits = Limits { under_way: 1, ..Limits::default() };
    let builder = builder(&emulator.url()).timing(timing).limits(limits).capacity(2);
    let (messenger, _) = builder.start().await.unwrap();
    let first = messenger.send(sms("3", "Hello")).await.unwrap();
    first.accepted().await.unwrap();
    let handle = messenger.try_send(keyed("1", "Hello")).await.unwrap();
    assert!(matches!(messenger.try_send(sms("1", "Hello")).await, Err(SendError::Full)));
    for again in [messenger.try_send(keyed("1", "Hello")).await, messenger.send(keyed("1", "Hello")).await] {
        assert_eq!(again.unwrap().id(), handle.id());
    }
    assert!(matches!(messenger.try_send(keyed("1", "Hi")).await, Err(SendError::KeyConflict)));
    let other_key = keyed("1", "Hello").idempotency_key("order-18");
    assert!(matches!(messenger.try_send(other_key).await, Err(SendError::Full)));

    assert_eq!(handle.stop().await.unwrap(), StopResult::Stopped);
    let id = handle.id();
    assert_eq!(messenger.send(keyed("1", "Hello")).await.unwrap().current().state, State::Stopped);
    assert_eq!(end(handle).await.state, State::Stopped);
    // Nothing of the message was sent, so the key can be used again, even for another text.
    let next = messenger.send(keyed("1", "Hello!")).await.unwrap();
    assert_ne!(next.id(), id);
    messenger.shutdown().await.unwrap();
}

#[tokio::test]
async fn keys_have_a_length() {
    let (_emulator, messenger) = following::start(options()).await;
    for key in [String::new(), "k".repeat(256)] {
        let error = messenger.send(sms("1", "Hello").idempotency_key(&key)).await.unwrap_err();
        assert!(matches!(error, SendError::IdempotencyKey { bytes } if bytes == key.len()), "{error:?}");
    }
    let longest = sms("1", "Hello").idempotency_key(&"k".repeat(255));
    messenger.send(longest).await.unwrap().acknowledge();
}
