//! Connections that end at each part of a response.

use crate::{
    harness::Harness,
    list,
    reply::{Reply, Step},
    subject::ApiCall,
};

use super::calls::printed;

list![
    new_connections_close_during_a_query,
    new_connections_close_during_a_submission,
    new_connections_are_reset_during_a_query,
    new_connections_are_reset_during_a_submission,
    kept_connections_close_during_a_query,
    kept_connections_close_during_a_submission,
    kept_connections_are_reset_during_a_query,
    kept_connections_are_reset_during_a_submission,
    responses_are_cut_after_a_login,
];

/// Returns the offsets at which a response ends too early: before everything, in the status line, in the head, after the head, in the
/// body, and before its last byte. The last offset is the end of the response.
fn places(reply: &Reply) -> Vec<usize> {
    let (head, Step::Bytes(bytes)) = (reply.head_length(), &reply.steps[0]) else { panic!("bytes") };
    vec![0, 5, head - 4, head, head + 8, bytes.len() - 1, bytes.len()]
}

/// Ends the connection during each of several calls. With `is_kept`, a successful call on the same connection precedes each of them.
async fn cut(harness: &mut Harness, call: ApiCall, end: Step, is_kept: bool) {
    harness.set_up_open();
    let reply = match call {
        ApiCall::SendSms => Reply::json(r#"{"error_code":202,"sms_in_queue":2,"task_id":2}"#),
        _ => Reply::json(r#"{"error_code":200,"in_queue":3}"#),
    };
    for place in places(&reply) {
        if is_kept {
            harness.peer.script(printed);
            harness.call(ApiCall::UssdReply).await;
        }
        let mut cut = Some(reply.clone().cut(place).then(end.clone()));
        harness.note(&format!("the connection ends after {place} bytes"));
        harness.peer.script(move |request| cut.take().unwrap_or_else(|| printed(request)));
        harness.call(call).await;
        harness.wait(10).await;
    }
    harness.call(call).await;
}

async fn new_connections_close_during_a_query(harness: &mut Harness) {
    cut(harness, ApiCall::Queue, Step::Close, false).await;
}

async fn new_connections_close_during_a_submission(harness: &mut Harness) {
    cut(harness, ApiCall::SendSms, Step::Close, false).await;
}

async fn new_connections_are_reset_during_a_query(harness: &mut Harness) {
    cut(harness, ApiCall::Queue, Step::Reset, false).await;
}

async fn new_connections_are_reset_during_a_submission(harness: &mut Harness) {
    cut(harness, ApiCall::SendSms, Step::Reset, false).await;
}

async fn kept_connections_close_during_a_query(harness: &mut Harness) {
    cut(harness, ApiCall::Queue, Step::Close, true).await;
}

async fn kept_connections_close_during_a_submission(harness: &mut Harness) {
    cut(harness, ApiCall::SendSms, Step::Close, true).await;
}

async fn kept_connections_are_reset_during_a_query(harness: &mut Harness) {
    cut(harness, ApiCall::Queue, Step::Reset, true).await;
}

async fn kept_connections_are_reset_during_a_submission(harness: &mut Harness) {
    cut(harness, ApiCall::SendSms, Step::Reset, true).await;
}

async fn responses_are_cut_after_a_login(harness: &mut Harness) {
    // Every third request gets no response.
    harness.peer.script(|request| match request.index {
        index if index % 3 == 0 => Reply::never().close(),
        _ if request.has_nonce("n1") => printed(request),
        _ => Reply::digest("n1"),
    });
    for call in [
        ApiCall::Queue,
        ApiCall::Queue,
        ApiCall::SendSms,
        ApiCall::StopSms,
        ApiCall::Results,
        ApiCall::SendUssd,
    ] {
        harness.call(call).await;
    }
}
