//! Calls while a response of the same gateway is held. They wait while it is being read. If it is held unread, they use a second
//! connection.

#![allow(missing_docs)]

mod net_peer;

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use futures_core::Stream;
use net_peer::NetPeer;
use sms_gateway::{
    Accepted, Error, Failure, Gateway, Messenger, Response, Sms,
    core::{
        Number,
        call::{QuerySmsResult, RawCall, Recipient, SendSms},
        track::State,
    },
};
use tokio::time::Instant;

/// The time after which an unread response gives way.
const GIVES_WAY_AFTER: Duration = Duration::from_millis(100);
/// The time after which a call fails if two responses are unread.
const FAILS_AFTER: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(20);
const ACCEPTED: &str = r#"{"error_code":202,"sms_in_queue":1,"task_id":5}"#;
const QUEUE: &str = r#"{"error_code":200,"in_queue":3}"#;
/// The parts of a response: a record, another one, and the end.
const PARTS: [&str; 3] = [r#"{"error_code":200,"result":[{"port":1},"#, r#"{"port":2},"#, r#"{"port":3}]}"#];

type Results = Response<QuerySmsResult<'static>>;

fn length() -> usize {
    PARTS.concat().len()
}

/// Begins a response and returns it with its request. Sending to the request continues the response.
async fn hold(peer: &mut NetPeer, gateway: &Gateway) -> (Results, net_peer::Request) {
    let request = QuerySmsResult::new();
    let (response, request) = tokio::join!(gateway.query_sms_result(&request), async {
        let request = peer.request("query_sms_result").await;
        request.begin(length(), PARTS[0]);
        request
    });
    (response.unwrap(), request)
}

/// Holds a response whose first record was read.
async fn hold_a_record(peer: &mut NetPeer, gateway: &Gateway) -> (Results, net_peer::Request) {
    let (mut response, request) = hold(peer, gateway).await;
    assert!(response.next().await.unwrap().is_some());
    (response, request)
}

async fn send(gateway: &Gateway) -> Result<Accepted, Error> {
    let recipients = [Recipient::new(Number::new("10086").unwrap())];
    gateway.send_sms(&SendSms::new("Hello", &recipients).unwrap()).await
}

/// Sends a message that the peer accepts, and returns the time that this takes.
async fn is_sent(peer: &mut NetPeer, gateway: &Gateway) -> Duration {
    let began = Instant::now();
    let respond = async { peer.request("send_sms").await.respond(ACCEPTED) };
    let (accepted, ()) = tokio::join!(send(gateway), respond);
    accepted.unwrap();
    began.elapsed()
}

/// Waits for a long time, and asserts that nothing arrives at the peer.
async fn nothing_arrives(peer: &mut NetPeer) {
    assert!(tokio::time::timeout(LONG, peer.next()).await.is_err());
}

async fn next(records: &mut (impl Stream<Item = Result<u32, Error>> + Unpin)) -> Option<Result<u32, Error>> {
    poll_fn(|context| Pin::new(&mut *records).poll_next(context)).await
}

/// Polls a future only once, and asserts that it is not ready.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) {
    let poll = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending()));
    assert!(poll.await, "it waits");
}

#[tokio::test(start_paused = true)]
async fn calls_pass_an_unread_response() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    for is_begun in [false, true] {
        let (mut response, request) = hold(&mut peer, &gateway).await;
        if is_begun {
            assert!(response.next().await.unwrap().is_some());
        }
        assert_eq!(is_sent(&mut peer, &gateway).await, GIVES_WAY_AFTER);
        assert_eq!(is_sent(&mut peer, &gateway.clone()).await, Duration::ZERO);
        assert_eq!(peer.connections(), 2);
        request.send(PARTS[1..].concat());
        let mut records = 0;
        while response.next().await.unwrap().is_some() {
            records += 1;
            // No call has to wait, not even after the last record.
            assert_eq!(is_sent(&mut peer, &gateway).await, Duration::ZERO);
        }
        assert_eq!(records, if is_begun { 2 } else { 3 });
        drop(request);
        peer.connections_are(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_has_ended_frees_the_connection() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut response, request) = hold(&mut peer, &gateway).await;
    request.send(PARTS[1..].concat());
    drop(request);
    response.finish().await.unwrap();
    assert_eq!(is_sent(&mut peer, &gateway).await, Duration::ZERO);
    assert_eq!(peer.connections(), 1);
    assert!(response.next().await.unwrap().is_none());
    assert_eq!(response.summary().error_code.get(), Some(200), "the summary outlives another call");

    let raw_call = RawCall::get("/api/x").unwrap();
    let (raw, ()) =
        tokio::join!(gateway.raw(&raw_call), async { peer.request("/api/x").await.respond("ab") });
    let mut raw = raw.unwrap();
    assert_eq!(raw.next().await.unwrap(), Some(&b"ab"[..]));
    assert!(raw.next().await.unwrap().is_none());
    assert_eq!(is_sent(&mut peer, &gateway).await, Duration::ZERO);
    assert!(raw.next().await.unwrap().is_none());
    assert_eq!(peer.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_has_failed_frees_its_turn() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut response, request) = hold_a_record(&mut peer, &gateway).await;
    request.send("}");
    assert!(matches!(response.next().await.unwrap_err().failure, Failure::Malformed(_)));
    assert_eq!(is_sent(&mut peer, &gateway).await, Duration::ZERO);
    assert_eq!(peer.connections(), 1);
    assert!(response.next().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_call_fails_soon_if_both_connections_are_held() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (first, _first_request) = hold_a_record(&mut peer, &gateway).await;
    let (second, _second_request) = hold_a_record(&mut peer, &gateway).await;
    for _ in 0..2 {
        let began = Instant::now();
        let error = send(&gateway).await.unwrap_err();
        // A call that is repeated at once also waits before it fails, so that a caller in a loop does not keep its thread busy.
        assert_eq!((error.failure, began.elapsed()), (Failure::Unread, FAILS_AFTER));
        assert!(!error.may_have_arrived() && error.may_pass(), "{error}");
        assert!(error.to_string().contains("read or drop them"), "{error}");
    }
    assert_eq!(peer.connections(), 2);
    drop(second);
    assert_eq!(is_sent(&mut peer, &gateway).await, Duration::ZERO);
    drop(first);
    assert_eq!(is_sent(&mut peer, &gateway).await, Duration::ZERO);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_response_that_another_task_reads() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut response, request) = hold(&mut peer, &gateway).await;
    let reading = tokio::spawn(async move { response.finish().await.map(drop) });
    let sending = tokio::spawn({
        let gateway = gateway.clone();
        async move { send(&gateway).await }
    });
    nothing_arrives(&mut peer).await;
    request.send(PARTS[1]);
    nothing_arrives(&mut peer).await;
    request.send(PARTS[2]);
    drop(request);
    peer.request("send_sms").await.respond(ACCEPTED);
    reading.await.unwrap().unwrap();
    sending.await.unwrap().unwrap();
    assert_eq!(peer.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_the_response_that_is_read_while_the_other_is_held() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut first, request) = hold_a_record(&mut peer, &gateway).await;
    let (second, _second_request) = hold_a_record(&mut peer, &gateway).await;
    let (outcome, sent, ()) = tokio::join!(first.finish(), send(&gateway), async {
        nothing_arrives(&mut peer).await;
        request.send(PARTS[1..].concat());
        drop(request);
        peer.request("send_sms").await.respond(ACCEPTED);
    });
    outcome.unwrap();
    sent.unwrap();
    drop(second);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_does_not_fail_while_one_of_the_responses_is_read() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut first, request) = hold_a_record(&mut peer, &gateway).await;
    let (mut second, _second_request) = hold_a_record(&mut peer, &gateway).await;
    // The second response is still being read when the first one ends. The second one is held unread only after that.
    let read_first = async {
        tokio::time::sleep(LONG / 4).await;
        first.finish().await.unwrap();
    };
    let read_second = async { assert!(tokio::time::timeout(LONG / 2, second.next()).await.is_err()) };
    let (sent, (), (), ()) = tokio::join!(send(&gateway), read_first, read_second, async {
        nothing_arrives(&mut peer).await;
        request.send(PARTS[1..].concat());
        drop(request);
        peer.request("send_sms").await.respond(ACCEPTED);
    });
    sent.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_readers_that_work_between_their_reads() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut first, first_request) = hold_a_record(&mut peer, &gateway).await;
    let (mut second, second_request) = hold_a_record(&mut peer, &gateway).await;
    for request in [first_request, second_request] {
        request.send(PARTS[1..].concat());
    }
    let work = async |response: &mut Results| {
        while response.next().await.unwrap().is_some() {
            tokio::time::sleep(FAILS_AFTER * 9 / 10).await;
        }
    };
    let began = Instant::now();
    let respond = async { peer.request("send_sms").await.respond(ACCEPTED) };
    let (accepted, (), (), ()) = tokio::join!(send(&gateway), work(&mut first), work(&mut second), respond);
    accepted.unwrap();
    assert_eq!(began.elapsed(), FAILS_AFTER * 9 / 5);
}

#[tokio::test(start_paused = true)]
async fn a_raw_body_gives_way_between_its_pieces() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let raw_call = RawCall::get("/api/x").unwrap();
    let (raw, request) = tokio::join!(gateway.raw(&raw_call), async {
        let request = peer.request("/api/x").await;
        request.begin(4, "ab");
        request
    });
    let mut raw = raw.unwrap();
    assert_eq!(raw.next().await.unwrap(), Some(&b"ab"[..]));
    assert_eq!(is_sent(&mut peer, &gateway).await, GIVES_WAY_AFTER);
    assert!(tokio::time::timeout(LONG, raw.next()).await.is_err());
    request.send("cd");
    drop(request);
    assert_eq!(raw.next().await.unwrap(), Some(&b"cd"[..]));
    assert_eq!(is_sent(&mut peer, &gateway).await, Duration::ZERO);
    assert!(raw.next().await.unwrap().is_none());
    peer.connections_are(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_a_sibling_in_its_task_that_reads() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut response, request) = hold(&mut peer, &gateway).await;
    let (records, accepted, ()) = tokio::join!(
        async {
            let mut records = 0;
            while response.next().await.unwrap().is_some() {
                records += 1;
                // This is the caller's work between two reads.
                tokio::time::sleep(GIVES_WAY_AFTER / 2).await;
            }
            records
        },
        send(&gateway),
        async {
            nothing_arrives(&mut peer).await;
            request.send(PARTS[1..].concat());
            drop(request);
            peer.request("send_sms").await.respond(ACCEPTED);
        }
    );
    accepted.unwrap();
    assert_eq!((records, peer.connections()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_passes_a_response_that_is_not_read_any_more() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut response, request) = hold_a_record(&mut peer, &gateway).await;
    let sending = tokio::spawn({
        let gateway = gateway.clone();
        async move { send(&gateway).await }
    });
    // The future is dropped after a long wait.
    assert!(tokio::time::timeout(LONG, response.next()).await.is_err());
    peer.request("send_sms").await.respond(ACCEPTED);
    sending.await.unwrap().unwrap();
    request.send(PARTS[1..].concat());
    response.finish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_passes_a_future_that_is_not_polled_any_more() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut response, request) = hold_a_record(&mut peer, &gateway).await;
    let mut reading = pin!(response.finish());
    poll_once(reading.as_mut()).await;
    request.send(PARTS[1..].concat());
    assert_eq!(is_sent(&mut peer, &gateway).await, GIVES_WAY_AFTER);
    reading.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_passes_a_stream_that_is_not_polled_any_more() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (response, request) = hold(&mut peer, &gateway).await;
    let mut records = pin!(response.into_stream(|record| record.port.get().unwrap()));
    assert_eq!(next(&mut records).await.unwrap().unwrap(), 1);
    assert_eq!(is_sent(&mut peer, &gateway).await, GIVES_WAY_AFTER);
    assert!(tokio::time::timeout(LONG, next(&mut records)).await.is_err());
    request.send(PARTS[1]);
    assert_eq!(is_sent(&mut peer, &gateway).await, Duration::ZERO);
    assert_eq!(next(&mut records).await.unwrap().unwrap(), 2);
    request.send(PARTS[2]);
    assert_eq!(next(&mut records).await.unwrap().unwrap(), 3);
    assert!(next(&mut records).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_response_that_timed_out_does_not_mark_the_next_call_as_unread() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut response, _request) = hold_a_record(&mut peer, &gateway).await;
    // The connection closes, which wakes the reader of this response once more.
    assert!(matches!(response.next().await.unwrap_err().failure, Failure::Lost(_)));
    let first = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.query_sms_in_queue().await }
    });
    let query = peer.request("query_sms_in_queue").await;
    let second = tokio::spawn(async move { send(&gateway).await });
    nothing_arrives(&mut peer).await;
    query.respond(QUEUE);
    assert_eq!(first.await.unwrap().unwrap(), Some(3));
    peer.request("send_sms").await.respond(ACCEPTED);
    second.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_extra_connection_closes_after_the_last_of_both() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (first, _first_request) = hold_a_record(&mut peer, &gateway).await;
    let (mut second, second_request) = hold_a_record(&mut peer, &gateway).await;
    drop(first);
    peer.connections_are(1).await;
    second_request.send(PARTS[1..].concat());
    drop(second_request);
    second.finish().await.unwrap();
    drop(gateway);
    peer.closed().await;
    drop(second);
    peer.assert_nothing_left().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_gateway_leaves_nothing_after_its_responses() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (response, _request) = hold_a_record(&mut peer, &gateway).await;
    is_sent(&mut peer, &gateway).await;
    drop(gateway);
    assert_eq!(peer.connections(), 2);
    drop(response);
    peer.closed().await;
    peer.assert_nothing_left().await;
}

#[tokio::test(start_paused = true)]
async fn a_messenger_works_while_a_response_is_held() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut response, request) = hold_a_record(&mut peer, &gateway).await;
    let (messenger, _) = Messenger::builder(gateway.clone()).start().await.unwrap();
    let began = Instant::now();
    let handle = messenger.send(Sms::new("10086", "Hello").unwrap()).await.unwrap();
    peer.request("send_sms").await.respond(ACCEPTED);
    assert_eq!(handle.accepted().await.unwrap().state, State::Accepted);
    assert_eq!(began.elapsed(), GIVES_WAY_AFTER);
    peer.request("query_sms_result").await.respond(r#"{"error_code":200,"result":[]}"#);
    assert_eq!(peer.connections(), 2);
    request.send(PARTS[1..].concat());
    response.finish().await.unwrap();
    messenger.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_messenger_says_why_it_waits_and_continues_soon_after_the_responses() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (first, _first_request) = hold_a_record(&mut peer, &gateway).await;
    let (second, _second_request) = hold_a_record(&mut peer, &gateway).await;
    let (messenger, _) = Messenger::builder(gateway.clone()).start().await.unwrap();
    let mut health = messenger.health();
    let handle = messenger.send(Sms::new("10086", "Hello").unwrap()).await.unwrap();
    let failure = health.wait_for(|health| health.error.is_some()).await.unwrap().error.clone().unwrap();
    assert_eq!(failure.failure, Failure::Unread);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    drop((first, second));
    let began = Instant::now();
    peer.request("send_sms").await.respond(ACCEPTED);
    assert_eq!(handle.accepted().await.unwrap().state, State::Accepted);
    assert!(began.elapsed() <= Duration::from_secs(10), "{:?}", began.elapsed());
}
