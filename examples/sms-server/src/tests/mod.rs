//! The server as a whole, with gateways that are emulated in the same thread and with paused time.

mod chance;
mod crashes;
mod histories;
mod ledger;
mod line;
mod peer;
mod script;
mod steps;
mod storage;
mod world;

use std::env;

use tokio::runtime::{Builder, Runtime};

/// Reads a number from the environment.
fn number(name: &str) -> Option<u64> {
    Some(env::var(name).ok()?.parse().expect(name))
}

/// Returns a runtime whose time passes at once whenever all tasks wait.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}
