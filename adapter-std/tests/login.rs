//! Wrong passwords and nonces that expire in every way: no login attempt is wasted.

#![allow(missing_docs)]

mod common;

use common::{options, send, send_side_by_side, start};
use gateway_emulator::{Emulator, LockedOut, NonceCount, NonceLife, Options};
use sms_gateway::{Error, Failure, Gateway};

fn wrong(emulator: &Emulator) -> Gateway {
    Gateway::builder(&emulator.url()).credentials("admin", "wrong").build().unwrap()
}

#[tokio::test]
async fn concurrent_first_calls_cost_one_attempt() {
    let (emulator, _) = start(options()).await;
    let gateway = wrong(&emulator);
    let outcomes = send_side_by_side(&gateway, 8).await;
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Err(Error { failure: Failure::LoginRefused, .. })))
    );
    assert_eq!(emulator.counts().refused, 1);
}

#[tokio::test]
async fn an_attempt_is_not_repeated_if_its_response_is_lost() {
    let (emulator, _) = start(options()).await;
    let gateway = wrong(&emulator);
    for _ in 0..5 {
        let mut call = std::pin::pin!(send(&gateway, "1", 1));
        // The caller drops the call as soon as the gateway has refused it.
        std::future::poll_fn(|context| {
            let done = call.as_mut().poll(context).is_ready();
            if done || emulator.counts().refused > 0 {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
    let _ = send(&gateway, "1", 1).await;
    assert!(emulator.counts().refused <= 2, "{:?}", emulator.counts());
}

#[tokio::test]
async fn nonces_valid_for_one_request_with_concurrent_calls() {
    let (emulator, gateway) = start(Options { nonce: NonceLife::OneRequest, ..options() }).await;
    let calls: Vec<_> = (0..30)
        .map(|id| {
            let gateway = gateway.clone();
            tokio::spawn(async move {
                gateway.query_sms_in_queue().await?;
                send(&gateway, "1", id).await
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let counts = emulator.counts();
    assert_eq!((counts.accepted, counts.refused), (30, 0));
    assert!(counts.expired <= 1, "{counts:?}");
}

#[tokio::test]
async fn the_nonce_count_keeps_its_order() {
    let (emulator, gateway) = start(Options { nonce_count: NonceCount::InOrder, ..options() }).await;
    let outcomes = send_side_by_side(&gateway, 30).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let counts = emulator.counts();
    assert_eq!((counts.challenged, counts.expired, counts.refused), (1, 0, 0));
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let (emulator, _) = start(options()).await;
    let builder = Gateway::builder(&emulator.url()).credentials("admin", "hunter2");
    let shown = format!("{builder:?}");
    let gateway = builder.build().unwrap();
    let error = gateway.query_sms_in_queue().await.unwrap_err();
    for text in [shown, format!("{gateway:?}"), format!("{error:?} {error}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

/// Returns the error of a call from an address that is locked out.
async fn locked_out(options: Options) -> Error {
    let (emulator, _) = start(Options { lock_out_after: Some(1), ..options }).await;
    wrong(&emulator).query_sms_in_queue().await.unwrap_err();
    assert_eq!(emulator.counts().lock_outs, 1);
    let gateway = Gateway::builder(&emulator.url()).credentials("admin", "admin").build().unwrap();
    gateway.query_sms_in_queue().await.unwrap_err()
}

#[tokio::test]
async fn a_lock_out_shows_the_response_and_what_to_do() {
    let error = locked_out(options()).await;
    assert_eq!(error.failure, Failure::Http { status: 403, request_sent: false });
    assert_eq!((error.excerpt(), error.location()), (Some("forbid to try again"), None));
    let text = error.explain();
    for words in ["403, \"forbid to try again\"; ", "wait some minutes", "unlock", "the API is enabled"] {
        assert!(text.contains(words), "{text}");
    }
    assert!(error.to_string().ends_with(&text) && error.may_pass());
    let error = locked_out(Options { locked_out: LockedOut::ForbiddenPage, ..options() }).await;
    let excerpt = error.excerpt().unwrap();
    assert!(!excerpt.contains('<') && excerpt.contains("Forbidden"), "{excerpt}");
}
