//! The request for a challenge, and unusual responses to it.

use crate::{
    harness::Harness,
    list,
    reply::Reply,
    subject::{ApiCall, GatewaySetup},
};
use std::time::Duration;

use super::calls::printed;

list![
    a_probe_shows_that_there_is_no_login,
    a_probe_is_answered_with_500,
    a_probe_is_answered_with_404,
    a_probe_is_redirected,
    a_probe_is_cut_before_the_response,
    a_probe_is_cut_in_the_head,
    a_probe_is_cut_in_the_body,
    a_probe_is_cut_on_a_kept_connection,
    a_probe_is_never_answered,
    a_challenge_has_a_body_without_an_end,
    a_challenge_closes_the_connection,
    a_probe_is_refused_by_the_api,
];

/// Answers a probe with this reply, and then serves logins. This is done for an unrepeatable and a repeatable call.
async fn met_with(harness: &mut Harness, reply: impl Fn() -> Reply + Send + 'static) {
    for call in [ApiCall::SendSms, ApiCall::Queue] {
        harness.set_up(&GatewaySetup::default());
        let first = reply();
        let mut first = Some(first);
        harness.peer.script(move |request| match first.take() {
            Some(reply) => reply,
            None if request.has_nonce("n1") => printed(request),
            None => Reply::digest("n1"),
        });
        harness.call(call).await;
        harness.call(call).await;
    }
}

async fn a_probe_shows_that_there_is_no_login(harness: &mut Harness) {
    harness.peer.script(printed);
    for call in [ApiCall::SendSms, ApiCall::Queue, ApiCall::StopSms] {
        harness.call(call).await;
    }
}

async fn a_probe_is_answered_with_500(harness: &mut Harness) {
    met_with(harness, || Reply::status(500, "broken")).await;
}

async fn a_probe_is_answered_with_404(harness: &mut Harness) {
    met_with(harness, || Reply::status(404, "nothing here")).await;
}

async fn a_probe_is_redirected(harness: &mut Harness) {
    met_with(harness, || Reply::with(302, "Location: http://other/\r\n", "elsewhere")).await;
}

async fn a_probe_is_cut_before_the_response(harness: &mut Harness) {
    met_with(harness, || Reply::never().close()).await;
}

async fn a_probe_is_cut_in_the_head(harness: &mut Harness) {
    met_with(harness, || Reply::digest("n1").cut(30).close()).await;
}

async fn a_probe_is_cut_in_the_body(harness: &mut Harness) {
    let reply = Reply::digest("n1");
    let length = reply.head_length() + 2;
    met_with(harness, move || Reply::digest("n1").cut(length).close()).await;
}

async fn a_probe_is_cut_on_a_kept_connection(harness: &mut Harness) {
    harness
        .peer
        .script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    harness.call(ApiCall::Queue).await;
    harness.set_password("other");
    harness.peer.script(|request| match request.index {
        3 => Reply::never().close(),
        _ if request.has_nonce("n2") => printed(request),
        _ => Reply::digest("n2"),
    });
    harness.call(ApiCall::SendSms).await;
}

async fn a_probe_is_never_answered(harness: &mut Harness) {
    met_with(harness, Reply::never).await;
}

async fn a_challenge_has_a_body_without_an_end(harness: &mut Harness) {
    met_with(harness, || {
        let head =
            "HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm=\"box\", nonce=\"n1\", qop=\"auth\"\r\n\r\n";
        Reply::raw(format!("{head}{}", "x".repeat(2000))).drip(200, Duration::from_millis(90))
    })
    .await;
}

async fn a_challenge_closes_the_connection(harness: &mut Harness) {
    met_with(harness, || Reply::digest("n1").close()).await;
}

async fn a_probe_is_refused_by_the_api(harness: &mut Harness) {
    met_with(harness, || Reply::json(r#"{"error_code":500}"#)).await;
}
