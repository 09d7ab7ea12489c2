//! Compares reading responses and writing requests with this library and with other crates, side by side in one run.
//!
//! `codec` prints the tables. `codec --one CONTESTANT CASE TURNS` runs a single contestant, for tools that count instructions.

mod case;
mod checksum;
mod generate;
mod nesting;
mod one;
mod ours;
mod reading;
mod rivals;
mod table;
mod writing;

use std::{io, process::ExitCode};

use case::Entry;
use generate::Texts;

/// The cases that have a table of their own, with their names for `--one`.
const CASES: [Entry; 8] = [
    ("results-10", || reading::results(10, generate::results)),
    ("results-1000", || reading::results(1_000, generate::results)),
    ("results-100000", || reading::results(100_000, generate::results)),
    ("results-spaced", || reading::results(1_000, generate::spaced_results)),
    ("incoming-utf8", || reading::incoming(Texts::Utf8)),
    ("incoming-escapes", || reading::incoming(Texts::Escapes)),
    ("incoming-bmp", || reading::incoming(Texts::BmpEscapes)),
    ("send-sms", writing::send_sms),
];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => all().map_err(|error| error.to_string()),
        ["--one", contestant, case, turns] => one::run(contestant, case, turns),
        _ => Err("usage: codec [--one CONTESTANT CASE TURNS]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints all tables.
fn all() -> io::Result<()> {
    println!("On core {}. {}", measure::pin()?, table::LEGEND);
    for (name, case) in CASES {
        let mut case = case();
        case.check();
        let timings = measure::measure(&mut case.runs());
        table::print(name, &case, &timings);
    }
    nesting::print()
}
