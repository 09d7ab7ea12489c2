//! Measures how long the one-time codes of two accounts take while a third account has a million messages waiting: from acceptance to
//! the gateway, and to the network.
//!
//! Time passes in the gateways as it does outside: a port sends a message in 5 to 8 s. The codes of the account `usual` have the priority
//! of the waiting messages, those of `urgent` a higher one.

use std::{collections::HashMap, env, error::Error, path::Path, time::Duration};

use gateway_emulator::{Emulator, Options};
use sms_server_bench::{client::Client, server, times::Times};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: fairness [GATEWAYS [SECONDS [WAITING]]]";
const BATCH: usize = 10_000;
const PORTS: u8 = 32;
/// The accounts that send codes, and their priorities.
const ACCOUNTS: [(&str, u8); 2] = [("usual", 4), ("urgent", 8)];
/// The time after the last code in which it is sent.
const AFTERWARDS: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [role, config] = &arguments[..]
        && role == server::ROLE
    {
        return server::serve(Path::new(config)).await;
    }
    let given = arguments.iter().map(|argument| argument.parse::<usize>()).collect::<Result<Vec<_>, _>>();
    let given = given.map_err(|_| USAGE)?;
    let value = |place: usize, usual| given.get(place).copied().unwrap_or(usual);
    measure(value(0, 2), value(1, 300), value(2, 1_000_000)).await
}

async fn measure(gateways: usize, seconds: usize, waiting: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let mut emulators = Vec::new();
    for _ in 0..gateways {
        emulators.push(Emulator::start(Options { ports: PORTS, ..Options::default() }).await?);
    }
    let urls: Vec<_> = emulators.iter().map(Emulator::url).collect();
    let (server, address) = server::start(folder.path(), &urls, &["flood", "usual", "urgent"])?;
    let mut flood = Client::connect(&address, "flood").await?;
    for batch in 0..waiting / BATCH {
        let texts = (batch * BATCH..(batch + 1) * BATCH).map(|number| (number, format!("Offer {number}")));
        flood.send(texts, 4).await?;
    }
    let sent =
        tokio::try_join!(codes(&address, ACCOUNTS[0], seconds), codes(&address, ACCOUNTS[1], seconds),)?;
    sleep(AFTERWARDS).await;
    print(&emulators, &sent.0, ACCOUNTS[0].0);
    print(&emulators, &sent.1, ACCOUNTS[1].0);
    let all: usize = emulators.iter().map(|emulator| emulator.messages().len()).sum();
    println!("{all} messages were accepted by {gateways} gateways with {PORTS} ports each");
    server.end()?;
    Ok(())
}

/// Sends a code every second. Returns the time at which each was accepted, by its text.
async fn codes(
    address: &str,
    (account, priority): (&str, u8),
    seconds: usize,
) -> Result<HashMap<String, Instant>, Failure> {
    let mut client = Client::connect(address, account).await?;
    let mut accepted = HashMap::new();
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0..seconds {
        second.tick().await;
        let text = format!("{account} code {number}");
        accepted.insert(text.clone(), client.send([(number, text)], priority).await?);
    }
    Ok(accepted)
}

fn print(emulators: &[Emulator], codes: &HashMap<String, Instant>, account: &str) {
    let (mut to_gateway, mut to_network) = (Times::default(), Times::default());
    for message in emulators.iter().flat_map(Emulator::messages) {
        if let Some(accepted) = codes.get(&message.text) {
            to_gateway.add(message.accepted_at - *accepted);
            to_network.extend(message.sent_at.map(|sent| sent - *accepted));
        }
    }
    println!("{account}: {} of {} codes were sent", to_network.len(), codes.len());
    println!("  to the gateway: {to_gateway}\n  to the network: {to_network}");
}
