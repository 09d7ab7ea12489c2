//! Messages that a messenger sends and follows.

use std::time::Duration;

use sms_gateway::core::text::Encoding;

use crate::{
    harness::Harness,
    list,
    reply::Reply,
    subject::{Draft, MessengerSetup, MessengerSubject},
};

use super::model::GatewayModel;

list![
    a_message_is_delivered,
    messages_of_two_alphabets_are_delivered,
    messages_with_wishes_of_their_own_are_sent,
    messages_of_several_segments_are_delivered,
    messages_are_taken_while_others_are_under_way,
    a_message_is_not_sent_by_the_gateway,
    the_gateway_sends_a_part_of_a_message,
    a_message_is_not_delivered,
    results_never_show_a_message,
    a_report_never_arrives,
    a_message_waits_in_the_queue,
    a_message_is_stopped_before_its_submission,
    a_message_is_stopped_after_its_submission,
    the_task_to_stop_is_unknown,
    a_stop_is_lost,
    a_submission_is_lost_and_found,
    a_submission_is_lost_and_not_found,
    a_submission_is_lost_and_sent_again,
    a_submission_never_arrives,
    a_batch_is_refused_for_lack_of_a_port,
    a_batch_is_refused_as_too_large,
    a_batch_is_refused_without_a_code,
    a_batch_meets_http_500,
    a_batch_meets_http_500_without_a_proof,
    reports_of_others_arrive,
];

const MINUTE: Duration = Duration::from_secs(60);

/// Starts a messenger without an inbox.
pub async fn sender(harness: &Harness) -> MessengerSubject {
    harness.messenger(MessengerSetup::SENDER).await
}

async fn deliver(harness: &Harness, model: &GatewayModel, texts: &[&str], time: Duration) {
    model.serve_all(harness);
    send(harness, texts, time).await;
}

async fn send(harness: &Harness, texts: &[&str], time: Duration) {
    let mut messenger = sender(harness).await;
    for text in texts {
        messenger.send("10086", text).await;
    }
    messenger.run(time).await;
    messenger.shut_down().await;
}

async fn a_message_is_delivered(harness: &mut Harness) {
    deliver(harness, &GatewayModel::new(), &["Hello"], MINUTE).await;
}

async fn messages_of_two_alphabets_are_delivered(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.serve_all(harness);
    let mut messenger = sender(harness).await;
    let messages = [("1", "One"), ("2", "你好"), ("3", "\"Three\"\n#param#")];
    messenger.send_all(&messages.map(|(number, text)| Draft::new(number, text))).await;
    messenger.run(MINUTE).await;
    messenger.shut_down().await;
}

async fn messages_with_wishes_of_their_own_are_sent(harness: &mut Harness) {
    GatewayModel::new().serve_all(harness);
    let mut messenger = sender(harness).await;
    let drafts = [
        Draft { has_report: false, ..Draft::new("1", "No report") },
        Draft { encoding: Encoding::Unicode, ..Draft::new("2", "Unicode") },
        Draft { encoding: Encoding::Gsm7Bit, ..Draft::new("3", "{GSM 7-bit} €") },
        Draft { ports: "0,2".parse().unwrap(), ..Draft::new("4", "Two ports") },
    ];
    messenger.send_all(&drafts).await;
    messenger.run(2 * MINUTE).await;
    messenger.shut_down().await;
}

async fn messages_of_several_segments_are_delivered(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.content().segments = 2;
    model.serve_all(harness);
    let long = "All work and no play. ".repeat(12);
    send(harness, &["Hello", &long], MINUTE).await;
}

async fn the_gateway_sends_a_part_of_a_message(harness: &mut Harness) {
    let model = GatewayModel::new();
    (model.content().segments, model.content().fails) = (2, true);
    deliver(harness, &model, &["Hello"], 2 * MINUTE).await;
}

async fn results_never_show_a_message(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.content().hides = true;
    deliver(harness, &model, &["Hello"], 20 * MINUTE).await;
}

async fn messages_are_taken_while_others_are_under_way(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.serve_but(harness, |_| None);
    let mut messenger = sender(harness).await;
    for number in ["1", "2", "3", "4"] {
        messenger.send(number, "Hello").await;
        messenger.run(Duration::from_secs(5)).await;
    }
    messenger.run(MINUTE).await;
    messenger.shut_down().await;
}

async fn a_message_is_not_sent_by_the_gateway(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.content().fails = true;
    deliver(harness, &model, &["Hello"], 2 * MINUTE).await;
}

async fn a_message_is_not_delivered(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.content().report = Some(70);
    deliver(harness, &model, &["Hello"], MINUTE).await;
}

async fn a_report_never_arrives(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.content().report = None;
    deliver(harness, &model, &["Hello"], 10 * MINUTE).await;
}

async fn a_message_waits_in_the_queue(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.content().holds = true;
    model.serve_all(harness);
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(3 * MINUTE).await;
    model.content().holds = false;
    messenger.run(5 * MINUTE).await;
    messenger.shut_down().await;
}

async fn a_message_is_stopped_before_its_submission(harness: &mut Harness) {
    harness.peer.script(|_| Reply::never().close());
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(Duration::from_secs(1)).await;
    messenger.stop(0).await;
    messenger.run(MINUTE).await;
    messenger.shut_down().await;
}

/// Stops a message that the gateway has. The first request to stop it gets `reply`.
async fn stop(harness: &mut Harness, reply: impl Fn() -> Reply + Send + 'static) {
    let model = GatewayModel::new();
    model.content().holds = true;
    let mut is_first = true;
    model.serve_but(harness, move |request| {
        let meets = request.call() == "stop_sms" && std::mem::take(&mut is_first);
        meets.then(&reply)
    });
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(Duration::from_secs(1)).await;
    messenger.stop(0).await;
    messenger.run(2 * MINUTE).await;
    messenger.stop(0).await;
    messenger.shut_down().await;
}

async fn a_message_is_stopped_after_its_submission(harness: &mut Harness) {
    stop(harness, || Reply::json(r#"{"error_code":200}"#)).await;
}

async fn the_task_to_stop_is_unknown(harness: &mut Harness) {
    stop(harness, || Reply::json(r#"{"error_code":404}"#)).await;
}

async fn a_stop_is_lost(harness: &mut Harness) {
    stop(harness, || Reply::never().close()).await;
}

/// Sends messages. The first submission gets `reply`, and `is_taken` decides whether the gateway has accepted it.
async fn lose(
    harness: &mut Harness,
    is_taken: bool,
    may_resend: bool,
    reply: impl Fn() -> Reply + Send + 'static,
) {
    let model = GatewayModel::new();
    let mut is_first = true;
    let this = model.clone();
    harness.peer.script(move |request| {
        if request.call() == "send_sms" && request.has_nonce("n1") && std::mem::take(&mut is_first) {
            if is_taken {
                this.serve(request);
            }
            return reply();
        }
        this.answer(request)
    });
    let mut messenger = sender(harness).await;
    let drafts = ["1", "2", "3"].map(|number| Draft { may_resend, ..Draft::new(number, "Hello") });
    messenger.send_all(&drafts).await;
    messenger.run(15 * MINUTE).await;
    messenger.shut_down().await;
}

async fn a_submission_is_lost_and_found(harness: &mut Harness) {
    lose(harness, true, false, || Reply::never().close()).await;
}

async fn a_submission_is_lost_and_not_found(harness: &mut Harness) {
    lose(harness, false, false, || Reply::json(r#"{"error_code":202}"#).cut(20).close()).await;
}

async fn a_submission_is_lost_and_sent_again(harness: &mut Harness) {
    lose(harness, false, true, || Reply::never().reset()).await;
}

async fn a_submission_never_arrives(harness: &mut Harness) {
    lose(harness, false, true, Reply::never).await;
}

async fn a_batch_is_refused_for_lack_of_a_port(harness: &mut Harness) {
    lose(harness, false, false, || Reply::json(r#"{"error_code":550}"#)).await;
}

async fn a_batch_is_refused_as_too_large(harness: &mut Harness) {
    lose(harness, false, false, || Reply::json(r#"{"error_code":413}"#)).await;
}

async fn a_batch_is_refused_without_a_code(harness: &mut Harness) {
    lose(harness, false, false, || Reply::json(r#"{"sms_in_queue":0}"#)).await;
}

async fn a_batch_meets_http_500(harness: &mut Harness) {
    lose(harness, true, false, || Reply::status(500, "broken")).await;
}

/// No result has shown yet that the gateway returns user_ids.
async fn a_batch_meets_http_500_without_a_proof(harness: &mut Harness) {
    lose(harness, false, false, || Reply::status(500, "broken")).await;
    assert_eq!(harness.logged(": Unresolved, the end").len(), 3);
}

async fn reports_of_others_arrive(harness: &mut Harness) {
    let model = GatewayModel::new();
    let mut looks = 0;
    model.serve_but(harness, move |request| {
        (request.call() == "query_sms_deliver_status").then(|| {
            looks += 1;
            // The message's own report does not appear before the message is sent.
            let own =
                r#"{"port":0,"number":"10086","time":"2026-01-01 10:00:00","ref_id":10,"status_code":0},"#;
            let own = if looks == 1 { "" } else { own };
            let other =
                r#"{"port":5,"number":"777","time":"2026-01-01 10:00:00","ref_id":99,"status_code":0}"#;
            Reply::json(&format!(r#"{{"error_code":200,"result":[{other},{own}{{"port":"x"}}]}}"#))
        })
    });
    send(harness, &["Hello"], 5 * MINUTE).await;
}
