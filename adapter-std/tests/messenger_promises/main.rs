//! Thousands of messages through real sockets, against gateways that break every promise at random. No message is lost, sent twice, or
//! reported with a wrong outcome.
//!
//! Each world has an emulated gateway with random quirks, a proxy that spoils exchanges, and a messenger with a random policy. In some
//! worlds the messenger is shut down or killed in between. At the end, each outcome is compared with the events at the gateway, and with
//! the bytes that the client received. `SEED` repeats the worlds of a run, though not the order of events in them. `MESSAGES` sets the
//! number of messages, and `WORLD` plays a single world.

#![allow(missing_docs, unreachable_pub)]
// The proxy keeps its port with `SO_REUSEPORT`, which needs Unix.
#![cfg(unix)]

mod chance;
#[path = "../common/mod.rs"]
mod common;
#[path = "../following/mod.rs"]
mod following;
mod judge;
mod life;
mod mischief;
mod outgoing;
mod quirks;
mod record;
mod setup;
mod table;
mod wire;
mod world;

use std::{env, sync::Arc};

use setup::Setup;
use table::Table;
use tokio::{runtime::Builder, sync::Semaphore, task::JoinSet};

/// The number of messages in each world.
const EACH: usize = 500;
/// The number of worlds that are played at the same time.
const SIDE_BY_SIDE: usize = 6;

fn number(name: &str) -> Option<u64> {
    Some(env::var(name).ok()?.parse().expect(name))
}

#[test]
fn messages_through_gateways_that_break_every_promise() {
    let seed = number("SEED").unwrap_or(1);
    let messages = usize::try_from(number("MESSAGES").unwrap_or(10_000)).unwrap();
    let worlds = messages.div_ceil(EACH);
    let chosen = number("WORLD").and_then(|world| usize::try_from(world).ok());
    println!("SEED={seed} MESSAGES={messages}");
    let gateways = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let reports = gateways.block_on(async {
        let (places, mut playing) = (Arc::new(Semaphore::new(SIDE_BY_SIDE)), JoinSet::new());
        for world in (0..worlds).filter(|world| chosen.is_none_or(|chosen| chosen == *world)) {
            let setup = Setup::new(seed, world, EACH.min(messages - world * EACH));
            let (places, gateways) = (Arc::clone(&places), gateways.handle().clone());
            playing.spawn(async move {
                let _place = places.acquire_owned().await.unwrap();
                tokio::task::spawn_blocking(move || world::play(setup, &gateways)).await.unwrap()
            });
        }
        playing.join_all().await
    });
    let table = Table::new(reports);
    println!("{table}");
    table.assert_flawless(seed);
}
