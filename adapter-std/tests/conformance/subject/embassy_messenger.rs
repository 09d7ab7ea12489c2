//! The messenger of adapter-embassy.

use std::{io, time::Duration};

use sms_gateway::core::{
    UserId,
    json::Text,
    track::{InboxMark, PendingReport, Settings, Slot},
};
use sms_gateway_embassy::{Either, Event, Messenger, MessengerBuffers, Sms};
use tokio::time::Instant;

use super::{Draft, Embassy, Matching, MessengerSetup, embassy::failure, through};
use crate::{disk::Disk, harness::Log, stream::PeerTransport};

pub struct EmbassyMessenger {
    /// The messenger, boxed so that it does not make futures large.
    messenger: Box<Messenger<'static, 'static, PeerTransport, Disk>>,
    log: Log,
    ids: Vec<UserId>,
    holds: bool,
    held: Option<InboxMark>,
}

fn buffers(capacity: usize) -> MessengerBuffers<'static> {
    MessengerBuffers {
        slots: vec![Slot::EMPTY; capacity].leak(),
        pending_reports: vec![PendingReport::EMPTY; 8].leak(),
        texts: vec![0; 1500].leak(),
        incoming: vec![0; 512].leak(),
    }
}

impl EmbassyMessenger {
    pub async fn start(gateway: Embassy, store: Disk, setup: &MessengerSetup, log: Log) -> Self {
        let MessengerSetup { incoming, holds, matching, capacity } = *setup;
        let (exclusive, strict) = (matching == Matching::Exclusive, matching == Matching::Strict);
        let settings = Settings { incoming, exclusive, strict, first_block: 4, ..Settings::default() };
        let mut messenger = Box::new(Messenger::new(gateway.gateway, store, buffers(capacity), settings));
        messenger.start().await.unwrap();
        Self { messenger, log, ids: Vec::new(), holds, held: None }
    }

    pub async fn send(&mut self, drafts: &[Draft<'_>]) {
        for draft in drafts {
            let sms = Sms::new(draft.number, draft.text).unwrap().encoding(draft.encoding).unwrap();
            let sms = sms.ports(draft.ports).status_report(draft.has_report).resend(draft.may_resend);
            let sms = sms.urgent(draft.is_urgent);
            let sms = draft.valid_for.map_or(sms, |limit| sms.valid_for(limit));
            let id = self.messenger.send(&sms).await.unwrap();
            self.log.note(format!("message {id} is taken"));
            self.ids.push(id);
        }
    }

    pub async fn run(&mut self, time: Duration) {
        self.work(time).await;
        let error = self.messenger.last_error().map_or("none".to_owned(), failure);
        self.log.note(format!("error: {error}"));
    }

    async fn work(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            let event = match self.messenger.next_or(tokio::time::sleep_until(end)).await.unwrap() {
                Either::First(event) => event,
                Either::Second(()) => break,
            };
            note(&self.log, &event);
            match event {
                Event::Update(message) => self.messenger.acknowledge(&message),
                Event::Incoming(sms) => {
                    self.held = Some(sms.mark);
                    if !self.holds {
                        self.acknowledge_held();
                    }
                }
                _ => {}
            }
        }
    }

    pub async fn stop(&mut self, number: usize) {
        let id = self.ids[number];
        let outcome = self.messenger.stop(id);
        self.log.event(&format!("message {id}"), format!("stop of message {id}: Ok({outcome:?})"));
        self.work(Duration::from_millis(1)).await;
    }

    pub async fn stop_task(&mut self, number: usize) {
        let id = self.ids[number];
        let outcome = self.messenger.stop_task(id);
        self.log
            .event(&format!("message {id}"), format!("stop of the task of message {id}: Ok({outcome:?})"));
        self.work(Duration::from_millis(1)).await;
    }

    pub fn release(&mut self) {
        self.holds = false;
        self.acknowledge_held();
    }

    fn acknowledge_held(&mut self) {
        if let Some(mark) = self.held.take() {
            self.messenger.acknowledge_incoming(mark);
        }
    }

    pub fn serial_number(&self) -> String {
        self.messenger.serial_number().as_str().to_owned()
    }

    pub fn set_password(&mut self, password: &'static str) {
        self.messenger.set_credentials("admin", password);
    }

    /// Runs until everything is stored.
    pub async fn shut_down(mut self) {
        let stored = self.messenger.next_or(std::future::ready(())).await;
        self.log.note(format!("shut down: {}", if stored.is_ok() { "Ok(())" } else { "an error" }));
    }
}

fn note(log: &Log, event: &Event<'_, io::Error>) {
    let (about, text) = match event {
        Event::Update(message) => return log.update(message),
        Event::Incoming(sms) => {
            let text = match sms.text {
                Text::TooLong { .. } => "too long".to_owned(),
                text => format!("{:?}", text.as_str()),
            };
            let through = through(sms.imsi.as_str());
            ("incoming", format!("incoming {} from {}: {text}{through}", sms.mark.id, sms.number))
        }
        Event::Unmatched(report) => ("event", format!("unmatched report of {}", report.number.as_str())),
        Event::Ambiguous(report) => ("event", format!("ambiguous report of {}", report.number.as_str())),
        Event::InboxRestarted => ("event", "the inbox has restarted".to_owned()),
        Event::UnreadableMessage(id) => ("event", format!("message {id} of the inbox is unreadable")),
        Event::UnknownStatus { status, .. } => ("event", format!("unknown status {status}")),
        Event::RequestsFailing(error) => ("health", format!("health: {}", failure(error))),
        other => ("event", format!("{other:?}")),
    };
    log.event(about, text);
}
