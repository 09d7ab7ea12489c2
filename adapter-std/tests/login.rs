//! No login is wasted: wrong passwords, and nonces that end in every way.

#![allow(missing_docs)]

mod common;

use common::{options, send, send_side_by_side, start, stop_the_clock};
use gateway_emulator::{Counted, Emulator, NonceCount, NonceLife, Options, Stale};
use sms_gateway::{Error, Failure, Gateway};
use std::time::Duration;

const STALES: [Stale; 4] = [Stale::Truthful, Stale::AlwaysFalse, Stale::AlwaysTrue, Stale::Absent];

fn wrong(emulator: &Emulator) -> Gateway {
    Gateway::builder(&emulator.url()).credentials("admin", "wrong").build().unwrap()
}

#[tokio::test]
async fn a_wrong_password_costs_one_attempt_until_it_changes() {
    for stale in STALES {
        let (emulator, _) = start(Options { stale, ..options() }).await;
        let gateway = wrong(&emulator);
        for _ in 0..3 {
            assert!(matches!(
                gateway.query_sms_in_queue().await,
                Err(Error { failure: Failure::LoginRefused, .. })
            ));
            assert!(matches!(
                send(&gateway, "1", 1).await,
                Err(Error { failure: Failure::LoginRefused, .. })
            ));
        }
        let outcomes = send_side_by_side(&gateway, 8).await;
        assert!(
            outcomes
                .iter()
                .all(|outcome| matches!(outcome, Err(Error { failure: Failure::LoginRefused, .. })))
        );
        let counts = emulator.counts();
        assert_eq!((counts.refused, counts.expired, counts.accepted), (1, 0, 0), "{stale:?}");
        gateway.set_credentials("admin", "admin").await.unwrap();
        send(&gateway, "1", 1).await.unwrap();
        assert_eq!(emulator.counts().refused, 1);
    }
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
async fn wrong_new_credentials_cost_one_attempt() {
    let (emulator, gateway) = start(options()).await;
    send(&gateway, "1", 1).await.unwrap();
    gateway.set_credentials("admin", "wrong").await.unwrap();
    for _ in 0..3 {
        assert!(matches!(send(&gateway, "1", 2).await, Err(Error { failure: Failure::LoginRefused, .. })));
    }
    assert_eq!(emulator.counts().refused, 1);
}

#[tokio::test]
async fn an_attempt_is_not_repeated_if_its_response_is_lost() {
    let (emulator, _) = start(options()).await;
    let gateway = wrong(&emulator);
    for _ in 0..5 {
        let mut call = std::pin::pin!(send(&gateway, "1", 1));
        // The caller goes away as soon as the refusal is there.
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
async fn a_password_changed_on_the_gateway_ends_the_attempts() {
    let (emulator, gateway) = start(options()).await;
    send(&gateway, "1", 1).await.unwrap();
    emulator.set_password("new");
    for _ in 0..3 {
        assert!(matches!(send(&gateway, "1", 2).await, Err(Error { failure: Failure::LoginRefused, .. })));
    }
    // One with the nonce that was valid before, and one to distinguish an expired nonce from a wrong password.
    assert_eq!(emulator.counts().refused, 2);
    gateway.set_credentials("admin", "new").await.unwrap();
    send(&gateway, "1", 2).await.unwrap();
    assert_eq!(emulator.counts().accepted, 2);
}

#[tokio::test]
async fn without_credentials_no_login_is_attempted() {
    let (emulator, _) = start(options()).await;
    let gateway = Gateway::builder(&emulator.url()).build().unwrap();
    assert!(matches!(gateway.query_sms_in_queue().await, Err(Error { failure: Failure::NoCredentials, .. })));
    assert_eq!(emulator.counts().refused, 0);
}

#[tokio::test]
async fn nonces_valid_for_one_request() {
    for stale in STALES {
        let nonce = NonceLife::OneRequest;
        let (emulator, gateway) =
            start(Options { nonce, stale, lock_out_after: Some(2), counted: Counted::AnyLogin, ..options() })
                .await;
        for id in 0..20 {
            send(&gateway, "1", id).await.unwrap();
            gateway.query_sms_in_queue().await.unwrap();
        }
        let counts = emulator.counts();
        assert_eq!((counts.accepted, counts.refused, counts.lock_outs), (20, 0, 0), "{stale:?}");
        assert_eq!(counts.expired, 1, "the first tells how long they live");
        assert!(counts.requests <= 2 * 40 + 1, "{counts:?}");
    }
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
async fn nonces_valid_for_one_second() {
    for stale in STALES {
        let _clock = stop_the_clock();
        let nonce = NonceLife::Lasting(Duration::from_secs(1));
        let (emulator, gateway) =
            start(Options { nonce, stale, lock_out_after: Some(2), counted: Counted::AnyLogin, ..options() })
                .await;
        for id in 0..50 {
            tokio::time::advance(Duration::from_millis(170)).await;
            if id % 3 == 0 {
                gateway.query_sms_in_queue().await.unwrap();
            }
            send(&gateway, "1", id).await.unwrap();
        }
        let counts = emulator.counts();
        assert_eq!((counts.accepted, counts.refused, counts.lock_outs), (50, 0, 0), "{stale:?}");
        // No more than eight can expire in eight and a half seconds.
        assert!(counts.expired <= 8, "{counts:?}");
    }
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
