//! The tables.

use crate::{case::Case, contestant::Contestant, timing::Timing};

/// The explanation of the columns.
pub(crate) const LEGEND: &str = "Medians of interleaved rounds.
\"ns/request\", \"requests/s\": elapsed time, including the server's. \"client ns\": the client's processor time, including the system's.
\"vs ours\": that as a multiple of ours. \"spread\": half the distance between its quartiles.";

/// Prints the times of a case's contestants.
pub(crate) fn print(name: &str, case: Case, contestants: &[Contestant], timings: &[Timing]) {
    println!("\n{name}: POST {}, a response of {} bytes", case.path(), case.response().len());
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
