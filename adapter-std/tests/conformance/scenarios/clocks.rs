//! Status reports with the time of another clock, and reports that decide nothing.

use std::time::Duration;

use sms_gateway::core::track::State;
use tokio::time::Instant;

use crate::{
    harness::Harness,
    list,
    peer::Request,
    reply::Reply,
    subject::{Matching, MessengerSetup, Stores},
};

use super::model::GatewayModel;

list![
    a_report_is_7_hours_behind,
    a_report_is_5_hours_behind,
    a_report_is_2_minutes_behind,
    a_report_is_2_seconds_behind,
    a_failure_is_7_hours_behind,
    a_result_shows_the_delivery,
];

const MINUTE: Duration = Duration::from_secs(60);

/// The messengers of the scenarios: one that is told that nothing else sends through the gateway, and one that is not.
const SENDERS: [MessengerSetup; 2] =
    [MessengerSetup::SENDER, MessengerSetup { matching: Matching::Quick, ..MessengerSetup::SENDER }];

/// Sends a message at 10:00:00. Its report has the time `time`, and the gateway selects reports by their time.
async fn report(harness: &mut Harness, time: &'static str, status: u8, end: State) {
    for setup in SENDERS {
        let model = GatewayModel::new();
        let this = model.clone();
        model.serve_but(harness, move |request| {
            let is_look = request.call() == "query_sms_deliver_status";
            is_look.then(|| show(request, &this, time, status))
        });
        let sent = harness.peer.elapsed();
        let mut messenger = harness.messenger(setup).await;
        messenger.send("10086", "Hello").await;
        messenger.run(2 * MINUTE).await;
        messenger.shut_down().await;
        let ends = harness.logged(", the end");
        let (at, line) = ends.last().unwrap();
        assert!(line.contains(&format!(": {end:?}")), "{line}");
        assert!(*at <= sent + MINUTE, "{at:?}");
        harness.wait(1000).await;
        harness.set_stores(Stores::new());
    }
}

/// Returns the report of the gateway's message, if the report's time is within the bounds of the request.
fn show(request: &Request, model: &GatewayModel, time: &str, status: u8) -> Reply {
    let bound = |key: &str| {
        let (_, rest) = request.body.split_once(&format!(r#""{key}":""#))?;
        rest.split('"').next()
    };
    let is_shown = !model.messages().is_empty()
        && bound("time_after").is_none_or(|after| time >= after)
        && bound("time_before").is_none_or(|before| time <= before);
    let report = format!(
        r#"{{"port":0,"number":"10086","time":"2026-01-01 {time}","ref_id":10,"status_code":{status}}}"#
    );
    let report = if is_shown { report } else { String::new() };
    Reply::json(&format!(r#"{{"error_code":200,"result":[{report}]}}"#))
}

async fn a_report_is_7_hours_behind(harness: &mut Harness) {
    report(harness, "03:00:00", 0, State::Delivered).await;
}

async fn a_report_is_5_hours_behind(harness: &mut Harness) {
    report(harness, "05:00:00", 0, State::Delivered).await;
}

async fn a_report_is_2_minutes_behind(harness: &mut Harness) {
    report(harness, "09:58:00", 0, State::Delivered).await;
}

async fn a_report_is_2_seconds_behind(harness: &mut Harness) {
    report(harness, "09:59:58", 0, State::Delivered).await;
}

async fn a_failure_is_7_hours_behind(harness: &mut Harness) {
    report(harness, "03:00:00", 70, State::Failed).await;
}

/// The reports cannot be matched, because they have another message's reference.
async fn a_result_shows_the_delivery(harness: &mut Harness) {
    let model = GatewayModel::new();
    let this = model.clone();
    let mut sent = None;
    model.serve_but(harness, move |request| match request.call() {
        "query_sms_deliver_status" => {
            let report = r#"{"port":0,"number":"10086","time":"2026-01-01 10:00:05","ref_id":99,"status_code":0}"#;
            let report = if this.messages().is_empty() { "" } else { report };
            Some(Reply::json(&format!(r#"{{"error_code":200,"result":[{report}]}}"#)))
        }
        "query_sms_result" => {
            let is_delivered = sent.get_or_insert_with(Instant::now).elapsed() >= Duration::from_secs(10);
            let status = if is_delivered { "DELIVERED" } else { "SENT_OK" };
            Some(Reply::json(&format!(
                r#"{{"error_code":200,"result":[{{"port":0,"user_id":4096,"number":"10086","time":"2026-01-01 10:00:00","status":"{status}","count":1,"succ_count":1,"ref_id":10}}]}}"#
            )))
        }
        _ => None,
    });
    let mut messenger =
        harness.messenger(MessengerSetup { matching: Matching::Strict, ..MessengerSetup::SENDER }).await;
    messenger.send("10086", "Hello").await;
    messenger.run(3 * MINUTE).await;
    messenger.shut_down().await;
    let [(sent, _)] = harness.logged(": Sent")[..] else { panic!("it is sent") };
    let delivered = harness.logged(": Delivered, the end");
    assert!(delivered[0].0 <= sent + MINUTE, "{delivered:?}");
}
