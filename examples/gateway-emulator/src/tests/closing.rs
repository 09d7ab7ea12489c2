//! Connections that close at random.

use std::collections::BTreeMap;

use crate::{
    Closed, Options,
    test_client::{Client, open},
};

const SEND: &str = r#"{"text":"hi","param":[{"number":"10086"}]}"#;

/// Returns for each request the moment at which its connection closed, and the bytes received.
async fn closings(requests: usize, options: Options) -> Vec<(Option<Closed>, String)> {
    let (gateway, _) = open(options).await;
    let mut seen = Vec::new();
    for _ in 0..requests {
        let before = gateway.messages().len();
        let mut client = Client::connect(&gateway).await;
        client.send("POST", "/api/send_sms", "Connection: close\r\n", SEND).await.unwrap();
        let answer = client.remaining().await;
        let closed = gateway.requests().last().unwrap().closed;
        let accepted = gateway.messages().len() - before;
        assert_eq!(accepted, usize::from(closed != Some(Closed::BeforeAll)), "{closed:?}");
        seen.push((closed, answer));
    }
    seen
}

#[tokio::test]
async fn closings_occur_at_each_place() {
    let options = Options { closing: 100, seed: 3, ..Options::default() };
    let mut counts = BTreeMap::new();
    for (closed, answer) in closings(80, options).await {
        let is_whole = answer.ends_with('}');
        match closed.unwrap() {
            Closed::BeforeAll | Closed::BeforeAnswer => assert_eq!(answer, ""),
            Closed::AmidAnswer => assert!(!answer.is_empty() && !is_whole, "{answer}"),
            Closed::AfterAnswer => assert!(is_whole, "{answer}"),
        }
        *counts.entry(closed).or_insert(0) += 1;
    }
    assert!(counts.len() == 4 && counts.values().all(|count| *count == 20), "{counts:?}");
}

#[tokio::test]
async fn the_percentage_and_the_seed_decide_on_closings() {
    let struck = async |closing, seed| {
        let seen = closings(200, Options { seed, closing, ..Options::default() }).await;
        seen.into_iter().map(|(closed, _)| closed).collect::<Vec<_>>()
    };
    let count = |seen: &[Option<Closed>]| seen.iter().flatten().count();
    assert_eq!(count(&struck(0, 1).await), 0);
    let once = struck(20, 1).await;
    assert!((25..60).contains(&count(&once)), "{}", count(&once));
    assert_eq!(once, struck(20, 1).await);
    assert_ne!(once, struck(20, 2).await);
}

#[tokio::test]
async fn a_connection_that_closed_after_an_answer_had_not_said_so() {
    let (gateway, mut client) = open(Options { closing: 100, seed: 3, ..Options::default() }).await;
    loop {
        client.send("POST", "/api/send_sms", "", SEND).await.unwrap();
        let answer = client.remaining().await;
        if gateway.requests().last().unwrap().closed == Some(Closed::AfterAnswer) {
            assert!(!answer.contains("Connection: close"), "{answer}");
            return;
        }
        client = Client::connect(&gateway).await;
    }
}
