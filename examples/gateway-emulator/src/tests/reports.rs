//! The arrival and the content of status reports.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::advance;

use crate::{
    Emulator, Fate, Options, Plan, Status,
    test_client::{Client, open},
};

/// Sends a message of three segments with this plan through port 0.
async fn sent(plan: impl Into<Plan>, quirks: &str) -> (Emulator, Client) {
    let options = Options { start_time: Some(0), quirks: quirks.parse().unwrap(), ..Options::default() };
    let (gateway, mut client) = open(options).await;
    gateway.set_fate("13800138000", plan);
    let body =
        json!({"text": "a".repeat(135), "port": [0], "param": [{"number": "13800138000", "user_id": 1}]});
    assert_eq!(client.code("send_sms", &body.to_string()).await, 202);
    (gateway, client)
}

async fn reports(client: &mut Client) -> Vec<Value> {
    client.post("query_sms_deliver_status", "{}").await["result"].as_array().unwrap().clone()
}

/// Returns the references and status codes of the reports, in order of arrival.
async fn codes(client: &mut Client) -> Vec<(u64, u64)> {
    let pair = |report: &Value| Some((report["ref_id"].as_u64()?, report["status_code"].as_u64()?));
    reports(client).await.iter().filter_map(pair).collect()
}

#[tokio::test(start_paused = true)]
async fn one_for_each_segment() {
    let (gateway, mut client) = sent(Fate::Deliver, "none").await;
    gateway.idle().await;
    assert_eq!(codes(&mut client).await, [(0, 0), (1, 0), (2, 0)]);
    let raw = client.request("POST", "/api/query_sms_deliver_status", "", "{}").await.unwrap();
    assert!(raw.body.starts_with(
        r#"{"error_code":200,"result":[{"port":0,"number":"13800138000","time":"1970-01-01 00:00:00","ref_id":0,"status_code":0},"#
    ));
}

#[tokio::test(start_paused = true)]
async fn delivered_only_with_the_last() {
    let (gateway, mut client) = sent(Fate::Deliver.late(Duration::from_secs(100)), "none").await;
    advance(Duration::from_secs(100)).await;
    assert_eq!((reports(&mut client).await.len(), gateway.messages()[0].status), (0, Status::SentOk));
    while reports(&mut client).await.len() < 2 {
        advance(Duration::from_millis(500)).await;
    }
    assert_eq!(gateway.messages()[0].status, Status::SentOk);
    gateway.idle().await;
    assert_eq!(gateway.messages()[0].status, Status::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_report_after_endless_time_is_as_good_as_lost() {
    let (gateway, mut client) = sent(Fate::Deliver.late(Duration::MAX).temporary(32).doubled(), "none").await;
    advance(Duration::from_secs(86_400)).await;
    assert_eq!((reports(&mut client).await.len(), gateway.messages()[0].status), (0, Status::SentOk));
}

#[tokio::test(start_paused = true)]
async fn before_the_message_is_sent() {
    let (gateway, mut client) = sent(Fate::Deliver.early(), "none").await;
    while reports(&mut client).await.len() < 3 {
        advance(Duration::from_millis(100)).await;
    }
    assert_eq!(gateway.messages()[0].status, Status::Sending);
    gateway.idle().await;
    assert_eq!(gateway.messages()[0].status, Status::Delivered);
}

#[tokio::test(start_paused = true)]
async fn the_course_of_reports() {
    for (plan, expected, status) in [
        (Fate::Deliver.reversed(), vec![(2, 0), (1, 0), (0, 0)], Status::Delivered),
        (Fate::Deliver.lost(1), vec![(0, 0), (2, 0)], Status::SentOk),
        (Fate::FailAfter(1).doubled(), vec![(0, 0), (0, 0)], Status::Failed),
        (Fate::FailAfter(1).temporary(33), vec![(0, 33), (0, 0)], Status::Failed),
        (Fate::Undelivered(1).into(), vec![(0, 1), (1, 1), (2, 1)], Status::SentOk),
    ] {
        let (gateway, mut client) = sent(plan, "none").await;
        gateway.idle().await;
        assert_eq!(codes(&mut client).await, expected);
        assert_eq!(gateway.messages()[0].status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_are_spelt_otherwise() {
    for (list, spelt) in [
        ("none", "13800138000"),
        ("report-number-international", "+8613800138000"),
        ("report-number-national", "13800138000"),
    ] {
        let (gateway, mut client) = sent(Fate::Deliver, list).await;
        gateway.idle().await;
        assert_eq!(reports(&mut client).await[0]["number"], spelt);
        // A query by number must spell the number as the report does.
        for (number, count) in [(spelt, 3), ("0013800138000", 0)] {
            let body = json!({ "number": [number] }).to_string();
            let found = client.post("query_sms_deliver_status", &body).await;
            assert_eq!(found["result"].as_array().unwrap().len(), count);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_arrival() {
    let (gateway, mut client) =
        sent(Fate::Deliver.late(Duration::from_secs(60)), "report-time-arrival").await;
    gateway.idle().await;
    let time = reports(&mut client).await[0]["time"].as_str().unwrap().to_owned();
    assert!(("1970-01-01 00:01:05"..="1970-01-01 00:01:08").contains(&time.as_str()), "{time}");
}

#[tokio::test(start_paused = true)]
async fn the_clock_of_reports_may_be_behind() {
    let (gateway, mut client) = sent(Fate::Deliver, "report-clock=-3600").await;
    gateway.idle().await;
    let results = client.post("query_sms_result", "{}").await;
    let times = [&reports(&mut client).await[0], &results["result"][0]].map(|record| record["time"].clone());
    assert_eq!(times, ["1969-12-31 23:00:00", "1970-01-01 00:00:00"]);
    // The filters apply to the time in the report.
    let body = r#"{"time_after":"1970-01-01 00:00:00"}"#;
    let found = client.post("query_sms_deliver_status", body).await;
    assert_eq!(found["result"].as_array().unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn later_versions_leave_the_choice() {
    for (list, expected) in [("none", 1), ("later-version", 0)] {
        let options = Options { quirks: list.parse().unwrap(), ..Options::default() };
        let (gateway, mut client) = open(options).await;
        let body = r#"{"text":"hi","request_status_report":false,"param":[{"number":"1"}]}"#;
        assert_eq!(client.code("send_sms", body).await, 202);
        gateway.idle().await;
        assert_eq!(reports(&mut client).await.len(), expected);
    }
}
