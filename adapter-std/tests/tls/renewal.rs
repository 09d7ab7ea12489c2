//! A messenger with a gateway that shows a certificate other than the pinned one.

use std::time::Duration;

use gateway_emulator::Emulator;
use sms_gateway::{
    Failure, Health, Messenger, State,
    tls::{Reason, rustls::ServerConfig},
};
use tokio::sync::watch;

use crate::{
    following::{end, options, sms, timing},
    front::{BOTH, Front, config},
    needs_openssl,
    peer::{Identity, Kind},
};

fn of(identity: &Identity) -> ServerConfig {
    config(vec![identity.der()], identity, BOTH)
}

/// Waits until this number of requests in a row have failed.
async fn failed(health: &mut watch::Receiver<Health>, requests: u32) {
    let failing = health.wait_for(|health| health.error.is_some()).await.unwrap().clone();
    assert_eq!(failing.error.unwrap().failure, Failure::Untrusted);
    // A repeated error does not count as a change, so `changed` cannot be awaited.
    while health.borrow().failures < requests {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_messenger_with_a_wrong_pin_connects_once_and_sends_nothing() {
    needs_openssl!();
    let emulator = Emulator::start(options()).await.unwrap();
    let (identity, other) = (Identity::new(Kind::PLAIN), Identity::new(Kind::PLAIN));
    for pin in [other.pin(), other.key_pin()] {
        let front = Front::start(of(&identity), Some(emulator.addr())).await;
        let gateway = front.builder().pin(pin).build().unwrap();
        let builder = Messenger::builder(gateway).timing(timing()).incoming(true);
        let (messenger, _) = builder.start().await.unwrap();
        let _handle = messenger.send(sms("10086", "Hello")).await.unwrap();
        failed(&mut messenger.health(), 5).await;
        let seen = front.seen();
        assert_eq!((seen.connections, &*seen.decrypted), (1, &b""[..]));
    }
    assert_eq!(emulator.counts().requests, 0);
}

#[tokio::test]
async fn a_messenger_sends_nothing_to_a_new_certificate_and_continues_with_the_old_one() {
    needs_openssl!();
    let emulator = Emulator::start(options()).await.unwrap();
    let (old, new) = (Identity::new(Kind::PLAIN), Identity::new(Kind::PLAIN));
    let mut front = Front::start(of(&old), Some(emulator.addr())).await;
    let gateway = front.builder().pin(old.pin()).build().unwrap();
    let builder = Messenger::builder(gateway).timing(timing()).incoming(true);
    let (messenger, _) = builder.start().await.unwrap();
    let mut health = messenger.health();
    let first = messenger.send(sms("10086", "Hello")).await.unwrap();
    assert_eq!(end(first).await.state, State::Delivered);

    front.restart(of(&new)).await;
    let before = front.seen();
    let second = messenger.send(sms("10086", "Again")).await.unwrap();
    failed(&mut health, 5).await;
    let error = health.borrow().error.clone().unwrap();
    assert_eq!(error.untrusted().unwrap().reason, Reason::NotPinned);
    assert_eq!(error.untrusted().unwrap().certificate.pin(), new.pin());
    assert_eq!(front.seen().decrypted, before.decrypted);
    assert_eq!(front.seen().connections, before.connections + 1);
    assert_eq!(emulator.messages().len(), 1);

    front.restart(of(&old)).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    assert_eq!(end(second).await.state, State::Delivered);
    assert_eq!(health.borrow().failures, 0);
    assert_eq!(emulator.messages()[1].text, "Again");
    messenger.shutdown().await.unwrap();
}
