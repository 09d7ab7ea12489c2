mod addresses;
mod failures;
mod neighbours;
mod signatures;

use std::sync::Mutex;

use axum::{
    Router,
    body::Bytes,
    extract::State as Shared,
    http::{HeaderMap, StatusCode},
    routing::post,
};
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
    /// The signed headers of each event.
    signed: Mutex<Vec<[String; 3]>>,
    /// The target of redirects.
    location: Mutex<String>,
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
    let signed = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(header);
    peer.signed.lock().unwrap().push(signed);
    peer.seen.lock().unwrap().push((header("webhook-id"), header("content-type"), body));
    let mut statuses = peer.statuses.lock().unwrap();
    let status = if statuses.is_empty() { 200 } else { statuses.remove(0) };
    let mut headers = HeaderMap::new();
    if (300..400).contains(&status) {
        headers.insert("location", peer.location.lock().unwrap().parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), headers)
}

async fn peer(statuses: &[u16]) -> (Arc<Peer>, String) {
    let peer = Arc::new(Peer {
        statuses: Mutex::new(statuses.to_vec()),
        location: Mutex::new("/".to_owned()),
        ..Peer::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(respond)).with_state(Arc::clone(&peer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (peer, url)
}

/// Returns a storage with an event for each of `count` messages of an account.
async fn storage_of(account: AccountId, count: usize) -> (Redb, Vec<MessageId>) {
    let storage = Redb::in_memory().unwrap();
    storage.set_webhooks(vec![(account, [0; 16])]).await.unwrap();
    let ids = add_events(&storage, account, count).await;
    (storage, ids)
}

async fn add_events(storage: &Redb, account: AccountId, count: usize) -> Vec<MessageId> {
    let message = NewMessage {
        pool: PoolId(0),
        to: "+49151".into(),
        text: "Hello".into(),
        reference: Some("order 7".into()),
        priority: Priority::USUAL,
        expires: Time::now(),
    };
    let accepted = storage.accept(account, None, vec![message; count], Time::now()).await.unwrap();
    let Acceptance::New(ids) = accepted else { panic!("{accepted:?}") };
    for id in &ids {
        storage.end(*id, HistoryEntry::new(Time::now(), State::Expired)).await.unwrap();
    }
    ids
}

async fn storage() -> (Redb, MessageId) {
    let (storage, ids) = storage_of(ACCOUNT, 1).await;
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
