//! No login is wasted: wrong passwords, and nonces that end in every way, over real sockets.

#![allow(missing_docs)]

mod common;

use common::{gateway, options, send, start, stop_the_clock, stranger, tcp::Tcp};
use gateway_emulator::{Counted, Emulator, NonceCount, NonceLife, Options, Stale};
use sms_gateway_embassy::{Error, Failure, Gateway};
use std::time::Duration;

const STALES: [Stale; 4] = [Stale::Truthful, Stale::AlwaysFalse, Stale::AlwaysTrue, Stale::Absent];

fn wrong(emulator: &Emulator) -> Gateway<'static, Tcp> {
    gateway(Tcp::new(emulator.addr()), "box").credentials("admin", "wrong")
}

#[tokio::test]
async fn a_wrong_password_costs_one_try_until_it_changes() {
    for stale in STALES {
        let (emulator, _) = start(Options { stale, ..options() }).await;
        let mut gateway = wrong(&emulator);
        for _ in 0..3 {
            assert!(matches!(
                gateway.query_sms_in_queue().await,
                Err(Error { failure: Failure::LoginRefused, .. })
            ));
            assert!(matches!(
                send(&mut gateway, "1", 1).await,
                Err(Error { failure: Failure::LoginRefused, .. })
            ));
        }
        let counts = emulator.counts();
        assert_eq!((counts.refused, counts.expired, counts.accepted), (1, 0, 0), "{stale:?}");
        gateway.set_credentials("admin", "admin");
        send(&mut gateway, "1", 1).await.unwrap();
        assert_eq!(emulator.counts().refused, 1);
    }
}

#[tokio::test]
async fn a_password_that_changes_on_the_gateway_ends_the_tries() {
    let (emulator, mut gateway) = start(options()).await;
    send(&mut gateway, "1", 1).await.unwrap();
    emulator.set_password("new");
    for _ in 0..3 {
        assert!(matches!(
            send(&mut gateway, "1", 2).await,
            Err(Error { failure: Failure::LoginRefused, .. })
        ));
    }
    // One with the nonce that was good before, and one to tell an expired nonce from a wrong password.
    assert_eq!(emulator.counts().refused, 2);
    gateway.set_credentials("admin", "new");
    send(&mut gateway, "1", 2).await.unwrap();
    assert_eq!(emulator.counts().accepted, 2);
}

#[tokio::test]
async fn without_credentials_nothing_is_tried() {
    let (emulator, _) = start(options()).await;
    let mut gateway = stranger(Tcp::new(emulator.addr()), "box");
    assert!(matches!(gateway.query_sms_in_queue().await, Err(Error { failure: Failure::NoCredentials, .. })));
    assert_eq!(emulator.counts().refused, 0);
}

#[tokio::test]
async fn nonces_that_live_one_request() {
    for stale in STALES {
        let nonce = NonceLife::OneRequest;
        let (emulator, mut gateway) =
            start(Options { nonce, stale, lock_out_after: Some(2), counted: Counted::AnyLogin, ..options() })
                .await;
        for id in 0..20 {
            send(&mut gateway, "1", id).await.unwrap();
            gateway.query_sms_in_queue().await.unwrap();
        }
        let counts = emulator.counts();
        assert_eq!((counts.accepted, counts.refused, counts.lock_outs), (20, 0, 0), "{stale:?}");
        assert_eq!(counts.expired, 1, "the first tells how long they live");
        assert!(counts.requests <= 2 * 40 + 1, "{counts:?}");
    }
}

#[tokio::test]
async fn nonces_that_live_one_second() {
    for stale in STALES {
        let _clock = stop_the_clock();
        let nonce = NonceLife::Lasting(Duration::from_secs(1));
        let (emulator, mut gateway) =
            start(Options { nonce, stale, lock_out_after: Some(2), counted: Counted::AnyLogin, ..options() })
                .await;
        for id in 0..50 {
            tokio::time::advance(Duration::from_millis(170)).await;
            if id % 3 == 0 {
                gateway.query_sms_in_queue().await.unwrap();
            }
            send(&mut gateway, "1", id).await.unwrap();
        }
        let counts = emulator.counts();
        assert_eq!((counts.accepted, counts.refused, counts.lock_outs), (50, 0, 0), "{stale:?}");
        // No more than eight can expire in eight and a half seconds.
        assert!(counts.expired <= 8, "{counts:?}");
    }
}

#[tokio::test]
async fn the_nonce_count_has_no_gaps() {
    let (emulator, mut gateway) = start(Options { nonce_count: NonceCount::InOrder, ..options() }).await;
    for id in 0..30 {
        send(&mut gateway, "1", id).await.unwrap();
    }
    let counts = emulator.counts();
    assert_eq!((counts.challenged, counts.expired, counts.refused), (1, 0, 0));
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let (emulator, _) = start(options()).await;
    let mut gateway = wrong(&emulator).credentials("admin", "hunter2");
    let error = gateway.query_sms_in_queue().await.unwrap_err();
    for text in [format!("{gateway:?}"), format!("{error:?} {error}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
