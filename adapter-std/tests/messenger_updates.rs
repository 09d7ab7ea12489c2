//! The stream of the updates of all messages.

#![allow(missing_docs)]

mod following;

use std::collections::BTreeMap;

use following::{builder, end, options, sms};
use gateway_emulator::Emulator;
use sms_gateway::{
    Messenger,
    core::track::State,
    messenger::{Update, Updates},
    store::MemoryStore,
};

const MESSAGES: usize = 200;

async fn send_all(messenger: &Messenger) {
    for number in 0..MESSAGES {
        let sms = sms(&format!("1390{number:07}"), "Hello").reference(&number.to_string());
        drop(messenger.send(sms).await.unwrap());
    }
}

/// Receives updates until a number of messages are finished.
async fn ends(updates: &mut Updates, count: usize) -> Vec<Update> {
    let (mut ends, mut revisions) = (Vec::new(), BTreeMap::new());
    while ends.len() < count {
        let update = updates.next().await.unwrap();
        let (id, revision) = (update.message.id.get(), update.message.revision);
        assert!(revisions.insert(id, revision).is_none_or(|before| before < revision));
        if update.message.is_final {
            ends.push(update);
        } else {
            update.acknowledge();
        }
    }
    ends
}

/// Returns the sorted references of updates.
fn references(updates: &[Update]) -> Vec<usize> {
    let mut references: Vec<_> =
        updates.iter().map(|update| update.reference().unwrap().parse().unwrap()).collect();
    references.sort_unstable();
    references
}

#[tokio::test]
async fn all_outcomes_are_received_without_a_handle() {
    let (_emulator, messenger) = following::start(options()).await;
    let mut updates = messenger.updates().await.unwrap();
    let ((), ends) = tokio::join!(send_all(&messenger), ends(&mut updates, MESSAGES));
    assert_eq!(references(&ends), (0..MESSAGES).collect::<Vec<_>>());
    for update in ends {
        assert_eq!(update.message.state, State::Delivered);
        update.acknowledge();
    }
    assert!(messenger.unclaimed().await.unwrap().is_empty());
    messenger.shutdown().await.unwrap();
    assert!(updates.next().await.is_none());
}

#[tokio::test]
async fn outcomes_are_repeated_until_they_are_acknowledged() {
    let emulator = Emulator::start(options()).await.unwrap();
    let store = MemoryStore::new();
    let start = || builder(&emulator.url()).store(store.clone()).start();
    let (messenger, _) = start().await.unwrap();
    let mut updates = messenger.updates().await.unwrap();
    let ((), received) = tokio::join!(send_all(&messenger), ends(&mut updates, MESSAGES));
    let mut open = Vec::new();
    for (index, update) in received.into_iter().enumerate() {
        if index % 2 == 0 {
            update.acknowledge();
        } else {
            open.push(update);
        }
    }
    // The consumer opens a new stream.
    let mut again = messenger.updates().await.unwrap();
    assert!(updates.next().await.is_none());
    assert_eq!(references(&ends(&mut again, open.len()).await), references(&open));
    messenger.shutdown().await.unwrap();
    assert!(again.next().await.is_none());
    // The program starts again.
    let (messenger, handles) = start().await.unwrap();
    assert_eq!(handles.len(), open.len());
    let mut updates = messenger.updates().await.unwrap();
    let repeated = ends(&mut updates, open.len()).await;
    assert_eq!(references(&repeated), references(&open));
    for update in repeated {
        update.acknowledge();
    }
    messenger.shutdown().await.unwrap();
    let (messenger, handles) = start().await.unwrap();
    assert!(handles.is_empty());
    messenger.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_slow_receiver_gets_the_latest_update_of_each_message_only() {
    let (_emulator, messenger) = following::start(options()).await;
    let mut updates = messenger.updates().await.unwrap();
    send_all(&messenger).await;
    let mut handles = messenger.unclaimed().await.unwrap();
    for handle in &handles {
        handle.outcome().await.unwrap();
    }
    // The outcomes of these messages are acknowledged, so they have no update left.
    for handle in handles.drain(..MESSAGES / 2) {
        end(handle).await;
    }
    messenger.shutdown().await.unwrap();
    let mut received = 0;
    while let Some(update) = updates.next().await {
        assert!(update.message.is_final);
        received += 1;
    }
    assert_eq!(received, handles.len());
}
