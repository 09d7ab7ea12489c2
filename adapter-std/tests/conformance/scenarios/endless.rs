//! Responses that never end. Calls are dropped after 10 minutes.

use std::time::Duration;

use crate::{
    harness::Harness,
    list,
    peer::Request,
    reply::Reply,
    subject::{ApiCall, MessengerSetup},
};

use super::calls::printed;

list![
    a_body_of_blanks_without_an_end,
    records_without_an_end,
    a_head_without_an_end,
    interim_responses_without_an_end,
    an_error_page_without_an_end,
    a_challenge_without_an_end,
    a_messenger_asks_for_records_without_an_end,
    a_messenger_submits_and_meets_blanks_without_an_end,
];

const EVERY: Duration = Duration::from_millis(100);
const TEN_MINUTES: u64 = 600_000;

/// Makes calls that get an endless response, and another call after each.
async fn endless(harness: &mut Harness, reply: impl Fn(&Request) -> Reply + Send + Clone + 'static) {
    for call in [ApiCall::Queue, ApiCall::Results, ApiCall::SendSms] {
        harness.peer.script(reply.clone());
        harness.call_silently_for(call, TEN_MINUTES).await;
        harness.peer.script(printed);
        harness.call(call).await;
    }
}

fn head(status: u16) -> Reply {
    Reply::raw(format!("HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n"))
}

async fn a_body_of_blanks_without_an_end(harness: &mut Harness) {
    harness.set_up_open();
    endless(harness, |_| head(200).endless("1\r\n \r\n", EVERY)).await;
}

/// Returns a response that repeats the same record without an end.
fn records(_: &Request) -> Reply {
    let begin = r#"{"error_code":200,"result":["#;
    let record = r#"{"port":2,"user_id":7,"number":"10086","status":"SENT_OK"},"#;
    let Reply { mut steps } = head(200);
    steps.push(crate::reply::Step::Bytes(format!("{:x}\r\n{begin}\r\n", begin.len()).into()));
    Reply { steps }.endless(&format!("{:x}\r\n{record}\r\n", record.len()), EVERY)
}

async fn records_without_an_end(harness: &mut Harness) {
    harness.set_up_open();
    endless(harness, records).await;
}

async fn a_head_without_an_end(harness: &mut Harness) {
    harness.set_up_open();
    endless(harness, |_| Reply::raw("HTTP/1.1 200 X\r\n").endless("X: y\r\n", EVERY)).await;
}

async fn interim_responses_without_an_end(harness: &mut Harness) {
    harness.set_up_open();
    endless(harness, |_| Reply::never().endless("HTTP/1.1 100 Continue\r\n\r\n", EVERY)).await;
}

async fn an_error_page_without_an_end(harness: &mut Harness) {
    harness.set_up_open();
    endless(harness, |_| head(404).endless("1\r\n \r\n", EVERY)).await;
}

async fn a_challenge_without_an_end(harness: &mut Harness) {
    harness.peer.script(|request| {
        if request.has_nonce("n1") {
            printed(request)
        } else {
            let challenge = "WWW-Authenticate: Digest realm=\"box\", nonce=\"n1\", qop=\"auth\"";
            let head = format!("HTTP/1.1 401 X\r\n{challenge}\r\nTransfer-Encoding: chunked\r\n\r\n");
            Reply::raw(head).endless("1\r\n \r\n", EVERY)
        }
    });
    harness.call(ApiCall::SendSms).await;
}

/// Sends a message through a gateway whose first response to `call` does not end, and then shuts the messenger down.
async fn messenger(
    harness: &mut Harness,
    call: &'static str,
    reply: impl Fn(&Request) -> Reply + Send + 'static,
) {
    let model = super::model::GatewayModel::new();
    let mut is_first = true;
    model.serve_but(harness, move |request| {
        let is_endless = request.call() == call && std::mem::take(&mut is_first);
        is_endless.then(|| reply(request))
    });
    let mut messenger = harness.messenger(MessengerSetup::SENDER).await;
    messenger.send("10086", "Hello").await;
    let minutes = Duration::from_secs(600);
    if tokio::time::timeout(minutes, messenger.run(minutes / 2)).await.is_err() {
        harness.note("the messenger does nothing else");
    }
    if tokio::time::timeout(minutes, messenger.shut_down()).await.is_err() {
        harness.note("the shutdown does not end");
    }
}

async fn a_messenger_asks_for_records_without_an_end(harness: &mut Harness) {
    messenger(harness, "query_sms_result", records).await;
}

async fn a_messenger_submits_and_meets_blanks_without_an_end(harness: &mut Harness) {
    messenger(harness, "send_sms", |_| head(200).endless("1\r\n \r\n", EVERY)).await;
}
