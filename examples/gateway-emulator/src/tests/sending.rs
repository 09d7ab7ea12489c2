//! Ports, queue, segments and fates.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use crate::{
    Emulator, Fate, Options, Plan, Reg, Status,
    test_client::{Client, open},
};

/// Returns a request for one message through these ports.
fn send(number: &str, text: &str, ports: &[u8]) -> String {
    json!({"text": "#param#", "port": ports, "param": [{"number": number, "text_param": [text], "user_id": 7}]}).to_string()
}

async fn results(client: &mut Client) -> Vec<Value> {
    client.post("query_sms_result", "{}").await["result"].as_array().unwrap().clone()
}

async fn fresh() -> (Emulator, Client) {
    open(Options { start_time: Some(0), ..Options::default() }).await
}

#[tokio::test(start_paused = true)]
async fn a_message_takes_five_to_eight_seconds() {
    for seed in 0..20 {
        let (gateway, mut client) = open(Options { seed, ports: 1, ..Options::default() }).await;
        gateway.set_fate("1", Fate::NoReport);
        client.code("send_sms", &send("1", "hi", &[])).await;
        advance(Duration::from_millis(4999)).await;
        assert_eq!(results(&mut client).await[0]["status"], "SENDING");
        advance(Duration::from_millis(3001)).await;
        assert_eq!(results(&mut client).await[0]["status"], "SENT_OK");
        assert_eq!(gateway.counts().segments_sent, [1]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_shows_when_it_was_accepted_and_when_its_first_segment_was_sent() {
    let (gateway, mut client) = open(Options { ports: 1, ..Options::default() }).await;
    let begin = Instant::now();
    client.code("send_sms", &send("1", "hi", &[])).await;
    assert_eq!(gateway.messages()[0].sent_at, None);
    advance(Duration::from_secs(60)).await;
    let seen = &gateway.messages()[0];
    assert_eq!(seen.accepted_at, begin);
    // The segment is sent halfway through the 5 to 8 s.
    let took = seen.sent_at.unwrap() - begin;
    assert!((Duration::from_millis(2500)..=Duration::from_secs(4)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn speed_shortens_it() {
    let (gateway, mut client) =
        open(Options { speed: 100.0, start_time: Some(0), ..Options::default() }).await;
    gateway.set_fate("1", Fate::NoReport);
    client.code("send_sms", &send("1", "hi", &[])).await;
    let started = Instant::now();
    gateway.idle().await;
    let taken = started.elapsed();
    assert!((Duration::from_millis(50)..=Duration::from_millis(81)).contains(&taken), "{taken:?}");
    client.code("send_sms", &send("1", "hi", &[])).await;
    let second = results(&mut client).await[1]["time"].as_str().unwrap().to_owned();
    assert!(("1970-01-01 00:00:05"..="1970-01-01 00:00:08").contains(&second.as_str()), "{second}");
}

#[tokio::test(start_paused = true)]
async fn a_record_has_what_the_document_lists() {
    let (gateway, mut client) = fresh().await;
    client.code("send_sms", &send("+4915112345678", "hi", &[3])).await;
    gateway.idle().await;
    let raw = client.request("POST", "/api/query_sms_result", "", "{}").await.unwrap();
    assert_eq!(
        raw.body,
        r#"{"error_code":200,"result":[{"port":3,"user_id":7,"number":"+4915112345678","time":"1970-01-01 00:00:00","status":"DELIVERED","count":1,"succ_count":1,"ref_id":0}]}"#
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_messages_are_in_the_queue_but_not_in_the_results() {
    let (gateway, mut client) = fresh().await;
    for waiting in [1, 1, 2] {
        let answer = client.post("send_sms", &send("1", "hi", &[0])).await;
        assert_eq!(answer["sms_in_queue"], waiting);
    }
    assert_eq!(client.get("/api/query_sms_in_queue").await["in_queue"], 2);
    assert_eq!(results(&mut client).await.len(), 1);
    advance(Duration::from_secs(8)).await;
    assert_eq!(client.get("/api/query_sms_in_queue").await["in_queue"], 1);
    gateway.idle().await;
    let refs: Vec<_> = results(&mut client).await.iter().map(|result| result["ref_id"].clone()).collect();
    assert_eq!(refs, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn messages_without_a_port_spread_over_those_that_are_registered() {
    let (gateway, mut client) = open(Options { ports: 4, ..Options::default() }).await;
    gateway.set_reg(2, Reg::NoSim);
    for _ in 0..6 {
        client.code("send_sms", &send("1", "hi", &[])).await;
    }
    gateway.idle().await;
    let mut ports: Vec<_> = gateway.messages().iter().filter_map(|message| message.port).collect();
    assert_eq!(ports[..3], [0, 1, 3]);
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports, [0, 1, 3]);
    // The ports also take turns if the messages are sent one by one.
    for port in [0, 1, 3] {
        let before = gateway.counts().segments_sent[port];
        for _ in 0..3 {
            client.code("send_sms", &send("1", "hi", &[])).await;
            gateway.idle().await;
        }
        assert_eq!(gateway.counts().segments_sent[port], before + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_available_port_nothing_is_accepted() {
    let (gateway, mut client) = open(Options { ports: 2, ..Options::default() }).await;
    assert_eq!(client.code("send_sms", &send("1", "hi", &[31])).await, 500);
    gateway.set_reg(1, Reg::SearchingNetwork);
    assert_eq!(client.code("send_sms", &send("1", "hi", &[1])).await, 500);
    gateway.set_quirks("later-version".parse().unwrap());
    assert_eq!(client.code("send_sms", &send("1", "hi", &[1])).await, 550);
    assert_eq!(client.code("send_sms", &send("1", "hi", &[0, 1])).await, 202);
}

#[tokio::test(start_paused = true)]
async fn messages_for_a_lost_port_continue_to_wait() {
    let (gateway, mut client) = open(Options { ports: 1, ..Options::default() }).await;
    client.code("send_sms", &send("1", "hi", &[0])).await;
    client.code("send_sms", &send("1", "hi", &[0])).await;
    gateway.set_reg(0, Reg::Unregister);
    gateway.idle().await;
    assert_eq!(gateway.messages()[1].status, Status::Waiting);
    gateway.set_reg(0, Reg::RegisterOk);
    gateway.idle().await;
    assert_eq!(gateway.messages()[1].status, Status::Delivered);
}

#[tokio::test(start_paused = true)]
async fn references_follow_one_another_on_a_port_and_wrap() {
    let (gateway, mut client) = fresh().await;
    // Reports that arrive with their segments arrive in the order of the segments.
    gateway.set_fate("1", Fate::Deliver.early());
    let long = "é".repeat(67 * 100);
    for _ in 0..3 {
        client.code("send_sms", &send("1", &long, &[5])).await;
    }
    client.code("send_sms", &send("1", "hi", &[4])).await;
    gateway.idle().await;
    let seen: Vec<_> = results(&mut client)
        .await
        .iter()
        .map(|r| (r["port"].clone(), r["ref_id"].clone(), r["succ_count"].clone()))
        .collect();
    let expected = [(5, 0, 100), (5, 100, 100), (5, 200, 100), (4, 0, 1)];
    assert_eq!(seen, expected.map(|(port, reference, sent)| (port.into(), reference.into(), sent.into())));
    let reports = client.post("query_sms_deliver_status", r#"{"port":[5]}"#).await;
    let mut refs: Vec<_> =
        reports["result"].as_array().unwrap().iter().map(|r| r["ref_id"].as_u64().unwrap()).collect();
    assert_eq!(refs.len(), 300);
    assert_eq!(refs[200 + 55..200 + 57], [255, 0]);
    refs.dedup();
    assert_eq!(refs.len(), 300);
}

#[tokio::test(start_paused = true)]
async fn segments_go_by_the_encoding() {
    let (gateway, mut client) = fresh().await;
    for (text, encoding, segments) in [
        ("a".repeat(160), "gsm-7bit", 1),
        ("a".repeat(161), "gsm-7bit", 2),
        ("a".repeat(70), "unicode", 1),
        ("a".repeat(71), "unicode", 2),
    ] {
        let body = json!({"text": text, "encoding": encoding, "param": [{"number": "1"}]}).to_string();
        assert_eq!(client.code("send_sms", &body).await, 202);
        assert_eq!(gateway.messages().last().unwrap().segments, segments);
    }
}

#[tokio::test(start_paused = true)]
async fn fates() {
    for (fate, status, sent, reports) in [
        (Fate::Deliver, "DELIVERED", 3, 3),
        (Fate::Fail, "FAILED", 0, 0),
        (Fate::FailAfter(2), "FAILED", 2, 2),
        (Fate::FailAfter(9), "FAILED", 3, 3),
        (Fate::Undelivered(70), "SENT_OK", 3, 3),
        (Fate::NoReport, "SENT_OK", 3, 0),
        (Fate::Stuck, "SENDING", 0, 0),
    ] {
        let (gateway, mut client) = fresh().await;
        gateway.set_fate("1", fate);
        client.code("send_sms", &send("1", &"a".repeat(135), &[0])).await;
        gateway.idle().await;
        let result = results(&mut client).await.remove(0);
        assert_eq!((&result["status"], &result["succ_count"]), (&status.into(), &sent.into()), "{fate:?}");
        let answer = client.post("query_sms_deliver_status", "{}").await;
        assert_eq!(answer["result"].as_array().unwrap().len(), reports, "{fate:?}");
        client.code("send_sms", &send("2", "hi", &[0])).await;
        gateway.idle().await;
        assert_eq!(gateway.messages()[1].status, Status::Delivered);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hidden_message_is_sent_without_a_result_or_a_report() {
    let (gateway, mut client) = fresh().await;
    gateway.set_fate("1", Fate::Hidden);
    client.code("send_sms", &send("1", "hi", &[0])).await;
    gateway.idle().await;
    let seen = gateway.messages().remove(0);
    assert_eq!((seen.status, seen.sent), (Status::SentOk, 1));
    assert!(results(&mut client).await.is_empty());
    let answer = client.post("query_sms_deliver_status", "{}").await;
    assert_eq!(answer["result"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn chance_has_a_seed() {
    let mut outcomes = Vec::new();
    for seed in [1, 1, 2] {
        let (gateway, mut client) = open(Options { seed, random_fates: true, ..Options::default() }).await;
        gateway.set_fate("2", Plan::from(Fate::Fail));
        let list: Vec<_> = (0..128).map(|n| json!({"number": if n == 0 { "2" } else { "1" }})).collect();
        client.code("send_sms", &json!({"text": "hi", "param": list}).to_string()).await;
        gateway.idle().await;
        let statuses: Vec<_> = gateway.messages().iter().map(|message| message.status).collect();
        assert_eq!(statuses[0], Status::Failed);
        assert!(
            [Status::Failed, Status::SentOk, Status::Delivered]
                .iter()
                .all(|status| statuses[1..].contains(status))
        );
        outcomes.push(statuses);
    }
    assert!(outcomes[0] == outcomes[1] && outcomes[0] != outcomes[2]);
}
