//! Measures how fast the server accepts messages, and Kannel beside it, with the same client in turns.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Parser;
use server_trial::{Failure, Json, Load, Rate, SmsServer, Target, config};
use sms_server_bench::{
    disk,
    kannel::{Kannel, Sendsms, Store},
    threads,
};
use tokio::{net::TcpListener, time::timeout};

/// The time limit of the whole measurement.
const LIMIT: Duration = Duration::from_secs(3600);

/// The number of messages in a batch.
const BATCH: usize = 500;

/// Measure how fast the server accepts messages durably, with Kannel beside it
#[derive(Parser)]
struct Args {
    /// The program
    #[arg(long, default_value = "../target/release/sms-server")]
    program: PathBuf,
    /// The number of connections
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// The number of single messages in each round
    #[arg(long, default_value_t = 20_000)]
    messages: usize,
    /// The number of messages in batches in each round
    #[arg(long, default_value_t = 200_000)]
    batched: usize,
    /// The number of rounds, in which all contestants take turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    timeout(LIMIT, measure(Args::parse())).await?
}

async fn measure(args: Args) -> Result<(), Failure> {
    let folder = tempfile::tempdir_in(".")?;
    let kind = disk::file_system(folder.path())?;
    println!("{kind}; a page is durable after {:?} on average", disk::durable_write(folder.path())?);
    // The gateway and the SMSC accept connections and never respond, so that all messages wait.
    let mute = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", mute.local_addr()?);
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = mute.accept().await {
            connections.push(connection);
        }
    });
    for round in 1..=args.rounds {
        println!("\nround {round}: {} single messages over {} connections", args.messages, args.connections);
        let own = serve(&args, &url, 1, args.messages).await?;
        for store in [Store::Memory, Store::Spool] {
            match kannel(&args, &url, store).await? {
                Some(rate) => {
                    println!("Kannel, {:<10} {rate}", format!("{store:?}"));
                    println!("ratio              {:.2}", own.per_second() / rate.per_second());
                }
                None => println!("Kannel             skipped: it is not installed"),
            }
        }
        println!("{} messages in batches of {BATCH}", args.batched);
        serve(&args, &url, BATCH, args.batched).await?;
    }
    Ok(())
}

/// Measures the server with an empty storage.
async fn serve(args: &Args, url: &str, each: usize, messages: usize) -> Result<Rate, Failure> {
    let folder = tempfile::tempdir_in(".")?;
    let config = folder.path().join("sms-server.toml");
    // There is no event without a sent message, so nothing is sent to this address.
    config::write(&config, &[url.to_owned()], "http://127.0.0.1:9/", 1.0)?;
    let server = SmsServer { program: args.program.clone(), config };
    let mut life = server.start()?;
    let address = server.ready(&mut life).await?;
    let process = life.id().ok_or("the server has ended")?;
    let (before, began) = (threads::times(process)?, Instant::now());
    let load = Load { address, connections: args.connections, messages, each };
    let rate = load.run(&Json::new(config::KEY, "accept")).await?;
    println!("sms-server         {rate}");
    let spent = threads::since(&before, &threads::times(process)?);
    let share = |(name, time): &(String, Duration)| {
        format!("{name} {:.0} %", 100.0 * time.as_secs_f64() / began.elapsed().as_secs_f64())
    };
    println!("  processor time   {}", spent.iter().map(share).collect::<Vec<_>>().join(", "));
    server.kill(life).await?;
    Ok(rate)
}

/// Measures Kannel with an empty store; `None` if it is not installed.
async fn kannel(args: &Args, url: &str, store: Store) -> Result<Option<Rate>, Failure> {
    let folder = tempfile::tempdir_in(".")?;
    let Some(kannel) = Kannel::new(folder.path(), store, url).await? else { return Ok(None) };
    let mut life = kannel.start()?;
    let address = kannel.ready(&mut life).await?;
    warm_up(address).await?;
    let load = Load { address, connections: args.connections, messages: args.messages, each: 1 };
    let rate = load.run(&Sendsms).await?;
    kannel.kill(life).await?;
    Ok(Some(rate))
}

/// Waits until Kannel's two processes are connected: a message is accepted.
async fn warm_up(address: std::net::SocketAddr) -> Result<(), Failure> {
    let load = Load { address, connections: 1, messages: 1, each: 1 };
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match load.run(&Sendsms).await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
