//! The emulator as a program: it runs until it is interrupted, and prints a line for each request.

mod args;

use std::io::{self, Write};

use clap::Parser;
use gateway_emulator::{Emulator, RequestSeen};

use crate::args::Args;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let args = Args::parse();
    let gateway = Emulator::start(args.options()?).await?;
    args.script(&gateway);
    writeln!(io::stdout(), "{}", gateway.url())?;
    tokio::select! {
        end = print_requests(&gateway) => end,
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}

/// Ends only when nobody reads the output any more.
async fn print_requests(gateway: &Emulator) -> io::Result<()> {
    let mut last = 0;
    loop {
        for request in gateway.requests_after(last).await {
            last = request.serial;
            writeln!(io::stdout(), "{}", line(&request))?;
        }
    }
}

/// `12 [3] POST /api/send_sms 200 error_code 202`: serial, connection, what was asked and what it got.
fn line(request: &RequestSeen) -> String {
    let RequestSeen { serial, connection, method, uri, status, error_code, authorization, .. } = request;
    let status = status.map_or_else(|| "unanswered".to_owned(), |status| status.to_string());
    let code = error_code.map_or_else(String::new, |code| format!(" error_code {code}"));
    let login = if *authorization { "" } else { " (no login)" };
    format!("{serial} [{connection}] {method} {uri} {status}{code}{login}")
}
