//! Connections and responses that break, at every stage.

#![allow(missing_docs)]

mod common;

use common::{options, send, start};
use gateway_emulator::{Canned, Emulator, End, Options};
use sms_gateway::core::client::{Cause, Wait};
use sms_gateway::{
    Error, Failure, Gateway, UrlError,
    core::{
        call::{Flag, QueryIncomingSms, QuerySmsResult},
        json::Malformed,
    },
};
use std::{future::poll_fn, pin::pin, time::Duration};

const HEAD: &str = "HTTP/1.1 200 Data follows\r\nContent-Type: application/json\r\n";

fn impatient(emulator: &Emulator) -> Gateway {
    // Long enough for the responses that do arrive, however busy the machine is.
    let limit = Duration::from_secs(2);
    let builder = Gateway::builder(&emulator.url()).credentials("admin", "admin");
    builder.response_timeout(limit).idle_timeout(limit).build().unwrap()
}

/// Reads results to the end or the error, and counts them.
async fn results(gateway: &Gateway) -> (usize, Result<(), Error>) {
    let mut count = 0;
    let mut answer = match gateway.query_sms_result(&QuerySmsResult::new()).await {
        Ok(answer) => answer,
        Err(error) => return (0, Err(error)),
    };
    loop {
        match answer.next().await {
            Ok(Some(_)) => count += 1,
            Ok(None) => return (count, Ok(())),
            Err(error) => return (count, Err(error)),
        }
    }
}

#[tokio::test]
async fn an_unreachable_gateway_has_not_received_the_request() {
    let gateway = Gateway::builder("http://127.0.0.1:9").build().unwrap();
    let error = gateway.query_sms_in_queue().await.unwrap_err();
    assert!(
        matches!(error, Error { failure: Failure::Unreachable(_), .. }) && !error.may_have_arrived(),
        "{error:?}"
    );
}

#[test]
fn urls_are_checked() {
    for (url, expected) in [
        ("http://192.168.1.9", None),
        ("http://box:8080/", None),
        ("http://[::1]:80", None),
        ("https://box", Some(UrlError::Https)),
        ("http://admin:secret@box", Some(UrlError::Userinfo)),
        ("http://box/api", Some(UrlError::Path)),
        ("http://box:", Some(UrlError::Malformed)),
        ("http://box:0", Some(UrlError::Malformed)),
        ("http://box:8o80", Some(UrlError::Malformed)),
        ("http://box:99999", Some(UrlError::Malformed)),
        ("box", Some(UrlError::Malformed)),
        ("ftp://box", Some(UrlError::Malformed)),
        ("", Some(UrlError::Malformed)),
    ] {
        match (Gateway::builder(url).build(), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => assert_eq!(error, expected, "{url}"),
            other => panic!("{url}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_missing_response_ends_at_the_limit() {
    let (emulator, _) = start(options()).await;
    let gateway = impatient(&emulator);
    emulator.answer_next("send_sms", Canned::silence().then(End::Stall));
    let error = send(&gateway, "1", 1).await.unwrap_err();
    assert!(
        matches!(error, Error { failure: Failure::Lost(Cause::TimedOut { wait: Wait::Response, .. }), .. })
            && error.may_have_arrived(),
        "{error:?}"
    );
    send(&gateway, "1", 2).await.unwrap();
    assert_eq!(emulator.counts().accepted, 1);
}

#[tokio::test]
async fn a_response_that_stops_keeps_its_records() {
    let (emulator, _) = start(options()).await;
    let gateway = impatient(&emulator);
    let half = r#"{"error_code":200,"result":[{"port":1},{"port":2},{"po"#;
    let bytes = format!("{HEAD}Content-Length: 1000\r\n\r\n{half}");
    emulator.answer_next("query_sms_result", Canned::bytes(bytes.clone()).then(End::Stall));
    let (count, end) = results(&gateway).await;
    assert_eq!(count, 2);
    assert!(
        matches!(end, Err(Error { failure: Failure::Lost(Cause::TimedOut { wait: Wait::Body, .. }), .. })),
        "{end:?}"
    );

    emulator.answer_next("query_sms_result", Canned::bytes(bytes).then(End::Close));
    let (count, end) = results(&gateway).await;
    assert_eq!(count, 2);
    assert!(matches!(end, Err(Error { failure: Failure::Lost(_), .. })), "{end:?}");

    let unmeasured = format!("{HEAD}Connection: close\r\n\r\n{half}");
    emulator.answer_next("query_sms_result", Canned::bytes(unmeasured).then(End::Close));
    let (count, end) = results(&gateway).await;
    assert_eq!(count, 2);
    match end {
        Err(Error { failure: Failure::Malformed(error), .. }) => {
            assert_eq!((error.offset, error.kind), (half.len() as u64, Malformed::CutOff));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(results(&gateway).await.1.map_err(|error| error.to_string()), Ok(()));
}

#[tokio::test]
async fn a_response_without_length_ends_with_its_document() {
    let (emulator, gateway) = start(options()).await;
    let endless = format!("{HEAD}\r\n{{\"error_code\":200,\"in_queue\":3}}");
    emulator.answer_next("query_sms_in_queue", Canned::truth());
    gateway.query_sms_in_queue().await.unwrap();
    emulator.answer_next("query_sms_in_queue", Canned::bytes(endless).then(End::Stall));
    assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(3));
    assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0));
}

#[tokio::test]
async fn a_response_in_single_bytes_is_read() {
    let (emulator, gateway) = start(options()).await;
    for id in 0..3 {
        send(&gateway, "13800138000", id).await.unwrap();
    }
    emulator.idle().await;
    emulator.answer_next("query_sms_result", Canned::truth().in_pieces(1, Duration::ZERO));
    let (count, end) = results(&gateway).await;
    assert_eq!(count, 3);
    end.unwrap();
}

#[tokio::test]
async fn web_pages_and_http_errors_are_reported() {
    let (emulator, gateway) = start(options()).await;
    emulator.answer_next("query_sms_result", Canned::json(200, "<html><title>Login</title>"));
    let (_, end) = results(&gateway).await;
    assert!(
        matches!(&end, Err(Error { failure: Failure::Malformed(error), .. }) if error.kind == Malformed::NotAnObject { found: b'<' })
    );
    assert!(end.unwrap_err().to_string().contains("New Version API"));
    emulator.answer_next("query_sms_result", Canned::json(404, "<html>"));
    let (_, end) = results(&gateway).await;
    assert!(end.unwrap_err().to_string().contains("New Version API"));
    emulator.answer_next("query_sms_result", Canned::json(503, ""));
    let (_, end) = results(&gateway).await;
    assert!(matches!(end, Err(Error { failure: Failure::Http { status: 503, .. }, .. })));
    emulator.answer_next("query_sms_result", Canned::bytes("what?\r\n\r\n").then(End::Close));
    let (_, end) = results(&gateway).await;
    assert!(matches!(end, Err(Error { failure: Failure::Lost(_), .. })), "{end:?}");
    results(&gateway).await.1.unwrap();
}

#[tokio::test]
async fn a_submission_is_never_repeated_after_it_was_sent() {
    let (emulator, gateway) = start(options()).await;
    send(&gateway, "1", 0).await.unwrap();
    // The request is carried out, and the response is cut before its first byte or later.
    for cut in [0, 1, 20, 80] {
        emulator.answer_next("send_sms", Canned::truth().cut_at(cut));
        let error = send(&gateway, "1", 1).await.unwrap_err();
        assert!(error.may_have_arrived(), "{cut}: {error:?}");
    }
    assert_eq!(emulator.counts().accepted, 5);
}

#[tokio::test]
async fn a_query_is_repeated_once_on_a_stale_connection() {
    let (emulator, gateway) = start(options()).await;
    gateway.query_sms_in_queue().await.unwrap();
    emulator.answer_next("query_sms_in_queue", Canned::silence());
    assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0));
    emulator.answer_next("query_sms_in_queue", Canned::silence());
    emulator.answer_next("query_sms_in_queue", Canned::silence());
    assert!(matches!(gateway.query_sms_in_queue().await, Err(Error { failure: Failure::Lost(_), .. })));
    // Unread messages are marked as read by the answer that was lost.
    emulator.answer_next("query_incoming_sms", Canned::silence());
    gateway.query_sms_in_queue().await.unwrap();
    assert!(matches!(
        gateway.query_incoming_sms(&QueryIncomingSms::new(Flag::Unread)).await,
        Err(Error { failure: Failure::Lost(_), .. })
    ));
}

#[tokio::test]
async fn a_connection_that_closes_between_calls_loses_nothing() {
    for quirks in ["close-after=1", "close_unannounced,close-after=1", "http_1_0", "until_close"] {
        let quirks = quirks.replace('_', "-").parse().or_else(|_| quirks.parse()).unwrap();
        let (emulator, gateway) = start(Options { quirks, ..options() }).await;
        let mut uncertain = 0;
        for id in 0..20 {
            match send(&gateway, "1", id).await {
                Ok(_) => {}
                Err(error) if error.may_have_arrived() => uncertain += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        let accepted = emulator.counts().accepted;
        assert!(accepted <= 20 && accepted + uncertain >= 20, "{accepted} accepted, {uncertain} uncertain");
    }
}

#[tokio::test]
async fn a_response_dropped_early_does_not_disturb_the_next_call() {
    let (emulator, gateway) = start(options()).await;
    for id in 0..3 {
        send(&gateway, "13800138000", id).await.unwrap();
    }
    emulator.idle().await;
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    answer.next().await.unwrap().expect("a record");
    drop(answer);
    assert_eq!(results(&gateway).await.0, 3);
}

#[tokio::test]
async fn a_call_dropped_at_any_poll_leaves_the_gateway_usable() {
    let (emulator, gateway) = start(options()).await;
    for polls in 0..12 {
        let mut call = Box::pin(gateway.query_sms_in_queue());
        let mut left = polls;
        poll_fn(|context| {
            let done = call.as_mut().poll(context).is_ready();
            if done || left == 0 {
                return std::task::Poll::Ready(());
            }
            left -= 1;
            std::task::Poll::Pending
        })
        .await;
        drop(call);
        assert_eq!(gateway.query_sms_in_queue().await.unwrap(), Some(0), "after {polls} polls");
    }
    assert_eq!(emulator.counts().refused, 0);
}

#[tokio::test]
async fn records_as_a_stream_end_after_the_first_error() {
    use futures_core::Stream;
    let (emulator, gateway) = start(options()).await;
    let body = r#"{"error_code":200,"result":[{"port":1},{"port":2}],"#;
    emulator.answer_next("query_sms_result", Canned::json(200, body));
    let answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    let mut stream = pin!(answer.into_stream(|record| record.port.get()));
    let mut items = Vec::new();
    while let Some(item) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        items.push(item.map_err(|error| error.to_string()));
    }
    assert_eq!(items.len(), 3);
    assert_eq!(items[..2], [Ok(Some(1)), Ok(Some(2))]);
    assert!(items[2].as_ref().is_err_and(|error| error.contains("ends before")), "{items:?}");
}
