//! The excerpts of the bodies of HTTP error responses.

use std::time::Duration;

use super::printed;
use crate::{harness::Harness, list, reply::Reply, subject::ApiCall};

list![
    a_locked_out_client_sees_why,
    a_page_is_shown_as_text,
    only_the_beginning_of_a_body_is_shown,
    a_body_in_pieces_is_shown,
    a_body_that_stops_is_shown_so_far,
    a_body_with_the_login_is_not_shown,
    an_excerpt_ends_with_the_next_call,
];

/// Makes a call that gets a response with status 403 and this body.
async fn refuse(harness: &mut Harness, body: &str) {
    harness.set_up_open();
    let reply = Reply::status(403, body);
    harness.peer.script(move |_| reply.clone());
    harness.explain(ApiCall::SendSms).await;
}

async fn a_locked_out_client_sees_why(harness: &mut Harness) {
    harness.peer.script(|_| Reply::status(403, "forbid to try again"));
    harness.explain(ApiCall::Queue).await;
    harness.explain(ApiCall::SendSms).await;
}

async fn a_page_is_shown_as_text(harness: &mut Harness) {
    let page = "<html><head><title>403 Forbidden</title><style>p { top: 0 }</style></head>\r\n\
                <body><p>Access\x1b[2J to this <b>page</b></p><script>go('<b>')</script>";
    refuse(harness, page).await;
}

async fn only_the_beginning_of_a_body_is_shown(harness: &mut Harness) {
    for length in [119, 120, 121, 5000, 100_000] {
        refuse(harness, &"x".repeat(length)).await;
    }
    refuse(harness, "").await;
}

async fn a_body_in_pieces_is_shown(harness: &mut Harness) {
    harness.set_up_open();
    let every = Duration::from_millis(1);
    harness.peer.script(move |_| Reply::status(403, "forbid to try again").drip(5, every));
    harness.explain(ApiCall::Queue).await;
}

async fn a_body_that_stops_is_shown_so_far(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(|_| Reply::raw("HTTP/1.1 403 X\r\nContent-Length: 50\r\n\r\nforbid to"));
    harness.explain(ApiCall::Queue).await;
}

async fn a_body_with_the_login_is_not_shown(harness: &mut Harness) {
    for body in ["the password admin is wrong", "Authorization: Digest x", "YWRtaW46YWRtaW4="] {
        harness.peer.script(move |_| Reply::status(403, body));
        harness.explain(ApiCall::Queue).await;
    }
}

async fn an_excerpt_ends_with_the_next_call(harness: &mut Harness) {
    refuse(harness, "forbid to try again").await;
    harness.peer.script(|request| {
        if request.call() == "send_sms" { Reply::json(r#"{"error_code":500}"#) } else { printed(request) }
    });
    harness.explain(ApiCall::SendSms).await;
    harness.explain(ApiCall::Queue).await;
}
