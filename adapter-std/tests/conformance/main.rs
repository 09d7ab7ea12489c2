//! Scenarios against both adapters, byte for byte and under virtual time, compared with recordings of earlier runs.
//!
//! `RECORD=1 cargo test -p sms-gateway --test conformance` writes new recordings. Their differences are then reviewed like any
//! other change.

#![allow(missing_docs, unreachable_pub)]

mod arbitrary;
#[path = "../../../adapter-embassy/tests/common/clock.rs"]
#[allow(clippy::cast_possible_truncation)]
mod clock;
mod costs;
#[path = "../../../adapter-embassy/tests/common/disk.rs"]
#[allow(dead_code)]
mod disk;
mod emulator;
mod harness;
mod hostile;
mod login;
mod peer;
mod polls;
mod random;
mod record;
mod reply;
mod scenarios;
#[path = "../../../core/tests/responses/scripts.rs"]
#[allow(dead_code)]
mod scripts;
#[path = "../common/shared.rs"]
#[allow(dead_code)]
mod shared;
mod splits;
mod stored;
mod stream;
mod subject;
mod writing;

use std::{fmt::Write as _, fs, path::Path, pin::Pin, thread};

use harness::Harness;
use subject::Adapter;

/// The name by which shared test code knows the crate.
use sms_gateway as client;

/// A scenario: its name, and the function that plays it.
pub type Scenario = (&'static str, fn(&mut Harness) -> Pin<Box<dyn Future<Output = ()> + '_>>);

/// Lists functions as scenarios.
macro_rules! list {
    ($($name:ident),* $(,)?) => {
        pub const ALL: &[$crate::Scenario] = &[$((stringify!($name), |harness| Box::pin($name(harness)))),*];
    };
}
pub(crate) use list;

/// Runs a future on its own thread, with its own paused clock.
fn on_paused_clock<T: Send + 'static, F: Future<Output = T>>(
    name: &str,
    make: impl FnOnce() -> F + Send + 'static,
) -> T {
    let run = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().start_paused(true).build().unwrap().block_on(async { make().await })
    };
    // Each thread has its own clock of embassy-time.
    let running = thread::Builder::new().name(name.to_owned()).spawn(run).unwrap();
    running.join().unwrap_or_else(|_| panic!("{name}"))
}

/// Compares the scenarios with the recording, or records them.
fn check(adapter: Adapter) {
    let mut text = String::new();
    for (name, play) in scenarios::all() {
        let happened = on_paused_clock(name, move || async move {
            let mut harness = Harness::new(adapter);
            play(&mut harness).await;
            harness.end().await
        });
        let _ = writeln!(text, "== {name}\n{happened}");
    }
    check_recorded(&format!("{}.txt", adapter.name()), &text, "== ");
}

/// Compares a text with the recording, or records it. Each part of the text begins with a separator and a line with the part's name.
fn check_recorded(file: &str, text: &str, separator: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/recorded").join(file);
    if std::env::var_os("RECORD").is_some() {
        fs::write(&path, text).unwrap();
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    let differing = differences(&recorded, text, separator);
    assert!(differing.is_empty(), "{file}: {differing}");
    assert!(recorded == text, "{file}: the order differs");
}

/// Returns the parts that differ, each with its first line that differs.
fn differences(recorded: &str, text: &str, separator: &str) -> String {
    let parts = |text: &str| text.split(separator).map(str::to_owned).collect::<Vec<_>>();
    // The name is the text before a colon, or otherwise the whole line.
    let name = |part: &str| part.split([':', '\n']).next().unwrap_or_default().to_owned();
    let (recorded, text) = (parts(recorded), parts(text));
    let mut out = String::new();
    for part in text.iter().filter(|part| !recorded.contains(part)) {
        let Some(old) = recorded.iter().find(|old| name(old) == name(part)) else {
            let _ = writeln!(out, "\n{}: not recorded", name(part));
            continue;
        };
        let lines = part.lines().map(Some).chain([None]).zip(old.lines().map(Some).chain([None]));
        if let Some((new, old)) = lines.into_iter().find(|(new, old)| new != old) {
            let _ = writeln!(out, "\n{}:\n  recorded {old:?}\n  now      {new:?}", name(part));
        }
    }
    for part in recorded.iter().filter(|part| text.iter().all(|new| name(new) != name(part))) {
        let _ = writeln!(out, "\n{}: recorded, and not there any more", name(part));
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
