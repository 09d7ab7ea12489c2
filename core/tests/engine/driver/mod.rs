//! A driver against a gateway that accepts, loses and refuses requests at random, with restarts of the client.

mod directed;
mod gateway;
mod inbox;
mod life;
mod truth;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use gateway::Gateway;
use life::{End, live};
use sms_gateway_core::track::{Settings, Timing};
use truth::Truths;

use crate::rng::Rng;

/// Time in seconds after which a message without an outcome expires.
const EXPIRE: u64 = 24 * 3600;

/// Everything except the driver. It survives restarts.
struct World {
    rng: Rng,
    seconds: u64,
    gateway: Gateway,
    truths: Truths,
    store: BTreeMap<u32, Vec<u8>>,
    /// The messages whose records are in the store.
    store_ids: BTreeSet<u32>,
    numbers: u64,
    /// Number of calls of the driver and its tracker so far, and the number after which the world is calm.
    calls: u64,
    end: u64,
    /// Ids of incoming messages: the last one handed out, the last one acknowledged, and the last one whose
    /// acknowledgement is stored.
    handed_out: i64,
    acknowledging: i64,
    acknowledged: i64,
}

impl World {
    fn new(seed: u64, calls: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            seconds: 1,
            gateway: Gateway::default(),
            truths: Truths::default(),
            store: BTreeMap::new(),
            store_ids: BTreeSet::new(),
            numbers: 0,
            calls: 0,
            end: calls,
            handed_out: 0,
            acknowledging: 0,
            acknowledged: 0,
        }
    }

    fn now(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Returns whether requests no longer fail and messages are no longer added.
    fn is_calm(&self) -> bool {
        self.calls >= self.end
    }

    fn settings(&mut self) -> Settings {
        let timing = Timing {
            incoming: Duration::from_secs(60),
            expire: Duration::from_secs(EXPIRE),
            late: Duration::from_secs(3600),
            reported: Duration::from_secs(1200),
            ..Timing::default()
        };
        Settings { timing, incoming: true, first_block: self.rng.next() as u32, ..Settings::default() }
    }
}

/// Runs a seed until all its messages have ended.
fn run(seed: u64, calls: u64) -> u64 {
    let mut world = World::new(seed, calls);
    while live(&mut world) == End::Restart {
        world.acknowledging = world.acknowledged;
        world.seconds += 30;
    }
    world.calls
}

fn run_all(seeds: u64, calls: u64) {
    let mut sum = 0;
    for seed in 0..seeds {
        let run = std::panic::catch_unwind(|| run(seed, calls));
        sum += run.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    println!("{sum} calls");
    assert!(sum >= seeds * calls);
}

#[test]
fn random_calls_lose_and_duplicate_no_message() {
    run_all(10, 5000);
}

#[test]
#[ignore = "for release mode"]
fn a_million_random_calls_lose_and_duplicate_no_message() {
    run_all(200, 10_000);
}
