//! Messages that a messenger sends and follows.

use std::time::Duration;

use crate::{
    list,
    reply::Reply,
    stage::Stage,
    subject::{Messenger, MessengerSetup},
};

use super::station::Station;

list![
    a_message_is_delivered,
    messages_of_two_alphabets_are_delivered,
    messages_are_taken_while_others_are_under_way,
    a_message_is_not_sent_by_the_gateway,
    a_message_is_not_delivered,
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
    reports_of_others_arrive,
];

const MINUTE: Duration = Duration::from_secs(60);

/// A messenger without an inbox.
pub async fn sender(stage: &Stage) -> Messenger {
    stage.messenger(MessengerSetup::default()).await
}

async fn deliver(stage: &Stage, station: &Station, texts: &[&str], time: Duration) {
    station.serve_all(stage);
    send(stage, texts, time).await;
}

async fn send(stage: &Stage, texts: &[&str], time: Duration) {
    let mut messenger = sender(stage).await;
    for text in texts {
        messenger.send("10086", text).await;
    }
    messenger.run(time).await;
    messenger.shut_down().await;
}

async fn a_message_is_delivered(stage: &mut Stage) {
    deliver(stage, &Station::new(), &["Hello"], MINUTE).await;
}

async fn messages_of_two_alphabets_are_delivered(stage: &mut Stage) {
    let station = Station::new();
    station.serve_all(stage);
    let mut messenger = sender(stage).await;
    let messages = [("1", "One"), ("2", "你好"), ("3", "\"Three\"\n#param#")];
    messenger.send_all(&messages, false).await;
    messenger.run(MINUTE).await;
    messenger.shut_down().await;
}

async fn messages_are_taken_while_others_are_under_way(stage: &mut Stage) {
    let station = Station::new();
    station.serve_but(stage, |_| None);
    let mut messenger = sender(stage).await;
    for number in ["1", "2", "3", "4"] {
        messenger.send(number, "Hello").await;
        messenger.run(Duration::from_secs(5)).await;
    }
    messenger.run(MINUTE).await;
    messenger.shut_down().await;
}

async fn a_message_is_not_sent_by_the_gateway(stage: &mut Stage) {
    let station = Station::new();
    station.content().fails = true;
    deliver(stage, &station, &["Hello"], 2 * MINUTE).await;
}

async fn a_message_is_not_delivered(stage: &mut Stage) {
    let station = Station::new();
    station.content().report = Some(70);
    deliver(stage, &station, &["Hello"], MINUTE).await;
}

async fn a_report_never_arrives(stage: &mut Stage) {
    let station = Station::new();
    station.content().report = None;
    deliver(stage, &station, &["Hello"], 10 * MINUTE).await;
}

async fn a_message_waits_in_the_queue(stage: &mut Stage) {
    let station = Station::new();
    station.content().holds = true;
    station.serve_all(stage);
    let mut messenger = sender(stage).await;
    messenger.send("10086", "Hello").await;
    messenger.run(3 * MINUTE).await;
    station.content().holds = false;
    messenger.run(5 * MINUTE).await;
    messenger.shut_down().await;
}

async fn a_message_is_stopped_before_its_submission(stage: &mut Stage) {
    stage.peer.script(|_| Reply::never().close());
    let mut messenger = sender(stage).await;
    messenger.send("10086", "Hello").await;
    messenger.run(Duration::from_secs(1)).await;
    messenger.stop(0).await;
    messenger.run(MINUTE).await;
    messenger.shut_down().await;
}

/// Stops a message that the gateway has, and whose stop meets `reply` first.
async fn stop(stage: &mut Stage, reply: impl Fn() -> Reply + Send + 'static) {
    let station = Station::new();
    station.content().holds = true;
    let mut is_first = true;
    station.serve_but(stage, move |request| {
        let meets = request.call() == "stop_sms" && std::mem::take(&mut is_first);
        meets.then(&reply)
    });
    let mut messenger = sender(stage).await;
    messenger.send("10086", "Hello").await;
    messenger.run(Duration::from_secs(1)).await;
    messenger.stop(0).await;
    messenger.run(2 * MINUTE).await;
    messenger.stop(0).await;
    messenger.shut_down().await;
}

async fn a_message_is_stopped_after_its_submission(stage: &mut Stage) {
    stop(stage, || Reply::json(r#"{"error_code":200}"#)).await;
}

async fn the_task_to_stop_is_unknown(stage: &mut Stage) {
    stop(stage, || Reply::json(r#"{"error_code":404}"#)).await;
}

async fn a_stop_is_lost(stage: &mut Stage) {
    stop(stage, || Reply::never().close()).await;
}

/// Sends messages, whose first submission meets `reply`. The gateway has them or not.
async fn lose(
    stage: &mut Stage,
    is_taken: bool,
    may_resend: bool,
    reply: impl Fn() -> Reply + Send + 'static,
) {
    let station = Station::new();
    let mut is_first = true;
    let this = station.clone();
    stage.peer.script(move |request| {
        if request.call() == "send_sms" && request.has_nonce("n1") && std::mem::take(&mut is_first) {
            if is_taken {
                this.serve(request);
            }
            return reply();
        }
        this.answer(request)
    });
    let mut messenger = sender(stage).await;
    messenger.send_all(&[("1", "Hello"), ("2", "Hello"), ("3", "Hello")], may_resend).await;
    messenger.run(15 * MINUTE).await;
    messenger.shut_down().await;
}

async fn a_submission_is_lost_and_found(stage: &mut Stage) {
    lose(stage, true, false, || Reply::never().close()).await;
}

async fn a_submission_is_lost_and_not_found(stage: &mut Stage) {
    lose(stage, false, false, || Reply::json(r#"{"error_code":202}"#).cut(20).close()).await;
}

async fn a_submission_is_lost_and_sent_again(stage: &mut Stage) {
    lose(stage, false, true, || Reply::never().reset()).await;
}

async fn a_submission_never_arrives(stage: &mut Stage) {
    lose(stage, false, true, Reply::never).await;
}

async fn a_batch_is_refused_for_lack_of_a_port(stage: &mut Stage) {
    lose(stage, false, false, || Reply::json(r#"{"error_code":550}"#)).await;
}

async fn a_batch_is_refused_as_too_large(stage: &mut Stage) {
    lose(stage, false, false, || Reply::json(r#"{"error_code":413}"#)).await;
}

async fn a_batch_is_refused_without_a_code(stage: &mut Stage) {
    lose(stage, false, false, || Reply::json(r#"{"sms_in_queue":0}"#)).await;
}

async fn a_batch_meets_http_500(stage: &mut Stage) {
    lose(stage, true, false, || Reply::status(500, "broken")).await;
}

async fn reports_of_others_arrive(stage: &mut Stage) {
    let station = Station::new();
    station.serve_but(stage, |request| {
        (request.call() == "query_sms_deliver_status").then(|| {
            Reply::json(
                r#"{"error_code":200,"result":[{"port":5,"number":"777","time":"2026-01-01 10:00:00","ref_id":99,"status_code":0},{"port":0,"number":"10086","time":"2026-01-01 10:00:00","ref_id":10,"status_code":0},{"port":"x"}]}"#,
            )
        })
    });
    send(stage, &["Hello"], 5 * MINUTE).await;
}
