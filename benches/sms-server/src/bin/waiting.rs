//! Measures a server with millions of waiting messages: bytes on the disk, the start after an orderly end and after `kill -9`, memory,
//! and the time in which a message is taken and bound.

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use sms_gateway::store::Write;
use sms_server::{
    queue::{Offer, Queue},
    storage::{AccountId, GatewayId, NewMessage, PoolId, Priority, Redb, Storage, Time},
};
use sms_server_bench::{
    process::{Process, mib},
    times::Times,
};
use tokio::{task::JoinSet, time::interval_at};

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: waiting [MESSAGES [FOLDER]]";
/// The number of messages, unless the command line has another.
const MESSAGES: &str = "5000000";
/// The number of messages that are accepted in one call.
const BATCH: usize = 10_000;
const ACCOUNTS: u32 = 100;
/// The priorities of the messages.
const PRIORITIES: [u8; 3] = [2, 4, 8];
const POOL: PoolId = PoolId(0);
/// The number of gateways that take messages.
const GATEWAYS: u32 = 32;
/// The number of messages that each gateway takes at a time.
const TAKEN: usize = 8;
/// The time between two turns of a gateway: together, the gateways take 1,000 messages a second.
const EVERY: Duration = Duration::from_millis(256);
/// The number of times that each gateway takes messages.
const TURNS: usize = 40;
/// The number of commits that are made one after the other.
const COMMITS: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["fill", file, messages] => fill(Path::new(file), messages.parse()?).await,
        ["use", file] => used(Path::new(file)).await,
        [] => measure(MESSAGES, &env::temp_dir()),
        [messages] => measure(messages, &env::temp_dir()),
        [messages, folder] => measure(messages, Path::new(folder)),
        _ => Err(USAGE.into()),
    }
}

/// Fills a file.
async fn fill(file: &Path, messages: usize) -> Result<(), Failure> {
    let storage = Redb::open(file)?;
    let began = Instant::now();
    for batch in 0..messages / BATCH {
        let account = AccountId(u32::try_from(batch)? % ACCOUNTS);
        let new = (0..BATCH).map(|index| message(batch * BATCH + index)).collect();
        storage.accept(account, None, new, Time::now()).await?;
    }
    println!("{}", began.elapsed().as_millis());
    Ok(())
}

fn message(number: usize) -> NewMessage {
    NewMessage {
        pool: POOL,
        to: format!("+86138{:08}", number % 100_000_000).into(),
        text: format!(
            "Your parcel {number:010} is here. Please fetch it by Friday at 6 p.m., with your pass."
        )
        .into(),
        reference: Some(format!("order-{number:010}").into()),
        priority: PRIORITIES
            .get(number % PRIORITIES.len())
            .and_then(|priority| Priority::new(*priority))
            .unwrap_or(Priority::USUAL),
        // Spread over a day, as the validity of messages that were accepted over a day is.
        expires: Time::now().after(86_400_000 + u64::try_from(number * 7919 % 86_400_000).unwrap_or(0)),
    }
}

/// Opens a file and prints the time until the first message can be taken. Then does what each line of the input says.
async fn used(file: &Path) -> Result<(), Failure> {
    let began = Instant::now();
    let storage: Arc<dyn Storage> = Arc::new(Redb::open(file)?);
    let opened = began.elapsed();
    let queue = Queue::open(Arc::clone(&storage)).await?;
    drop(queue.take_now(&[POOL], 1, Time::now()).await?);
    println!("{:?} (open the file {opened:?})", began.elapsed());
    for line in std::io::stdin().lines() {
        match &*line? {
            "take" => println!("{}", take(&storage, &queue, TURNS).await?),
            "refresh" => {
                let began = Instant::now();
                queue.refresh().await?;
                println!("{:?}", began.elapsed());
            }
            "commit" => println!("{}", commit(&*storage).await?),
            "expired" => {
                let began = Instant::now();
                storage.expired(Time::now(), 500).await?;
                println!("{:?}", began.elapsed());
            }
            // Until the process is killed.
            "load" => {
                println!("begun");
                take(&storage, &queue, usize::MAX).await?;
            }
            other => return Err(other.into()),
        }
    }
    Ok(())
}

/// Accepts messages one after the other. Returns the times of the commits.
async fn commit(storage: &dyn Storage) -> Result<Times, Failure> {
    let mut times = Times::default();
    for number in 0..COMMITS {
        let began = Instant::now();
        storage.accept(AccountId(0), None, vec![message(number)], Time::now()).await?;
        times.add(began.elapsed());
    }
    Ok(times)
}

/// Takes messages for many gateways and binds them. Returns the times from the call to the end of the commit.
async fn take(storage: &Arc<dyn Storage>, queue: &Queue, turns: usize) -> Result<Times, Failure> {
    let mut gateways = JoinSet::new();
    for gateway in 0..GATEWAYS {
        let (storage, queue) = (Arc::clone(storage), queue.clone());
        gateways.spawn(async move {
            let mut times = Times::default();
            // The keys of an earlier run are used again: only the measurement does that.
            let first = tokio::time::Instant::now() + EVERY * gateway / GATEWAYS;
            let mut tick = interval_at(first, EVERY);
            for turn in 0..turns {
                tick.tick().await;
                let began = Instant::now();
                let offers = queue.take(&[POOL], TAKEN).await?;
                bind(&*storage, GatewayId(gateway), turn * TAKEN, offers).await?;
                times.add(began.elapsed());
            }
            Ok::<_, Failure>(times)
        });
    }
    let mut all = Times::default();
    while let Some(times) = gateways.join_next().await {
        all.extend(times??);
    }
    Ok(all)
}

/// Binds messages by the same changes as a messenger's first save.
async fn bind(
    storage: &dyn Storage,
    gateway: GatewayId,
    first_key: usize,
    offers: Vec<Offer>,
) -> Result<(), Failure> {
    let mut writes = Vec::new();
    for (key, offer) in (first_key..).zip(&offers) {
        let key = u32::try_from(key)?;
        writes.push(Write::Record { key, record: vec![7; 64] });
        writes.push(Write::Reference { key, reference: offer.id.to_string().into() });
    }
    storage.save(gateway, writes, Time::now()).await?;
    offers.into_iter().for_each(Offer::bound);
    Ok(())
}

fn measure(messages: &str, folder: &Path) -> Result<(), Failure> {
    let folder = tempfile::tempdir_in(folder)?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (empty, full) = (path("empty.redb"), path("full.redb"));
    let mut base = Process::start(&["use", &empty])?;
    println!("empty: ready after {}, {} resident", base.line()?, mib(base.resident()?));
    drop(base);

    let mut filling = Process::start(&["fill", &full, messages])?;
    let took = Duration::from_millis(filling.line()?.parse()?);
    filling.wait()?;
    let (count, bytes) = (messages.parse::<u64>()?, fs::metadata(&full)?.len());
    println!(
        "{messages} messages: filled in {took:.1?}, {} on the disk, {} bytes each",
        mib(bytes),
        bytes / count
    );

    let mut server = start("after an orderly end", &full)?;
    for what in ["commit", "take", "refresh", "take", "expired"] {
        server.tell(what)?;
        println!(
            "{what}: {}, {} resident, {} at most",
            server.line()?,
            mib(server.resident()?),
            mib(server.most_resident()?)
        );
    }
    server.tell("load")?;
    server.line()?;
    std::thread::sleep(Duration::from_secs(2));
    server.kill()?;
    start("after kill -9", &full)?.kill()?;
    start("after kill -9 without a change", &full)?;
    Ok(())
}

fn start(when: &str, file: &str) -> Result<Process, Failure> {
    let mut server = Process::start(&["use", file])?;
    let ready = server.line()?;
    println!(
        "{when}: ready after {ready}, {} resident, {} at most",
        mib(server.resident()?),
        mib(server.most_resident()?)
    );
    Ok(server)
}
