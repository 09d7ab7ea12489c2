//! The emulator as a program: it runs until it is ended, and prints a line for each request, and at last one for each message it has sent
//! or received and one about logins.

mod args;

use std::io::{self, Write};

use clap::Parser;
use gateway_emulator::{Counts, Emulator, MessageSeen, RequestSeen};
use serde_json::Value;

use crate::args::Args;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let args = Args::parse();
    let gateway = Emulator::start(args.options()?).await?;
    args.script(&gateway);
    writeln!(io::stdout(), "{}", gateway.url())?;
    tokio::select! {
        end = print_requests(&gateway) => end?,
        ended = end() => ended?,
    }
    for message in gateway.messages() {
        writeln!(io::stdout(), "{}", told(&message))?;
    }
    for sms in gateway.inbox() {
        let (number, text) = (Value::from(sms.number), Value::from(sms.text));
        writeln!(io::stdout(), "received {number} {text}")?;
    }
    let Counts { challenged, expired, .. } = gateway.counts();
    writeln!(io::stdout(), "challenged: {challenged}, nonces expired: {expired}")?;
    Ok(())
}

/// Waits until somebody wants the program to end.
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
    let RequestSeen { serial, connection, method, uri, status, error_code, authorization, closed, .. } =
        request;
    let status = status.map_or_else(|| "unanswered".to_owned(), |status| status.to_string());
    let code = error_code.map_or_else(String::new, |code| format!(" error_code {code}"));
    let login = if *authorization { "" } else { " (no login)" };
    let closed = closed.map_or_else(String::new, |closed| format!(", {closed}"));
    format!("{serial} [{connection}] {method} {uri} {status}{code}{login}{closed}")
}

/// `message 17 to 10086: Delivered, segments sent: 2 of 2, text: Hello`: the client's id, if it gave one, and what has become of it.
fn told(message: &MessageSeen) -> String {
    let MessageSeen { number, text, user_id, status, segments, sent, .. } = message;
    let id = user_id.map_or_else(String::new, |id| format!(" {id}"));
    let text = text.escape_debug();
    format!("message{id} to {number}: {status:?}, segments sent: {sent} of {segments}, text: {text}")
}
