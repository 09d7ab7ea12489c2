//! Peers that keep the client waiting.

use std::time::Duration;

use crate::{
    list,
    peer::{Opening, Plan},
    reply::Reply,
    stage::Stage,
    subject::Ask,
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

const ASKS: [Ask; 2] = [Ask::Queue, Ask::SendSms];

async fn opening(stage: &mut Stage, opening: Opening) {
    stage.set_up_open();
    for ask in ASKS {
        stage.peer.script(printed);
        stage.peer.plan(move |_| Plan { opening, ..Plan::default() });
        stage.call(ask).await;
        stage.peer.plan(|_| Plan::default());
        stage.call(ask).await;
        stage.peer.push(&Reply::never().close());
        stage.wait(10).await;
    }
}

async fn a_connection_never_opens(stage: &mut Stage) {
    opening(stage, Opening::Never).await;
}

async fn a_connection_opens_late(stage: &mut Stage) {
    opening(stage, Opening::Delayed(Duration::from_millis(9_900))).await;
    opening(stage, Opening::Delayed(Duration::from_millis(10_100))).await;
}

async fn connections_are_refused(stage: &mut Stage) {
    opening(stage, Opening::Refused).await;
}

/// Answers the first request with this, and the others as they should be.
async fn first(stage: &mut Stage, reply: impl Fn() -> Reply) {
    stage.set_up_open();
    for ask in ASKS {
        let mut first = Some(reply());
        stage.peer.script(move |request| first.take().unwrap_or_else(|| printed(request)));
        stage.call(ask).await;
        stage.call(ask).await;
    }
}

async fn a_head_never_arrives(stage: &mut Stage) {
    first(stage, Reply::never).await;
}

async fn a_head_never_arrives_on_a_kept_connection(stage: &mut Stage) {
    stage.set_up_open();
    for ask in ASKS {
        stage.peer.script(printed);
        stage.call(Ask::UssdReply).await;
        stage.peer.script(|_| Reply::never());
        stage.call(ask).await;
    }
}

async fn a_head_never_ends(stage: &mut Stage) {
    let endless =
        || Reply::raw(format!("HTTP/1.1 200 X\r\n{}", "X: y\r\n".repeat(50))).drip(1, Duration::from_secs(1));
    first(stage, endless).await;
}

async fn a_head_arrives_late(stage: &mut Stage) {
    let late = |milliseconds| {
        move || Reply::json(r#"{"error_code":200,"in_queue":3}"#).after(Duration::from_millis(milliseconds))
    };
    first(stage, late(29_900)).await;
    first(stage, late(30_100)).await;
}

async fn a_body_stops(stage: &mut Stage) {
    let whole = Reply::json(r#"{"error_code":200,"in_queue":3}"#);
    let length = whole.head_length();
    for more in [0, 10] {
        first(stage, || whole.clone().cut(length + more)).await;
    }
}

async fn a_body_is_slow(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.script(|request| printed(request).drip(60, Duration::from_secs(29)));
    stage.call(Ask::Results).await;
    stage.call(Ask::SendSms).await;
}

async fn a_request_is_not_read(stage: &mut Stage) {
    stage.set_up_open();
    for ask in ASKS {
        stage.peer.script(printed);
        stage.peer.plan(|_| Plan { window: 30, ..Plan::default() });
        stage.call(ask).await;
        stage.peer.plan(|_| Plan::default());
        stage.call(ask).await;
        stage.peer.push(&Reply::never().close());
        stage.wait(10).await;
    }
}

async fn the_end_of_a_response_never_arrives(stage: &mut Stage) {
    let body = r#"{"error_code":200,"in_queue":3}"#;
    let reply = || Reply::raw(format!("HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n{body}"));
    first(stage, reply).await;
    first(stage, || Reply::raw("HTTP/1.1 404 X\r\nContent-Length: 1000\r\n\r\nnot")).await;
}
