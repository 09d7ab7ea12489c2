//! A client without tokio: the core's engine over a blocking socket.
//!
//! The engine logs in, decides which requests may be repeated, reads bodies that are chunked or end with the connection,
//! and enforces timeouts. The program only provides the socket, in `client.rs`.
//!
//! ```sh
//! export SMS_GATEWAY_PASSWORD=…
//! cargo run -p sms-gateway-core --example blocking -- 192.168.1.9 admin ports
//! cargo run -p sms-gateway-core --example blocking -- 192.168.1.9 admin results
//! cargo run -p sms-gateway-core --example blocking -- 192.168.1.9 admin send +8613800138000 'Hello'
//! ```

pub(crate) mod client;

use std::{env, error::Error, io::Write, process::ExitCode};

use client::{Client, Timeouts};
use sms_gateway_core::{
    Number,
    call::{GetPortInfo, Info, InfoSet, QuerySmsResult, Recipient, SendSms},
    http::Credentials,
    text::Encoding,
};

const USAGE: &str =
    "usage: SMS_GATEWAY_PASSWORD=… blocking HOST[:PORT] USER (ports | results | send NUMBER TEXT)";

fn main() -> ExitCode {
    let password = env::var("SMS_GATEWAY_PASSWORD").unwrap_or_default();
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match run(&arguments, &password, &mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("blocking: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one command and writes its result to `out`.
pub(crate) fn run(arguments: &[&str], password: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let [host, user, command @ ..] = arguments else { return Err(USAGE.into()) };
    let mut gateway = Client::new(host, Credentials::new(user, password), Timeouts::new());
    match command {
        ["ports"] => ports(&mut gateway, out),
        ["results"] => results(&mut gateway, out),
        ["send", number, text] => send(&mut gateway, number, text, out),
        _ => Err(USAGE.into()),
    }
}

fn ports(gateway: &mut Client<'_>, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut written = Ok(());
    // Without smsc: some gateways do not know it, and would refuse the whole request.
    gateway.call(&GetPortInfo::new(InfoSet::DOCUMENTED.without(Info::Smsc))?, |port| {
        if written.is_ok() {
            written = writeln!(out, "{} {} {} {}", port.port, port.kind, port.reg, port.number);
        }
    })?;
    Ok(written?)
}

fn results(gateway: &mut Client<'_>, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut written = Ok(());
    gateway.call(&QuerySmsResult::new(), |result| {
        if written.is_ok() {
            written = writeln!(out, "{} {} {}", result.port, result.number, result.status);
        }
    })?;
    Ok(written?)
}

fn send(
    gateway: &mut Client<'_>,
    number: &str,
    text: &str,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let recipients = [Recipient::new(Number::new(number)?)];
    let request = SendSms::new(text, &recipients)?.encoding(Encoding::Auto)?;
    let sent = gateway.call(&request, |_| ()).map(|summary| summary.task_id.get());
    match sent {
        Ok(Some(task)) => writeln!(out, "accepted as task {task}")?,
        Ok(None) => writeln!(out, "accepted")?,
        // A message that may have arrived must not simply be sent again.
        Err(error) if error.failure.may_have_arrived() => {
            return Err(format!("{error}; the message may have been sent").into());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
