//! The tables.

use crate::{case::Case, contestant::Contestant, timing::Timing};

/// What the columns are.
pub(crate) const LEGEND: &str = "Medians of interleaved rounds.
\"ns/request\", \"requests/s\": as time passes, with the server's part. \"client ns\": the client's processor time, with the system's part.
\"vs ours\": that as a multiple of ours. \"spread\": half the distance between its quartiles.";

/// Prints what the contestants of a case took.
pub(crate) fn print(name: &str, case: Case, contestants: &[Contestant], timings: &[Timing]) {
    println!("\n{name}: POST {}, an answer of {} bytes", case.path(), case.answer().len());
    println!(
        "  {:26}{:>12}{:>12}{:>12}{:>10}{:>10}",
        "", "ns/request", "requests/s", "client ns", "vs ours", "spread"
    );
    for (contestant, timing) in contestants.iter().zip(timings) {
        println!(
            "  {:26}{:>12.0}{:>12.0}{:>12.0}{:>10.2}{:>8.1} %",
            contestant.name,
            timing.elapsed.nanoseconds,
            1e9 / timing.elapsed.nanoseconds,
            timing.client.nanoseconds,
            timing.client.ratio,
            timing.client.spread * 1e2,
        );
    }
}
