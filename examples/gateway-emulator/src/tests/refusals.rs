//! Refused submissions.

use serde_json::{Value, json};

use crate::{
    Emulator, Options,
    test_client::{Client, open},
};

const QUEUE: &str = "/api/query_sms_in_queue";

async fn with(quirks: &str) -> (Emulator, Client) {
    open(Options { quirks: quirks.parse().unwrap(), ..Options::default() }).await
}

fn request(text: &str, numbers: &[&str]) -> Value {
    let recipients: Vec<_> = numbers.iter().map(|number| json!({"number": number})).collect();
    json!({"text": text, "param": recipients})
}

/// Returns the HTTP status of the response to a `send_sms`, and its error code if there is one.
async fn send(client: &mut Client, body: &Value) -> (u16, Option<u64>) {
    let raw = client.request("POST", "/api/send_sms", "", &body.to_string()).await.unwrap();
    let code = serde_json::from_str::<Value>(&raw.body).ok().and_then(|body| body["error_code"].as_u64());
    (raw.status(), code)
}

#[tokio::test]
async fn one_bad_number_refuses_the_whole_request() {
    let (gateway, mut client) = with("bad-number=02").await;
    assert_eq!(send(&mut client, &request("a", &["1", "1002", "2"])).await, (200, Some(400)));
    assert_eq!(gateway.counts().accepted, 0);
    assert_eq!(send(&mut client, &request("a", &["1", "2", "021"])).await, (200, Some(202)));
    assert_eq!(gateway.counts().accepted, 3);
}

#[tokio::test]
async fn a_bad_text_gets_http_400() {
    let (gateway, mut client) = with("bad-text=déjà").await;
    assert_eq!(send(&mut client, &request("déjà vu", &["1"])).await, (400, None));
    let recipients = json!([{"number": "1", "text_param": ["b"]}, {"number": "2", "text_param": ["déjà"]}]);
    assert_eq!(send(&mut client, &json!({"text": "#param#", "param": recipients})).await, (400, None));
    assert_eq!(gateway.counts().accepted, 0);
    assert_eq!(send(&mut client, &request("deja vu", &["1"])).await, (200, Some(202)));
}

#[tokio::test]
async fn large_requests_are_refused() {
    let (gateway, mut client) = with("max-recipients=2,max-kilobytes=1").await;
    assert_eq!(send(&mut client, &request("a", &["1"; 3])).await, (200, Some(413)));
    let at_edge = |more: usize| {
        let rest = request("", &["1", "2"]).to_string().len();
        request(&"a".repeat(1024 - rest + more), &["1", "2"])
    };
    assert_eq!(send(&mut client, &at_edge(0)).await, (200, Some(202)));
    let raw = client.request("POST", "/api/send_sms", "", &at_edge(1).to_string()).await.unwrap();
    assert_eq!((raw.status(), raw.header("connection")), (413, Some("close")));
    assert_eq!(client.remaining().await, "");
    assert_eq!(gateway.counts().accepted, 2);
    // The limit on kilobytes does not apply to queries.
    let mut client = Client::connect(&gateway).await;
    assert_eq!(client.code("query_sms_result", &json!({"user_id": vec![1; 999]}).to_string()).await, 200);
}

#[tokio::test]
async fn the_first_submissions_are_refused_in_turn() {
    let (gateway, mut client) = with("first-550=2,first-500=1,first-http-500=1").await;
    let refusals = [(500, None), (200, Some(550)), (200, Some(550)), (200, Some(500)), (200, Some(202))];
    for expected in refusals {
        assert_eq!(client.get(QUEUE).await["error_code"], 200);
        assert_eq!(send(&mut client, &request("a", &["1"])).await, expected);
    }
    assert_eq!(gateway.counts().accepted, 1);
    gateway.set_quirks("first-500=1".parse().unwrap());
    assert_eq!(send(&mut client, &request("a", &["1"])).await, (200, Some(500)));
    assert_eq!(send(&mut client, &request("a", &["1"])).await, (200, Some(202)));
}

#[tokio::test]
async fn the_first_requests_get_http_503() {
    let (gateway, mut client) = with("first-http-503=2").await;
    assert_eq!(client.request("GET", QUEUE, "", "").await.unwrap().status(), 503);
    assert_eq!(send(&mut client, &request("a", &["1"])).await, (503, None));
    assert_eq!(client.get(QUEUE).await["error_code"], 200);
    assert_eq!(send(&mut client, &request("a", &["1"])).await, (200, Some(202)));
    assert_eq!(gateway.counts().accepted, 1);
}
