//! The messenger of adapter-std.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use sms_gateway::{
    Handle, Messenger, Sms,
    core::{
        Number,
        track::{self, PendingReport, Settings, Slot, State, Tracker},
    },
    messenger::{Event, Flaw, Inbox, Incoming},
    store::{MemoryStore, Store as _, Write},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{Draft, Matching, MessengerSetup, Std, std::failure, through};
use crate::harness::Log;

/// The maximum number of unacknowledged incoming messages, if messages are held.
const HELD: usize = 2;

/// Returns a store with a saved block of user_ids. Without it, adapter-std would choose a random block.
pub fn store() -> MemoryStore {
    let (mut slots, mut early) = ([Slot::EMPTY; 1], [PendingReport::EMPTY; 1]);
    let settings = Settings { first_block: 3, ..Settings::default() };
    let mut tracker = Tracker::new(&mut slots, &mut early, settings, Duration::ZERO);
    tracker.add(&track::Draft::new(Number::new("1").unwrap()), Duration::ZERO).unwrap();
    let mut store = MemoryStore::new();
    while let Some(change) = tracker.next_change() {
        if change.key() >= 0x8000_0000 {
            let record = change.record().unwrap().to_vec();
            // The future is ready at once.
            let save = pin!(store.save(vec![Write::Record { key: change.key(), record }]));
            assert!(matches!(save.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
        }
    }
    store
}

/// The messages to stop: one message, or all messages of its task.
enum Stop {
    Message,
    Task,
}

pub struct StdMessenger {
    messenger: Messenger,
    log: Log,
    /// The senders that stop each message, by its number.
    stops: Vec<mpsc::Sender<Stop>>,
    holds: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl StdMessenger {
    pub async fn start(gateway: Std, store: MemoryStore, setup: &MessengerSetup, log: Log) -> Self {
        let MessengerSetup { incoming, holds, matching, capacity } = *setup;
        let mut builder = Messenger::builder(gateway.gateway).store(store).incoming(incoming);
        if holds {
            builder = builder.unacknowledged(HELD);
        }
        let builder = builder.exclusive(matching == Matching::Exclusive).strict(matching == Matching::Strict);
        let builder = builder.capacity(capacity);
        let (messenger, mut handles) = builder.start().await.unwrap();
        let (holds, _) = watch::channel(holds);
        let mut this = Self { messenger, log, stops: Vec::new(), holds, tasks: JoinSet::new() };
        // The handles are not in any order.
        handles.sort_by_key(|handle| handle.id().get());
        for handle in handles {
            this.log.note(format!("message {} is restored", handle.id()));
            this.follow(handle);
        }
        this.watch();
        this
    }

    /// Logs the events and the health of the messenger.
    fn watch(&mut self) {
        if let Some(inbox) = self.messenger.incoming() {
            self.tasks.spawn(receive(inbox, self.log.clone(), self.holds.subscribe()));
        }
        let (mut events, log) = (self.messenger.events().unwrap(), self.log.clone());
        self.tasks.spawn(async move {
            while let Some(event) = events.next().await {
                log.event(
                    "event",
                    match event {
                        Event::Unmatched(report) => format!("unmatched report of {}", report.number.as_str()),
                        Event::Ambiguous(report) => format!("ambiguous report of {}", report.number.as_str()),
                        Event::InboxRestarted => "the inbox has restarted".to_owned(),
                        Event::UnreadableMessage { incoming_sms_id: id } => {
                            format!("message {id} of the inbox is unreadable")
                        }
                        Event::UnknownStatus { status, .. } => format!("unknown status {status}"),
                        other => format!("{other:?}"),
                    },
                );
            }
        });
        let (mut health, log) = (self.messenger.health(), self.log.clone());
        self.tasks.spawn(async move {
            while health.changed().await.is_ok() {
                let health = health.borrow_and_update().clone();
                let error = health.error.as_ref().map_or("none".to_owned(), |error| failure(error));
                log.event("health", format!("health: {error}, failures: {}", health.failures));
            }
        });
    }

    /// Logs the updates of a message, and acknowledges its outcome.
    fn follow(&mut self, mut handle: Handle) {
        let (stop, mut stops) = mpsc::channel(1);
        self.stops.push(stop);
        let log = self.log.clone();
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    biased;
                    update = handle.next_update() => match update {
                        Ok(Some(message)) if message.state == State::Unsent => {}
                        Ok(Some(message)) => {
                            log.update(&message);
                            if let Some(imsi) = handle.imsi().filter(|_| message.is_final) {
                                let about = format!("message {}", message.id);
                                log.event(&about, format!("{about} was sent{}", through(&imsi)));
                            }
                        }
                        Ok(None) => return handle.acknowledge(),
                        Err(_) => return,
                    },
                    Some(stop) = stops.recv() => {
                        let about = format!("message {}", handle.id());
                        let (what, outcome) = match stop {
                            Stop::Message => ("", handle.stop().await),
                            Stop::Task => ("the task of ", handle.stop_task().await),
                        };
                        log.event(&about, format!("stop of {what}{about}: {outcome:?}"));
                    }
                }
            }
        });
    }

    /// Sends messages all at once, so that one request can contain them.
    pub async fn send(&mut self, drafts: &[Draft<'_>]) {
        let mut sending = Vec::new();
        for draft in drafts {
            let sms = Sms::new(draft.number, draft.text).unwrap().encoding(draft.encoding).unwrap();
            let sms = sms.ports(draft.ports).status_report(draft.has_report).resend(draft.may_resend);
            let sms = sms.urgent(draft.is_urgent);
            let sms = match draft.valid_for {
                Some(limit) => sms.valid_for(limit),
                None => sms,
            };
            let messenger = self.messenger.clone();
            sending.push(tokio::spawn(async move { messenger.send(sms).await }));
        }
        for sent in sending {
            let handle = sent.await.unwrap().unwrap();
            self.log.note(format!("message {} is taken", handle.id()));
            self.follow(handle);
        }
    }

    pub async fn run(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
        let error = self.messenger.health().borrow().error.as_ref().map(|error| failure(error));
        self.log.note(format!("error: {}", error.unwrap_or_else(|| "none".to_owned())));
    }

    pub async fn stop(&mut self, number: usize) {
        self.stop_by(number, Stop::Message).await;
    }

    pub async fn stop_task(&mut self, number: usize) {
        self.stop_by(number, Stop::Task).await;
    }

    async fn stop_by(&mut self, number: usize, stop: Stop) {
        self.stops[number].send(stop).await.unwrap();
        // The paused clock moves only when every task waits.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    pub async fn release(&mut self) {
        self.holds.send_replace(false);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    pub fn serial_number(&self) -> String {
        self.messenger.serial_number().as_deref().unwrap_or_default().to_owned()
    }

    pub fn set_password(&mut self, password: &str) {
        self.messenger.gateway().set_credentials("admin", password);
    }

    pub async fn shut_down(self) {
        let closed = self.messenger.shutdown().await;
        self.log.note(format!("shut down: {closed:?}"));
    }
}

/// Logs incoming messages, and acknowledges them unless they are held.
async fn receive(mut inbox: Inbox, log: Log, mut holds: watch::Receiver<bool>) {
    let mut held = Vec::new();
    loop {
        let arrived = tokio::select! {
            biased;
            _ = holds.changed(), if !held.is_empty() => None,
            sms = inbox.next() => match sms {
                None => return,
                arrived => arrived,
            },
        };
        if let Some(sms) = &arrived {
            let text = match sms.flaw {
                Some(Flaw::TooLong { .. }) => "too long".to_owned(),
                _ => format!("{:?}", sms.text),
            };
            let through = through(&sms.imsi);
            log.event("incoming", format!("incoming {} from {}: {text}{through}", sms.mark.id, sms.number));
        }
        held.extend(arrived);
        if !*holds.borrow() {
            held.drain(..).for_each(Incoming::acknowledge);
        }
    }
}
