//! A messenger that asks and asks a gateway whose nonces are soon over is never locked out.

#![allow(missing_docs)]

mod following;

use std::time::Duration;

use following::{builder, end, sms, timing};
use gateway_emulator::{Counted, Emulator, NonceLife, Options, Stale};
use sms_gateway::core::track::{Limits, State, Timing};

/// Asks without a pause until the gateway has challenged it so often, and sends a message now and then.
async fn ask(options: Options, challenges: u64) {
    let emulator = Emulator::start(options).await.unwrap();
    let limits = Limits { request_gap: Duration::ZERO, ..Limits::default() };
    let timing = Timing { incoming: Duration::ZERO, ..timing() };
    let builder = builder(&emulator.url()).timing(timing).limits(limits).incoming(true);
    let (messenger, _) = builder.start().await.unwrap();
    let health = messenger.health();
    while emulator.counts().challenged < challenges {
        let handle = messenger.send(sms("10086", "Hello")).await.unwrap();
        assert_eq!(end(handle).await.state, State::Delivered);
        assert_eq!(health.borrow().failures, 0, "{:?}", health.borrow());
    }
    messenger.shutdown().await.unwrap();
    let counts = emulator.counts();
    println!("{counts:?}");
    assert_eq!((counts.lock_outs, counts.turned_away, counts.refused), (0, 0, 0));
}

/// Each nonce is good for one request, and says of that what it likes.
fn options(stale: Stale) -> Options {
    let (nonce, lock_out_after) = (NonceLife::OneRequest, Some(3));
    Options { nonce, stale, lock_out_after, counted: Counted::AnyLogin, ..following::options() }
}

#[tokio::test]
async fn a_thousand_nonces_of_one_request() {
    for stale in [Stale::Truthful, Stale::AlwaysFalse, Stale::AlwaysTrue, Stale::Absent] {
        ask(options(stale), 1000).await;
    }
}
