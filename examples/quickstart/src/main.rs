//! A demonstration of this client on an SMS gateway, in some seconds.
//!
//! Read [`follow`] to see how messages are sent and followed, and `show` for the rest of the API.

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

use crate::{args::Args, stage::Stage};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse(), &mut io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "quickstart: {error}");
            ExitCode::FAILURE
        }
    }
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
