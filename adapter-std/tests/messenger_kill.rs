//! A messenger with a durable store is killed over and over, and loses nothing.

#![allow(missing_docs)]
#![cfg(all(unix, feature = "redb"))]

mod common;
mod following;
mod killing;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use common::proxy::{Faults, Kind, Proxy, Stage};
use following::sms;
use gateway_emulator::{Emulator, Options, Restart};
use killing::{Chance, Life, Notes, folder, say, setting};
use sms_gateway::{Handle, core::track::Limits};
use tokio::task::JoinSet;

const MESSAGES: usize = 1000;
const KILLS: u32 = 20;
const INCOMING: usize = 200;

/// Waits for a message's outcome, notes it in a file, and then acknowledges it.
async fn follow(handle: Handle, notes: &Notes) {
    let message = handle.outcome().await.unwrap();
    notes.add(handle.reference().unwrap(), &format!("{:?}", message.state));
    handle.acknowledge();
}

/// Run by the test below in a separate process: continues to send the messages that were not sent yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_sends() {
    let Some((builders, notes)) = setting() else { return };
    let accepted: &'static Notes = Box::leak(Box::new(killing::notes("accepted").unwrap()));
    // The requests are small, so that there are many of them. `under_way` limits the messages that wait in the gateways.
    let under_way = (100 / builders.len()).try_into().unwrap();
    let limits = Limits { recipients: 4, under_way, request_gap: Duration::ZERO, ..Limits::default() };
    let (mut messengers, mut handles) = (Vec::new(), Vec::new());
    for builder in builders {
        let (messenger, restored) = builder.limits(limits).start().await.unwrap();
        messengers.push(messenger);
        handles.extend(restored);
    }
    let notes: &'static Notes = Box::leak(Box::new(notes));
    let mut known: BTreeSet<_> = notes.before.keys().cloned().collect();
    let mut ends = JoinSet::new();
    // This must come first: the code below sends a lost message again, which would hide the loss.
    let restored: BTreeSet<_> = handles.iter().filter_map(Handle::reference).collect();
    for reference in accepted.before.keys() {
        if !known.contains(reference) && !restored.contains(reference.as_str()) {
            notes.add(reference, "Lost");
        }
    }
    for handle in handles {
        let reference = handle.reference().unwrap().to_owned();
        if known.contains(&reference) {
            // The process was killed after the outcome was noted, but before its acknowledgement was stored.
            handle.acknowledge();
        } else if messengers.len() == 1 {
            known.insert(reference);
            ends.spawn(follow(handle, notes));
        }
        // With several messengers, the repeated calls below return the messages by their idempotency keys.
    }
    for number in 0..MESSAGES {
        let reference = number.to_string();
        if known.contains(&reference) {
            continue;
        }
        let messenger = messengers[number % messengers.len()].clone();
        ends.spawn(async move {
            let sms = sms(&format!("1390{number:07}"), &format!("Text {number}"));
            let sms = sms.reference(&reference).idempotency_key(&reference);
            let handle = messenger.send(sms).await.unwrap();
            accepted.add(&reference, "accepted");
            follow(handle, notes).await;
        });
    }
    ends.join_all().await;
    for messenger in messengers {
        messenger.shutdown().await.unwrap();
    }
}

/// Waits for a random moment in the life of a child: until a random number of requests or of output lines is reached. The number of
/// lines is below `max_words`.
async fn random_moment(life: &mut Life, emulator: &Emulator, chance: &mut Chance, max_words: usize) {
    let mut serial = emulator.requests().last().map_or(0, |seen| seen.serial);
    let last = serial + chance.below(20);
    let words = chance.below(max_words.max(1) as u64);
    let requests = async {
        while serial < last {
            serial = emulator.requests_after(serial).await.last().unwrap().serial;
        }
    };
    let said = async {
        for _ in 0..words {
            if life.lines.recv().await.is_none() {
                return;
            }
        }
    };
    tokio::select! {
        () = requests => {}
        () = said => {}
    }
    for _ in 0..chance.below(30) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_sends() {
    kill_while_sending("killed-while-it-sends", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_many_messengers_share_a_store() {
    kill_while_sending("killed-while-sharing", 20).await;
}

async fn kill_while_sending(name: &str, gateways: usize) {
    let mut emulators = Vec::new();
    for _ in 0..gateways {
        // Many gateways together are no faster than one, so that a child is killed before it is done.
        let (ports, speed) = if gateways == 1 { (32, 500.0) } else { (1, 50.0) };
        let options = Options { ports, speed, ..Options::default() };
        emulators.push(Emulator::start(options).await.unwrap());
    }
    let urls: Vec<_> = emulators.iter().map(Emulator::url).collect();
    let (urls, folder) = (urls.join(","), folder(name));
    let finished = || fs::read_to_string(folder.join("notes")).unwrap_or_default().lines().count();
    let (mut chance, mut in_the_middle) = (Chance::new(), 0);
    for kill in 0..KILLS {
        let mut life = Life::begin("child_sends", &urls, &folder);
        // The remaining messages are spread over the remaining kills.
        let share = (MESSAGES - finished()) / (KILLS - kill) as usize;
        random_moment(&mut life, &emulators[0], &mut chance, 2 * share).await;
        life.kill().await;
        in_the_middle += u32::from(finished() < MESSAGES);
    }
    let before = finished();
    let accepted: u64 = emulators.iter().map(|emulator| emulator.counts().accepted).sum();
    println!(
        "{accepted} accepted and {before} at their end after {KILLS} kills, {in_the_middle} in the middle"
    );
    Life::begin("child_sends", &urls, &folder).end().await;

    let mut times = BTreeMap::new();
    for message in emulators.iter().flat_map(Emulator::messages) {
        *times.entry(message.text).or_insert(0) += 1;
    }
    let notes = fs::read_to_string(folder.join("notes")).unwrap();
    let mut states = BTreeMap::new();
    for line in notes.lines() {
        let (number, state) = line.split_once(' ').unwrap();
        let times = times.get(&format!("Text {number}")).copied().unwrap_or(0);
        match state {
            "Delivered" => assert_eq!(times, 1, "{number}"),
            "Unresolved" => assert!(times <= 1, "{number}"),
            state => panic!("{number} is {state}"),
        }
        *states.entry((state, times)).or_insert(0) += 1;
    }
    println!("ends, and how often the gateway was sent them: {states:?}");
    let numbers: BTreeSet<_> = notes.lines().map(|line| line.split(' ').next()).collect();
    assert_eq!((notes.lines().count(), numbers.len()), (MESSAGES, MESSAGES));
    fs::remove_dir_all(folder).unwrap();
}

/// Run by the test below in a separate process: records each incoming message once and acknowledges it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_receives() {
    let Some((mut builders, notes)) = setting() else { return };
    let builder = builders.remove(0).incoming(true).unacknowledged(20);
    let (messenger, _) = builder.start().await.unwrap();
    let mut inbox = messenger.incoming().unwrap();
    let mut known: BTreeSet<_> = notes.before.keys().cloned().collect();
    while let Some(message) = inbox.next().await {
        let key = message.text.clone();
        if known.insert(key.clone()) {
            notes.add(&key, &format!("{:?}", message.mark));
        } else {
            say(&format!("again {key}"));
        }
        message.acknowledge();
    }
}

/// Waits until a child has noted this number of messages.
async fn noted(life: &mut Life, notes: &Path, count: usize) {
    while fs::read_to_string(notes).unwrap_or_default().lines().count() < count {
        life.lines.recv().await.expect("the child lives");
    }
}

/// Waits until the inbox has been queried twice more.
async fn look_twice(emulator: &Emulator) {
    for _ in 0..2 {
        let looks = || emulator.counts().calls.get("query_incoming_sms").copied().unwrap_or(0);
        let before = looks();
        while looks() == before {
            let last = emulator.requests().last().map_or(0, |seen| seen.serial);
            emulator.requests_after(last).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_receives() {
    let emulator = Emulator::start(Options { speed: 1000.0, ..Options::default() }).await.unwrap();
    let faults =
        Faults::none().with(Stage::AmidAnswer, Kind::Close, 300).with(Stage::AmidAnswer, Kind::Reset, 300);
    let proxy = Proxy::start(emulator.addr(), 6, faults);
    let folder = folder("killed-while-it-receives");
    let notes = folder.join("notes");
    let mut chance = Chance::new();
    let mut received = 0;
    for kill in 0..KILLS {
        let mut life = Life::begin("child_receives", &proxy.url(), &folder);
        for _ in 0..INCOMING / KILLS as usize {
            emulator.receive_sms(1, "10086", &format!("text{received}"));
            received += 1;
        }
        if kill == KILLS / 2 {
            // The gateway is about to lose its messages and ids, so all messages must have been fetched.
            noted(&mut life, &notes, received).await;
            emulator.restart(Restart { ids_restart: true, inbox_lost: true });
        }
        for _ in 0..chance.below(15) {
            let last = emulator.requests().last().map_or(0, |seen| seen.serial);
            emulator.requests_after(last).await;
        }
        life.kill().await;
    }
    let before = fs::read_to_string(&notes).unwrap_or_default().lines().count();
    println!("{before} of {received} noted after {KILLS} kills; {:?}", proxy.counts());
    let mut life = Life::begin("child_receives", &proxy.url(), &folder);
    noted(&mut life, &notes, received).await;
    look_twice(&emulator).await;
    life.kill().await;
    // All messages are acknowledged, so none is handed out again.
    let life = Life::begin("child_receives", &proxy.url(), &folder);
    look_twice(&emulator).await;
    look_twice(&emulator).await;
    let said = life.kill().await;
    assert!(!said.iter().any(|line| line.starts_with("again") || line.starts_with("noted")), "{said:?}");

    let lines = fs::read_to_string(&notes).unwrap();
    let texts: BTreeSet<_> = lines.lines().map(|line| line.split(' ').next()).collect();
    assert_eq!((lines.lines().count(), texts.len()), (received, received));
    let looks: Vec<_> =
        emulator.requests().into_iter().filter(|seen| seen.uri.contains("incoming")).collect();
    assert!(looks.iter().all(|seen| seen.uri.contains("flag=all")), "{looks:?}");
    fs::remove_dir_all(folder).unwrap();
}
