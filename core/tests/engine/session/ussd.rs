//! The decision whether a USSD code is sent after the query for earlier replies failed.

use std::time::Duration;

use sms_gateway_core::client::{Failure, Loss, UssdReplies};

use super::{
    event::{Body, Event, Head, Offer, after_head, after_request, broken, offer},
    world::{Phase, Setting, World},
};

fn world(has_credentials: bool) -> World {
    let mut world =
        World::new(Setting { is_repeatable: true, has_credentials, exchange_time: Duration::from_secs(2) });
    world.begin();
    world
}

/// Plays events, and repeats the last one until the query ends. Returns the failure of the query.
fn failure(has_credentials: bool, events: &[Event]) -> Option<Failure> {
    let mut world = world(has_credentials);
    for event in events.iter().chain(std::iter::repeat_n(&events[events.len() - 1], 30)) {
        if let Phase::Ended(end) = world.phase {
            return end.err();
        }
        world.play(*event);
    }
    panic!("the query does not end after {events:?}");
}

/// Returns whether the event is a response that contains no replies, from a gateway that accepts the login.
fn is_an_answer(event: Event) -> bool {
    matches!(
        event,
        Event::Head(Head::Status(404 | 500))
            | Event::Body(Body::Refused | Body::WithoutCode | Body::Malformed | Body::Cut)
    )
}

#[test]
fn code_is_sent_after_a_query_that_the_gateway_answered_and_after_no_other_failure() {
    let heads = after_request().into_iter().filter(|event| *event != Event::Head(Head::Ok));
    let heads = heads.map(|event| vec![event]);
    let bodies = after_head().into_iter().map(|event| vec![Event::Head(Head::Ok), event]);
    for events in heads.chain(bodies) {
        let last = events[events.len() - 1];
        for has_credentials in [false, true] {
            let login = has_credentials.then_some(offer(Offer::FreshNonce));
            let events: Vec<_> = login.into_iter().chain(events.iter().copied()).collect();
            let failed = failure(has_credentials, &events);
            let is_sent = failed.is_some_and(|failure| UssdReplies::may_send_after(&failure));
            assert_eq!(is_sent, is_an_answer(last), "{failed:?} after {events:?}");
        }
    }
}

#[test]
fn code_is_not_sent_after_a_login_challenge_that_cannot_be_fetched() {
    for event in [Event::Head(Head::Status(404)), Event::Head(Head::Status(500)), broken(Loss::Lost)] {
        let failed = failure(true, &[event]).expect("the probe fails");
        assert!(!UssdReplies::may_send_after(&failed), "{failed:?}");
    }
}

#[test]
fn code_is_not_sent_after_a_refused_login() {
    let mut world = world(true);
    world.play(offer(Offer::FreshNonce));
    world.play(offer(Offer::SameNonce));
    let Phase::Ended(Err(failed)) = world.phase else { panic!("{:?}", world.phase) };
    assert!(!UssdReplies::may_send_after(&failed), "{failed:?}");
    world.check_refused_login();
}
