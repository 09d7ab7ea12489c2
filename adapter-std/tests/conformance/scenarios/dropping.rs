//! Futures and responses that are dropped before their end.

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
    a_call_is_dropped_while_connecting,
    a_call_is_dropped_before_the_response,
    a_call_is_dropped_in_the_head,
    a_call_is_dropped_in_the_body,
    a_call_is_dropped_during_the_probe,
    a_call_is_dropped_while_its_request_is_written,
    a_response_is_dropped_before_its_first_record,
    a_response_is_dropped_after_a_record,
    a_response_is_dropped_after_its_last_record,
];

/// Makes a call, drops it after 5 s, and makes it again with all in order.
async fn dropped(stage: &mut Stage, ask: Ask) {
    stage.call_for(ask, 5_000).await;
    stage.peer.plan(|_| Plan::default());
    stage.peer.script(printed);
    stage.wait(1_000).await;
    stage.call(ask).await;
}

async fn a_call_is_dropped_while_connecting(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.plan(|_| Plan { opening: Opening::Never, ..Plan::default() });
    dropped(stage, Ask::SendSms).await;
}

async fn a_call_is_dropped_before_the_response(stage: &mut Stage) {
    stage.set_up_open();
    dropped(stage, Ask::SendSms).await;
    stage.peer.script(|_| Reply::never());
    dropped(stage, Ask::Queue).await;
}

async fn drip(stage: &mut Stage, bytes: usize) {
    stage.set_up_open();
    for ask in [Ask::SendSms, Ask::Results] {
        stage.peer.script(move |request| printed(request).drip(bytes, Duration::from_secs(2)));
        dropped(stage, ask).await;
    }
}

async fn a_call_is_dropped_in_the_head(stage: &mut Stage) {
    drip(stage, 10).await;
}

async fn a_call_is_dropped_in_the_body(stage: &mut Stage) {
    drip(stage, 30).await;
}

async fn a_call_is_dropped_during_the_probe(stage: &mut Stage) {
    stage.peer.script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::never() });
    stage.call_for(Ask::SendSms, 5_000).await;
    stage.peer.script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    stage.call(Ask::SendSms).await;
}

async fn a_call_is_dropped_while_its_request_is_written(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.plan(|_| Plan { window: 60, ..Plan::default() });
    dropped(stage, Ask::SendSms).await;
}

async fn records(stage: &mut Stage, count: usize) {
    stage.set_up_open();
    stage.peer.script(printed);
    stage.call_up_to(Ask::Results, count).await;
    stage.wait(1_000).await;
    stage.call(Ask::Queue).await;
    stage.peer.script(|request| printed(request).drip(120, Duration::from_secs(1)));
    stage.call_up_to(Ask::Results, count).await;
    stage.peer.script(printed);
    stage.call(Ask::SendSms).await;
}

async fn a_response_is_dropped_before_its_first_record(stage: &mut Stage) {
    records(stage, 0).await;
}

async fn a_response_is_dropped_after_a_record(stage: &mut Stage) {
    records(stage, 1).await;
}

async fn a_response_is_dropped_after_its_last_record(stage: &mut Stage) {
    records(stage, 2).await;
}
