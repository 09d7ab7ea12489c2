//! Submissions that the gateway refuses. Every message that is not itself at fault is sent, and only once.

use std::{collections::BTreeSet, time::Duration};

use crate::{harness::Harness, list, peer::Request, reply::Reply, subject::Draft};

use super::{messenger::sender, model::GatewayModel};

list![
    one_number_of_many_is_refused,
    one_text_is_answered_with_http_400,
    a_gateway_takes_ten_recipients,
    a_gateway_takes_3_kb,
    no_port_is_available_for_30_s,
    an_error_passes,
    an_error_of_the_api_passes,
];

const MINUTE: Duration = Duration::from_secs(60);

/// Sends 15 messages. `refusal` decides which submissions are refused. All messages but those to the numbers in `bad` must arrive
/// once.
async fn refuse(
    harness: &mut Harness,
    bad: &[&str],
    mut refusal: impl FnMut(&Request) -> Option<Reply> + Send + 'static,
) {
    let model = GatewayModel::new();
    let this = model.clone();
    harness.peer.script(move |request| {
        let is_submission = request.call() == "send_sms" && request.has_nonce("n1");
        let refused = if is_submission { refusal(request) } else { None };
        refused.unwrap_or_else(|| this.answer(request))
    });
    let mut messenger = sender(harness).await;
    let numbers: Vec<String> = (1..=15).map(|number| number.to_string()).collect();
    let text = "All work and no play. ".repeat(7);
    let drafts: Vec<_> = numbers.iter().map(|number| Draft::new(number, &text)).collect();
    messenger.send_all(&drafts).await;
    messenger.run(6 * MINUTE).await;
    messenger.shut_down().await;
    let arrived: Vec<String> = model.messages().into_iter().map(|(_, number)| number).collect();
    let once: BTreeSet<&str> = arrived.iter().map(String::as_str).collect();
    assert_eq!((arrived.len(), once.len()), (15 - bad.len(), 15 - bad.len()));
    assert!(bad.iter().all(|number| !once.contains(number)));
}

async fn one_number_of_many_is_refused(harness: &mut Harness) {
    refuse(harness, &["13"], |request| {
        request.body.contains(r#""number":"13""#).then(|| Reply::json(r#"{"error_code":400}"#))
    })
    .await;
}

async fn one_text_is_answered_with_http_400(harness: &mut Harness) {
    refuse(harness, &["7"], |request| {
        let is_bad = request.body.contains(r#""number":"7""#);
        is_bad.then(|| Reply::with(400, "Content-Type: text/html\r\n", "<html><h1>Bad Request</h1></html>"))
    })
    .await;
}

async fn a_gateway_takes_ten_recipients(harness: &mut Harness) {
    refuse(harness, &[], |request| {
        let count = request.body.matches(r#""number":"#).count();
        (count > 10).then(|| Reply::json(r#"{"error_code":413}"#))
    })
    .await;
}

async fn a_gateway_takes_3_kb(harness: &mut Harness) {
    refuse(harness, &[], |request| {
        (request.body.len() > 3000).then(|| Reply::status(413, "Too large").close())
    })
    .await;
}

async fn no_port_is_available_for_30_s(harness: &mut Harness) {
    // The client tries again after 2 s, 4 s, 8 s and 16 s.
    let mut left = 4;
    refuse(harness, &[], move |_| {
        let is_left = left > 0;
        left -= i32::from(is_left);
        is_left.then(|| Reply::json(r#"{"error_code":550}"#))
    })
    .await;
}

async fn an_error_passes(harness: &mut Harness) {
    pass(harness, || Reply::status(500, "busy")).await;
}

async fn an_error_of_the_api_passes(harness: &mut Harness) {
    pass(harness, || Reply::json(r#"{"error_code":500}"#)).await;
}

/// Sends messages in a submission that gets an error. A previous message shows that the gateway returns user_ids.
async fn pass(harness: &mut Harness, error: impl Fn() -> Reply + Send + 'static) {
    let model = GatewayModel::new();
    let this = model.clone();
    let mut submissions = 0;
    harness.peer.script(move |request| {
        let is_submission = request.call() == "send_sms" && request.has_nonce("n1");
        submissions += u32::from(is_submission);
        if is_submission && submissions == 2 { error() } else { this.answer(request) }
    });
    let mut messenger = sender(harness).await;
    messenger.send("1", "Hello").await;
    messenger.run(MINUTE).await;
    messenger.send_all(&["2", "3", "4"].map(|number| Draft::new(number, "Hello"))).await;
    messenger.run(5 * MINUTE).await;
    messenger.shut_down().await;
    let numbers: Vec<String> = model.messages().into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, ["1", "2", "3", "4"]);
}
