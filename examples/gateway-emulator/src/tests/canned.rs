//! Prepared responses.

use std::time::Duration;

use crate::{
    Canned, End, Options,
    test_client::{Client, open},
};

const SEND: &str = r#"{"text":"hi","param":[{"number":"10086","user_id":1}]}"#;

#[tokio::test]
async fn an_answer_instead_of_the_true_one() {
    let (gateway, mut client) = open(Options::default()).await;
    gateway.answer_next("send_sms", Canned::json(200, r#"{"error_code":500}"#));
    gateway.answer_next("send_sms", Canned::bytes("HTTP/1.1 204 Odd\r\nX: y\r\nContent-Length: 0\r\n\r\n"));
    assert_eq!(client.get("/api/query_sms_in_queue").await["in_queue"], 0);
    assert_eq!(client.code("send_sms", SEND).await, 500);
    let raw = client.request("POST", "/api/send_sms", "", SEND).await.unwrap();
    assert_eq!(raw.head, "HTTP/1.1 204 Odd\r\nX: y\r\nContent-Length: 0\r\n\r\n");
    assert!(gateway.messages().is_empty());
    assert_eq!(client.code("send_sms", SEND).await, 202);
    let seen: Vec<_> = gateway.requests().iter().map(|seen| (seen.status, seen.error_code)).collect();
    assert_eq!(seen, [(Some(200), Some(200)), (Some(200), None), (Some(204), None), (Some(200), Some(202))]);
}

#[tokio::test]
async fn the_true_answer_is_lost() {
    let (gateway, mut client) = open(Options::default()).await;
    gateway.answer_next("send_sms", Canned::truth().cut_at(0));
    client.send("POST", "/api/send_sms", "", SEND).await.unwrap();
    assert_eq!(client.remaining().await, "");
    assert_eq!(gateway.messages().len(), 1);
    gateway.answer_next("send_sms", Canned::silence());
    let mut client = Client::connect(&gateway).await;
    client.send("POST", "/api/send_sms", "", SEND).await.unwrap();
    assert_eq!(client.remaining().await, "");
    assert_eq!(gateway.messages().len(), 1);
}

#[tokio::test]
async fn the_true_answer_is_cut_or_replaced() {
    let (gateway, mut client) = open(Options::default()).await;
    gateway.answer_next("send_sms", Canned::json(200, "{}").carried_out());
    assert_eq!(client.post("send_sms", SEND).await, serde_json::json!({}));
    assert_eq!(gateway.messages().len(), 1);
    let whole = client.request("GET", "/api/query_sms_in_queue", "", "").await.unwrap();
    assert_eq!(whole.body.len(), 31);
    gateway.answer_next("query_sms_in_queue", Canned::truth().cut_at(94));
    client.send("GET", "/api/query_sms_in_queue", "", "").await.unwrap();
    let cut = client.remaining().await;
    assert!(cut.len() == 94 && cut.contains("Content-Length: 31\r\n\r\n{\"error_code\""), "{cut}");
}

#[tokio::test(start_paused = true)]
async fn in_pieces_and_stalling() {
    let (gateway, mut client) = open(Options::default()).await;
    gateway.answer_next("query_sms_in_queue", Canned::truth().in_pieces(1, Duration::from_secs(1)));
    let started = tokio::time::Instant::now();
    let body = client.get("/api/query_sms_in_queue").await;
    assert_eq!(body["in_queue"], 0);
    assert!(started.elapsed() > Duration::from_secs(100));
    gateway.answer_next("query_sms_in_queue", Canned::truth().cut_at(20).then(End::Stall));
    client.send("GET", "/api/query_sms_in_queue", "", "").await.unwrap();
    assert_eq!(client.take(20).await.unwrap(), "HTTP/1.1 200 OK\r\nCon");
    let waited = tokio::time::timeout(Duration::from_secs(3600), client.remaining()).await;
    assert!(waited.is_err());
    drop(gateway);
    assert_eq!(client.remaining().await, "");
}
