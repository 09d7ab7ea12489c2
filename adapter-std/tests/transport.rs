//! Connections and responses that break, at every stage.

#![allow(missing_docs)]

mod common;

use common::{options, start};
use gateway_emulator::Canned;
use sms_gateway::{Gateway, UrlError, core::call::QuerySmsResult};
use std::{future::poll_fn, pin::pin};

#[test]
fn urls_are_checked() {
    // Without TLS, an `https` URL is parsed but refused.
    let https = (!cfg!(feature = "tls")).then_some(UrlError::Https);
    for (url, expected) in [
        ("http://192.168.1.9", None),
        ("http://box:8080/", None),
        ("http://[::1]:80", None),
        ("https://box", https),
        ("https://[::1]:8443/", https),
        ("https://box/api", Some(UrlError::Path)),
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
