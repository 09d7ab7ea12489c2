//! Peers with a plan, and random sequences of the events after which a call goes on.

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

/// Plays events in turn until the call ends; returns its end and the number of exchanges.
fn play(is_repeatable: bool, events: impl IntoIterator<Item = Event>) -> (Result<(), Failure>, usize) {
    let mut world = world(is_repeatable);
    for event in events {
        world.play(event);
        if let Phase::Ended(end) = world.phase {
            return (end, world.exchanges);
        }
    }
    panic!("the call goes on after {} exchanges", world.exchanges);
}

#[test]
fn a_peer_that_challenges_and_closes_on_each_authorized_request_is_asked_a_few_times() {
    let (end, exchanges) = play(true, [FRESH, STALE_CONNECTION].into_iter().cycle());
    assert!(end.is_err_and(|failure| failure.may_have_arrived()), "{end:?}");
    assert_eq!(exchanges, 4);
    let (end, exchanges) = play(false, [FRESH, STALE_CONNECTION].into_iter().cycle());
    assert!(end.is_err_and(|failure| failure.may_have_arrived()), "{end:?}");
    assert_eq!(exchanges, 2);
}

#[test]
fn a_peer_that_offers_the_same_nonce_each_time_refuses_the_login() {
    for is_repeatable in [true, false] {
        let (end, exchanges) = play(is_repeatable, std::iter::repeat(SAME));
        assert_eq!((end, exchanges), (Err(Failure::LoginRefused), 2));
    }
}

#[test]
fn a_peer_that_calls_each_nonce_stale_refuses_the_login() {
    for is_repeatable in [true, false] {
        let (end, exchanges) = play(is_repeatable, std::iter::repeat(offer(Offer::Stale)));
        assert_eq!(end, Err(Failure::LoginRefused));
        assert!(exchanges <= 4, "{exchanges}");
    }
}

#[test]
fn a_peer_that_uses_up_every_repetition_of_a_question_gets_24_exchanges() {
    let first = [UNSENT, FRESH, UNSENT, STALE_CONNECTION, UNSENT, SAME, UNSENT, FRESH];
    let next = [UNSENT, SAME, UNSENT, STALE_CONNECTION, UNSENT, SAME, UNSENT, FRESH];
    let (end, exchanges) = play(true, first.into_iter().chain(next).chain(next));
    assert_eq!((end, exchanges), (Err(Failure::LoginRefused), 24));
}

#[test]
fn a_peer_that_uses_up_every_repetition_of_a_message_gets_12_exchanges() {
    let next = [UNSENT, SAME, UNSENT, FRESH];
    let events = [UNSENT, FRESH, UNSENT, FRESH].into_iter().chain(next).chain(next);
    assert_eq!(play(false, events), (Err(Failure::LoginRefused), 12));
}

#[test]
fn random_sequences_that_keep_a_call_going_end() {
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
