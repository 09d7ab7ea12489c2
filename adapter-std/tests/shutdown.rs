//! The end of messengers and calls. It takes a limited time, and leaves no task and no connection.

#![allow(missing_docs)]

mod net_peer;

use std::time::Duration;

use net_peer::NetPeer;
use sms_gateway::{
    Closed, Failure, Gateway, Handle, Messenger, Sms, Timeouts,
    core::{
        call::QuerySmsResult,
        client::{Cause, Wait},
        track::State,
    },
    store::MemoryStore,
};
use tokio::time::Instant;

const TIMEOUT: Duration = Duration::from_secs(7);
const ACCEPTED: &str = r#"{"error_code":202,"sms_in_queue":1,"task_id":5}"#;
const RESULTS: &str = r#"{"error_code":200,"result":[{"port":1,"user_id":1},"#;

async fn start(gateway: &Gateway, store: &MemoryStore) -> (Messenger, Vec<Handle>) {
    let builder = Messenger::builder(gateway.clone()).store(store.clone()).shutdown_timeout(TIMEOUT);
    builder.start().await.unwrap()
}

async fn send(messenger: &Messenger) -> Handle {
    messenger.send(Sms::new("10086", "Hello").unwrap()).await.unwrap()
}

/// Shuts a messenger down and returns the time that this takes.
async fn shut_down(messenger: Messenger) -> Duration {
    let began = Instant::now();
    messenger.shutdown().await.unwrap();
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn shutdown_abandons_a_query_at_once() {
    for has_head in [false, true] {
        let (mut peer, gateway) = NetPeer::new(|builder| builder);
        let store = MemoryStore::new();
        let (messenger, _) = start(&gateway, &store).await;
        let _handle = send(&messenger).await;
        peer.request("send_sms").await.respond(ACCEPTED);
        let query = peer.request("query_sms_result").await;
        if has_head {
            query.begin(1000, RESULTS);
        }
        drop(gateway);
        assert_eq!(shut_down(messenger).await, Duration::ZERO);
        peer.closed().await;
        peer.assert_nothing_left().await;
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_awaits_a_submission_for_its_timeout_and_stores_it_as_lost() {
    for has_head in [false, true] {
        let (mut peer, gateway) = NetPeer::new(|builder| builder);
        let store = MemoryStore::new();
        let (messenger, _) = start(&gateway, &store).await;
        let _handle = send(&messenger).await;
        let submission = peer.request("send_sms").await;
        if has_head {
            submission.begin(1000, r#"{"error_code":"#);
        }
        assert_eq!(shut_down(messenger).await, TIMEOUT);
        peer.closed().await;
        peer.assert_nothing_left().await;
        let (messenger, handles) = start(&gateway, &store).await;
        assert_eq!(handles[0].current().state, State::Uncertain);
        peer.request("query_sms_result").await;
        assert_eq!(shut_down(messenger).await, Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_awaits_the_response_to_a_submission() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let store = MemoryStore::new();
    let (messenger, _) = start(&gateway, &store).await;
    let handle = send(&messenger).await;
    let submission = peer.request("send_sms").await;
    let shutdown = tokio::spawn(shut_down(messenger));
    tokio::time::sleep(TIMEOUT / 2).await;
    submission.respond(ACCEPTED);
    assert_eq!(shutdown.await.unwrap(), TIMEOUT / 2);
    assert_eq!(handle.accepted().await.unwrap().state, State::Accepted);
}

#[tokio::test(start_paused = true)]
async fn shutdown_awaits_a_stop_for_its_timeout() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let (messenger, _) = start(&gateway, &MemoryStore::new()).await;
    let handle = send(&messenger).await;
    peer.request("send_sms").await.respond(ACCEPTED);
    handle.accepted().await.unwrap();
    handle.stop().await.unwrap();
    peer.request("stop_sms").await;
    assert_eq!(shut_down(messenger).await, TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_for_the_response_of_another_caller() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let store = MemoryStore::new();
    let request = QuerySmsResult::new();
    let call = gateway.query_sms_result(&request);
    let (response, ()) =
        tokio::join!(call, async { peer.request("query_sms_result").await.begin(1000, RESULTS) });
    let mut response = response.unwrap();
    assert!(response.next().await.unwrap().is_some());
    let (messenger, _) = start(&gateway, &store).await;
    let _handle = send(&messenger).await;
    assert_eq!(shut_down(messenger).await, Duration::ZERO);
    drop(response);
    peer.closed().await;
    peer.assert_nothing_left().await;
    // The message was not sent, so it is sent now.
    let (_messenger, handles) = start(&gateway, &store).await;
    peer.request("send_sms").await.respond(ACCEPTED);
    assert_eq!(handles[0].accepted().await.unwrap().state, State::Accepted);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_messenger_leaves_no_task_and_no_connection() {
    for is_querying in [false, true] {
        let (mut peer, gateway) = NetPeer::new(|builder| builder);
        let (messenger, _) = start(&gateway, &MemoryStore::new()).await;
        drop(gateway);
        let handle = send(&messenger).await;
        peer.request("send_sms").await.respond(ACCEPTED);
        if is_querying {
            peer.request("query_sms_result").await;
        } else {
            handle.accepted().await.unwrap();
        }
        let clone = messenger.clone();
        drop(messenger);
        drop(clone);
        assert!(matches!(handle.outcome().await, Err(Closed::ShutDown)));
        assert!(matches!(handle.stop().await, Err(Closed::ShutDown)));
        peer.closed().await;
        peer.assert_nothing_left().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_response_leaves_no_task_and_no_connection() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder);
    let request = QuerySmsResult::new();
    let call = gateway.query_sms_result(&request);
    let (response, ()) =
        tokio::join!(call, async { peer.request("query_sms_result").await.begin(1000, RESULTS) });
    let mut response = response.unwrap();
    assert!(response.next().await.unwrap().is_some());
    drop(response);
    peer.closed().await;
    peer.assert_nothing_left().await;
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_call_leaves_no_task_and_no_connection() {
    let (mut peer, gateway) = NetPeer::new(|builder| builder.timeouts(Timeouts::new().exchange(TIMEOUT)));
    for has_head in [false, true] {
        let (outcome, ()) = tokio::join!(gateway.query_sms_in_queue(), async {
            let query = peer.request("query_sms_in_queue").await;
            if has_head {
                query.begin(1000, r#"{"error_code":200"#);
            }
            peer.closed().await;
        });
        let error = outcome.unwrap_err();
        assert!(
            matches!(error.failure, Failure::Lost(Cause::TimedOut { wait: Wait::Exchange, .. })),
            "{error:?}"
        );
        peer.assert_nothing_left().await;
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_of_refusals_count_against_the_time_of_the_call() {
    const LIMIT: Duration = Duration::from_secs(1);
    let (mut peer, gateway) = NetPeer::new(|builder| {
        builder.credentials("admin", "secret").timeouts(Timeouts::new().exchange(LIMIT))
    });
    let call = tokio::spawn(async move {
        let began = Instant::now();
        (gateway.query_sms_in_queue().await.unwrap_err().failure, began.elapsed())
    });
    // Each new nonce is offered twice: when the last nonce is refused, and to the next probe. No body ends.
    let mut requests = Vec::new();
    for nonce in [0, 1, 1, 2, 2, 3] {
        let Some(request) = peer.next().await else { break };
        request.send(format!(
            "HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm=\"r\", qop=\"auth\", nonce=\"{nonce}\"\r\nContent-Length: 9\r\n\r\n"
        ));
        requests.push(request);
    }
    let (failure, time) = call.await.unwrap();
    assert!(time <= LIMIT + Duration::from_millis(500), "{failure:?} after {time:?}");
}
