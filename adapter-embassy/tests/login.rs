//! No login is wasted: wrong passwords, and nonces that end in every way, over real sockets.

#![allow(missing_docs)]

mod common;

use common::{gateway, options, start, tcp::Tcp};
use gateway_emulator::Emulator;
use sms_gateway_embassy::Gateway;

fn wrong(emulator: &Emulator) -> Gateway<'static, Tcp> {
    gateway(Tcp::new(emulator.addr()), "box").credentials("admin", "wrong")
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
