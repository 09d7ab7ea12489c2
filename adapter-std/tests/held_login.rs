//! New credentials while a response is held: only one of the two connections tries them.

#![allow(missing_docs)]

mod net_peer;

use std::time::Duration;

use net_peer::{NetPeer, Request};
use sms_gateway::{Error, Failure, Gateway, Response, core::call::QuerySmsResult};
use tokio::task::JoinHandle;

const RESULTS: &str = r#"{"error_code":200,"result":[{"port":1},"#;
const QUEUE: &str = r#"{"error_code":200,"in_queue":3}"#;

type Call = JoinHandle<Result<Option<u32>, Error>>;

/// Refuses a request with a challenge. Its connection then serves the next request.
fn challenge(request: Request, nonce: u32) {
    request.send(format!(
        "HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm=\"r\", qop=\"auth\", nonce=\"{nonce}\"\r\nContent-Length: 0\r\n\r\n"
    ));
    drop(request);
}

/// Logs in, and holds a response.
async fn hold(peer: &mut NetPeer, gateway: &Gateway) -> (Response<QuerySmsResult<'static>>, Request) {
    let request = QuerySmsResult::new();
    let (response, request) = tokio::join!(gateway.query_sms_result(&request), async {
        challenge(peer.request("query_sms_in_queue").await, 1);
        let request = peer.request("query_sms_result").await;
        request.begin(1000, RESULTS);
        request
    });
    (response.unwrap(), request)
}

fn query(gateway: &Gateway) -> Call {
    let gateway = gateway.clone();
    tokio::spawn(async move { gateway.query_sms_in_queue().await })
}

/// Begins two calls with new credentials, the second after the response was dropped. Returns both calls, and the first call's
/// request that waits for the gateway's verdict.
async fn try_new_credentials(peer: &mut NetPeer, gateway: &Gateway) -> (Call, Call, Request) {
    let (response, _request) = hold(peer, gateway).await;
    gateway.set_credentials("admin", "other");
    let first = query(gateway);
    challenge(peer.request("query_sms_in_queue").await, 2);
    let attempt = peer.request("query_sms_in_queue").await;
    drop(response);
    let second = query(gateway);
    assert!(tokio::time::timeout(Duration::from_secs(20), peer.next()).await.is_err());
    (first, second, attempt)
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stops_the_call_that_waits_on_the_other_connection() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder.credentials("admin", "secret"));
    let (first, second, attempt) = try_new_credentials(&mut peer, &gateway).await;
    challenge(attempt, 3);
    // Another nonce shows that the last one was fresh.
    challenge(peer.request("query_sms_in_queue").await, 4);
    for call in [first, second] {
        assert_eq!(call.await.unwrap().unwrap_err().failure, Failure::LoginRefused);
    }
    assert_eq!(gateway.query_sms_in_queue().await.unwrap_err().failure, Failure::LoginRefused);
    drop(gateway);
    assert!(peer.next().await.is_none(), "nothing was sent after the refusal");
}

#[tokio::test(start_paused = true)]
async fn an_accepted_login_lets_the_other_connection_log_in() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder.credentials("admin", "secret"));
    let (first, second, attempt) = try_new_credentials(&mut peer, &gateway).await;
    attempt.respond(QUEUE);
    assert_eq!(first.await.unwrap().unwrap(), Some(3));
    challenge(peer.request("query_sms_in_queue").await, 3);
    peer.request("query_sms_in_queue").await.respond(QUEUE);
    assert_eq!(second.await.unwrap().unwrap(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_attempt_lets_the_other_connection_try() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder.credentials("admin", "secret"));
    let (first, second, _attempt) = try_new_credentials(&mut peer, &gateway).await;
    first.abort();
    challenge(peer.request("query_sms_in_queue").await, 3);
    peer.request("query_sms_in_queue").await.respond(QUEUE);
    assert_eq!(second.await.unwrap().unwrap(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_late_refusal_of_old_credentials_does_not_stop_the_new_ones() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder.credentials("admin", "secret"));
    let (first, second, attempt) = try_new_credentials(&mut peer, &gateway).await;
    gateway.set_credentials("admin", "right");
    challenge(attempt, 3);
    challenge(peer.request("query_sms_in_queue").await, 4);
    assert_eq!(first.await.unwrap().unwrap_err().failure, Failure::LoginRefused);
    challenge(peer.request("query_sms_in_queue").await, 5);
    peer.request("query_sms_in_queue").await.respond(QUEUE);
    assert_eq!(second.await.unwrap().unwrap(), Some(3));
}
