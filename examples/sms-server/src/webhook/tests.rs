use std::sync::Mutex;

use axum::{Router, body::Bytes, extract::State as Shared, http::HeaderMap, routing::post};
use tokio::net::TcpListener;

use super::*;
use crate::storage::{Acceptance, HistoryEntry, MessageId, NewMessage, PoolId, Priority, Redb, State};

const ACCOUNT: AccountId = AccountId(0);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A receiver that responds with the statuses of a list, and then with 200.
#[derive(Default)]
struct Peer {
    statuses: Mutex<Vec<u16>>,
    seen: Mutex<Vec<(String, String, Bytes)>>,
}

async fn respond(
    Shared(peer): Shared<Arc<Peer>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap) {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let signed = Secret::parse(SECRET).unwrap().sign(
        &header("webhook-id"),
        header("webhook-timestamp").parse().unwrap(),
        &body,
    );
    assert_eq!(signed, header("webhook-signature"));
    peer.seen.lock().unwrap().push((header("webhook-id"), header("content-type"), body));
    let mut statuses = peer.statuses.lock().unwrap();
    let status = if statuses.is_empty() { 200 } else { statuses.remove(0) };
    let mut headers = HeaderMap::new();
    if status == 302 {
        headers.insert("location", "/".parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), headers)
}

async fn peer(statuses: &[u16]) -> (Arc<Peer>, String) {
    let peer = Arc::new(Peer { statuses: Mutex::new(statuses.to_vec()), ..Peer::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(respond)).with_state(Arc::clone(&peer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (peer, url)
}

async fn storage() -> (Redb, MessageId) {
    let storage = Redb::in_memory().unwrap();
    storage.set_webhooks(vec![ACCOUNT]).await.unwrap();
    let message = NewMessage {
        pool: PoolId(0),
        to: "+49151".into(),
        text: "Hello".into(),
        reference: Some("order 7".into()),
        priority: Priority::USUAL,
        expires: Time::now(),
    };
    let Acceptance::New(ids) = storage.accept(ACCOUNT, None, vec![message], Time::now()).await.unwrap()
    else {
        panic!()
    };
    storage.end(ids[0], HistoryEntry::new(Time::now(), State::Expired)).await.unwrap();
    (storage, ids[0])
}

fn receiver(url: &str) -> Receiver {
    Receiver::new(ACCOUNT, url, SECRET, (true, true), Names::default()).unwrap()
}

#[tokio::test]
async fn an_event_is_repeated_with_the_same_id_and_body_until_it_is_accepted() {
    let (peer, url) = peer(&[500, 302, 404]).await;
    let (storage, id) = storage().await;
    let receiver = receiver(&url);
    for _ in 0..4 {
        assert_eq!(receiver.send_due(&storage, Time::NEVER).await.unwrap(), Progress::Sent);
    }
    assert_eq!(receiver.send_due(&storage, Time::NEVER).await.unwrap(), Progress::Idle);
    let seen = peer.seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|event| *event == seen[0]));
    let body: serde_json::Value = serde_json::from_slice(&seen[0].2).unwrap();
    assert_eq!(body["type"], "message.expired");
    assert_eq!(body["data"]["id"], id.to_string());
    assert_eq!(body["data"]["reference"], "order 7");
}

#[tokio::test]
async fn a_receiver_that_is_gone_gets_no_more_events_and_loses_none() {
    let (_, url) = peer(&[410]).await;
    let (storage, _) = storage().await;
    let receiver = receiver(&url);
    assert_eq!(receiver.send_due(&storage, Time::now()).await.unwrap(), Progress::Gone);
    assert_eq!(storage.due(ACCOUNT, Time::now(), 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn events_are_not_sent_inside_unless_that_is_allowed() {
    let (peer, url) = peer(&[]).await;
    let port = url.rsplit(':').next().unwrap();
    for inside in [
        url.clone(),
        format!("http://[::1]:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        format!("http://0x7f000001:{port}"),
        format!("http://2130706433:{port}"),
        "http://169.254.169.254/latest".to_owned(),
    ] {
        let refused = Receiver::new(ACCOUNT, &inside, SECRET, (true, false), Names::default()).err();
        assert_eq!(refused, Some(Unfit::Private(inside)));
    }
    // A name is refused when it is resolved.
    let receiver =
        Receiver::new(ACCOUNT, &format!("http://localhost:{port}"), SECRET, (true, false), Names::default())
            .unwrap();
    let (storage, _) = storage().await;
    assert_eq!(receiver.send_due(&storage, Time::now()).await.unwrap(), Progress::Sent);
    assert_eq!(storage.due(ACCOUNT, Time::NEVER, 9).await.unwrap()[0].attempts, 1);
    assert!(peer.seen.lock().unwrap().is_empty());
}

#[test]
fn receivers_need_https_and_a_secret() {
    let new =
        |url: &str, secret: &str| Receiver::new(ACCOUNT, url, secret, (false, false), Names::default()).err();
    assert_eq!(new("http://example.com", SECRET), Some(Unfit::Http("http://example.com".to_owned())));
    assert_eq!(new("ftp://example.com", SECRET), Some(Unfit::Http("ftp://example.com".to_owned())));
    assert_eq!(new("example", SECRET), Some(Unfit::Url("example".to_owned())));
    assert_eq!(new("https://example.com", "whsec_x"), Some(Unfit::Secret));
    assert_eq!(new("https://example.com/hook", SECRET), None);
}

#[test]
fn waits_grow_and_end_after_three_days() {
    let now = Time(1_800_000_000_000);
    let waiting = |attempts, age: u64| Waiting {
        place: (now.0 - age) << 20,
        subject: crate::storage::Subject::Incoming(crate::storage::IncomingId(0)),
        attempts,
    };
    assert_eq!(next(&waiting(0, 0), now), now.after(5000));
    assert_eq!(next(&waiting(3, 0), now), now.after(600_000));
    assert_eq!(next(&waiting(99, 0), now), now.after(21_600_000));
    assert_eq!(next(&waiting(3, PATIENCE + 1), now), Time::NEVER);
}
