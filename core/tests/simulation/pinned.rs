//! Short runs whose transcripts are pinned, so that changes of the tracker's behaviour are noticed.
//!
//! The files in `pinned/` contain a line for each run. After an intended change of behaviour,
//! `SIM_PIN=1 cargo test -p sms-gateway-core --test simulation pinned` rewrites them.

use std::{env, fs};

use crate::{config::Config, rng::Rng, run, world::World};

/// The hashes of each scenario, read at compile time, and their file, for writing.
const PLAIN: (&str, &str) = (
    include_str!("pinned/plain.txt"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/simulation/pinned/plain.txt"),
);
const HARSH: (&str, &str) = (
    include_str!("pinned/harsh.txt"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/simulation/pinned/harsh.txt"),
);

/// Number of runs of each scenario, and of messages in a run.
const SEEDS: u64 = 200;
const MESSAGES: u32 = 18;

/// Shortens a world: little memory, short expiry, and limits that few messages reach.
fn shorten(mut config: Config) -> Config {
    let mut rng = Rng::new(config.seed ^ 0x91);
    let caller = &mut config.caller;
    caller.slots = rng.pick(&[16, 40, 64]);
    caller.pending_reports = 512;
    caller.numbers = caller.numbers.min(100);
    caller.stopped = caller.stopped.max(100_000);
    caller.acknowledges_within = caller.acknowledges_within.min(60_000);
    let limits = &mut config.settings.limits;
    limits.ids = rng.pick(&[1, 4, 64]);
    limits.under_way = rng.pick(&[3, 12, 4096]);
    limits.under_way_per_port = rng.pick(&[1, 1024]);
    limits.request_bytes = rng.pick(&[100, 64 * 1024]);
    config.settings.timing.incoming = std::time::Duration::from_secs(120);
    config.settings.timing.expire = std::time::Duration::from_secs(2 * 3600);
    config.settings.timing.late = std::time::Duration::from_secs(rng.pick(&[1, 2]) * 3600);
    config
}

/// Runs one world to its end, and returns its line.
fn line(config: &Config) -> String {
    let mut world = World::new(config, None);
    if let Err(failure) = run(&mut world) {
        panic!("{} seed {}: {failure:?}", config.scenario, config.seed);
    }
    format!("{} {} {:016x}", config.scenario, config.seed, world.transcript.hash())
}

fn check(make: fn(u64, u32) -> Config, pinned: &str, path: &str) {
    let lines: Vec<String> = (0..SEEDS).map(|seed| line(&shorten(make(seed, MESSAGES)))).collect();
    if env::var_os("SIM_PIN").is_some() {
        fs::write(path, lines.join("\n") + "\n").unwrap();
        return;
    }
    let pinned: Vec<&str> = pinned.lines().collect();
    assert_eq!(lines.len(), pinned.len());
    let changed: Vec<_> = lines.iter().zip(pinned).filter(|(now, pinned)| now != pinned).collect();
    assert!(
        changed.is_empty(),
        "{} runs differ, first {:?}",
        changed.len(),
        &changed[..changed.len().min(9)]
    );
}

#[test]
fn plain_runs_are_pinned() {
    check(Config::plain, PLAIN.0, PLAIN.1);
}

#[test]
fn harsh_runs_are_pinned() {
    check(Config::harsh, HARSH.0, HARSH.1);
}
