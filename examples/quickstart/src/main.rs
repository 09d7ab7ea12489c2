//! A demonstration of this client on an SMS gateway. With the emulator, it takes a few seconds.
//!
//! Read [`follow`] to see how messages are sent and followed, and `show` to see the rest of the API.

mod args;
mod follow;
mod message;
mod show;
mod stage;

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use sms_gateway::tls::Reason;

use crate::{args::Args, stage::Stage};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse(), &mut io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "quickstart: {}", explain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Describes an error and its causes in one line. If a certificate is not trusted, explains how to pin it.
fn explain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let line = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let untrusted = error.downcast_ref().and_then(sms_gateway::Error::untrusted);
    let is_to_pin = untrusted.is_some_and(|untrusted| untrusted.reason != Reason::NotPinned);
    if is_to_pin { line + " with --pin or SMS_GATEWAY_PIN" } else { line }
}

async fn run(args: Args, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let stage = Stage::set(args).await?;
    show::opening(&stage, out)?;
    show::ports(&stage, out).await?;
    show::texts(&stage.messages, out)?;
    let handles = follow::send(&stage).await?;
    writeln!(out, "\nWhat happens:")?;
    let story = follow::follow(&stage, handles, out).await?;
    show::messages(&stage.messages, &story.outcomes, out)?;
    show::inbox(story.newest, out)?;
    show::ussd(&stage, out).await?;
    stage.messenger.clone().shutdown().await?;
    show::ending(&stage, out)
}

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
