//! A messenger is never locked out by a gateway whose nonces expire quickly.

#![allow(missing_docs)]

mod common;
mod following;

use std::time::Duration;

use common::{
    network_profile::{Ends, Leg, NetworkProfile},
    stop_the_clock,
};
use following::{builder, end, gateway, sms, timing};
use gateway_emulator::{Counted, Counts, Emulator, NonceLife, Options, Stale};
use sms_gateway::{
    Messenger,
    core::track::{Limits, State, Timing},
    messenger::Builder,
};
use tokio::time::Instant;

const STALES: [Stale; 4] = [Stale::Truthful, Stale::AlwaysFalse, Stale::AlwaysTrue, Stale::Absent];
const SECOND: Duration = Duration::from_secs(1);
/// The longest age at which a nonce that is valid for one second is accepted. The emulator's clock has no finer steps here.
const LAST_MOMENT: Duration = Duration::from_millis(999);

/// Sends and receives messages until the gateway has sent this number of challenges, and asserts that no request fails.
async fn ask(emulator: &Emulator, builder: Builder, challenges: u64) -> Counts {
    let (messenger, _) = builder.incoming(true).start().await.unwrap();
    let mut inbox = messenger.incoming().unwrap();
    let mut health = messenger.health();
    let talk = async {
        while emulator.counts().challenged < challenges {
            emulator.receive_sms(1, "10010", "Hi");
            let handle = messenger.send(sms("10086", "Hello")).await.unwrap();
            assert_eq!(end(handle).await.state, State::Delivered);
            let sms = inbox.next().await.unwrap();
            assert_eq!(sms.text, "Hi");
            sms.acknowledge();
        }
    };
    tokio::select! {
        () = talk => {}
        _ = health.changed() => panic!("{:?}", health.borrow()),
    }
    messenger.shutdown().await.unwrap();
    emulator.counts()
}

/// Asserts that no answer to a fresh challenge was refused and no challenge was fetched without being answered.
fn assert_let_in(counts: &Counts) {
    assert!(counts.challenged <= counts.calls.values().sum(), "{counts:?}");
    assert_eq!((counts.lock_outs, counts.turned_away, counts.refused, counts.expired_unused), (0, 0, 0, 0));
}

/// Each nonce is valid for one request, and requests follow each other without a pause.
#[tokio::test]
async fn a_thousand_nonces_of_one_request() {
    for stale in STALES {
        let (nonce, lock_out_after) = (NonceLife::OneRequest, Some(2));
        let options =
            Options { nonce, stale, lock_out_after, counted: Counted::EveryRefusal, ..following::options() };
        let emulator = Emulator::start(options).await.unwrap();
        let limits = Limits { request_gap: Duration::ZERO, ..Limits::default() };
        let timing = Timing { incoming: Duration::ZERO, ..timing() };
        let counts = ask(&emulator, builder(&emulator.url()).timing(timing).limits(limits), 1000).await;
        println!("{stale:?} {counts:?}");
        assert_let_in(&counts);
    }
}

/// Random numbers from a seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    /// Returns a duration up to a maximum.
    fn up_to(&mut self, longest: Duration) -> Duration {
        Duration::from_millis(self.below(u64::try_from(longest.as_millis()).unwrap() + 1))
    }
}

/// Returns the duration of a leg. A client that answers a challenge at once is always just in time.
fn in_time(chance: &mut Chance, leg: Leg) -> Duration {
    match leg {
        Leg::Bare => chance.up_to(Duration::from_millis(600)),
        Leg::Response => chance.up_to(Duration::from_millis(400)),
        // Half of these requests arrive with a nonce that has expired since they were sent.
        Leg::Login { age, unused: false } if chance.below(2) == 0 => {
            SECOND.saturating_sub(age) + chance.up_to(Duration::from_millis(200))
        }
        Leg::Login { unused: false, .. } => chance.up_to(Duration::from_millis(200)),
        Leg::Login { age, unused: true } => {
            let left = LAST_MOMENT.saturating_sub(age);
            if chance.below(4) == 0 { left } else { chance.up_to(left) }
        }
    }
}

/// Polls through a network profile until the gateway has sent a thousand challenges. Each nonce is valid for one second.
async fn a_thousand_seconds(
    timing: Timing,
    options: Options,
    way: impl FnMut(&mut Chance, Leg) -> Duration + Send + 'static,
) -> (Counts, Ends) {
    let _clock = stop_the_clock();
    let options = Options { nonce: NonceLife::Lasting(SECOND), counted: Counted::EveryRefusal, ..options };
    let emulator = Emulator::start(options).await.unwrap();
    let (mut chance, mut way) = (Chance(1), way);
    let network = NetworkProfile::start(emulator.addr(), SECOND, move |leg| way(&mut chance, leg)).await;
    let began = Instant::now();
    let counts = ask(&emulator, Messenger::builder(gateway(&network.url())).timing(timing), 1000).await;
    println!("{:?} {:?} {counts:?}", began.elapsed(), network.ends());
    (counts, network.ends())
}

#[tokio::test]
async fn a_thousand_nonces_of_one_second() {
    let (mut under_way, mut at_rest) = (0, 0);
    for stale in STALES {
        let timing = Timing { incoming: Duration::from_millis(300), ..Timing::default() };
        let options = Options { stale, lock_out_after: Some(2), ..Options::default() };
        let (counts, ends) = a_thousand_seconds(timing, options, in_time).await;
        assert_let_in(&counts);
        assert_eq!(ends.unused, 0);
        under_way += ends.under_way;
        at_rest += ends.at_rest;
    }
    assert!(under_way > 0 && at_rest > 0, "{under_way} {at_rest}");
}

#[tokio::test]
async fn a_thousand_nonces_of_one_second_at_the_usual_pace() {
    let options = Options { lock_out_after: Some(2), ..Options::default() };
    let (counts, ends) = a_thousand_seconds(Timing::default(), options, in_time).await;
    assert_let_in(&counts);
    assert!(ends.at_rest > 0 && ends.unused == 0, "{ends:?}");
}

/// A new nonce may expire while its first request is in flight, but the next new nonce does not.
#[tokio::test]
async fn nonces_that_end_before_they_are_used() {
    for stale in [Stale::Truthful, Stale::AlwaysTrue] {
        let mut is_late = false;
        let way = move |chance: &mut Chance, leg| {
            let Leg::Login { age, unused } = leg else { return in_time(chance, leg) };
            is_late = unused && !is_late && chance.below(4) == 0;
            if is_late { SECOND.saturating_sub(age) + chance.up_to(SECOND) } else { in_time(chance, leg) }
        };
        // A used nonce and then a new one may be refused in a row.
        let options = Options { stale, lock_out_after: Some(3), ..Options::default() };
        let (counts, ends) = a_thousand_seconds(Timing::default(), options, way).await;
        assert_eq!((counts.lock_outs, counts.turned_away, counts.refused), (0, 0, 0));
        assert!(ends.unused > 100 && counts.expired_unused == ends.unused, "{ends:?} {counts:?}");
    }
}
