//! What an SMS gateway does with this client, told in some seconds.
//!
//! Read [`follow`] to see how messages are sent and followed, and `show` for the rest of the API.

mod args;
mod follow;
mod message;
mod number;
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
    let mut stage = Stage::set(args).await?;
    show::opening(&stage, out)?;
    show::ports(&stage, out).await?;
    writeln!(out, "\nSending \"{}\" with parameters of their own:", message::TEXT)?;
    show::texts(&stage.messages, out)?;
    writeln!(out)?;
    follow::send(&stage, out).await?;
    follow::follow(&mut stage, out).await?;
    writeln!(out, "\nWhat became of them:")?;
    show::messages(&stage.messages, out)?;
    show::inbox(&stage, out).await?;
    show::ussd(&stage, out).await?;
    show::ending(&stage, out)
}

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
