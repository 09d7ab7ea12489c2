//! The outcomes that calls report when the connection fails, compared with the messages that the gateway has accepted.

#![allow(missing_docs)]
// The proxy keeps its port with `SO_REUSEPORT`, which needs Unix.
#![cfg(unix)]

mod common;

use common::{
    options,
    proxy::{Faults, Kind, Proxy, Stage},
    send,
};
use gateway_emulator::{Emulator, NonceLife, Options};
use sms_gateway::{Error, Failure, Gateway, Timeouts};
use std::{collections::BTreeMap, time::Duration};

/// The time limit, short because there are many stalls. A response that is slower on a busy machine fails like a stall.
const LIMIT: Duration = Duration::from_millis(100);

fn gateway(proxy: &Proxy, limit: Duration) -> Gateway {
    let builder = Gateway::builder(&proxy.url()).credentials("admin", "admin");
    let timeouts = Timeouts::new().connect(limit).response(limit).idle(limit);
    builder.timeouts(timeouts).build().unwrap()
}

/// The number of times that the gateway has accepted the message with this user_id.
fn accepted(emulator: &Emulator, id: i64) -> usize {
    let id = u64::try_from(id).ok();
    emulator.messages().iter().filter(|message| message.user_id == id).count()
}

/// The outcomes of calls.
#[derive(Debug, Default)]
struct Tally {
    done: u32,
    not_sent: u32,
    unknown: u32,
}

/// Sends messages with these user_ids, one by one, and compares each outcome with the messages of the gateway.
async fn send_all(
    gateway: Gateway,
    emulator: &Emulator,
    ids: std::ops::Range<i64>,
) -> BTreeMap<i64, Result<(), Error>> {
    let mut outcomes = BTreeMap::new();
    for id in ids {
        let outcome = send(&gateway, "13800138000", id).await.map(drop);
        if outcome.is_ok() {
            assert_eq!(accepted(emulator, id), 1, "{id}");
        }
        outcomes.insert(id, outcome);
    }
    outcomes
}

/// Sends messages through a proxy with all faults, from two tasks at once.
async fn endure(options: Options, seed: u64) -> (Tally, common::proxy::Counts) {
    let emulator = Emulator::start(options).await.unwrap();
    let proxy = Proxy::start(emulator.addr(), seed, Faults::everywhere(15));
    let gateway = gateway(&proxy, LIMIT);
    let (mut outcomes, others) = tokio::join!(
        send_all(gateway.clone(), &emulator, 0..120),
        send_all(gateway.clone(), &emulator, 120..240)
    );
    outcomes.extend(others);
    let mut tally = Tally::default();
    for (id, outcome) in outcomes {
        let times = accepted(&emulator, id);
        let (right, count) = match &outcome {
            Ok(()) => (times == 1, &mut tally.done),
            Err(error) if error.may_have_arrived() => (times <= 1, &mut tally.unknown),
            Err(
                Error { failure: Failure::Unreachable(_), .. }
                | Error { failure: Failure::ChallengeLost(_), .. },
            ) => (times == 0, &mut tally.not_sent),
            Err(_) => (false, &mut tally.not_sent),
        };
        *count += 1;
        assert!(right, "{id}: accepted {times} times, {outcome:?}");
    }
    assert_eq!(emulator.counts().refused, 0);
    proxy.set_faults(Faults::none());
    // The gateway works as before.
    while let Err(error) = send(&gateway, "1", 1000).await {
        assert!(!matches!(error, Error { failure: Failure::LoginRefused, .. }), "{error:?}");
    }
    (tally, proxy.counts())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_never_denies_a_carried_out_request() {
    let quirky = |quirks: &str| Options { quirks: quirks.parse().unwrap(), ..options() };
    let gateways = [
        options(),
        Options { nonce: NonceLife::OneRequest, ..options() },
        quirky("chunked"),
        quirky("until-close"),
        quirky("http-1-0"),
        quirky("close-after=2,close-unannounced"),
    ];
    let runs: Vec<_> =
        gateways.into_iter().zip(0..).map(|(options, seed)| tokio::spawn(endure(options, seed))).collect();
    let mut total = BTreeMap::new();
    for run in runs {
        let (tally, counts) = run.await.unwrap();
        println!("{tally:?}");
        for (fault, count) in counts.faults {
            *total.entry(fault).or_default() += count;
        }
    }
    for (stage, kind) in Stage::ALL.into_iter().flat_map(|stage| Kind::ALL.map(|kind| (stage, kind))) {
        assert!(total.get(&(stage, kind)).is_some_and(|count: &u64| *count > 0), "{stage:?} {kind:?}");
    }
}
