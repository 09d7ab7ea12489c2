//! Futures and responses that are dropped before their end.

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

/// Makes a call, drops it after 5 s, and makes it again when the gateway responds properly.
async fn dropped(harness: &mut Harness, call: ApiCall) {
    harness.call_for(call, 5_000).await;
    harness.peer.plan(|_| Plan::default());
    harness.peer.script(printed);
    harness.wait(1_000).await;
    harness.call(call).await;
}

async fn a_call_is_dropped_while_connecting(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.plan(|_| Plan { opening: Opening::Never, ..Plan::default() });
    dropped(harness, ApiCall::SendSms).await;
}

async fn a_call_is_dropped_before_the_response(harness: &mut Harness) {
    harness.set_up_open();
    dropped(harness, ApiCall::SendSms).await;
    harness.peer.script(|_| Reply::never());
    dropped(harness, ApiCall::Queue).await;
}

async fn drip(harness: &mut Harness, bytes: usize) {
    harness.set_up_open();
    for call in [ApiCall::SendSms, ApiCall::Results] {
        harness.peer.script(move |request| printed(request).drip(bytes, Duration::from_secs(2)));
        dropped(harness, call).await;
    }
}

async fn a_call_is_dropped_in_the_head(harness: &mut Harness) {
    drip(harness, 10).await;
}

async fn a_call_is_dropped_in_the_body(harness: &mut Harness) {
    drip(harness, 30).await;
}

async fn a_call_is_dropped_during_the_probe(harness: &mut Harness) {
    harness.peer.script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::never() });
    harness.call_for(ApiCall::SendSms, 5_000).await;
    harness
        .peer
        .script(|request| if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") });
    harness.call(ApiCall::SendSms).await;
}

async fn a_call_is_dropped_while_its_request_is_written(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.plan(|_| Plan { window: 60, ..Plan::default() });
    dropped(harness, ApiCall::SendSms).await;
}

async fn records(harness: &mut Harness, count: usize) {
    harness.set_up_open();
    harness.peer.script(printed);
    harness.call_up_to(ApiCall::Results, count).await;
    harness.wait(1_000).await;
    harness.call(ApiCall::Queue).await;
    harness.peer.script(|request| printed(request).drip(120, Duration::from_secs(1)));
    harness.call_up_to(ApiCall::Results, count).await;
    harness.peer.script(printed);
    harness.call(ApiCall::SendSms).await;
}

async fn a_response_is_dropped_before_its_first_record(harness: &mut Harness) {
    records(harness, 0).await;
}

async fn a_response_is_dropped_after_a_record(harness: &mut Harness) {
    records(harness, 1).await;
}

async fn a_response_is_dropped_after_its_last_record(harness: &mut Harness) {
    records(harness, 2).await;
}
