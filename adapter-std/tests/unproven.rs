//! Connections that may no longer be open, or on which the gateway may not respond. No message is sent on them.

#![allow(missing_docs)]

mod net_peer;

use std::time::Duration;

use net_peer::{NetPeer, Request};
use sms_gateway::{
    Accepted, Error, Failure, Gateway, Response,
    core::{
        Number,
        call::{QuerySmsResult, Recipient, SendSms},
    },
};

const LONG: Duration = Duration::from_secs(20);
const ACCEPTED: &str = r#"{"error_code":202,"sms_in_queue":1,"task_id":5}"#;
/// The parts of a response: a record, and the rest.
const PARTS: [&str; 2] = [r#"{"error_code":200,"result":[{"port":1},"#, r#"{"port":2}]}"#];

/// Holds a response whose first record was read. Returns it with its request; sending to the request continues the response.
async fn hold_a_record(
    peer: &mut NetPeer,
    gateway: &Gateway,
) -> (Response<QuerySmsResult<'static>>, Request) {
    let query = QuerySmsResult::new();
    let (response, request) = tokio::join!(gateway.query_sms_result(&query), async {
        let request = peer.request("query_sms_result").await;
        request.begin(PARTS.concat().len(), PARTS[0]);
        request
    });
    let mut response = response.unwrap();
    assert!(response.next().await.unwrap().is_some());
    (response, request)
}

async fn send(gateway: &Gateway) -> Result<Accepted, Error> {
    let recipients = [Recipient::new(Number::new("10086").unwrap())];
    gateway.send_sms(&SendSms::new("Hello", &recipients).unwrap()).await
}

/// Sends a message that the peer accepts, and returns the number of its connection.
async fn connection_of_a_message(peer: &mut NetPeer, gateway: &Gateway) -> usize {
    let (accepted, connection) = tokio::join!(send(gateway), async {
        let request = peer.request("send_sms").await;
        let connection = request.connection;
        request.respond(ACCEPTED);
        connection
    });
    accepted.unwrap();
    connection
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_read_long_after_its_arrival_does_not_prove_its_connection() {
    for (held, connection) in [(Duration::from_secs(1), 1), (Duration::from_secs(600), 2)] {
        let (mut peer, gateway) = NetPeer::new(|builder| builder);
        let (mut response, request) = hold_a_record(&mut peer, &gateway).await;
        request.send(PARTS[1]);
        drop(request);
        tokio::time::sleep(held).await;
        response.finish().await.unwrap();
        assert_eq!(connection_of_a_message(&mut peer, &gateway).await, connection, "after {held:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_waited_for_proves_its_connection() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (mut response, request) = hold_a_record(&mut peer, &gateway).await;
    let (read, ()) = tokio::join!(response.finish(), async {
        tokio::time::sleep(LONG).await;
        request.send(PARTS[1]);
        drop(request);
    });
    read.unwrap();
    assert_eq!(connection_of_a_message(&mut peer, &gateway).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_serves_one_connection_at_a_time_gets_no_message_on_a_second_one() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (response, _request) = hold_a_record(&mut peer, &gateway).await;
    let (sent, probe) = tokio::join!(send(&gateway), peer.request("query_sms_in_queue"));
    let error = sent.unwrap_err();
    assert!(matches!(error.failure, Failure::ChallengeLost(_)) && !error.may_have_arrived(), "{error}");
    drop((response, probe));
    assert_eq!(connection_of_a_message(&mut peer, &gateway).await, 3);
}
