//! The time for events in a steady flow, and the memory.

use std::io;

use measure::Run;
use sms_gateway_core::track::{PendingReport, Slot, Tracker};

use crate::{calls::KINDS, flow::Flow};

/// Numbers of messages under way.
const MANY: [usize; 3] = [100, 10_000, 100_000];
/// Number of results and reports in a round.
const EVENTS: u32 = 2_000;

/// Prints the tables.
///
/// # Errors
/// Errors of the system.
pub(crate) fn print() -> io::Result<()> {
    memory();
    println!(
        "\nOn core {}. Processor time, medians of interleaved rounds; the simulated gateway's share is in it.",
        measure::pin()?
    );
    println!("  {:>16}{:>14}{:>12}{:>12}", "in flight", "ns/event", "vs first", "spread");
    let mut runs = MANY.map(run);
    let timings = measure::measure(&mut runs.iter_mut().collect::<Vec<_>>());
    for (many, timing) in MANY.iter().zip(timings) {
        let timing = timing.expect("no run fails");
        let nanoseconds = timing.nanoseconds / f64::from(EVENTS);
        println!("  {many:>16}{nanoseconds:>14.1}{:>12.2}{:>10.1} %", timing.ratio, timing.spread * 1e2);
    }
    Ok(())
}

fn run(many: usize) -> Run {
    let mut flow = Flow::new(many);
    Box::new(move || {
        flow.run(EVENTS.into());
        Ok(flow.counts().iter().sum())
    })
}

/// Runs only a steady flow, and prints the number of calls.
///
/// # Errors
/// If the arguments are not numbers.
pub(crate) fn alone(many: &str, events: &str) -> Result<(), String> {
    let number = |text: &str| text.parse().map_err(|_| format!("not a number: {text}"));
    let mut flow = Flow::new(number(many)?);
    flow.run(number(events)?.try_into().expect("64 bits are enough"));
    for (kind, count) in KINDS.iter().zip(flow.counts()) {
        println!("{kind} {count}");
    }
    Ok(())
}

fn memory() {
    let mut flow = Flow::new(10_000);
    flow.run(100_000);
    let saved = flow.saved;
    println!("Bytes of memory for a message: {}", size_of::<Slot>());
    println!("  for a report that waits for its message or has none: {}", size_of::<PendingReport>());
    println!("  for the tracker itself: {}", size_of::<Tracker<'_>>());
    println!(
        "Bytes of a saved change: {} on average, {} at most",
        saved.bytes / saved.records,
        saved.largest
    );
}
