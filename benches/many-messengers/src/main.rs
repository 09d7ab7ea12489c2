//! The memory of 200 idle messengers, and the messages per second that they save in one file.

use std::{
    error::Error,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use sms_gateway::{Gateway, Messenger, Sms, store::Database};
use tokio::{net::TcpListener, task::JoinSet};

const MESSENGERS: usize = 200;
/// The number of messages that each messenger accepts, one after the other.
const MESSAGES: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    // This gateway never responds, so only the store and the messengers are measured.
    tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
    });
    let path = std::env::current_dir()?.join(format!("many-messengers-{}.redb", std::process::id()));
    let database = Database::open(&path)?;
    println!("before:          {:4} MiB resident", resident_mib()?);
    let mut messengers = Vec::new();
    for number in 0..MESSENGERS {
        let gateway = Gateway::builder(&url).credentials("admin", "admin").build()?;
        let store = database.gateway(&number.to_string())?;
        let (messenger, _) = Messenger::builder(gateway).store(store).incoming(true).start().await?;
        messengers.push(messenger);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("{MESSENGERS} messengers:  {:4} MiB resident", resident_mib()?);
    let (elapsed, longest) = save(&messengers).await?;
    let saves = MESSENGERS * MESSAGES;
    let rate = f64::from(u32::try_from(saves).unwrap_or(u32::MAX)) / elapsed.as_secs_f64();
    println!("{saves} saves:     {rate:.0} per second, the longest took {longest:?}");
    println!("afterwards:      {:4} MiB resident", resident_mib()?);
    let mut ends = JoinSet::new();
    for messenger in messengers {
        ends.spawn(messenger.shutdown());
    }
    drop(ends);
    drop(database);
    fs::remove_file(path)?;
    Ok(())
}

/// Sends messages through all messengers at once. Returns the time for all messages, and the longest time for one.
async fn save(messengers: &[Messenger]) -> Result<(Duration, Duration), Box<dyn Error>> {
    let (began, text) = (Instant::now(), Arc::<str>::from("Your parcel is here."));
    let mut senders = JoinSet::new();
    for messenger in messengers {
        let messenger = messenger.clone();
        let sms = Sms::new("+8613800138000", Arc::clone(&text))?;
        senders.spawn(async move {
            let mut longest = Duration::ZERO;
            for _ in 0..MESSAGES {
                let began = Instant::now();
                // The message is durable when `send` returns. Its handle is not needed, because the outcome never arrives.
                let sent = messenger.send(sms.clone()).await;
                longest = longest.max(began.elapsed());
                drop(sent.expect("the store works"));
            }
            longest
        });
    }
    let longest = senders.join_all().await.into_iter().max().unwrap_or_default();
    Ok((began.elapsed(), longest))
}

fn resident_mib() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? / 1024)
}
