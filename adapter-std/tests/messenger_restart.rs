//! Restarts with a store, and stores that fail.

#![allow(missing_docs)]

mod following;

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use following::{builder, end, life, options, runtime, sms};
use gateway_emulator::{Emulator, Fate, Options};
use sms_gateway::{
    Closed, Handle, Messenger,
    core::track::State,
    messenger::{SendError, StartError},
    store::{Entry, MemoryStore, Store, StoreError, Write},
};

/// The references and states of the messages, sorted.
fn seen(handles: &[Handle]) -> Vec<(String, State)> {
    let seen = handles.iter().map(|handle| (handle.reference().unwrap().to_owned(), handle.current().state));
    let mut seen: Vec<_> = seen.collect();
    seen.sort_by(|(one, _), (other, _)| one.cmp(other));
    seen
}

#[test]
fn a_restart_returns_unacknowledged_messages() {
    let gateways = runtime();
    let emulator = gateways.block_on(Emulator::start(options())).unwrap();
    let store = MemoryStore::new();
    emulator.set_fate("3", Fate::NoReport);
    life(builder(&emulator.url()).store(store.clone()), async |messenger, handles| {
        assert!(handles.is_empty());
        let begin = |number, reference| messenger.send(sms(number, "Hello").reference(reference));
        let acknowledged = begin("1", "a").await.unwrap();
        assert_eq!(end(acknowledged).await.state, State::Delivered);
        let told = begin("2", "b").await.unwrap();
        assert_eq!(told.outcome().await.unwrap().state, State::Delivered);
        let sent = begin("3", "c").await.unwrap();
        sent.sent().await.unwrap();
        // This message is acknowledged before its outcome, so it is not returned again.
        let unwanted = begin("3", "d").await.unwrap();
        unwanted.sent().await.unwrap();
        unwanted.acknowledge();
        // The acknowledgements are stored with this message.
        let last = begin("2", "e").await.unwrap();
        assert_eq!(end(last).await.state, State::Delivered);
        let _ = begin("3", "f").await.unwrap().sent().await;
    });
    life(builder(&emulator.url()).store(store.clone()), async |messenger, handles| {
        let expected = [("b", State::Delivered), ("c", State::Sent), ("f", State::Sent)];
        let expected: Vec<_> = expected.map(|(reference, state)| (reference.to_owned(), state)).into();
        let mut handles = handles;
        // The acknowledgement of the last message may not have been stored.
        handles.retain(|handle| handle.reference() != Some("e"));
        assert_eq!(seen(&handles), expected);
        let told = handles.iter_mut().find(|handle| handle.reference() == Some("b")).unwrap();
        assert_eq!(told.outcome().await.unwrap().state, State::Delivered);
        assert_eq!(told.next_update().await.unwrap().map(|message| message.state), Some(State::Delivered));
        assert_eq!(told.next_update().await.unwrap(), None);
        for handle in handles {
            handle.acknowledge();
        }
        messenger.shutdown().await.unwrap();
    });
    life(builder(&emulator.url()).store(store.clone()), async |_, handles| {
        assert_eq!(handles.len(), 0, "{handles:?}");
    });
    assert_eq!(emulator.counts().accepted, 6);
}

/// A store that fails after this number of saves.
struct Failing {
    store: MemoryStore,
    left: Arc<AtomicU32>,
}

impl Store for Failing {
    async fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        self.store.load().await
    }

    async fn save(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map_err(|_| StoreError::Other("the disk is full".into()))?;
        self.store.save(writes).await
    }
}

async fn follow(messenger: &Messenger) -> Result<State, Closed> {
    match messenger.send(sms("1", "Hello").reference("a")).await {
        Ok(handle) => handle.outcome().await.map(|message| message.state),
        Err(SendError::Closed(closed)) => Err(closed),
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn nothing_is_sent_before_it_is_stored() {
    let mut delivered = 0;
    for left in 0..10 {
        let emulator = Emulator::start(options()).await.unwrap();
        let store = MemoryStore::new();
        let failing = Failing { store: store.clone(), left: Arc::new(AtomicU32::new(left)) };
        let (messenger, _) = builder(&emulator.url()).store(failing).start().await.unwrap();
        match follow(&messenger).await {
            Ok(state) => {
                assert_eq!(state, State::Delivered);
                delivered += 1;
            }
            Err(Closed::Store(error)) => {
                let source = error.source().unwrap();
                assert_eq!(
                    (&*error.to_string(), &*source.to_string()),
                    ("the store failed", "the disk is full")
                );
                let error = messenger.send(sms("1", "Another")).await.unwrap_err();
                assert!(matches!(error, SendError::Closed(Closed::Store(_))), "{error:?}");
                assert!(matches!(messenger.shutdown().await, Err(Closed::Store(_))));
            }
            Err(closed) => panic!("{closed:?}"),
        }
        let accepted = emulator.counts().accepted;
        let (messenger, handles) = builder(&emulator.url()).store(store).start().await.unwrap();
        assert!(handles.len() as u64 >= accepted && (left > 0) == (handles.len() == 1), "{left}");
        for handle in handles {
            assert_eq!(end(handle).await.state, State::Delivered);
        }
        messenger.shutdown().await.unwrap();
        assert_eq!(emulator.counts().accepted, u64::from(left > 0), "{left}");
    }
    assert!((1..8).contains(&delivered), "{delivered}");
}

#[tokio::test]
async fn a_store_of_other_data_is_rejected() {
    let mut store = MemoryStore::new();
    store.save(vec![Write::Record { key: 7, record: b"anything".to_vec() }]).await.unwrap();
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let error = builder(&emulator.url()).store(store).start().await.unwrap_err();
    assert!(matches!(error, StartError::Record { key: 7, .. }), "{error:?}");
}
