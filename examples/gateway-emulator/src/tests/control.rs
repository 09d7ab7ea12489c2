//! The controls of a gateway.

use crate::{
    Emulator, Fate, Options, Restart, Status,
    test_client::{Client, open},
};

const SEND: &str =
    r#"{"text":"hi","port":[0],"param":[{"number":"1","user_id":1},{"number":"2","user_id":2}]}"#;

fn epoch() -> Options {
    Options { start_time: Some(0), ..Options::default() }
}

#[tokio::test(start_paused = true)]
async fn the_clock_steps() {
    let (gateway, mut client) = open(epoch()).await;
    gateway.receive_sms(0, "1", "a");
    gateway.step_clock(86_400 * 365);
    gateway.receive_sms(0, "1", "b");
    gateway.step_clock(-86_400 * 366);
    gateway.receive_sms(0, "1", "c");
    let answer = client.get("/api/query_incoming_sms?flag=all").await;
    let times: Vec<_> = answer["sms"].as_array().unwrap().iter().map(|sms| &sms["timestamp"]).collect();
    assert_eq!(times, ["1970-01-01 00:00:00", "1971-01-01 00:00:00", "1969-12-31 00:00:00"]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_forgets() {
    let (gateway, mut client) = open(epoch()).await;
    gateway.set_fate("1", Fate::Deliver.late(std::time::Duration::from_secs(60)));
    assert_eq!(client.post("send_sms", SEND).await["task_id"], 1);
    tokio::time::advance(std::time::Duration::from_secs(8)).await;
    gateway.restart(Restart::default());
    assert_eq!(client.remaining().await, "");
    let mut client = Client::connect(&gateway).await;
    assert_eq!(client.get("/api/query_sms_in_queue").await["in_queue"], 0);
    assert_eq!(client.post("query_sms_result", "{}").await["result"], serde_json::json!([]));
    assert_eq!(client.get("/api/stop_sms?task_id=1").await["error_code"], 404);
    let statuses: Vec<_> = gateway.messages().iter().map(|message| message.status).collect();
    assert_eq!(statuses, [Status::Forgotten; 2]);
    let before: Vec<_> = gateway.messages().iter().map(|message| message.before_restart).collect();
    assert_eq!(before, [Some(Status::SentOk), Some(Status::Sending)]);
    // The network still holds the report of the first message. The second message was not sent.
    gateway.idle().await;
    let reported: Vec<_> = gateway.messages().iter().map(|message| message.reported.clone()).collect();
    assert_eq!(reported, [[Some(0)], [None]]);
    let reports = client.post("query_sms_deliver_status", "{}").await;
    assert_eq!(reports["result"].as_array().unwrap().len(), 1);
    assert_eq!(client.post("send_sms", SEND).await["task_id"], 2);
    gateway.idle().await;
    let results = client.post("query_sms_result", "{}").await;
    assert_eq!(
        (&results["result"][0]["ref_id"], &results["result"][0]["status"]),
        (&1.into(), &"DELIVERED".into())
    );
}

#[tokio::test(start_paused = true)]
async fn ids_can_begin_anew() {
    let (gateway, mut client) = open(epoch()).await;
    client.post("send_sms", SEND).await;
    for text in ["a", "b", "c"] {
        gateway.receive_sms(0, "1", text);
    }
    gateway.idle().await;
    gateway.restart(Restart { ids_restart: true, inbox_lost: true });
    let mut client = Client::connect(&gateway).await;
    assert_eq!(client.get("/api/query_incoming_sms?flag=all").await["sms"], serde_json::json!([]));
    assert_eq!(gateway.receive_sms(0, "1", "d"), 1);
    assert_eq!(client.get("/api/stop_sms?task_id=1").await["error_code"], 404);
    assert_eq!(client.post("send_sms", SEND).await["task_id"], 1);
    gateway.idle().await;
    assert_eq!(client.post("query_sms_result", "{}").await["result"][0]["ref_id"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_a_socket_is_served_until_a_restart_and_paused_time_does_not_jump() {
    let (gateway, _) = open(epoch()).await;
    let began = tokio::time::Instant::now();
    let (stream, other) = tokio::io::duplex(4096);
    let served = tokio::spawn(gateway.serve(other));
    let mut client = Client::over(stream);
    assert_eq!(client.post("send_sms", SEND).await["task_id"], 1);
    assert_eq!(began.elapsed(), std::time::Duration::ZERO);
    gateway.restart(Restart::default());
    assert_eq!(client.remaining().await, "");
    served.await.unwrap();
}

#[tokio::test]
async fn requests_are_seen_and_can_be_waited_for() {
    let (gateway, mut client) = open(Options::default()).await;
    let (seen, _) = tokio::join!(gateway.requests_after(0), client.code("send_sms", SEND));
    assert_eq!((seen[0].serial, seen[0].method.as_str(), seen[0].uri.as_str()), (1, "POST", "/api/send_sms"));
    assert_eq!((seen[0].body.as_str(), seen[0].authorization), (SEND, false));
    assert_eq!((seen[0].status, seen[0].error_code), (Some(200), Some(202)));
}

#[tokio::test]
async fn impossible_options_are_refused() {
    for options in [
        Options { ports: 0, ..Options::default() },
        Options { ports: 33, ..Options::default() },
        Options { speed: 0.0, ..Options::default() },
        Options { speed: f64::NAN, ..Options::default() },
    ] {
        assert!(Emulator::start(options).await.is_err());
    }
}

#[tokio::test]
async fn a_dropped_gateway_closes() {
    let (gateway, mut client) = open(Options::default()).await;
    client.get("/api/query_sms_in_queue").await;
    drop(gateway);
    assert_eq!(client.remaining().await, "");
}
