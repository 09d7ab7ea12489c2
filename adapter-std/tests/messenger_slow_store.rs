//! A messenger with a slow store. The tests decide when each save ends.

#![allow(missing_docs)]

mod following;

use std::time::Duration;

use following::{builder, end, options, sms, timing};
use gateway_emulator::{Emulator, Options};
use sms_gateway::{
    Closed, Handle, Messenger, SendError, Sms,
    core::track::{Limits, State, StopResult, Timing},
    store::{Entry, MemoryStore, Store, StoreError, Write},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// A store whose saves wait until the test releases them. Without a [`Gate`] they do not wait.
struct Slow {
    store: MemoryStore,
    begun: mpsc::UnboundedSender<HeldSave>,
}

/// The test's side of a [`Slow`] store.
struct Gate(mpsc::UnboundedReceiver<HeldSave>);

/// A save in progress. It ends when this is dropped.
struct HeldSave {
    records: usize,
    _release: oneshot::Sender<()>,
}

impl Slow {
    fn new() -> (Self, Gate) {
        let (begun, receiver) = mpsc::unbounded_channel();
        (Self { store: MemoryStore::new(), begun }, Gate(receiver))
    }
}

impl Store for Slow {
    async fn load(&mut self) -> Result<Vec<Entry>, StoreError> {
        self.store.load().await
    }

    async fn save(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        let records = writes.iter().filter(|write| matches!(write, Write::Record { .. })).count();
        let (release, released) = oneshot::channel();
        drop(self.begun.send(HeldSave { records, _release: release }));
        let _ = released.await;
        self.store.save(writes).await
    }
}

impl Gate {
    /// Waits until a save has begun.
    async fn begun(&mut self) -> HeldSave {
        self.0.recv().await.unwrap()
    }

    /// Releases each save at once, until a future is ready.
    async fn release_until<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                output = &mut future => return output,
                save = self.begun() => drop(save),
            }
        }
    }
}

type Sending = JoinHandle<Result<Handle, SendError>>;

fn send(messenger: &Messenger, sms: Sms) -> Sending {
    let messenger = messenger.clone();
    tokio::spawn(async move { messenger.send(sms).await })
}

/// Returns after the task has handled all commands that were sent before.
async fn commands_handled(messenger: &Messenger) {
    // Spawned senders send their commands before this task continues: the runtime has one thread, and the channel is not full.
    tokio::task::yield_now().await;
    let _ = messenger.unclaimed().await.unwrap();
}

#[tokio::test]
async fn callers_are_served_and_nothing_is_submitted_during_a_save() {
    let emulator = Emulator::start(options()).await.unwrap();
    let (slow, mut gate) = Slow::new();
    let (messenger, _) = gate.release_until(builder(&emulator.url()).store(slow).start()).await.unwrap();
    let first = send(&messenger, sms("1", "Hello"));
    let save = gate.begun().await;
    let more = [send(&messenger, sms("2", "Hello")), send(&messenger, sms("3", "Hello"))];
    commands_handled(&messenger).await;
    assert!(!first.is_finished() && !more.iter().any(Sending::is_finished));
    assert_eq!(emulator.counts().accepted, 0);
    drop(save);
    // All messages that callers sent during a save are in the next save.
    let handle = first.await.unwrap().unwrap();
    let save = gate.begun().await;
    assert!(save.records >= 2, "{}", save.records);
    commands_handled(&messenger).await;
    assert!(!more.iter().any(Sending::is_finished));
    assert!(emulator.counts().accepted <= 1);
    assert_eq!(handle.current().state, State::Unsent);
    drop(save);
    drop(gate);
    assert_eq!(end(handle).await.state, State::Delivered);
    for sending in more {
        assert_eq!(end(sending.await.unwrap().unwrap()).await.state, State::Delivered);
    }
    messenger.shutdown().await.unwrap();
    assert_eq!(emulator.counts().accepted, 3);
}

/// Starts a messenger with a message that the gateway has, and a second message that waits for the first.
async fn one_waits(slow: Slow, gate: &mut Gate, emulator: &Emulator) -> (Messenger, [Handle; 2]) {
    let hour = Duration::from_secs(3600);
    let limits = Limits { under_way: 1, ..Limits::default() };
    let timing = Timing { first_result: hour, results_every: hour, slowest: hour, ..timing() };
    let builder = builder(&emulator.url()).timing(timing).limits(limits).store(slow);
    gate.release_until(async {
        let (messenger, _) = builder.start().await.unwrap();
        let first = messenger.send(sms("1", "Hello")).await.unwrap();
        assert_eq!(first.accepted().await.unwrap().state, State::Accepted);
        let second = messenger.send(sms("2", "Hello")).await.unwrap();
        (messenger, [first, second])
    })
    .await
}

#[tokio::test]
async fn a_message_is_stopped_during_a_save() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let (slow, mut gate) = Slow::new();
    let (messenger, [_first, unwanted]) = one_waits(slow, &mut gate, &emulator).await;
    let other = send(&messenger, sms("3", "Hello"));
    let save = gate.begun().await;
    let stop = {
        let mut stop = Box::pin(unwanted.stop());
        tokio::select! {
            biased;
            stopped = &mut stop => panic!("{stopped:?} before it is stored"),
            () = commands_handled(&messenger) => stop,
        }
    };
    assert_eq!(unwanted.current().state, State::Unsent);
    drop(save);
    let _other = other.await.unwrap().unwrap();
    // The stop is part of the next save, and callers see it when that save has ended.
    let save = gate.begun().await;
    assert_eq!((save.records, unwanted.current().state), (1, State::Unsent));
    drop(save);
    assert_eq!(stop.await.unwrap(), StopResult::Stopped);
    drop(gate);
    assert_eq!(end(unwanted).await.state, State::Stopped);
    messenger.shutdown().await.unwrap();
    assert_eq!(emulator.counts().accepted, 1);
}

#[tokio::test]
async fn a_message_with_two_callers_is_not_cancelled_with_one() {
    let emulator = Emulator::start(options()).await.unwrap();
    let (slow, mut gate) = Slow::new();
    let (messenger, _) = gate.release_until(builder(&emulator.url()).store(slow).start()).await.unwrap();
    let keyed = || sms("2", "Hello").idempotency_key("order-17");
    let other = send(&messenger, sms("1", "Hello"));
    let save = gate.begun().await;
    let dropped = send(&messenger, keyed());
    let kept = send(&messenger, keyed());
    commands_handled(&messenger).await;
    dropped.abort();
    assert!(dropped.await.is_err());
    drop((save, gate));
    for sending in [other, kept] {
        assert_eq!(end(sending.await.unwrap().unwrap()).await.state, State::Delivered);
    }
    messenger.shutdown().await.unwrap();
    assert_eq!(emulator.counts().accepted, 2);
}

#[tokio::test]
async fn a_message_of_a_dropped_call_can_be_sent_again() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let (slow, mut gate) = Slow::new();
    let (messenger, [_first, _second]) = one_waits(slow, &mut gate, &emulator).await;
    let keyed = || sms("3", "Hello").idempotency_key("order-17");
    let dropped = send(&messenger, keyed());
    let save = gate.begun().await;
    dropped.abort();
    assert!(dropped.await.is_err());
    drop((save, gate));
    // A new message is returned, not the cancelled one.
    let again = messenger.send(keyed()).await.unwrap();
    assert_eq!(again.current().state, State::Unsent);
    assert_eq!(messenger.unclaimed().await.unwrap().len(), 0);
    messenger.shutdown().await.unwrap();
}

#[tokio::test]
async fn shutdown_ends_although_a_save_does_not() {
    let (slow, mut gate) = Slow::new();
    let builder = builder("http://127.0.0.1:9").store(slow).shutdown_timeout(Duration::from_millis(50));
    let (messenger, _) = gate.release_until(builder.start()).await.unwrap();
    let sending = send(&messenger, sms("1", "Hello"));
    let _save = gate.begun().await;
    assert!(matches!(messenger.shutdown().await, Err(Closed::Store(_))));
    assert!(sending.await.unwrap().is_err());
}
