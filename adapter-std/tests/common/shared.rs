//! Helpers of the tests of both clients.

use gateway_emulator::{Options, Quirks};

use super::client::core::{Number, UserId, call::Recipient};

pub fn options() -> Options {
    Options { speed: 2000.0, ..Options::default() }
}

pub fn recipient(number: &str, id: i64) -> Recipient<'_> {
    Recipient::new(Number::new(number).unwrap()).user_id(UserId::new(id).unwrap())
}

/// Keeps tokio's clock from advancing by itself. Dropping it resumes the clock.
pub struct Stopped {
    _release: std::sync::mpsc::Sender<()>,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        tokio::time::resume();
    }
}

/// Stops tokio's clock, and keeps it from advancing while a socket is awaited.
pub fn stop_the_clock() -> Stopped {
    let (release, released) = std::sync::mpsc::channel();
    tokio::task::spawn_blocking(move || released.recv());
    tokio::time::pause();
    Stopped { _release: release }
}

/// The sets of quirks with which a gateway is usable: each such quirk alone, all observed quirks, and all observed quirks together with
/// the misprints in the document's examples.
pub fn usable_quirks() -> Vec<(String, Quirks)> {
    let sets = ["observed", "observed,printed"];
    let mut all: Vec<_> = sets.map(|name| (name.to_owned(), name.parse().unwrap())).into();
    for name in Quirks::names() {
        let name = name.replace("=N", "=2");
        // Some quirks redirect every request, some refuse the first requests, and one refuses a field that the nine calls request.
        if !name.starts_with("redirect") && !name.starts_with("first-") && name != "smsc-refused" {
            all.push((name.clone(), name.parse().unwrap()));
        }
    }
    all
}
