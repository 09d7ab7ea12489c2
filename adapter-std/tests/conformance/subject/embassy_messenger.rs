//! The messenger of adapter-embassy.

use std::{io, time::Duration};

use sms_gateway::core::{
    UserId,
    json::Text,
    track::{PendingReport, Settings, Slot},
};
use sms_gateway_embassy::{Either, Event, Messenger, MessengerBuffers, Sms};
use tokio::time::Instant;

use super::{Draft, Embassy, MessengerSetup, embassy::failure};
use crate::{disk::Disk, harness::Log, stream::PeerTransport};

pub struct EmbassyMessenger {
    messenger: Messenger<'static, 'static, PeerTransport, Disk>,
    log: Log,
    ids: Vec<UserId>,
}

fn buffers() -> MessengerBuffers<'static> {
    MessengerBuffers {
        slots: vec![Slot::EMPTY; 16].leak(),
        pending_reports: vec![PendingReport::EMPTY; 8].leak(),
        texts: vec![0; 1500].leak(),
        incoming: vec![0; 512].leak(),
    }
}

impl EmbassyMessenger {
    pub async fn start(gateway: Embassy, store: Disk, setup: &MessengerSetup, log: Log) -> Self {
        let settings = Settings { incoming: setup.incoming, exclusive: true, first_block: 4, ..Settings::default() };
        let mut messenger = Messenger::new(gateway.gateway, store, buffers(), settings);
        messenger.start().await.unwrap();
        Self { messenger, log, ids: Vec::new() }
    }

    pub async fn send(&mut self, drafts: &[Draft<'_>]) {
        for draft in drafts {
            let sms = Sms::new(draft.number, draft.text).unwrap().encoding(draft.encoding).unwrap();
            let sms = sms.ports(draft.ports).status_report(draft.has_report).resend(draft.may_resend);
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
                    let mark = sms.mark;
                    self.messenger.acknowledge_incoming(mark);
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

    pub fn set_password(&mut self, password: &'static str) {
        self.messenger.set_credentials("admin", password);
    }

    /// Works until all is stored.
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
            ("incoming", format!("incoming {} from {}: {text}", sms.mark.id, sms.number))
        }
        Event::Unmatched(report) => ("event", format!("unmatched report of {}", report.number.as_str())),
        Event::Ambiguous(report) => ("event", format!("ambiguous report of {}", report.number.as_str())),
        Event::InboxRestarted => ("event", "the inbox has restarted".to_owned()),
        Event::RequestsFailing(error) => ("health", format!("health: {}", failure(error))),
        other => ("event", format!("{other:?}")),
    };
    log.event(about, text);
}
