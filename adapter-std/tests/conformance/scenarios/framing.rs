//! The forms that a response may have.

use std::time::Duration;

use crate::{
    harness::Harness,
    list,
    peer::{Plan, Request},
    reply::{Reply, Step},
    subject::ApiCall,
};

use super::calls::printed;

list![
    chunked_bodies,
    chunked_bodies_that_are_malformed,
    bodies_without_a_length,
    bodies_without_a_length_or_an_end,
    responses_that_arrive_byte_by_byte,
    interim_responses,
    responses_of_http_1_0,
    responses_that_announce_a_close,
    untidy_heads,
    bodies_longer_than_announced,
    bodies_that_go_on_after_the_document,
    early_responses_to_a_body_that_is_not_read,
    early_responses_that_close_the_connection,
    early_refusals_of_a_login,
];

const QUEUE: &str = r#"{"error_code":200,"in_queue":3}"#;

/// Serves these replies one after the other, and makes two queries for each.
async fn serve(harness: &mut Harness, replies: &[Reply]) {
    harness.set_up_open();
    for reply in replies {
        let mut reply = Some(reply.clone());
        harness.peer.script(move |request| reply.take().unwrap_or_else(|| printed(request)));
        harness.call(ApiCall::Queue).await;
        harness.call(ApiCall::Queue).await;
    }
}

async fn chunked_bodies(harness: &mut Harness) {
    let chunked =
        |body: &str| Reply::raw(format!("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
    let (begin, end) = QUEUE.split_at(10);
    let plain = format!("a\r\n{begin}\r\n{:x}\r\n{end}\r\n0\r\n\r\n", end.len());
    let adorned = format!("A;x=\"1\"\r\n{begin}\r\n{:04X} \r\n{end}\r\n000\r\nX-Sum: 1\r\n\r\n", end.len());
    let every = Duration::from_millis(1);
    serve(
        harness,
        &[
            chunked(&plain),
            chunked(&adorned),
            chunked(&plain).drip(1, every),
            chunked(&adorned).drip(3, every),
        ],
    )
    .await;
}

async fn chunked_bodies_that_are_malformed(harness: &mut Harness) {
    let chunked =
        |body: &str| Reply::raw(format!("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
    serve(
        harness,
        &[
            chunked("zz\r\n"),
            chunked(&format!("5\r\n{QUEUE}\r\n0\r\n\r\n")),
            chunked(&format!("{:x}\r\n{QUEUE}\r\n", QUEUE.len())),
            chunked(&format!("{:x}\r\n{QUEUE}\r\n", QUEUE.len())).close(),
            chunked("5\r\n{\"err").close(),
        ],
    )
    .await;
}

fn unmeasured() -> Reply {
    Reply::raw(format!("HTTP/1.1 200 X\r\n\r\n{QUEUE}"))
}

async fn bodies_without_a_length(harness: &mut Harness) {
    serve(harness, &[unmeasured().close(), unmeasured().cut(30).close(), unmeasured().reset()]).await;
}

async fn bodies_without_a_length_or_an_end(harness: &mut Harness) {
    serve(harness, &[unmeasured(), unmeasured().drip(1, Duration::from_millis(100))]).await;
}

async fn responses_that_arrive_byte_by_byte(harness: &mut Harness) {
    harness.peer.script(|request| {
        let reply = if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") };
        reply.drip(1, Duration::from_millis(10))
    });
    for call in [ApiCall::SendSms, ApiCall::Results, ApiCall::Incoming] {
        harness.call(call).await;
    }
}

async fn interim_responses(harness: &mut Harness) {
    let interim = |status: &str| {
        Reply::raw(format!(
            "HTTP/1.1 {status}\r\n\r\nHTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n{QUEUE}",
            QUEUE.len()
        ))
    };
    let late = interim("100 Continue").drip(25, Duration::from_millis(5));
    serve(
        harness,
        &[
            interim("100 Continue"),
            interim("102 Processing\r\nX: y"),
            late,
            Reply::raw("HTTP/1.1 100 Continue\r\n\r\n").close(),
        ],
    )
    .await;
    harness.peer.script(|request| {
        let mut reply = printed(request);
        reply.steps.insert(0, Step::Bytes(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()));
        reply
    });
    harness.call(ApiCall::SendSms).await;
}

async fn responses_of_http_1_0(harness: &mut Harness) {
    let length = QUEUE.len();
    serve(
        harness,
        &[
            Reply::raw(format!("HTTP/1.0 200 X\r\nContent-Length: {length}\r\n\r\n{QUEUE}")),
            Reply::raw(format!(
                "HTTP/1.0 200 X\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\r\n{QUEUE}"
            )),
            Reply::raw(format!("HTTP/1.0 200 X\r\n\r\n{QUEUE}")).close(),
        ],
    )
    .await;
}

async fn responses_that_announce_a_close(harness: &mut Harness) {
    let announced = || Reply::with(200, "Connection: close\r\n", QUEUE);
    serve(harness, &[announced().close(), announced(), announced().drip(1, Duration::from_millis(1))]).await;
}

async fn untidy_heads(harness: &mut Harness) {
    let length = QUEUE.len();
    let head = |head: &str| Reply::raw(format!("{head}\r\n\r\n{QUEUE}"));
    serve(
        harness,
        &[
            head(&format!("HTTP/1.1 200\r\ncontent-length:{length}")),
            head(&format!("HTTP/1.1 200 X\r\nContent-Length : {length}")),
            head(&format!("HTTP/1.1 200 X\r\nX: a\r\n  b\r\nContent-Length: {length}")),
            head(&format!("HTTP/1.1 200 X\r\nno colon\r\nContent-Length: {length}")),
            head(&format!("HTTP/1.1 200 X\nContent-Length: {length}")),
            head(&format!("HTTP/1.1 200 X\r\nContent-Length: {length}\r\nContent-Length: {length}")),
            head(&format!("HTTP/1.1 200 X\r\nContent-Length: {length}\r\nContent-Length: 5")),
            head(&format!("\r\nHTTP/1.1 200 X\r\nContent-Length: {length}")),
            head("HTTP/1.1 200 X\r\nContent-Length: many"),
            head("SSH-2.0-dropbear"),
        ],
    )
    .await;
}

async fn bodies_longer_than_announced(harness: &mut Harness) {
    let surplus = |then: &str| {
        Reply::raw(format!("HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n{QUEUE}{then}", QUEUE.len()))
    };
    serve(harness, &[surplus("\r\n"), surplus("junk"), surplus("\r\n").drip(8, Duration::from_millis(1))])
        .await;
}

async fn bodies_that_go_on_after_the_document(harness: &mut Harness) {
    let blanks = " ".repeat(100);
    serve(
        harness,
        &[
            Reply::json(&format!("{QUEUE}{blanks}")),
            Reply::json(&format!("{QUEUE}{blanks}")).drip(20, Duration::from_millis(100)),
            Reply::json(&format!("{QUEUE}{blanks}")).cut(80),
            Reply::json(&format!("{QUEUE}<html>")),
        ],
    )
    .await;
}

/// Makes calls on connections that read no more than a request's head. The gateway answers when it has read the head.
async fn early(harness: &mut Harness, reply: impl Fn(&Request) -> Reply + Send + Clone + 'static) {
    harness.set_up_open();
    harness.peer.plan(|_| Plan { is_early: true, window: 110, ..Plan::default() });
    for call in [ApiCall::SendSms, ApiCall::SendUssd] {
        harness.peer.script(reply.clone());
        harness.call_for(call, 200_000).await;
        harness.note("the next call");
        harness.peer.plan(|_| Plan::default());
        harness.peer.script(printed);
        harness.call_for(ApiCall::Queue, 200_000).await;
        harness.peer.push(&Reply::never().close());
        harness.wait(10).await;
        harness.peer.plan(|_| Plan { is_early: true, window: 110, ..Plan::default() });
    }
}

async fn early_responses_to_a_body_that_is_not_read(harness: &mut Harness) {
    early(harness, |_| Reply::status(413, "too large")).await;
    early(harness, printed).await;
}

async fn early_responses_that_close_the_connection(harness: &mut Harness) {
    early(harness, |_| Reply::with(413, "Connection: close\r\n", "too large").close()).await;
    early(harness, |_| Reply::status(500, "broken").close()).await;
}

async fn early_refusals_of_a_login(harness: &mut Harness) {
    harness.peer.plan(|_| Plan { is_early: true, ..Plan::default() });
    harness
        .peer
        .script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    harness.call(ApiCall::SendSms).await;
    harness
        .peer
        .script(|request| if request.has_nonce("n2") { printed(request) } else { Reply::digest("n2") });
    harness.call(ApiCall::SendSms).await;
}
