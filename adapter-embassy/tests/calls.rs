//! USSD dialogs with the emulator over sockets.

#![allow(missing_docs)]

mod common;

use common::{drive, options, start, stop_the_clock};
use gateway_emulator::Options;
use sms_gateway_embassy::{Buffer, Error, Failure, Ussd, UssdWait, core::Port};
use std::time::Duration;

async fn ussd(code: &str, prepare: impl AsyncFnOnce(&gateway_emulator::Emulator, &mut [u8])) -> String {
    let (emulator, mut gateway) = start(Options { speed: 1.0, ..options() }).await;
    let _clock = stop_the_clock();
    let wait = UssdWait { interval: Duration::from_secs(2), limit: Duration::from_secs(9) };
    let mut reply = [0; 64];
    prepare(&emulator, &mut reply).await;
    let call = gateway.ussd(Port::new(1).unwrap(), code, wait, &mut reply);
    let outcome = drive(call, 100).await.expect("an end");
    match outcome {
        Ok(Ussd::Reply(text)) => format!("reply {text}"),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn ussd_returns_the_reply_unless_it_is_missing_or_too_long() {
    let balance = ussd("*125#", async |emulator, _| emulator.set_ussd(None, "*125#", "Balance 12 €")).await;
    assert_eq!(balance, "reply Balance 12 €");
    assert_eq!(ussd("*1#", async |_, _| ()).await, "Ok(NoReply)");
    let long = ussd("*125#", async |emulator, _| emulator.set_ussd(None, "*125#", &"x".repeat(65))).await;
    let error: Error<std::io::Error> = Failure::TooSmall { buffer: Buffer::Lent, needed: 65 }.into();
    assert_eq!(long, format!("Err({error:?})"));
}

#[tokio::test]
async fn ussd_sends_a_code_although_an_old_reply_does_not_fit() {
    let (emulator, mut gateway) = start(Options { speed: 1.0, ..options() }).await;
    let _clock = stop_the_clock();
    let wait = UssdWait { interval: Duration::from_secs(2), limit: Duration::from_secs(9) };
    let (port, mut small, mut large) = (Port::new(1).unwrap(), [0; 64], [0; 100]);
    emulator.set_ussd(None, "*1#", &"x".repeat(65));
    emulator.set_ussd(None, "*2#", "short");
    let old = drive(gateway.ussd(port, "*1#", wait, &mut large), 100).await.expect("an end").unwrap();
    assert_eq!(old, Ussd::Reply("x".repeat(65).as_str()));
    let new = drive(gateway.ussd(port, "*2#", wait, &mut small), 100).await.expect("an end").unwrap();
    assert_eq!(new, Ussd::Reply("short"));
}
