//! The nine calls against the emulator over real sockets, plain and with each quirk.

#![allow(missing_docs)]

mod common;

use common::{drive, nine_calls, options, start, stop_the_clock, usable_quirks};
use gateway_emulator::{Auth, Canned, Options};
use sms_gateway_embassy::{
    Buffer, Error, Failure, Ussd, UssdWait,
    core::{
        Port, Ports, TaskId,
        call::{CommaEncoding, QuerySmsResult},
    },
};
use std::time::Duration;

#[tokio::test]
async fn all_nine_on_one_connection() {
    let (emulator, mut gateway) = start(options()).await;
    nine_calls(&emulator, &mut gateway).await.unwrap();
    let counts = emulator.counts();
    assert_eq!((counts.connections, counts.challenged, counts.expired, counts.refused), (1, 1, 0, 0));
    assert_eq!(counts.requests, 1 + 9, "a challenge, then one request for each call");
}

#[tokio::test]
async fn each_quirk_alone_and_all_together() {
    for (name, quirks) in usable_quirks() {
        let (emulator, mut gateway) = start(Options { quirks, ..options() }).await;
        if let Err(error) = nine_calls(&emulator, &mut gateway).await {
            panic!("with {name}: {error}\n{:#?}", emulator.requests());
        }
        assert_eq!(emulator.counts().refused, 0, "with {name}");
    }
}

#[tokio::test]
async fn without_a_login_and_with_basic() {
    for auth in [Auth::None, Auth::Basic] {
        let (emulator, gateway) = start(Options { auth, ..options() }).await;
        nine_calls(&emulator, &mut gateway.allow_basic(true)).await.unwrap();
    }
    let (emulator, mut gateway) = start(Options { auth: Auth::Basic, ..options() }).await;
    assert!(matches!(
        gateway.query_sms_in_queue().await,
        Err(Error { failure: Failure::BasicNotAllowed, .. })
    ));
    assert!(emulator.requests().iter().all(|request| !request.authorization));
}

#[tokio::test]
async fn raw_commas_are_a_choice() {
    let ports: Ports = "0,1".parse().unwrap();
    let (emulator, mut gateway) = start(options()).await;
    gateway.query_ussd_reply(ports).await.unwrap().finish().await.unwrap();
    let mut raw = gateway.commas(CommaEncoding::Raw);
    raw.query_ussd_reply(ports).await.unwrap().finish().await.unwrap();
    let uris: Vec<_> = emulator.requests().into_iter().map(|request| request.uri).collect();
    assert_eq!(uris[1..], ["/api/query_ussd_reply?port=0%2C1", "/api/query_ussd_reply?port=0,1"]);
}

#[tokio::test]
async fn refusals_are_told_with_their_code() {
    let (emulator, mut gateway) = start(options()).await;
    match gateway.stop_sms(TaskId::new(4711)).await {
        Err(Error { failure: Failure::Refused(refusal), .. }) => {
            assert_eq!((refusal.call, refusal.code), ("stop_sms", Some(404)));
        }
        other => panic!("{other:?}"),
    }
    emulator.answer_next("query_sms_result", Canned::json(200, r#"{"error_code":500,"result":[]}"#));
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    assert!(
        matches!(answer.next().await, Err(Error { failure: Failure::Refused(refusal), .. }) if refusal.code == Some(500))
    );
    assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0), "the connection is still good");
    assert_eq!(emulator.counts().connections, 1);
}

#[tokio::test]
async fn redirects_are_told_and_not_followed() {
    let (emulator, mut gateway) = start(options()).await;
    let canned = "HTTP/1.1 302 Found\r\nLocation: https://192.168.1.9/\r\nContent-Length: 0\r\n\r\n";
    emulator.answer_next("query_sms_in_queue", Canned::bytes(canned));
    assert!(matches!(gateway.query_sms_in_queue().await, Err(Error { failure: Failure::Redirect, .. })));
    assert_eq!(gateway.location(), Some("https://192.168.1.9/"));
    assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0));
    assert_eq!((gateway.location(), emulator.counts().connections), (None, 1));
}

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
async fn a_ussd_code_and_its_reply() {
    let balance = ussd("*125#", async |emulator, _| emulator.set_ussd(None, "*125#", "Balance 12 €")).await;
    assert_eq!(balance, "reply Balance 12 €");
    assert_eq!(ussd("*1#", async |_, _| ()).await, "Ok(NoReply)");
    let long = ussd("*125#", async |emulator, _| emulator.set_ussd(None, "*125#", &"x".repeat(65))).await;
    let error: Error<std::io::Error> = Failure::TooSmall { buffer: Buffer::Lent, needed: 65 }.into();
    assert_eq!(long, format!("Err({error:?})"));
}

#[tokio::test]
async fn an_old_ussd_reply_that_does_not_fit_keeps_no_code_from_being_sent() {
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
