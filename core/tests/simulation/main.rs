//! A deterministic simulation of the tracker: a gateway with many ports, a bad link, a caller, resets, and an oracle that knows
//! the true fate of each message.
//!
//! A run is one seed. A broken rule is reported with its seed and the history of the message. `SIM_SEED=n` runs only that seed,
//! and `SIM_MESSAGES=n` sets the number of messages of a run. The long run has more than a million messages:
//! `cargo test --release -p sms-gateway-core --test simulation -- --ignored --nocapture`

// Counts are small, and narrowed values are in range by construction.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
// Some fields are only shown in histories, a world has many flags, facts are independent flags, and similar functions have the
// same signature.
#![allow(
    dead_code,
    clippy::match_same_arms,
    clippy::struct_excessive_bools,
    clippy::unnecessary_wraps,
    clippy::unused_self
)]

mod caller;
mod civil;
mod config;
mod device;
mod exchange;
mod figures;
mod inbox_check;
mod life;
mod link;
mod mixes;
mod numbers;
mod oracle;
mod pinned;
mod restored;
mod rng;
mod store;
mod transcript;
mod world;

use std::env;

use config::Config;
use figures::Figures;
use life::{End, live};
use oracle::Failure;
use world::World;

/// Maximum number of lines of a history that are shown.
const SHOWN: usize = 120;

/// Runs one world to its end.
fn run(world: &mut World) -> Result<Figures, Failure> {
    if let Some(earlier) = world.config.device.mix.as_ref().map(|mix| mix.earlier) {
        world.pass(earlier);
        world.device.client_started();
    }
    loop {
        match live(world) {
            End::Reset => {
                // The board starts up.
                let downtime = match &world.config.device.mix {
                    Some(mix) => mix.draw_downtime(&mut world.rng),
                    None => world.rng.between(100, 5000),
                };
                world.pass(downtime);
            }
            End::Done => return world.close(),
            End::Broken(failure) => return Err(failure),
        }
    }
}

/// Prints the seed if something panics.
struct Running(u64);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the simulation failed: SIM_SEED={}", self.0);
        }
    }
}

fn simulate(config: &Config) -> Figures {
    let _running = Running(config.seed);
    match run(&mut World::new(config, None)) {
        Ok(figures) => figures,
        Err(failure) => explain(config, &failure),
    }
}

/// Repeats a run, and records the history of a message and of the other messages to its number.
fn explain(config: &Config, failure: &Failure) -> ! {
    let mut world = World::new(config, failure.message);
    let again = run(&mut world).err();
    let lines = &world.oracle.trace.lines;
    let shown = number("SIM_LINES").map_or(SHOWN, |lines| lines as usize);
    for line in &lines[lines.len().saturating_sub(shown)..] {
        eprintln!("{line}");
    }
    for line in failure.message.iter().flat_map(|message| world.oracle.reports_around(*message)) {
        eprintln!("{line}");
    }
    eprintln!("{config:?}");
    assert!(again.is_some(), "the second run differs: the simulation is not deterministic");
    panic!("{} seed {}, message {:?}: {}", config.scenario, config.seed, failure.message, failure.what);
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Runs each seed, or the one in `SIM_SEED`. Prints and returns the sum of their figures.
fn scenario(make: fn(u64, u32) -> Config, seeds: std::ops::Range<u64>, messages: u32) -> Figures {
    let messages = number("SIM_MESSAGES").map_or(messages, |messages| messages as u32);
    let seeds = number("SIM_SEED").map_or(seeds, |seed| seed..seed + 1);
    let mut sum = Figures::default();
    for seed in seeds.clone() {
        let config = make(seed, messages);
        let figures = simulate(&config);
        if number("SIM_EACH").is_some() {
            println!("{} {seed}: {figures}", config.scenario);
        }
        sum += figures;
    }
    println!("{}, seeds {seeds:?}: {sum}", make(0, 1).scenario);
    sum
}

/// Checks that unknown outcomes are rare if the client never fails.
fn check_plain(figures: &Figures) {
    let unknown = figures.ambiguous + figures.unresolved;
    println!("ambiguous and unresolved: {unknown} of {}", figures.messages);
    assert!(unknown * 1000 <= figures.messages, "more than 0.1 %");
}

#[test]
fn plain() {
    check_plain(&scenario(Config::plain, 0..3, 2000));
}

#[test]
fn harsh() {
    scenario(Config::harsh, 0..20, 500);
}

/// A report that could belong to two messages waits. One of them already had its report, as its result shows, and is forgotten
/// meanwhile.
#[test]
fn a_report_of_a_forgotten_message_is_not_assigned_to_another_one() {
    scenario(Config::harsh, 212..213, 2000);
}

/// The clock shows a time twice, so an old report carries a time soon after a message was sent.
#[test]
fn a_report_from_before_the_clock_was_put_back_is_not_assigned() {
    scenario(Config::harsh, 571..572, 2000);
}

#[test]
#[ignore = "takes minutes; for release mode"]
fn a_million_messages() {
    check_plain(&scenario(Config::plain, 100..225, 4000));
    let figures = scenario(Config::harsh, 100..600, 2000);
    assert!(figures.messages >= 1_000_000);
}
