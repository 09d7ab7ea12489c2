//! The server as a whole, with gateways that are emulated in the same thread and with paused time.

mod chance;
mod crashes;
mod histories;
mod ledger;
mod line;
mod moments;
mod peer;
mod script;
mod steps;
mod storage;
mod world;

use std::env;

use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, advance},
};

/// Reads a number from the environment.
fn number(name: &str) -> Option<u64> {
    Some(env::var(name).ok()?.parse().expect(name))
}

/// Lets time continue at an earlier time of another runtime: it does not go back, although this runtime's began later.
async fn continue_at(time: Instant) {
    advance(time.duration_since(Instant::now())).await;
}

/// Returns a runtime whose time passes at once whenever all tasks wait.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}
