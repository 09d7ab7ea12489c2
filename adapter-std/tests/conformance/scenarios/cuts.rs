//! Connections that end at each stage of a response.

use crate::{
    list,
    reply::{Reply, Step},
    stage::Stage,
    subject::Ask,
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

/// The places where a response ends too early: before anything, in the status line, in the head, after the head, in the body,
/// before its last byte. The last one is its end.
fn places(reply: &Reply) -> Vec<usize> {
    let (head, Step::Bytes(bytes)) = (reply.head_length(), &reply.steps[0]) else { panic!("bytes") };
    vec![0, 5, head - 4, head, head + 8, bytes.len() - 1, bytes.len()]
}

/// Ends connections in one call after the other. A call that succeeds comes before each if the connection is to be a kept one.
async fn cut(stage: &mut Stage, ask: Ask, end: Step, is_kept: bool) {
    stage.set_up_open();
    let reply = match ask {
        Ask::SendSms => Reply::json(r#"{"error_code":202,"sms_in_queue":2,"task_id":2}"#),
        _ => Reply::json(r#"{"error_code":200,"in_queue":3}"#),
    };
    for place in places(&reply) {
        if is_kept {
            stage.peer.script(printed);
            stage.call(Ask::UssdReply).await;
        }
        let mut cut = Some(reply.clone().cut(place).then(end.clone()));
        stage.note(&format!("the connection ends after {place} bytes"));
        stage.peer.script(move |request| cut.take().unwrap_or_else(|| printed(request)));
        stage.call(ask).await;
        stage.wait(10).await;
    }
    stage.call(ask).await;
}

async fn new_connections_close_during_a_query(stage: &mut Stage) {
    cut(stage, Ask::Queue, Step::Close, false).await;
}

async fn new_connections_close_during_a_submission(stage: &mut Stage) {
    cut(stage, Ask::SendSms, Step::Close, false).await;
}

async fn new_connections_are_reset_during_a_query(stage: &mut Stage) {
    cut(stage, Ask::Queue, Step::Reset, false).await;
}

async fn new_connections_are_reset_during_a_submission(stage: &mut Stage) {
    cut(stage, Ask::SendSms, Step::Reset, false).await;
}

async fn kept_connections_close_during_a_query(stage: &mut Stage) {
    cut(stage, Ask::Queue, Step::Close, true).await;
}

async fn kept_connections_close_during_a_submission(stage: &mut Stage) {
    cut(stage, Ask::SendSms, Step::Close, true).await;
}

async fn kept_connections_are_reset_during_a_query(stage: &mut Stage) {
    cut(stage, Ask::Queue, Step::Reset, true).await;
}

async fn kept_connections_are_reset_during_a_submission(stage: &mut Stage) {
    cut(stage, Ask::SendSms, Step::Reset, true).await;
}

async fn responses_are_cut_after_a_login(stage: &mut Stage) {
    // Each third request gets no response.
    stage.peer.script(|request| match request.index {
        index if index % 3 == 0 => Reply::never().close(),
        _ if request.has_nonce("n1") => printed(request),
        _ => Reply::digest("n1"),
    });
    for ask in [Ask::Queue, Ask::Queue, Ask::SendSms, Ask::StopSms, Ask::Results, Ask::SendUssd] {
        stage.call(ask).await;
    }
}
