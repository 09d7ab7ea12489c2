//! Calls within the loop that reads a response of the same gateway, over real sockets and with a login.

#![allow(missing_docs)]

mod common;

use common::{options, send, start};
use gateway_emulator::{Auth, Counts, Emulator, NonceCount, NonceLife, Options};
use sms_gateway::{
    Error, Failure, Gateway, Messenger, Port, Response, Sms, Ussd, UssdWait, core::call::QuerySmsResult,
};
use std::collections::BTreeMap;

const NUMBER: &str = "13800138000";

/// Sends messages with the user_ids 1 to 3.
async fn send_three(gateway: &Gateway) {
    for id in 1..=3 {
        send(gateway, NUMBER, id).await.unwrap();
    }
}

async fn results(gateway: &Gateway) -> Response<QuerySmsResult<'static>> {
    gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap()
}

/// The number of times that the gateway has accepted each message, by user_id.
fn accepted(emulator: &Emulator) -> BTreeMap<u64, usize> {
    let mut accepted = BTreeMap::new();
    for message in emulator.messages() {
        *accepted.entry(message.user_id.unwrap()).or_default() += 1;
    }
    accepted
}

/// The numbers of connections, challenges, expired nonces and refused logins.
fn logins(counts: &Counts) -> [u64; 4] {
    [counts.connections, counts.challenged, counts.expired, counts.refused]
}

fn is_refused<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error { failure: Failure::LoginRefused, .. }))
}

#[tokio::test]
async fn a_message_for_each_record_is_accepted_once() {
    let gateways = [
        (options(), [2, 2, 0, 0]),
        (Options { nonce_count: NonceCount::InOrder, ..options() }, [2, 2, 0, 0]),
        (Options { auth: Auth::Basic, ..options() }, [2, 2, 0, 0]),
        (Options { auth: Auth::None, ..options() }, [2, 0, 0, 0]),
    ];
    for (options, expected) in gateways {
        let emulator = Emulator::start(options).await.unwrap();
        let builder = Gateway::builder(&emulator.url()).credentials("admin", "admin").allow_basic(true);
        let gateway = builder.build().unwrap();
        send_three(&gateway).await;
        let mut response = results(&gateway).await;
        let mut id = 10;
        while let Some(record) = response.next().await.unwrap() {
            assert_eq!(record.number.as_str(), NUMBER);
            send(&gateway, NUMBER, id).await.unwrap();
            id += 1;
        }
        // The response has ended, but is not dropped yet.
        send(&gateway, NUMBER, 20).await.unwrap();
        assert_eq!(accepted(&emulator), [1, 2, 3, 10, 11, 12, 20].map(|id| (id, 1)).into());
        assert_eq!(logins(&emulator.counts()), expected);
    }
}

#[tokio::test]
async fn nonces_for_one_request_serve_nested_calls() {
    let (emulator, gateway) = start(Options { nonce: NonceLife::OneRequest, ..options() }).await;
    send_three(&gateway).await;
    let mut response = results(&gateway).await;
    while let Some(record) = response.next().await.unwrap() {
        let id = record.user_id.get().unwrap();
        send(&gateway, NUMBER, id + 10).await.unwrap();
        gateway.query_sms_in_queue().await.unwrap();
    }
    assert_eq!(accepted(&emulator), [1, 2, 3, 11, 12, 13].map(|id| (id, 1)).into());
    assert_eq!(emulator.counts().refused, 0);
}

#[tokio::test]
async fn the_third_level_fails_soon_and_the_second_works_again() {
    let (emulator, gateway) = start(options()).await;
    send_three(&gateway).await;
    let mut outer = results(&gateway).await;
    let mut inner = results(&gateway.clone()).await;
    assert!(outer.next().await.unwrap().is_some() && inner.next().await.unwrap().is_some());
    for _ in 0..3 {
        let error = send(&gateway, NUMBER, 10).await.unwrap_err();
        assert_eq!(error.failure, Failure::Unread, "{error}");
    }
    inner.finish().await.unwrap();
    send(&gateway, NUMBER, 10).await.unwrap();
    assert!(outer.next().await.unwrap().is_some());
    send(&gateway, NUMBER, 11).await.unwrap();
    assert_eq!(accepted(&emulator), [1, 2, 3, 10, 11].map(|id| (id, 1)).into());
    assert_eq!(logins(&emulator.counts()), [2, 2, 0, 0]);
}

#[tokio::test]
async fn ussd_and_a_messenger_work_while_a_response_is_held() {
    let (emulator, gateway) = start(options()).await;
    emulator.set_ussd(None, "*100#", "12.50");
    send_three(&gateway).await;
    let mut response = results(&gateway).await;
    assert!(response.next().await.unwrap().is_some());
    let port = Port::new(1).unwrap();
    let outcomes = gateway.ussd(port.into(), "*100#", UssdWait::default()).await.unwrap();
    assert_eq!(outcomes[&port], Ussd::Reply("12.50".to_owned()));
    let (messenger, _) = Messenger::builder(gateway.clone()).start().await.unwrap();
    let handle = messenger.send(Sms::new(NUMBER, "Hello").unwrap()).await.unwrap();
    handle.accepted().await.unwrap();
    messenger.shutdown().await.unwrap();
    response.finish().await.unwrap();
    assert_eq!(emulator.counts().accepted, 4);
    assert_eq!(emulator.counts().refused, 0);
}

#[tokio::test]
async fn wrong_credentials_set_while_a_response_is_held_are_refused_once() {
    let (emulator, gateway) = start(options()).await;
    send_three(&gateway).await;
    let mut response = results(&gateway).await;
    gateway.set_credentials("admin", "wrong");
    for _ in 0..3 {
        assert!(is_refused(&send(&gateway, NUMBER, 10).await));
    }
    response.finish().await.unwrap();
    let requests = emulator.counts().requests;
    // The main client does not try the refused credentials again.
    for _ in 0..3 {
        assert!(is_refused(&send(&gateway, NUMBER, 10).await));
    }
    let counts = emulator.counts();
    assert_eq!((counts.refused, counts.requests, counts.accepted), (1, requests, 3));
    gateway.set_credentials("admin", "admin");
    send(&gateway, NUMBER, 10).await.unwrap();
    assert_eq!(emulator.counts().refused, 1);
}

#[tokio::test]
async fn right_credentials_set_while_a_response_is_held_are_used_at_once() {
    let (emulator, gateway) = start(options()).await;
    send_three(&gateway).await;
    let mut response = results(&gateway).await;
    gateway.query_sms_in_queue().await.unwrap();
    emulator.set_password("new");
    assert!(is_refused(&send(&gateway, NUMBER, 10).await));
    let refused = emulator.counts().refused;
    gateway.set_credentials("admin", "new");
    send(&gateway, NUMBER, 10).await.unwrap();
    assert!(response.next().await.unwrap().is_some());
    response.finish().await.unwrap();
    send(&gateway, NUMBER, 11).await.unwrap();
    assert_eq!(accepted(&emulator), [1, 2, 3, 10, 11].map(|id| (id, 1)).into());
    assert_eq!(emulator.counts().refused, refused);
}

#[tokio::test]
async fn a_password_that_changes_at_the_gateway_stops_both_connections() {
    let (emulator, gateway) = start(options()).await;
    send_three(&gateway).await;
    let mut response = results(&gateway).await;
    emulator.set_password("new");
    assert!(is_refused(&send(&gateway, NUMBER, 10).await));
    response.finish().await.unwrap();
    let counts = emulator.counts();
    assert!(is_refused(&send(&gateway, NUMBER, 10).await));
    assert_eq!((emulator.counts().requests, counts.refused), (counts.requests, 1));
}
