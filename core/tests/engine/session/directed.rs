//! Scripted peers, and random sequences of events that continue a call.

use std::time::Duration;

use sms_gateway_core::client::{Failure, Loss};

use super::{
    event::{Event, Head, Offer, broken, offer},
    world::{Phase, Setting, World},
};
use crate::rng::Rng;

const UNSENT: Event = broken(Loss::Unsent { kept: true });
const STALE_CONNECTION: Event = broken(Loss::Stale);
const FRESH: Event = offer(Offer::FreshNonce);
const SAME: Event = offer(Offer::SameNonce);

fn world(is_repeatable: bool) -> World {
    let exchange_time = Duration::from_secs(2);
    let mut world = World::new(Setting { is_repeatable, has_credentials: true, exchange_time });
    world.begin();
    world
}

/// Plays events until the call ends. Returns its result and the number of exchanges.
fn play(is_repeatable: bool, events: impl IntoIterator<Item = Event>) -> (Result<(), Failure>, usize) {
    let mut world = world(is_repeatable);
    for event in events {
        world.play(event);
        if let Phase::Ended(end) = world.phase {
            return (end, world.exchanges);
        }
    }
    panic!("the call continues after {} exchanges", world.exchanges);
}

#[test]
fn exchanges_are_bounded_if_each_authorized_request_is_closed_and_challenged() {
    let (end, exchanges) = play(true, [FRESH, STALE_CONNECTION].into_iter().cycle());
    assert!(end.is_err_and(|failure| failure.may_have_arrived()), "{end:?}");
    assert_eq!(exchanges, 4);
    let (end, exchanges) = play(false, [FRESH, STALE_CONNECTION].into_iter().cycle());
    assert!(end.is_err_and(|failure| failure.may_have_arrived()), "{end:?}");
    assert_eq!(exchanges, 2);
}

#[test]
fn peer_that_always_offers_the_same_nonce_refuses_the_login() {
    for is_repeatable in [true, false] {
        let (end, exchanges) = play(is_repeatable, std::iter::repeat(SAME));
        assert_eq!((end, exchanges), (Err(Failure::LoginRefused), 2));
    }
}

#[test]
fn peer_that_calls_each_nonce_stale_refuses_the_login() {
    for is_repeatable in [true, false] {
        let (end, exchanges) = play(is_repeatable, std::iter::repeat(offer(Offer::Stale)));
        assert_eq!(end, Err(Failure::LoginRefused));
        assert!(exchanges <= 4, "{exchanges}");
    }
}

#[test]
fn query_takes_at_most_24_exchanges() {
    let first = [UNSENT, FRESH, UNSENT, STALE_CONNECTION, UNSENT, SAME, UNSENT, FRESH];
    let next = [UNSENT, SAME, UNSENT, STALE_CONNECTION, UNSENT, SAME, UNSENT, FRESH];
    let (end, exchanges) = play(true, first.into_iter().chain(next).chain(next));
    assert_eq!((end, exchanges), (Err(Failure::LoginRefused), 24));
}

#[test]
fn submission_takes_at_most_12_exchanges() {
    let next = [UNSENT, SAME, UNSENT, FRESH];
    let events = [UNSENT, FRESH, UNSENT, FRESH].into_iter().chain(next).chain(next);
    assert_eq!(play(false, events), (Err(Failure::LoginRefused), 12));
}

#[test]
fn random_sequences_that_prolong_a_call_end() {
    let mut rng = Rng::new(7);
    let going_on =
        [UNSENT, UNSENT, STALE_CONNECTION, FRESH, SAME, offer(Offer::Stale), Event::Head(Head::Ok)];
    for _ in 0..3000 {
        let mut world = world(rng.below(2) == 0);
        while world.phase == Phase::Head {
            world.play(rng.pick(&going_on));
        }
    }
}
