//! What following messages costs: time and instructions for each event, memory, and requests.
//!
//! `track` prints times and memory, and `track --requests` how many requests it takes, in virtual time. For tools that count,
//! `track --events MANY EVENTS` only has a steady flow of so many messages go on for so many events, and prints how often what was called.

mod calls;
mod client;
mod device;
mod events;
mod flow;
mod gateway;
mod outcome;
mod records;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => events::print().map_err(|error| error.to_string()),
        ["--requests"] => {
            outcome::print();
            Ok(())
        }
        ["--events", many, events] => events::alone(many, events),
        _ => Err("usage: track [--requests | --events MANY EVENTS]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
