//! Measures the server with many emulated gateways: the rate, the time from acceptance to a gateway, memory, processor time and requests
//! per message.
//!
//! The gateways are in this process, and the server is a process of its own.

use std::{env, error::Error, path::Path, sync::Arc, time::Duration};

use gateway_emulator::{Canned, Emulator, End, Options, Quirks, Refusals, Reg, Restart};
use sms_server_bench::{
    client::Client,
    process::{Process, mib},
    server,
    times::Times,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, interval_at, sleep, timeout},
};

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: boxes [well|trouble|hang [GATEWAYS [MESSAGES [RATE [SPEED]]]]]";
const PORTS: u8 = 32;
/// The number of connections that send messages.
const CONNECTIONS: usize = 8;
/// The number of messages in a request.
const BATCH: usize = 10;
/// The time before the load begins, in which the server learns which ports are registered.
const BEFORE: Duration = Duration::from_secs(5);
/// The time after the last message was accepted by a gateway, in which its reports arrive.
const AFTERWARDS: Duration = Duration::from_secs(20);
/// The maximum time from the last acceptance by the server to the last one by a gateway.
const PATIENCE: Duration = Duration::from_secs(300);
/// The time between two faults of gateways.
const FAULT_EVERY: Duration = Duration::from_secs(2);
/// The time for which a gateway has no registered port, or refuses submissions because it is full.
const FAULT_FOR: Duration = Duration::from_secs(40);
/// The calls that a hanging gateway does not respond to.
const CALLS: [&str; 5] =
    ["send_sms", "stop_sms", "query_sms_result", "query_sms_deliver_status", "get_port_info"];
/// The number of requests of each of these calls without a response.
const HANGING_REQUESTS: usize = 1000;

/// The conditions of a measurement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    /// All gateways work.
    Well,
    /// Gateways restart, have no registered port for a time, or refuse submissions, one after the other.
    Trouble,
    /// One gateway accepts connections and does not respond any more, from one third of the load on.
    Hang,
}

#[derive(Clone, Copy)]
struct Load {
    messages: usize,
    /// Messages a second.
    rate: u32,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    if let [server::ROLE, config] = arguments[..] {
        return server::serve(Path::new(config)).await;
    }
    let condition = match arguments.first() {
        None | Some(&"well") => Condition::Well,
        Some(&"trouble") => Condition::Trouble,
        Some(&"hang") => Condition::Hang,
        Some(_) => return Err(USAGE.into()),
    };
    let number =
        |place: usize, usual| arguments.get(place).map_or(Ok(usual), |number| number.parse::<usize>());
    let load = Load { messages: number(2, 600_000)?, rate: u32::try_from(number(3, 1000)?)? };
    let speed = arguments.get(4).map_or(Ok(2.0), |number| number.parse())?;
    measure(condition, number(1, 200)?, load, speed).await
}

async fn measure(condition: Condition, gateways: usize, load: Load, speed: f64) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let mut emulators = Vec::new();
    for number in 0..u32::try_from(gateways)? {
        let options =
            Options { ports: PORTS, speed, sims: number, seed: number.into(), ..Options::default() };
        emulators.push(Emulator::start(options).await?);
    }
    let emulators: Arc<[Emulator]> = emulators.into();
    let urls: Vec<_> = emulators.iter().map(Emulator::url).collect();
    let (server, address) = server::start(folder.path(), &urls, &["shop"])?;
    sleep(BEFORE).await;
    println!("{gateways} gateways: {} resident", mib(server.resident()?));
    let (before, requests, began) = (server.processor_time()?, requests(&emulators), Instant::now());
    let faults = tokio::spawn(disturb(condition, Arc::clone(&emulators), load));
    let accepted = send(&address, load).await?;
    println!("{} messages were accepted in {:.1?}", load.messages, began.elapsed());
    let missing = timeout(PATIENCE, all_accepted(&emulators, load.messages)).await.is_err();
    let took = began.elapsed();
    faults.abort();
    sleep(AFTERWARDS).await;
    let messages = f64::from(u32::try_from(load.messages)?);
    println!("{:.0} messages a second, until the last one was in a gateway", messages / took.as_secs_f64());
    if missing {
        println!("some were in no gateway {PATIENCE:?} later");
    }
    print_costs(&server, server.processor_time()?.saturating_sub(before), messages)?;
    let made = u32::try_from(self::requests(&emulators) - requests)?;
    println!("{:.2} requests per message", f64::from(made) / messages);
    print_times(&emulators, &accepted);
    let ending = Instant::now();
    server.end()?;
    println!("the server ended within {:.1?}", ending.elapsed());
    Ok(())
}

fn print_costs(server: &Process, used: Duration, messages: f64) -> Result<(), Failure> {
    println!(
        "{:.0} µs of processor time per message, {used:.1?} in all; {} resident at most",
        used.as_secs_f64() * 1e6 / messages,
        mib(server.most_resident()?)
    );
    Ok(())
}

fn requests(emulators: &[Emulator]) -> u64 {
    emulators.iter().map(|emulator| emulator.counts().requests).sum()
}

/// Sends messages at a steady rate. Returns the time at which the server accepted each.
async fn send(address: &str, load: Load) -> Result<Vec<Instant>, Failure> {
    let mut connections = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let mut client = Client::connect(address, "shop").await?;
        connections.spawn(async move {
            let period = Duration::from_secs(u64::try_from(BATCH * CONNECTIONS)?) / load.rate;
            let first = Instant::now() + period * u32::try_from(connection)? / u32::try_from(CONNECTIONS)?;
            let mut tick = interval_at(first, period);
            tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut accepted = Vec::new();
            for start in (connection * BATCH..load.messages).step_by(BATCH * CONNECTIONS) {
                tick.tick().await;
                let numbers = start..(start + BATCH).min(load.messages);
                let at = client
                    .send(numbers.clone().map(|number| (number, format!("Message {number}"))), 4)
                    .await?;
                accepted.extend(numbers.map(|number| (number, at)));
            }
            Ok::<_, Failure>(accepted)
        });
    }
    let mut all = vec![Instant::now(); load.messages];
    while let Some(accepted) = connections.join_next().await {
        for (number, at) in accepted?? {
            if let Some(place) = all.get_mut(number) {
                *place = at;
            }
        }
    }
    Ok(all)
}

/// Waits until the gateways have accepted this number of messages.
async fn all_accepted(emulators: &[Emulator], messages: usize) {
    let mut look = interval(Duration::from_millis(100));
    while emulators.iter().map(|emulator| emulator.counts().accepted).sum::<u64>() < messages as u64 {
        look.tick().await;
    }
}

/// Lets gateways fail, each in its turn.
async fn disturb(condition: Condition, emulators: Arc<[Emulator]>, load: Load) {
    match condition {
        Condition::Well => {}
        Condition::Hang => {
            sleep(Duration::from_secs(load.messages as u64) / load.rate / 3).await;
            for call in CALLS {
                for _ in 0..HANGING_REQUESTS {
                    emulators[0].answer_next(call, Canned::bytes([]).then(End::Stall));
                }
            }
        }
        Condition::Trouble => {
            let mut tick = interval(FAULT_EVERY);
            for number in 0.. {
                tick.tick().await;
                fault(&emulators, number);
            }
        }
    }
}

fn fault(emulators: &Arc<[Emulator]>, number: usize) {
    let place = number * 7 % emulators.len();
    let (emulators, all) = (Arc::clone(emulators), 0..PORTS);
    match number % 3 {
        0 => emulators[place].restart(Restart::default()),
        1 => {
            tokio::spawn(async move {
                let refusals = Refusals { first_550: u32::MAX, ..Refusals::default() };
                emulators[place].set_quirks(Quirks { refusals, ..Quirks::none() });
                sleep(FAULT_FOR).await;
                emulators[place].set_quirks(Quirks::none());
            });
        }
        _ => {
            tokio::spawn(async move {
                all.clone().for_each(|port| emulators[place].set_reg(port, Reg::Unregister));
                sleep(FAULT_FOR).await;
                all.for_each(|port| emulators[place].set_reg(port, Reg::RegisterOk));
            });
        }
    }
}

/// Prints the times from the acceptance by the server to that by a gateway, and how many messages no gateway or several ones accepted.
fn print_times(emulators: &[Emulator], accepted: &[Instant]) {
    let mut times = Times::default();
    let mut seen = vec![0_u32; accepted.len()];
    for message in emulators.iter().flat_map(Emulator::messages) {
        let number = message.text.strip_prefix("Message ").and_then(|number| number.parse::<usize>().ok());
        let Some(number) = number.filter(|number| *number < accepted.len()) else { continue };
        seen[number] += 1;
        times.add(message.accepted_at.saturating_duration_since(accepted[number]));
    }
    println!("from acceptance to a gateway: {times}");
    let count = |of: fn(u32) -> bool| seen.iter().filter(|times| of(**times)).count();
    println!(
        "{} messages were in no gateway, {} in several or twice in one",
        count(|times| times == 0),
        count(|times| times > 1)
    );
}
