//! Scenarios against both adapters, byte for byte and under virtual time, compared with recordings of earlier runs.
//!
//! `RECORD=1 cargo test -p sms-gateway --test conformance` writes the recordings anew. The difference is then reviewed like
//! any other change.

#![allow(missing_docs, unreachable_pub)]

#[path = "../../../adapter-embassy/tests/common/clock.rs"]
#[allow(clippy::cast_possible_truncation)]
mod clock;
#[path = "../../../adapter-embassy/tests/common/disk.rs"]
#[allow(dead_code)]
mod disk;
mod harness;
mod login;
mod peer;
mod record;
mod reply;
mod scenarios;
mod stream;
mod subject;

use std::{fmt::Write as _, fs, path::Path, pin::Pin, thread};

use harness::Harness;
use subject::Adapter;

/// A scenario: its name, and what happens.
pub type Scenario = (&'static str, fn(&mut Harness) -> Pin<Box<dyn Future<Output = ()> + '_>>);

/// Lists functions as scenarios.
macro_rules! list {
    ($($name:ident),* $(,)?) => {
        pub const ALL: &[$crate::Scenario] = &[$((stringify!($name), |harness| Box::pin($name(harness)))),*];
    };
}
pub(crate) use list;

/// Runs a scenario on a paused clock of its own.
fn run(adapter: Adapter, scenario: Scenario) -> String {
    let (name, play) = scenario;
    let runtime = move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut harness = Harness::new(adapter);
            play(&mut harness).await;
            harness.end().await
        })
    };
    // The clock of embassy-time belongs to the thread.
    let text = thread::Builder::new().name(name.to_owned()).spawn(runtime).unwrap().join();
    text.unwrap_or_else(|_| panic!("{name} with adapter-{}", adapter.name()))
}

/// Compares what happens with what is recorded, or records it.
fn check(adapter: Adapter) {
    let mut text = String::new();
    for scenario in scenarios::all() {
        let _ = writeln!(text, "== {}\n{}", scenario.0, run(adapter, scenario));
    }
    let file = format!("tests/conformance/recorded/{}.txt", adapter.name());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("RECORD").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    let differing = differences(&recorded, &text);
    assert!(differing.is_empty(), "adapter-{}: {differing}", adapter.name());
    assert!(recorded == text, "adapter-{}: the order of the scenarios differs", adapter.name());
}

/// The scenarios that differ, each with its first line that does.
fn differences(recorded: &str, text: &str) -> String {
    let parts = |text: &str| text.split("== ").map(str::to_owned).collect::<Vec<_>>();
    let (recorded, text) = (parts(recorded), parts(text));
    let mut out = String::new();
    for part in text.iter().filter(|part| !recorded.contains(part)) {
        let name = part.lines().next().unwrap_or_default();
        let old = recorded.iter().find(|old| old.lines().next() == Some(name));
        let Some(old) = old else {
            let _ = writeln!(out, "\n{name}: not recorded");
            continue;
        };
        let lines = part.lines().map(Some).chain([None]).zip(old.lines().map(Some).chain([None]));
        if let Some((new, old)) = lines.into_iter().find(|(new, old)| new != old) {
            let _ = writeln!(out, "\n{name}:\n  recorded {old:?}\n  now      {new:?}");
        }
    }
    for part in
        recorded.iter().filter(|part| text.iter().all(|new| new.lines().next() != part.lines().next()))
    {
        let _ = writeln!(out, "\n{}: recorded, and not a scenario", part.lines().next().unwrap_or_default());
    }
    out
}

#[test]
fn adapter_std_behaves_as_recorded() {
    check(Adapter::Std);
}

#[test]
fn adapter_embassy_behaves_as_recorded() {
    check(Adapter::Embassy);
}
