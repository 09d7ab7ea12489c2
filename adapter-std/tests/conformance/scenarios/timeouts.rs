//! Peers that keep the client waiting.

use std::time::Duration;

use crate::{
    harness::Harness,
    list,
    peer::{Opening, Plan},
    reply::Reply,
    subject::ApiCall,
};

use super::calls::printed;

list![
    a_connection_never_opens,
    a_connection_opens_late,
    connections_are_refused,
    a_head_never_arrives,
    a_head_never_arrives_on_a_kept_connection,
    a_head_never_ends,
    a_head_arrives_late,
    a_body_stops,
    a_body_is_slow,
    a_request_is_not_read,
    the_end_of_a_response_never_arrives,
];

const CALLS: [ApiCall; 2] = [ApiCall::Queue, ApiCall::SendSms];

async fn opening(harness: &mut Harness, opening: Opening) {
    harness.set_up_open();
    for call in CALLS {
        harness.peer.script(printed);
        harness.peer.plan(move |_| Plan { opening, ..Plan::default() });
        harness.call(call).await;
        harness.peer.plan(|_| Plan::default());
        harness.call(call).await;
        harness.peer.push(&Reply::never().close());
        harness.wait(10).await;
    }
}

async fn a_connection_never_opens(harness: &mut Harness) {
    opening(harness, Opening::Never).await;
}

async fn a_connection_opens_late(harness: &mut Harness) {
    opening(harness, Opening::Delayed(Duration::from_millis(9_900))).await;
    opening(harness, Opening::Delayed(Duration::from_millis(10_100))).await;
}

async fn connections_are_refused(harness: &mut Harness) {
    opening(harness, Opening::Refused).await;
}

/// Answers the first request with this reply, and the others properly.
async fn first(harness: &mut Harness, reply: impl Fn() -> Reply) {
    harness.set_up_open();
    for call in CALLS {
        let mut first = Some(reply());
        harness.peer.script(move |request| first.take().unwrap_or_else(|| printed(request)));
        harness.call(call).await;
        harness.call(call).await;
    }
}

async fn a_head_never_arrives(harness: &mut Harness) {
    first(harness, Reply::never).await;
}

async fn a_head_never_arrives_on_a_kept_connection(harness: &mut Harness) {
    harness.set_up_open();
    for call in CALLS {
        harness.peer.script(printed);
        harness.call(ApiCall::UssdReply).await;
        harness.peer.script(|_| Reply::never());
        harness.call(call).await;
    }
}

async fn a_head_never_ends(harness: &mut Harness) {
    let endless =
        || Reply::raw(format!("HTTP/1.1 200 X\r\n{}", "X: y\r\n".repeat(50))).drip(1, Duration::from_secs(1));
    first(harness, endless).await;
}

async fn a_head_arrives_late(harness: &mut Harness) {
    let late = |milliseconds| {
        move || Reply::json(r#"{"error_code":200,"in_queue":3}"#).after(Duration::from_millis(milliseconds))
    };
    first(harness, late(29_900)).await;
    first(harness, late(30_100)).await;
}

async fn a_body_stops(harness: &mut Harness) {
    let whole = Reply::json(r#"{"error_code":200,"in_queue":3}"#);
    let length = whole.head_length();
    for more in [0, 10] {
        first(harness, || whole.clone().cut(length + more)).await;
    }
}

async fn a_body_is_slow(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(|request| printed(request).drip(60, Duration::from_secs(29)));
    harness.call(ApiCall::Results).await;
    harness.call(ApiCall::SendSms).await;
}

async fn a_request_is_not_read(harness: &mut Harness) {
    harness.set_up_open();
    for call in CALLS {
        harness.peer.script(printed);
        harness.peer.plan(|_| Plan { window: 30, ..Plan::default() });
        harness.call(call).await;
        harness.peer.plan(|_| Plan::default());
        harness.call(call).await;
        harness.peer.push(&Reply::never().close());
        harness.wait(10).await;
    }
}

async fn the_end_of_a_response_never_arrives(harness: &mut Harness) {
    let body = r#"{"error_code":200,"in_queue":3}"#;
    let reply = || Reply::raw(format!("HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n{body}"));
    first(harness, reply).await;
    first(harness, || Reply::raw("HTTP/1.1 404 X\r\nContent-Length: 1000\r\n\r\nnot")).await;
}
