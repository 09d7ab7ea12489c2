//! The environment of a scenario: the peer, the adapter under test, and a log.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sms_gateway::core::{call::RawCall, track::Message};

use crate::{
    peer::Peer,
    record::{seconds, show},
    stream::Target,
    subject::{Adapter, ApiCall, GatewaySetup, GatewaySubject, MessengerSetup, MessengerSubject, Stores},
};

/// A number of records that no response exceeds.
const ALL: usize = 1000;

/// The log: lines with the time since the scenario began.
///
/// Tasks that work at the same time have no order. So lines with the same time are sorted by their subject, after the lines of the
/// scenario itself.
#[derive(Clone)]
pub struct Log {
    peer: Peer,
    lines: Arc<Mutex<Vec<(Duration, String, String)>>>,
}

impl Log {
    /// Adds a line of the scenario itself.
    pub fn note(&self, text: impl AsRef<str>) {
        self.at(self.peer.elapsed(), "", text.as_ref());
    }

    /// Adds a line about something that a messenger reports.
    pub fn event(&self, about: &str, text: impl AsRef<str>) {
        self.at(self.peer.elapsed(), about, text.as_ref());
    }

    fn at(&self, time: Duration, about: &str, text: &str) {
        let text = format!("  {} {}", seconds(time), text.replace('\n', "\n     "));
        self.lines.lock().unwrap().push((time, about.to_owned(), text));
    }

    /// Adds a line about an update of a message.
    pub fn update(&self, message: &Message) {
        let failure = message.failure.map_or(String::new(), |failure| format!(", {failure:?}"));
        let end = if message.is_final { ", the end" } else { "" };
        let about = format!("message {}", message.id);
        self.event(&about, format!("{about}: {:?}{failure}{end}", message.state));
    }

    /// Returns the lines that contain these words, each after its time.
    fn with(&self, words: &str) -> Vec<(Duration, String)> {
        let lines = self.lines.lock().unwrap();
        let found = lines.iter().filter(|(_, _, text)| text.contains(words));
        found
            .map(|(time, _, text)| (*time, text.trim_start().split_once(' ').unwrap().1.to_owned()))
            .collect()
    }

    fn take(&self) -> String {
        let mut lines = std::mem::take(&mut *self.lines.lock().unwrap());
        lines.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        lines.into_iter().map(|(_, _, text)| text).collect::<Vec<_>>().join("\n")
    }
}

pub struct Harness {
    pub peer: Peer,
    adapter: Adapter,
    log: Log,
    subject: GatewaySubject,
    store: Stores,
}

impl Harness {
    pub fn new(adapter: Adapter) -> Self {
        let peer = Peer::new();
        let log = Log { peer: peer.clone(), lines: Arc::default() };
        let subject = GatewaySubject::new(adapter, &Target::Peer(peer.clone()), &GatewaySetup::default());
        Self { peer, adapter, log, subject, store: Stores::new() }
    }

    fn target(&self) -> Target {
        Target::Peer(self.peer.clone())
    }

    /// Creates a new gateway in place of the present one.
    pub fn set_up(&mut self, setup: &GatewaySetup) {
        self.subject = GatewaySubject::new(self.adapter, &self.target(), setup);
    }

    /// Creates a new gateway without credentials.
    pub fn set_up_open(&mut self) {
        self.set_up(&GatewaySetup { password: None, ..GatewaySetup::default() });
    }

    /// Returns the stores of the harness's messengers.
    pub fn stores(&self) -> Stores {
        self.store.clone()
    }

    /// Replaces the stores of the harness's messengers.
    pub fn set_stores(&mut self, stores: Stores) {
        self.store = stores;
    }

    pub fn note(&self, text: &str) {
        self.log.note(text);
    }

    pub async fn wait(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }

    /// Returns the lines of the log that contain these words, each after its time.
    pub fn logged(&self, words: &str) -> Vec<(Duration, String)> {
        self.log.with(words)
    }

    /// Makes a call and reads its response to the end.
    pub async fn call(&mut self, call: ApiCall) {
        self.call_up_to(call, ALL).await;
    }

    /// Makes a call, reads up to this number of records, and then drops the response.
    pub async fn call_up_to(&mut self, call: ApiCall, records: usize) {
        let began = self.peer.elapsed();
        let outcome = self.subject.call(call, records).await;
        self.log.at(
            began,
            "",
            &format!("call {call:?}, until {}\n{}", seconds(self.peer.elapsed()), outcome.0),
        );
    }

    /// Makes a call and drops its future after this time. The outcome is logged without the records, and returned.
    pub async fn call_silently_for(&mut self, call: ApiCall, milliseconds: u64) -> String {
        let (began, limit) = (self.peer.elapsed(), Duration::from_millis(milliseconds));
        let outcome = tokio::time::timeout(limit, self.subject.call(call, usize::MAX)).await;
        let end = match &outcome {
            Ok(outcome) => outcome.0.lines().next_back().unwrap_or_default().to_owned(),
            Err(_) => "it is dropped".to_owned(),
        };
        self.log.at(began, "", &format!("call {call:?}, until {}\n{end}", seconds(self.peer.elapsed())));
        settle().await;
        end
    }

    /// Makes a call, and logs the text of its failure.
    pub async fn explain(&mut self, call: ApiCall) {
        let outcome = self.subject.explain(call).await;
        self.note(&format!("call {call:?}: {}", outcome.0));
    }

    /// Makes a call and drops its future after this time.
    pub async fn call_for(&mut self, call: ApiCall, milliseconds: u64) {
        let limit = Duration::from_millis(milliseconds);
        if tokio::time::timeout(limit, self.call(call)).await.is_err() {
            self.note(&format!("call {call:?} is dropped"));
        }
        settle().await;
    }

    /// Makes a raw call and reads its response to the end.
    pub async fn raw(&mut self, call: RawCall<'_>) {
        self.raw_up_to(call, usize::MAX).await;
    }

    /// Makes a raw call, reads up to this number of pieces of its body, and then drops the response.
    pub async fn raw_up_to(&mut self, call: RawCall<'_>, pieces: usize) {
        let began = self.peer.elapsed();
        let outcome = self.subject.raw(&call, pieces).await;
        self.log.at(began, "", &format!("{call:?}, until {}\n{}", seconds(self.peer.elapsed()), outcome.0));
    }

    pub async fn ussd(&mut self, port: u8, code: &str) {
        let began = self.peer.elapsed();
        let outcome = self.subject.ussd(port, code).await;
        self.log.at(began, "", &format!("USSD, until {}\n{}", seconds(self.peer.elapsed()), outcome.0));
    }

    pub fn set_password(&mut self, password: &'static str) {
        self.subject.set_password(password);
        self.note(&format!("the password is {password:?} from now on"));
    }

    /// Starts a messenger with its own gateway, and with the store of the last messenger.
    pub async fn messenger(&self, setup: MessengerSetup) -> MessengerSubject {
        self.messenger_with(setup, &GatewaySetup::default()).await
    }

    pub async fn messenger_with(&self, setup: MessengerSetup, gateway: &GatewaySetup) -> MessengerSubject {
        self.note("a messenger starts");
        let subject = GatewaySubject::new(self.adapter, &self.target(), gateway);
        subject.messenger(self.store.clone(), &setup, &self.log).await
    }

    /// Ends the scenario, and returns its log.
    pub async fn end(self) -> String {
        let Self { peer, adapter, log, subject, .. } = self;
        drop(subject);
        settle().await;
        let left = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        // With the other adapter, tasks may be left: the timers of embassy-time are tasks here.
        if adapter == Adapter::Std && left > 0 {
            log.note(format!("{left} tasks are left"));
        }
        let connections = peer.take();
        let open = connections.iter().filter(|connection| connection.is_open()).count();
        if open > 0 {
            log.note(format!("{open} connections are left open"));
        }
        format!("{}\n{}", log.take(), show(&connections, adapter == Adapter::Std))
    }
}

/// Lets tasks end that have nothing to wait for.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}
