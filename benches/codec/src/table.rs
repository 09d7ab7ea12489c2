//! The tables.

use measure::Timing;

use crate::case::Case;

/// The explanation of the columns.
pub(crate) const LEGEND: &str = "Processor time, medians of interleaved rounds.
\"vs ours\": time as a multiple of ours. \"spread\": half the distance between the quartiles.";

/// Prints the times of a case's contestants.
pub(crate) fn print(name: &str, case: &Case, timings: &[Result<Timing, String>]) {
    println!("\n{name}: {}, {} bytes", case.title, case.bytes);
    println!("  {:26}{:>14}{:>12}{:>12}{:>12}", "", format!("ns/{}", case.unit), "MB/s", "vs ours", "spread");
    for (contestant, timing) in case.contestants.iter().zip(timings) {
        match timing {
            Ok(Timing { nanoseconds, ratio, spread }) => println!(
                "  {:26}{:>14.1}{:>12.0}{:>12.2}{:>10.1} %",
                contestant.name,
                nanoseconds / float(case.units),
                float(case.bytes) * 1e3 / nanoseconds,
                ratio,
                spread * 1e2,
            ),
            Err(error) => println!("  {:26}  {error}", contestant.name),
        }
    }
}

/// Converts a count. Counts are so small here that nothing is lost.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}
