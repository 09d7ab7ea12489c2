//! A store that takes its time.

#![allow(missing_docs)]

mod following;

use std::{sync::Arc, time::Duration};

use following::{builder, end, options, sms};
use gateway_emulator::Emulator;
use sms_gateway::{
    Closed,
    core::track::{State, StopResult},
    store::{Entry, MemoryStore, Store, StoreError, Write},
};
use tokio::sync::Semaphore;

/// Each save takes one of the permits.
struct Slow {
    store: MemoryStore,
    /// The number of saves that have begun.
    begun: Arc<Semaphore>,
    permits: Arc<Semaphore>,
}

impl Slow {
    fn new(store: &MemoryStore) -> Self {
        let [begun, permits] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
        Self { store: store.clone(), begun, permits }
    }
}

impl Store for Slow {
    async fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        self.store.load().await
    }

    async fn save(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.begun.add_permits(1);
        self.permits.acquire().await.unwrap().forget();
        self.store.save(writes).await
    }
}

#[tokio::test]
async fn callers_are_served_and_nothing_is_submitted_during_a_save() {
    let emulator = Emulator::start(options()).await.unwrap();
    let store = MemoryStore::new();
    let slow = Slow::new(&store);
    let (begun, permits) = (Arc::clone(&slow.begun), Arc::clone(&slow.permits));
    permits.add_permits(1);
    let (messenger, handles) = builder(&emulator.url()).store(slow).start().await.unwrap();
    assert!(handles.is_empty());
    permits.add_permits(1);
    let unwanted = messenger.send(sms("1", "Hello")).await.unwrap();
    permits.forget_permits(usize::MAX);
    let wanted = {
        let messenger = messenger.clone();
        tokio::spawn(async move { messenger.send(sms("2", "Hello")).await })
    };
    begun.acquire_many(2).await.unwrap().forget();
    // The task reads commands although its save does not end, and replies to those that change nothing.
    drop(unwanted);
    let _ = messenger.unclaimed().await.unwrap();
    assert_eq!((wanted.is_finished(), emulator.counts().accepted), (false, 0));
    permits.add_permits(1000);
    let handle = wanted.await.unwrap().unwrap();
    assert_eq!(end(handle).await.state, State::Delivered);
    for handle in messenger.unclaimed().await.unwrap() {
        assert_eq!(end(handle).await.state, State::Delivered);
    }
    messenger.shutdown().await.unwrap();
    assert_eq!(emulator.counts().accepted, 2);
}

#[tokio::test]
async fn a_message_is_stopped_during_a_save() {
    let emulator = Emulator::start(options()).await.unwrap();
    let slow = Slow::new(&MemoryStore::new());
    let permits = Arc::clone(&slow.permits);
    permits.add_permits(1000);
    // Nothing reaches the gateway, so the messages stay unsent.
    let (messenger, _) = builder("http://127.0.0.1:9").store(slow).start().await.unwrap();
    let one = messenger.send(sms("1", "Hello")).await.unwrap();
    let stop = one.stop().await.unwrap();
    assert!(matches!(stop, StopResult::Stopped | StopResult::Requested), "{stop:?}");
    one.acknowledge();
    messenger.shutdown().await.unwrap();
    drop(emulator);
}

#[tokio::test]
async fn shutdown_ends_although_a_save_does_not() {
    let slow = Slow::new(&MemoryStore::new());
    let (begun, permits) = (Arc::clone(&slow.begun), Arc::clone(&slow.permits));
    permits.add_permits(0);
    let builder = builder("http://127.0.0.1:9").store(slow).shutdown_timeout(Duration::from_millis(50));
    let (messenger, _) = builder.start().await.unwrap();
    let sending = messenger.clone();
    let sending = tokio::spawn(async move { sending.send(sms("1", "Hello")).await.is_err() });
    begun.acquire().await.unwrap().forget();
    assert!(matches!(messenger.shutdown().await, Err(Closed::Store(_))));
    assert!(sending.await.unwrap());
}
