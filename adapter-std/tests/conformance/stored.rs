//! Stores that an earlier build has written, in `recorded/stores.txt`. Later builds of both adapters must restore them.
//!
//! `STORES=1 cargo test -p sms-gateway --test conformance stores_are_written` writes a new file. Do this only if the format of records
//! is changed on purpose.

use std::{fmt::Write as _, fs, path::PathBuf, time::Duration};

use sms_gateway::store::{Entry, Store as _, Write};
use sms_gateway_embassy::{
    Store as _,
    store::{Key, Write as EmbassyWrite},
};

use crate::{
    check_recorded,
    harness::Harness,
    on_paused_clock,
    reply::Reply,
    scenarios::GatewayModel,
    subject::{Adapter, Draft, MessengerSetup, Stores},
};

const INBOX: MessengerSetup = MessengerSetup::INBOX;

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/recorded/stores.txt"))
}

/// The contents of a store at some time, and the messages that the gateway has at the same time.
struct Snapshot {
    entries: Vec<Entry>,
    messages: Vec<(String, String)>,
}

impl Snapshot {
    fn write(&self) -> String {
        let mut out = String::new();
        for (id, number) in &self.messages {
            let _ = writeln!(out, "gateway {id} {number}");
        }
        for Entry { key, record, text, .. } in &self.entries {
            let _ = write!(out, "{key} ");
            for byte in record {
                let _ = write!(out, "{byte:02x}");
            }
            let text = text.as_deref().map_or(String::new(), |text| format!(" {text}"));
            let _ = writeln!(out, "{text}");
        }
        out
    }

    fn read(text: &str) -> Self {
        let (mut entries, mut messages) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let mut words = line.splitn(3, ' ');
            let [first, second, third] = [(); 3].map(|()| words.next().unwrap_or_default());
            if first == "gateway" {
                messages.push((second.to_owned(), third.to_owned()));
                continue;
            }
            let digits = second.as_bytes().chunks(2).map(|digits| std::str::from_utf8(digits).unwrap());
            let record = digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect();
            let text = (!third.is_empty()).then(|| third.into());
            let key = first.parse().unwrap();
            entries.push(Entry { key, record, text, reference: None, idempotency: None });
        }
        Self { entries, messages }
    }

    /// Returns stores with these contents.
    async fn stores(&self) -> Stores {
        let mut stores = Stores::new();
        for Entry { key, record, text, .. } in &self.entries {
            stores.std.save(vec![Write::Record { key: *key, record: record.clone() }]).await.unwrap();
            let record = EmbassyWrite { key: Key::Record(*key), value: Some(record) };
            stores.embassy.save(&[record]).await.unwrap();
            if let Some(text) = text {
                stores.std.save(vec![Write::Text { key: *key, text: text.clone() }]).await.unwrap();
                let text = EmbassyWrite { key: Key::Text(*key), value: Some(text.as_bytes()) };
                stores.embassy.save(&[text]).await.unwrap();
            }
        }
        stores
    }
}

/// Runs a busy messenger, and returns a snapshot of its store for every second.
async fn live() -> Vec<Snapshot> {
    let harness = Harness::new(Adapter::Std);
    let model = GatewayModel::new();
    model.fill_inbox(&["one", "two"]);
    let mut submissions = 0;
    model.serve_but(&harness, move |request| {
        submissions += u32::from(request.call() == "send_sms");
        match (request.call(), submissions) {
            // The second submission is lost, the third is refused, and the response to the fourth is late.
            ("send_sms", 2) => Some(Reply::never().close()),
            ("send_sms", 3) => Some(Reply::json(r#"{"error_code":550}"#)),
            ("send_sms", 4) => Some(Reply::json(r#"{"error_code":202}"#).after(Duration::from_secs(3))),
            _ => None,
        }
    });
    let mut messenger = harness.messenger(INBOX).await;
    let mut snapshots = Vec::new();
    for step in 0..80 {
        if step % 5 == 1 && step < 50 {
            let (number, may_resend) = (step.to_string(), step % 2 == 0);
            let drafts = [(number.as_str(), "Hello"), ("10086", "你好")];
            let drafts = drafts.map(|(number, text)| Draft { may_resend, ..Draft::new(number, text) });
            messenger.send_all(&drafts).await;
        }
        messenger.run(Duration::from_secs(1)).await;
        let entries = harness.stores().std.load().await.unwrap();
        snapshots.push(Snapshot { entries, messages: model.messages() });
    }
    messenger.shut_down().await;
    snapshots
}

#[test]
fn stores_are_written() {
    let mut texts: Vec<_> = on_paused_clock("a life", live).iter().map(Snapshot::write).collect();
    texts.dedup();
    assert!(texts.len() > 20, "{} stores differ", texts.len());
    if std::env::var_os("STORES").is_some() {
        let mut out = String::new();
        for (number, text) in (1..).zip(&texts) {
            let _ = write!(out, "== {number}\n{text}");
        }
        fs::write(path(), out).unwrap();
    }
}

/// Restores a store and runs the messenger for an hour.
async fn restore(adapter: Adapter, text: String) -> String {
    let snapshot = Snapshot::read(&text);
    let mut harness = Harness::new(adapter);
    harness.set_stores(snapshot.stores().await);
    let model = GatewayModel::new();
    model.fill_inbox(&["one", "two", "three"]);
    for (id, number) in snapshot.messages {
        model.add(id, number);
    }
    model.serve_all(&harness);
    let mut messenger = harness.messenger(INBOX).await;
    messenger.run(Duration::from_secs(3600)).await;
    messenger.shut_down().await;
    // Requests are left out: other scenarios check them.
    let text = harness.end().await;
    text.split("  connection ").next().unwrap().to_owned()
}

fn check(adapter: Adapter) {
    let recorded = fs::read_to_string(path()).unwrap();
    let mut text = String::new();
    for part in recorded.split("== ").skip(1) {
        let (number, part) = part.split_once('\n').unwrap();
        let part = part.to_owned();
        let happened = on_paused_clock(&format!("store {number}"), move || restore(adapter, part));
        let _ = writeln!(text, "== {number}\n{happened}");
    }
    check_recorded(&format!("{}-restored.txt", adapter.name()), &text, "== ");
}

#[test]
fn adapter_std_restores_the_stores_of_an_earlier_build() {
    check(Adapter::Std);
}

#[test]
fn adapter_embassy_restores_the_stores_of_an_earlier_build() {
    check(Adapter::Embassy);
}
