//! The events that an adapter can report to a session.

use std::time::Duration;

use sms_gateway_core::{
    client::{Broken, Cause, Loss, Wait},
    http::{ResponseError, ResponseErrorKind},
};

/// An event that an adapter reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Head(Head),
    Broken(Broken),
    Body(Body),
}

/// The head of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    Ok,
    /// 401 with this challenge.
    Unauthorized(Offer),
    /// 302 to another address.
    Redirect,
    Status(u16),
}

/// A login challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    FreshNonce,
    SameNonce,
    /// A fresh nonce, with the statement that the last one was stale.
    Stale,
    BasicOnly,
    Unreadable,
    /// A challenge that does not fit the adapter's buffer.
    TooLong,
}

/// The fate of a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Complete,
    /// The body contains an error_code.
    Refused,
    WithoutCode,
    Malformed,
    /// The body ends before the document is complete.
    Cut,
    TooLarge,
    Lost(Cause),
}

/// The causes of a broken connection. The last one is the deadline of the whole call.
pub(crate) const CAUSES: [Cause; 6] = [
    Cause::Transport,
    Cause::Response(ResponseError { offset: 0, kind: ResponseErrorKind::NoAnswer }),
    timed_out(Wait::Connect),
    timed_out(Wait::Response),
    timed_out(Wait::Body),
    timed_out(Wait::Exchange),
];

const LOSSES: [Loss; 4] =
    [Loss::Unsent { kept: true }, Loss::Unsent { kept: false }, Loss::Stale, Loss::Lost];

const fn timed_out(wait: Wait) -> Cause {
    Cause::TimedOut { wait, limit: Duration::from_secs(30) }
}

const OFFERS: [Offer; 6] =
    [Offer::FreshNonce, Offer::SameNonce, Offer::Stale, Offer::BasicOnly, Offer::Unreadable, Offer::TooLong];

pub(crate) const fn broken(loss: Loss) -> Event {
    Event::Broken(Broken { loss, cause: Cause::Transport })
}

pub(crate) const fn offer(offer: Offer) -> Event {
    Event::Head(Head::Unauthorized(offer))
}

/// Returns every event that can follow a request.
pub(crate) fn after_request() -> Vec<Event> {
    let statuses = [403, 404, 500].map(Head::Status);
    let heads = [Head::Ok, Head::Redirect].into_iter().chain(statuses).map(Event::Head);
    let breaks = LOSSES.into_iter().flat_map(|loss| CAUSES.map(|cause| Broken { loss, cause }));
    heads.chain(OFFERS.map(offer)).chain(breaks.map(Event::Broken)).collect()
}

/// Returns every event that can follow the head of a successful response.
pub(crate) fn after_head() -> Vec<Event> {
    let bodies =
        [Body::Complete, Body::Refused, Body::WithoutCode, Body::Malformed, Body::Cut, Body::TooLarge];
    bodies.into_iter().chain(CAUSES.map(Body::Lost)).map(Event::Body).collect()
}

/// Returns events that differ from others only in their cause.
pub(crate) fn with_other_causes() -> Vec<Event> {
    let is_other = |cause| cause != Cause::Transport;
    let mut events = after_request();
    events.append(&mut after_head());
    events.retain(|event| match event {
        Event::Broken(broken) => is_other(broken.cause),
        Event::Body(Body::Lost(cause)) => is_other(*cause),
        _ => false,
    });
    events
}

/// Returns events after a request that differ in their effect on the login or on repetitions.
pub(crate) fn distinct_after_request() -> Vec<Event> {
    let heads = [Head::Ok, Head::Status(500)].map(Event::Head);
    heads.into_iter().chain(OFFERS.map(offer)).chain(LOSSES.map(broken)).collect()
}

/// Returns events after the head of a successful response that differ in their effect on the request.
pub(crate) fn distinct_after_head() -> Vec<Event> {
    [Body::Complete, Body::Lost(Cause::Transport)].map(Event::Body).to_vec()
}
