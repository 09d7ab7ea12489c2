//! Many messages over connections that break at every stage: none is lost, and none is sent twice.

#![allow(missing_docs)]
// The proxy keeps its port with `SO_REUSEPORT`, which needs Unix.
#![cfg(unix)]

mod common;
mod following;

use std::{collections::BTreeMap, time::Duration};

use common::proxy::{Faults, Kind, Proxy, Stage};
use following::{end, sms, timing};
use gateway_emulator::{Emulator, Fate, Options, Plan};
use sms_gateway::{
    Gateway, Messenger, Timeouts,
    core::track::{Limits, State, Timing},
};
use tokio::task::JoinSet;

const MESSAGES: usize = 10_000;
const SENDERS: usize = 20;

/// The time limit, which the tests wait for at each stall. A response that is slower on a busy machine fails like a stall.
const LIMIT: Duration = Duration::from_millis(250);

/// All faults. Stalls are less frequent, because each one takes the whole time limit.
fn faults() -> Faults {
    let mut faults = Faults::everywhere(15);
    for stage in Stage::ALL {
        faults = faults.with(stage, Kind::Stall, 4);
    }
    for (kind, per_mille) in [(Kind::Close, 100), (Kind::Reset, 100), (Kind::Stall, 40)] {
        faults = faults.with(Stage::Connected, kind, per_mille);
    }
    faults
}

/// Whether a message may be sent again when the gateway does not know it: every second one.
fn may_be_sent_again(number: usize) -> bool {
    number.is_multiple_of(2)
}

fn recipient(number: usize) -> String {
    format!("1390{number:07}")
}

/// The fate of a message in the gateway, and the state that the messenger reports.
fn fate(number: usize) -> (Plan, State) {
    match number % 8 {
        0 => (Fate::Fail.into(), State::Failed),
        1 => (Fate::Undelivered(70).doubled(), State::Failed),
        2 => (Fate::Deliver.early().doubled(), State::Delivered),
        3 => (Fate::Deliver.temporary(48), State::Delivered),
        4 => (Fate::Deliver.late(Duration::from_secs(600)), State::Delivered),
        _ => (Fate::Deliver.into(), State::Delivered),
    }
}

/// Sends messages to these numbers, and returns the final state of each.
async fn send(messenger: Messenger, numbers: Vec<usize>) -> Vec<(usize, State)> {
    let mut ends = JoinSet::new();
    for number in numbers {
        let sms = sms(&recipient(number), &format!("Text {number}")).resend(may_be_sent_again(number));
        let handle = messenger.send(sms).await.unwrap();
        ends.spawn(async move { (number, end(handle).await.state) });
    }
    ends.join_all().await
}

/// The number of times that the gateway has accepted each text.
fn accepted(emulator: &Emulator) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for message in emulator.messages() {
        *times.entry(message.text).or_default() += 1;
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_survive_all_faults() {
    let options = Options { ports: 32, speed: 2_000.0, ..Options::default() };
    let emulator = Emulator::start(options).await.unwrap();
    for number in 0..MESSAGES {
        emulator.set_fate(&recipient(number), fate(number).0);
    }
    let proxy = Proxy::start(emulator.addr(), 5, faults());
    let gateway = Gateway::builder(&proxy.url()).credentials("admin", "admin");
    let timeouts = Timeouts::new().connect(LIMIT).response(LIMIT).idle(LIMIT);
    let gateway = gateway.timeouts(timeouts).build().unwrap();
    // The requests are small, so that there are more of them.
    let limits = Limits { recipients: 16, request_gap: Duration::ZERO, ..Limits::default() };
    let timing = Timing { slowest: Duration::from_millis(100), ..timing() };
    let messenger = Messenger::builder(gateway).exclusive(true).timing(timing).limits(limits);
    let (messenger, _) = messenger.capacity(MESSAGES).start().await.unwrap();

    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let numbers = (0..MESSAGES).filter(|number| number % SENDERS == sender).collect();
        senders.spawn(send(messenger.clone(), numbers));
    }
    let ends = senders.join_all().await;
    messenger.shutdown().await.unwrap();

    let times = accepted(&emulator);
    let mut states = BTreeMap::new();
    for (number, state) in ends.into_iter().flatten() {
        let times = times.get(&format!("Text {number}")).copied().unwrap_or(0);
        if state == State::Unresolved {
            assert_eq!((times, may_be_sent_again(number)), (0, false), "{number}");
        } else {
            assert_eq!((times, state), (1, fate(number).1), "{number}");
        }
        *states.entry(format!("{state:?}")).or_insert(0) += 1;
    }
    println!("{states:?}");
    println!("{:?}", emulator.counts().calls);
    println!("{:?}", proxy.counts());
    assert_eq!(states.values().sum::<usize>(), MESSAGES);
    let unresolved = states.get("Unresolved").copied().unwrap_or(0);
    assert_eq!(emulator.counts().accepted, (MESSAGES - unresolved) as u64);
    for (stage, kind) in Stage::ALL.into_iter().flat_map(|stage| Kind::ALL.map(|kind| (stage, kind))) {
        assert!(proxy.counts().of(stage, kind) > 0, "{stage:?} {kind:?}");
    }
}
