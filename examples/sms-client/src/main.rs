//! A command line for GSM/LTE SMS gateways.

mod args;
mod cells;
mod commands;
mod connect;
mod events;
mod failure;
mod following;
mod inputs;
mod interrupts;
mod json;
mod live;
mod output;
mod profile;
mod progress;
mod verbose;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, error::ErrorKind};
use sms_client::text::escape;

use crate::{
    args::{Arguments, Command},
    commands::{call, doctor, inbox, pin, ports, queue, results, send, ussd, watch},
    failure::{Exit, Failure},
    output::Output,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error),
    };
    let mut output = Output::new(arguments.json);
    let done = match complete(&mut arguments) {
        Ok(()) => run(&arguments, &mut output).await,
        Err(failure) => Err(failure),
    };
    // Records that were read before an error are shown before the error.
    let flushed = output.flush().map_err(Failure::from);
    match done.and(flushed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::PipeClosed) {
                complain(&failure.to_string());
            }
            failure.exit_code()
        }
    }
}

/// Completes the command line from the profile, the environment, and the files that the command line names.
fn complete(arguments: &mut Arguments) -> Result<(), Failure> {
    profile::complete(arguments)?;
    match &mut arguments.command {
        Command::Send(send) => inputs::complete(send),
        _ => Ok(()),
    }
}

async fn run(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let connect = || connect::gateway(&arguments.connection);
    match &arguments.command {
        Command::Send(args) => send::send(args, &arguments.connection, output).await,
        Command::Watch(args) => watch::watch(args, &arguments.connection, output).await,
        Command::Results(args) => results::results(&connect()?, args, output).await,
        Command::Deliveries(args) => results::deliveries(&connect()?, args, output).await,
        Command::Queue => queue::queue(&connect()?, output).await,
        Command::Inbox(args) => inbox::inbox(&connect()?, args, output).await,
        Command::Ussd(args) => ussd::ussd(&connect()?, args, output).await,
        Command::Stop { task } => queue::stop(&connect()?, *task, output).await,
        Command::Ports(args) => ports::ports(&connect()?, args, output).await,
        Command::Call(args) => call::call(&connect()?, args, output).await,
        Command::Doctor(args) => doctor::doctor(args, &arguments.connection, output).await,
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Arguments::command(), "sms-client", &mut io::stdout());
            Ok(())
        }
        Command::Pin { url } => pin::pin(url.as_deref(), &arguments.connection, output).await,
    }
}

/// Prints an error in one line. If this fails too, only the exit status reports the error.
fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "sms-client: {line}");
}

/// Prints help unchanged, and errors of the command line in one line.
fn explain(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // A closed pipe is not an error.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8))
        }
        ErrorKind::MissingSubcommand => {
            let _ = write!(io::stderr(), "{}", Arguments::command().render_help());
            Failure::usage("").exit_code()
        }
        _ => {
            let message = error.to_string();
            let message = message.strip_prefix("error: ").unwrap_or(&message);
            let end = ["\n\nUsage:", "\n\nFor more"].iter().filter_map(|end| message.find(end)).min();
            let (message, _) = message.split_at(end.unwrap_or(message.len()));
            let message = message.replace("\n\n", ";");
            let words: Vec<_> = message.split_whitespace().collect();
            complain(&format!("{}; see --help", escape(&words.join(" "))));
            Failure::usage("").exit_code()
        }
    }
}
