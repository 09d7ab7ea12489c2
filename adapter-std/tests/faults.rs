//! The outcomes that calls report when the connection fails, compared with the requests that the gateway has seen.

#![allow(missing_docs)]
// The proxy keeps its port as Unix can.
#![cfg(unix)]

mod common;

use common::{
    options,
    proxy::{Faults, Kind, Proxy, Stage},
    send,
};
use gateway_emulator::{Emulator, NonceLife, Options};
use sms_gateway::{Error, Failure, Gateway};
use std::{collections::BTreeMap, time::Duration};

/// The time limit where there are many stalls. A slower response, on a busy machine, fails like a stall.
const LIMIT: Duration = Duration::from_millis(100);
/// Long enough for any answer that does come.
const PATIENCE: Duration = Duration::from_secs(3);

fn gateway(proxy: &Proxy, limit: Duration) -> Gateway {
    let builder = Gateway::builder(&proxy.url()).credentials("admin", "admin");
    builder.connect_timeout(limit).response_timeout(limit).idle_timeout(limit).build().unwrap()
}

/// How often the gateway has accepted the message with this user_id.
fn accepted(emulator: &Emulator, id: i64) -> usize {
    let id = u64::try_from(id).ok();
    emulator.messages().iter().filter(|message| message.user_id == id).count()
}

/// Sends a message into a fault, by a client that knows the gateway.
async fn suffer(stage: Stage, kind: Kind) {
    let emulator = Emulator::start(options()).await.unwrap();
    let mut proxy = Proxy::start(emulator.addr(), 1, Faults::none());
    let gateway = gateway(&proxy, PATIENCE);
    send(&gateway, "1", 1).await.unwrap();
    if stage == Stage::Connected {
        proxy.go_down().await;
        // So that it has no connection any more.
        gateway.query_sms_in_queue().await.unwrap_err();
        proxy.come_up();
    }
    proxy.set_faults(Faults::none().with(stage, kind, 1000));
    let outcome = send(&gateway, "1", 2).await;
    assert_eq!(proxy.counts().of(stage, kind), 1, "{stage:?} {kind:?}");
    let carried_out = stage >= Stage::BeforeAnswer;
    assert_eq!(accepted(&emulator, 2), usize::from(carried_out), "{stage:?} {kind:?}: {outcome:?}");
    match outcome {
        Ok(_) => assert_eq!(stage, Stage::AfterAnswer),
        Err(error) => assert!(error.may_have_arrived() || !carried_out, "{stage:?} {kind:?}: {error:?}"),
    }
}

#[tokio::test]
async fn each_fault_alone_is_reported() {
    let each = |stage| Kind::ALL.map(|kind| tokio::spawn(suffer(stage, kind)));
    for case in Stage::ALL.map(each).into_iter().flatten() {
        case.await.unwrap();
    }
}

#[tokio::test]
async fn a_gateway_that_is_down_is_unreachable() {
    let emulator = Emulator::start(options()).await.unwrap();
    let mut proxy = Proxy::start(emulator.addr(), 1, Faults::none());
    let gateway = gateway(&proxy, PATIENCE);
    for id in 0..3 {
        send(&gateway, "1", id).await.unwrap();
        proxy.go_down().await;
        // A question finds out, and sends itself again.
        assert!(matches!(
            gateway.query_sms_in_queue().await,
            Err(Error { failure: Failure::Unreachable(_), .. })
        ));
        for _ in 0..2 {
            let error = send(&gateway, "1", 10).await.unwrap_err();
            assert!(
                matches!(error, Error { failure: Failure::Unreachable(_), .. }) && !error.may_have_arrived(),
                "{error:?}"
            );
        }
        proxy.come_up();
    }
    send(&gateway, "1", 3).await.unwrap();
    assert_eq!(emulator.counts().accepted, 4);
}

#[tokio::test]
async fn a_request_whose_login_challenge_is_lost_is_not_sent() {
    let emulator = Emulator::start(options()).await.unwrap();
    for kind in Kind::ALL {
        let proxy = Proxy::start(emulator.addr(), 1, Faults::none().with(Stage::AmidAnswer, kind, 1000));
        let error = send(&gateway(&proxy, PATIENCE), "1", 1).await.unwrap_err();
        assert!(
            matches!(error, Error { failure: Failure::ChallengeLost(_), .. }) && !error.may_have_arrived(),
            "{error:?}"
        );
    }
    assert_eq!(emulator.counts().accepted, 0);
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

/// Sends through a proxy with all faults, from two tasks at once.
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
    // It works as before.
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
