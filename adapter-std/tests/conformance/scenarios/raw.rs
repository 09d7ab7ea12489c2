//! Raw calls: any response is returned, and none is read as JSON.

use std::time::Duration;

use sms_gateway::core::call::RawCall;

use crate::{
    harness::Harness,
    list,
    peer::Request,
    reply::{Reply, Step},
    subject::ApiCall,
};

use super::calls::printed;

list![
    raw_calls_log_in,
    a_nonce_expires_before_a_raw_call,
    raw_calls_return_every_status,
    raw_calls_without_credentials_return_the_401,
    a_raw_body_is_cut,
    a_raw_body_drips,
    a_raw_body_never_ends,
    a_raw_body_stops,
    a_raw_response_is_dropped_early,
    a_raw_call_is_not_repeated,
    a_raw_call_is_repeated_by_choice,
    a_raw_call_after_a_refused_login_sends_nothing,
];

const STATUS: &str = "/api/get_status?param=performance&x=1,2";

fn get() -> RawCall<'static> {
    RawCall::get(STATUS).unwrap()
}

fn post() -> RawCall<'static> {
    RawCall::post("/STKGo", b"{\"port\":1}").unwrap()
}

/// Returns a page as the response to a raw call, or the printed response to another call.
fn page(request: &Request) -> Reply {
    match &*request.target {
        STATUS => Reply::json("not JSON at all"),
        "/STKGo" => Reply::json("{\"error_code\":500}"),
        _ => printed(request),
    }
}

async fn raw_calls_log_in(harness: &mut Harness) {
    harness.peer.script(|request| if request.has_nonce("n1") { page(request) } else { Reply::digest("n1") });
    harness.raw(get()).await;
    harness.raw(post()).await;
    harness.call(ApiCall::Queue).await;
}

async fn a_nonce_expires_before_a_raw_call(harness: &mut Harness) {
    for nonce in ["n1", "n2", "n3"] {
        harness
            .peer
            .script(|request| if request.has_nonce(nonce) { page(request) } else { Reply::digest(nonce) });
        harness.raw(post()).await;
    }
}

async fn raw_calls_return_every_status(harness: &mut Harness) {
    harness.set_up_open();
    for status in [204, 301, 400, 403, 404, 500, 503] {
        harness.peer.script(move |_| match status {
            204 => Reply::raw("HTTP/1.1 204 No Content\r\n\r\n"),
            301 => Reply::with(301, "Location: https://box/\r\n", "elsewhere"),
            status => Reply::status(status, "a page"),
        });
        harness.raw(get()).await;
    }
}

async fn raw_calls_without_credentials_return_the_401(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(|_| Reply::digest("n1"));
    harness.raw(get()).await;
    harness.call(ApiCall::Queue).await;
}

async fn a_raw_body_is_cut(harness: &mut Harness) {
    harness.set_up_open();
    let reply = Reply::status(404, "0123456789");
    for kept in [reply.head_length(), reply.head_length() + 4] {
        for end in [Step::Close, Step::Reset] {
            let mut cut = Some(reply.clone().cut(kept).then(end));
            harness.peer.script(move |request| cut.take().unwrap_or_else(|| page(request)));
            harness.raw(get()).await;
            harness.raw(get()).await;
        }
    }
}

async fn a_raw_body_drips(harness: &mut Harness) {
    harness.set_up_open();
    let reply = Reply::status(200, "0123456789");
    let head = reply.head_length();
    harness.peer.script(move |_| reply.clone().drip(head, Duration::from_secs(20)));
    harness.raw(get()).await;
    harness.peer.script(|_| {
        let head = Reply::raw("HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n");
        b"0123456789".chunks(1).fold(head, |reply, piece| {
            reply.then(Step::Wait(Duration::from_secs(10))).then(Step::Bytes(piece.to_vec()))
        })
    });
    harness.raw(get()).await;
    harness.peer.script(page);
    harness.raw(get()).await;
}

async fn a_raw_body_never_ends(harness: &mut Harness) {
    harness.set_up_open();
    harness
        .peer
        .script(|_| Reply::raw("HTTP/1.1 200 X\r\n\r\n").endless("0123456789", Duration::from_secs(25)));
    harness.raw(get()).await;
    harness.peer.script(page);
    harness.raw(get()).await;
}

async fn a_raw_body_stops(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(|_| Reply::raw("HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n01234"));
    harness.raw(get()).await;
    harness.peer.script(page);
    harness.raw(get()).await;
}

async fn a_raw_response_is_dropped_early(harness: &mut Harness) {
    harness.set_up_open();
    for pieces in [0, 1] {
        harness.peer.script(|_| Reply::raw("HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n01234"));
        harness.raw_up_to(get(), pieces).await;
        harness.peer.script(page);
        harness.raw(post()).await;
    }
}

/// Makes a call on a connection that closes when the request arrives.
async fn stale(harness: &mut Harness, call: RawCall<'_>) {
    harness.set_up_open();
    harness.peer.script(page);
    harness.raw(get()).await;
    harness
        .peer
        .script(|request| if request.connection == 1 { Reply::never().close() } else { page(request) });
    harness.raw(call).await;
}

async fn a_raw_call_is_not_repeated(harness: &mut Harness) {
    stale(harness, get()).await;
}

async fn a_raw_call_is_repeated_by_choice(harness: &mut Harness) {
    stale(harness, post().repeatable(true)).await;
}

async fn a_raw_call_after_a_refused_login_sends_nothing(harness: &mut Harness) {
    harness.peer.script(|request| Reply::digest(&format!("n{}", request.index)));
    harness.raw(get()).await;
    harness.note("no further request follows");
    harness.raw(get()).await;
    harness.raw(post()).await;
    harness.peer.script(|request| if request.has_nonce("n9") { page(request) } else { Reply::digest("n9") });
    harness.set_password("other");
    harness.raw(get()).await;
}
