//! Raw calls over sockets, and the observation of their bytes.

#![allow(missing_docs)]

use std::sync::{Arc, Mutex};

use gateway_emulator::{Emulator, Options};
use sms_gateway::{Gateway, RawCall, RawResponse, WireEvent};

async fn body(response: &mut RawResponse) -> String {
    let mut body = Vec::new();
    while let Some(piece) = response.next().await.unwrap() {
        body.extend_from_slice(piece);
    }
    // After the end, the end is returned again.
    assert!(response.next().await.unwrap().is_none());
    String::from_utf8(body).unwrap()
}

#[tokio::test]
async fn a_target_of_any_length_is_sent_with_a_login() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let gateway = Gateway::builder(&emulator.url()).credentials("admin", "admin").build().unwrap();
    for length in [1, 264, 265, 266, 20_000, RawCall::MAX_TARGET_BYTES - 3] {
        let target = format!("/x?{}", "a".repeat(length));
        let mut response = gateway.raw(&RawCall::get(&target).unwrap()).await.unwrap();
        assert_eq!(
            (response.status(), response.header("Content-Type")),
            (404, Some("text/html")),
            "{length}"
        );
        assert!(body(&mut response).await.starts_with("<html>"));
        let request = emulator.requests().pop().unwrap();
        assert!(request.authorization && request.uri == target, "{length}");
    }
    assert_eq!(emulator.counts().connections, 1);
}

#[tokio::test]
async fn headers_are_listed_and_the_session_goes_on() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let gateway = Gateway::builder(&emulator.url()).credentials("admin", "admin").build().unwrap();
    let call = RawCall::post("/api/query_sms_result", b"{}").unwrap();
    let mut response = gateway.raw(&call).await.unwrap();
    let headers: Vec<_> = response.headers().map(|(name, _)| name.to_owned()).collect();
    assert!(headers.contains(&"content-type".to_owned()) && headers.contains(&"content-length".to_owned()));
    assert_eq!((response.header("X-None"), response.status()), (None, 200));
    assert_eq!(body(&mut response).await, r#"{"error_code":200,"result":[]}"#);
    assert_eq!(format!("{response:?}"), "RawResponse { status: 200, .. }");
    drop(response);
    assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0));
    assert_eq!(emulator.counts().challenged, 1);
}

#[tokio::test]
async fn every_byte_is_observed() {
    let emulator =
        Emulator::start(Options { auth: gateway_emulator::Auth::None, ..Options::default() }).await.unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let observe = move |event: WireEvent<'_>| {
        let line = match event {
            WireEvent::Sent(bytes) | WireEvent::Received(bytes) => {
                assert_eq!(format!("{event:?}"), format!("{}({} bytes)", name(event), bytes.len()));
                String::from_utf8_lossy(bytes).into_owned()
            }
            event => name(event).to_owned(),
        };
        seen.lock().unwrap().push(line);
    };
    let gateway = Gateway::builder(&emulator.url()).observe(observe).build().unwrap();
    assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0));
    let events = events.lock().unwrap().clone();
    let [opened, sent, received @ ..] = &events[..] else { panic!("{events:?}") };
    assert_eq!(opened, "Opened");
    assert!(
        sent.starts_with("GET /api/query_sms_in_queue HTTP/1.1\r\n") && sent.ends_with("\r\n\r\n"),
        "{sent}"
    );
    let received = received.concat();
    assert!(
        received.starts_with("HTTP/1.1 200 OK\r\n")
            && received.ends_with(r#"{"error_code":200,"in_queue":0}"#)
    );
}

const fn name(event: WireEvent<'_>) -> &'static str {
    match event {
        WireEvent::Opened => "Opened",
        WireEvent::Sent(_) => "Sent",
        WireEvent::Received(_) => "Received",
        _ => "Closed",
    }
}

#[tokio::test]
async fn every_target_that_is_accepted_is_sent_as_it_is() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let gateway = Gateway::builder(&emulator.url()).credentials("admin", "admin").build().unwrap();
    let bytes = (0..=u8::MAX).map(char::from);
    let targets = bytes.flat_map(|byte| [format!("/a{byte}b"), format!("/a?{byte}b")]);
    let odd = ["//other/x", "/http://other/x", "/%0d%0aX:%20y", "/?", "/??", "/a/../b", "/.", "/;a=b"];
    let mut sent = 0;
    for target in targets.chain(odd.map(str::to_owned)) {
        let Ok(call) = RawCall::get(&target) else { continue };
        let mut response = gateway.raw(&call).await.unwrap();
        body(&mut response).await;
        assert_eq!(emulator.requests().pop().unwrap().uri, target);
        sent += 1;
    }
    assert!(sent > 150, "{sent}");
    assert_eq!((emulator.counts().connections, emulator.counts().refused), (1, 0));
}
