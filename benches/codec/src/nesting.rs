//! The cost of nesting: values of an unknown key with the same length, flat and nested.

use std::{env, io, process::Command};

use measure::{Run, Timing, measure};

use crate::{
    case::{Case, Contestant, Entry},
    reading::unknown,
    table::float,
};

/// Depth of the nested values.
const LEVELS: usize = 100_000;
/// The start of each level of [`objects`].
const OBJECT: &str = r#"{"a":"#;
/// Length of each value, including quotes and brackets.
const LENGTH: usize = LEVELS * (OBJECT.len() + 1) + 1;

/// The three values, with their names for `--one`.
pub(crate) const CASES: [Entry; 3] =
    [("unknown-flat", flat), ("unknown-arrays", arrays), ("unknown-objects", objects)];

/// Creates the case of a single text.
fn flat() -> Case {
    unknown("one text", &format!("\"{}\"", "x".repeat(LENGTH - 2)))
}

/// Creates the case of nested arrays. The innermost one contains zeros, so that the value has [`LENGTH`] bytes.
fn arrays() -> Case {
    let inner = "0,".repeat((LENGTH - 2 * LEVELS) / 2);
    unknown("arrays", &format!("{}{inner}0{}", "[".repeat(LEVELS), "]".repeat(LEVELS)))
}

/// Creates the case of nested objects. Each has a single key, whose value is the next inner object.
fn objects() -> Case {
    unknown("objects", &format!("{}0{}", OBJECT.repeat(LEVELS), "}".repeat(LEVELS)))
}

/// Measures all three values together, and prints their times per byte side by side.
///
/// # Errors
/// If this program can't be started again.
pub(crate) fn print() -> io::Result<()> {
    let mut cases = Vec::new();
    for (name, case) in CASES {
        let mut case = case();
        spare(name, &mut case)?;
        case.check();
        cases.push(case);
    }
    let mut runs: Vec<&mut Run> = cases.iter_mut().flat_map(Case::runs).collect();
    let timings = measure(&mut runs);
    let (bytes, contestants) = (cases[0].bytes, &cases[0].contestants);
    println!("\nunknown-*: the value of an unknown key, {LEVELS} levels deep and flat, {bytes} bytes each");
    println!("  {:26}{:>12}{:>12}{:>12}{:>14}", "ns/byte", "flat text", "arrays", "objects", "worst/flat");
    for (row, contestant) in contestants.iter().enumerate() {
        let columns = timings.iter().skip(row).step_by(contestants.len());
        print_row(contestant.name, columns, bytes);
    }
    Ok(())
}

/// Excludes contestants that would crash this program, by running each in a separate process first.
fn spare(name: &str, case: &mut Case) -> io::Result<()> {
    for contestant in &mut case.contestants {
        let mut child = Command::new(env::current_exe()?);
        let output = child.args(["--one", contestant.name, name, "1"]).output()?;
        if output.status.code().is_none() {
            *contestant = Contestant::absent(contestant.name, "overflows the stack: its process was aborted");
        }
    }
    Ok(())
}

fn print_row<'t>(name: &str, columns: impl Iterator<Item = &'t Result<Timing, String>>, bytes: usize) {
    print!("  {name:26}");
    let mut times = Vec::new();
    for timing in columns {
        match timing {
            Ok(timing) => {
                times.push(timing.nanoseconds / float(bytes));
                print!("{:>12.3}", timing.nanoseconds / float(bytes));
            }
            Err(error) => return println!("  {error}"),
        }
    }
    let worst = times.iter().copied().fold(0.0, f64::max) / times[0];
    println!("{worst:>14.2}");
}
