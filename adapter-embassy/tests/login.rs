//! Neither `Debug` nor errors reveal secrets. Logins are tested by the conformance suite of both adapters.

#![allow(missing_docs)]

mod common;

use common::{gateway, options, start, tcp::Tcp};
use gateway_emulator::Emulator;
use sms_gateway_embassy::Gateway;

fn gateway_with_wrong_password(emulator: &Emulator) -> Gateway<'static, Tcp> {
    gateway(Tcp::new(emulator.addr()), "box").credentials("admin", "wrong")
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let (emulator, _) = start(options()).await;
    let mut gateway = gateway_with_wrong_password(&emulator).credentials("admin", "hunter2");
    let error = gateway.query_sms_in_queue().await.unwrap_err();
    for text in [format!("{gateway:?}"), format!("{error:?} {error}")] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
