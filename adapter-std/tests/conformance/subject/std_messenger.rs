//! The messenger of adapter-std.

use std::time::Duration;

use sms_gateway::{
    Handle, Messenger, Sms,
    core::{
        Number,
        track::{self, PendingReport, Settings, Slot, State, Tracker},
    },
    messenger::{Event, Flaw, Inbox},
    store::{MemoryStore, Store as _, Write},
};
use tokio::{sync::mpsc, task::JoinSet};

use super::{Draft, MessengerSetup, Std, std::failure};
use crate::harness::Log;

/// A store with a saved block of user_ids, since adapter-std chooses a random one otherwise.
pub fn store() -> MemoryStore {
    let (mut slots, mut early) = ([Slot::EMPTY; 1], [PendingReport::EMPTY; 1]);
    let settings = Settings { exclusive: true, first_block: 3, ..Settings::default() };
    let mut tracker = Tracker::new(&mut slots, &mut early, settings, Duration::ZERO);
    tracker.add(&track::Draft::new(Number::new("1").unwrap()), Duration::ZERO).unwrap();
    let mut store = MemoryStore::new();
    while let Some(change) = tracker.next_change() {
        if change.key() >= 0x8000_0000 {
            let record = change.record().unwrap().to_vec();
            store.save(&[Write::Record { key: change.key(), record }]).unwrap();
        }
    }
    store
}

pub struct StdMessenger {
    messenger: Messenger,
    log: Log,
    /// To stop each message, by its number.
    stops: Vec<mpsc::Sender<()>>,
    tasks: JoinSet<()>,
}

impl StdMessenger {
    pub async fn start(gateway: Std, store: MemoryStore, setup: &MessengerSetup, log: Log) -> Self {
        let builder = Messenger::builder(gateway.gateway).store(store).incoming(setup.incoming);
        let (messenger, mut handles) = builder.capacity(16).start().await.unwrap();
        let mut this = Self { messenger, log, stops: Vec::new(), tasks: JoinSet::new() };
        // They have no order.
        handles.sort_by_key(|handle| handle.id().get());
        for handle in handles {
            this.log.note(format!("message {} is restored", handle.id()));
            this.follow(handle);
        }
        this.watch();
        this
    }

    /// Logs what the messenger reports beside its messages.
    fn watch(&mut self) {
        if let Some(inbox) = self.messenger.incoming() {
            self.tasks.spawn(receive(inbox, self.log.clone()));
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

    /// Logs updates of a message, and acknowledges its end.
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
                        Ok(Some(message)) => log.update(&message),
                        Ok(None) => return handle.acknowledge(),
                        Err(_) => return,
                    },
                    Some(()) = stops.recv() => {
                        let outcome = handle.stop().await;
                        let about = format!("message {}", handle.id());
                        log.event(&about, format!("stop of {about}: {outcome:?}"));
                    }
                }
            }
        });
    }

    /// Sends messages at once, so that one request can take them all.
    pub async fn send(&mut self, drafts: &[Draft<'_>]) {
        let mut sending = Vec::new();
        for draft in drafts {
            let sms = Sms::new(draft.number, draft.text).unwrap().encoding(draft.encoding).unwrap();
            let sms = sms.ports(draft.ports).status_report(draft.has_report).resend(draft.may_resend);
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
        self.stops[number].send(()).await.unwrap();
        // The paused clock moves once every task waits.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    pub fn set_password(&mut self, password: &str) {
        self.messenger.gateway().set_credentials("admin", password);
    }

    pub async fn shut_down(self) {
        let closed = self.messenger.shutdown().await;
        self.log.note(format!("shut down: {closed:?}"));
    }
}

/// Logs messages that arrive, and acknowledges them.
async fn receive(mut inbox: Inbox, log: Log) {
    while let Some(sms) = inbox.next().await {
        let text = match sms.flaw {
            Some(Flaw::TooLong { .. }) => "too long".to_owned(),
            _ => format!("{:?}", sms.text),
        };
        log.event("incoming", format!("incoming {} from {}: {text}", sms.mark.id, sms.number));
        sms.acknowledge();
    }
}
