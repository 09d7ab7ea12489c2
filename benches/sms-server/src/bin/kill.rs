//! Kills the server while it sends messages, and compares its promises with what the gateways sent. Then does the same with Kannel.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use server_trial::{Failure, Trial};
use sms_server_bench::kannel::{self, Store};

/// The time after which the trial of the server ends if no event arrives. Until then, messages are looked up, and reports arrive.
const PATIENCE: Duration = Duration::from_secs(120);

/// The time limit of the trial of the server.
const LIMIT: Duration = Duration::from_secs(3600);

/// Kill the server while it sends messages through emulated gateways with faults: nothing may be lost or sent twice
#[derive(Parser)]
struct Args {
    /// The program
    #[arg(long, default_value = "../target/release/sms-server")]
    program: PathBuf,
    /// The number of messages
    #[arg(long, default_value_t = 100_000)]
    messages: usize,
    /// The number of kills
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// The number of gateways
    #[arg(long, default_value_t = 4)]
    gateways: usize,
    /// The speed of the gateways, relative to real ones
    #[arg(long, default_value_t = 50.0)]
    speed: f64,
    /// The seed of the random choices
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of messages through Kannel, with each kind of store
    #[arg(long, default_value_t = 10_000)]
    kannel_messages: usize,
    /// The number of kills of Kannel, with each kind of store
    #[arg(long, default_value_t = 20)]
    kannel_kills: u32,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let args = Args::parse();
    let mut exit = ExitCode::SUCCESS;
    if args.messages > 0 && !kill_server(&args).await? {
        exit = ExitCode::FAILURE;
    }
    if args.kannel_messages > 0 {
        kill_kannel(&args, Store::Memory).await?;
        kill_kannel(&args, Store::Spool).await?;
    }
    Ok(exit)
}

/// Returns whether nothing is wrong.
async fn kill_server(args: &Args) -> Result<bool, Failure> {
    println!("sms-server, {} gateways at {} times the speed of real ones", args.gateways, args.speed);
    let trial = Trial {
        program: args.program.clone(),
        messages: args.messages,
        kills: args.kills,
        gateways: args.gateways,
        speed: args.speed,
        seed: args.seed,
        patience: PATIENCE,
        limit: LIMIT,
    };
    // Not in the folder for temporary files, which may be in memory.
    let verdict = trial.run(tempfile::tempdir_in(".")?.path()).await?;
    println!("{verdict}\n");
    Ok(verdict.is_flawless())
}

async fn kill_kannel(args: &Args, store: Store) -> Result<(), Failure> {
    println!("Kannel, messages in {store:?}");
    let folder = tempfile::tempdir_in(".")?;
    match kannel::trial(folder.path(), store, args.kannel_messages, args.kannel_kills, args.seed).await? {
        Some(outcome) => println!("{outcome}\n"),
        None => println!("skipped: Kannel is not installed\n"),
    }
    Ok(())
}
