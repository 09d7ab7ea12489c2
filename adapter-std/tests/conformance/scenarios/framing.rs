//! The forms that a response may have.

use std::time::Duration;

use crate::{
    list,
    peer::{Plan, Request},
    reply::{Reply, Step},
    stage::Stage,
    subject::Ask,
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

/// Serves these, one after the other, and makes two queries after each.
async fn serve(stage: &mut Stage, replies: &[Reply]) {
    stage.set_up_open();
    for reply in replies {
        let mut reply = Some(reply.clone());
        stage.peer.script(move |request| reply.take().unwrap_or_else(|| printed(request)));
        stage.call(Ask::Queue).await;
        stage.call(Ask::Queue).await;
    }
}

async fn chunked_bodies(stage: &mut Stage) {
    let chunked =
        |body: &str| Reply::raw(format!("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
    let (begin, end) = QUEUE.split_at(10);
    let plain = format!("a\r\n{begin}\r\n{:x}\r\n{end}\r\n0\r\n\r\n", end.len());
    let adorned = format!("A;x=\"1\"\r\n{begin}\r\n{:04X} \r\n{end}\r\n000\r\nX-Sum: 1\r\n\r\n", end.len());
    let every = Duration::from_millis(1);
    serve(
        stage,
        &[
            chunked(&plain),
            chunked(&adorned),
            chunked(&plain).drip(1, every),
            chunked(&adorned).drip(3, every),
        ],
    )
    .await;
}

async fn chunked_bodies_that_are_malformed(stage: &mut Stage) {
    let chunked =
        |body: &str| Reply::raw(format!("HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n{body}"));
    serve(
        stage,
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

async fn bodies_without_a_length(stage: &mut Stage) {
    serve(stage, &[unmeasured().close(), unmeasured().cut(30).close(), unmeasured().reset()]).await;
}

async fn bodies_without_a_length_or_an_end(stage: &mut Stage) {
    serve(stage, &[unmeasured(), unmeasured().drip(1, Duration::from_millis(100))]).await;
}

async fn responses_that_arrive_byte_by_byte(stage: &mut Stage) {
    stage.peer.script(|request| {
        let reply = if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") };
        reply.drip(1, Duration::from_millis(10))
    });
    for ask in [Ask::SendSms, Ask::Results, Ask::Incoming] {
        stage.call(ask).await;
    }
}

async fn interim_responses(stage: &mut Stage) {
    let interim = |status: &str| {
        Reply::raw(format!(
            "HTTP/1.1 {status}\r\n\r\nHTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n{QUEUE}",
            QUEUE.len()
        ))
    };
    let late = interim("100 Continue").drip(25, Duration::from_millis(5));
    serve(
        stage,
        &[
            interim("100 Continue"),
            interim("102 Processing\r\nX: y"),
            late,
            Reply::raw("HTTP/1.1 100 Continue\r\n\r\n").close(),
        ],
    )
    .await;
    stage.peer.script(|request| {
        let mut reply = printed(request);
        reply.steps.insert(0, Step::Bytes(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()));
        reply
    });
    stage.call(Ask::SendSms).await;
}

async fn responses_of_http_1_0(stage: &mut Stage) {
    let length = QUEUE.len();
    serve(
        stage,
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

async fn responses_that_announce_a_close(stage: &mut Stage) {
    let announced = || Reply::with(200, "Connection: close\r\n", QUEUE);
    serve(stage, &[announced().close(), announced(), announced().drip(1, Duration::from_millis(1))]).await;
}

async fn untidy_heads(stage: &mut Stage) {
    let length = QUEUE.len();
    let head = |head: &str| Reply::raw(format!("{head}\r\n\r\n{QUEUE}"));
    serve(
        stage,
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

async fn bodies_longer_than_announced(stage: &mut Stage) {
    let surplus = |then: &str| {
        Reply::raw(format!("HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n{QUEUE}{then}", QUEUE.len()))
    };
    serve(stage, &[surplus("\r\n"), surplus("junk"), surplus("\r\n").drip(8, Duration::from_millis(1))])
        .await;
}

async fn bodies_that_go_on_after_the_document(stage: &mut Stage) {
    let blanks = " ".repeat(100);
    serve(
        stage,
        &[
            Reply::json(&format!("{QUEUE}{blanks}")),
            Reply::json(&format!("{QUEUE}{blanks}")).drip(20, Duration::from_millis(100)),
            Reply::json(&format!("{QUEUE}{blanks}")).cut(80),
            Reply::json(&format!("{QUEUE}<html>")),
        ],
    )
    .await;
}

/// Connections that read no more than a request's head, and a gateway that answers it.
async fn early(stage: &mut Stage, reply: impl Fn(&Request) -> Reply + Send + Clone + 'static) {
    stage.set_up_open();
    stage.peer.plan(|_| Plan { is_early: true, window: 110, ..Plan::default() });
    for ask in [Ask::SendSms, Ask::SendUssd] {
        stage.peer.script(reply.clone());
        stage.call_for(ask, 200_000).await;
        stage.note("the next call");
        stage.peer.plan(|_| Plan::default());
        stage.peer.script(printed);
        stage.call_for(Ask::Queue, 200_000).await;
        stage.peer.push(&Reply::never().close());
        stage.wait(10).await;
        stage.peer.plan(|_| Plan { is_early: true, window: 110, ..Plan::default() });
    }
}

async fn early_responses_to_a_body_that_is_not_read(stage: &mut Stage) {
    early(stage, |_| Reply::status(413, "too large")).await;
    early(stage, printed).await;
}

async fn early_responses_that_close_the_connection(stage: &mut Stage) {
    early(stage, |_| Reply::with(413, "Connection: close\r\n", "too large").close()).await;
    early(stage, |_| Reply::status(500, "broken").close()).await;
}

async fn early_refusals_of_a_login(stage: &mut Stage) {
    stage.peer.plan(|_| Plan { is_early: true, ..Plan::default() });
    stage.peer.script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    stage.call(Ask::SendSms).await;
    stage.peer.script(|request| if request.has_nonce("n2") { printed(request) } else { Reply::digest("n2") });
    stage.call(Ask::SendSms).await;
}
