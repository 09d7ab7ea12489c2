//! Messages sent and received before the start.

use crate::{Options, Status, test_client::open};

#[tokio::test]
async fn messages_that_were_sent_and_received_before() {
    let options = Options { sent: 600, received: 3, answer_limit: 1 << 20, ..Options::default() };
    let (gateway, mut client) = open(options).await;
    let results = client.post("query_sms_result", "{}").await;
    let results = results["result"].as_array().unwrap();
    assert_eq!(results.len(), 600);
    assert_eq!((&results[599]["number"], &results[599]["user_id"]), (&"13900000599".into(), &599.into()));
    assert_eq!(
        (&results[599]["status"], &results[599]["ref_id"]),
        (&"DELIVERED".into(), &(599 % 256).into())
    );
    let inbox = client.get("/api/query_incoming_sms?flag=all").await;
    assert_eq!(inbox["sms"].as_array().unwrap().len(), 3);
    assert!(inbox["sms"][2]["text"].as_str().is_some_and(|text| text.len() > 300 && text.contains("\"\n")));
    // The messages sent before are not in the queue, and stay delivered.
    gateway.idle().await;
    assert_eq!(client.get("/api/query_sms_in_queue").await["in_queue"], 0);
    assert!(gateway.messages().iter().all(|message| message.status == Status::Delivered));
}
