//! The cost of following messages: time and instructions for each event, memory, and requests.
//!
//! `track` prints times and memory. `track --requests` prints the number of requests and their bytes, in virtual time. For tools that count
//! instructions, `track --events MANY EVENTS` runs only a steady flow of many messages for a number of events, and prints the
//! number of calls.

mod calls;
mod client;
mod device;
mod events;
mod flow;
mod gateway;
mod outcome;
mod records;
mod traffic;

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
