//! The emulator as a program. It prints a line for each request until it is interrupted. At the end it prints a line for each message
//! accepted or received, and one about logins.

mod args;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use gateway_emulator::{Counts, Emulator, MessageSeen, RequestSeen};
use serde_json::Value;

use crate::args::Args;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway-emulator: {error}");
            if error.kind() == io::ErrorKind::AddrInUse {
                eprintln!("Choose another address with --listen; port 0 lets the system choose a free port.");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> io::Result<()> {
    let gateway = Emulator::start(args.options()?).await?;
    args.script(&gateway);
    writeln!(io::stdout(), "{}", gateway.url())?;
    if let Some(certificate) = gateway.certificate() {
        writeln!(io::stdout(), "certificate {}", certificate.fingerprint())?;
        writeln!(io::stdout(), "public key {}", certificate.key_fingerprint())?;
    }
    tokio::select! {
        end = print_requests(&gateway) => end?,
        ended = end() => ended?,
    }
    for message in gateway.messages() {
        writeln!(io::stdout(), "{}", outcome(&message))?;
    }
    for sms in gateway.inbox() {
        let (number, text) = (Value::from(sms.number), Value::from(sms.text));
        writeln!(io::stdout(), "received {number} {text}")?;
    }
    let Counts { challenged, expired, .. } = gateway.counts();
    writeln!(io::stdout(), "challenged: {challenged}, nonces expired: {expired}")?;
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
#[cfg(unix)]
async fn end() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminated.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}

#[cfg(not(unix))]
async fn end() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Prints a line for each request. Returns only if the output can no longer be written.
async fn print_requests(gateway: &Emulator) -> io::Result<()> {
    let mut last = 0;
    loop {
        for request in gateway.requests_after(last).await {
            last = request.serial;
            writeln!(io::stdout(), "{}", line(&request))?;
        }
    }
}

/// Formats a request as `12 [3] POST /api/send_sms 200 error_code 202`: serial, connection, request and result.
fn line(request: &RequestSeen) -> String {
    let RequestSeen { serial, connection, method, uri, status, error_code, authorization, closed, .. } =
        request;
    let status = status.map_or_else(|| "unanswered".to_owned(), |status| status.to_string());
    let code = error_code.map_or_else(String::new, |code| format!(" error_code {code}"));
    let login = if *authorization { "" } else { " (no login)" };
    let closed = closed.map_or_else(String::new, |closed| format!(", {closed}"));
    format!("{serial} [{connection}] {method} {uri} {status}{code}{login}{closed}")
}

/// Formats a message as `message 17 to 10086: Delivered, segments sent: 2 of 2, text: Hello`. Here 17 is the `user_id`, which may be
/// missing.
fn outcome(message: &MessageSeen) -> String {
    let MessageSeen { number, text, user_id, status, segments, sent, .. } = message;
    let id = user_id.map_or_else(String::new, |id| format!(" {id}"));
    let text = text.escape_debug();
    format!("message{id} to {number}: {status:?}, segments sent: {sent} of {segments}, text: {text}")
}
