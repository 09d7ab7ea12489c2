//! Receivers that fail.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::*;
use crate::storage::Webhook;

/// A limit for what must happen; nothing waits for it in vain.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a receiver that reads a piece of each request, and then does something else than to respond. Returns its URL.
async fn raw_peer<F: Future<Output = ()> + Send>(
    respond: impl Fn(TcpStream) -> F + Clone + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let respond = respond.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                if stream.read(&mut buffer).await.is_ok() {
                    respond(stream).await;
                }
            });
        }
    });
    url
}

/// Makes one attempt with a short timeout. Returns the event afterwards, if it still waits.
async fn attempt(url: &str, limit: Duration) -> Option<Waiting> {
    let (storage, _) = storage().await;
    let mut receiver = receiver(url);
    receiver.client = client(Resolver::new(true), limit).unwrap();
    timeout(PATIENCE, receiver.send_due(&storage, Time::now())).await.expect("it has no end").unwrap();
    storage.due(ACCOUNT, Time::NEVER, 9).await.unwrap().pop()
}

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn an_event_is_sent_again_if_its_receiver_does_not_respond_in_time() {
    let url = raw_peer(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let waiting = attempt(&url, SHORT).await.unwrap();
    assert_eq!(waiting.attempts, 1);
    assert!(waiting.failure.as_ref().unwrap().contains("timed out"), "{waiting:?}");
}

#[tokio::test]
async fn an_event_is_sent_again_if_its_receiver_drips() {
    let url = raw_peer(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\nx-drops: ";
        for byte in head.iter().chain(std::iter::repeat(&b'x')) {
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let waiting = attempt(&url, SHORT).await.unwrap();
    assert_eq!(waiting.attempts, 1);
    assert!(waiting.failure.as_ref().unwrap().contains("timed out"), "{waiting:?}");
}

#[tokio::test]
async fn an_event_is_sent_again_if_no_connection_can_be_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(attempt(&url, TIMEOUT).await.unwrap().attempts, 1);
}

/// Writes `head`, and then `more` until the client closes the connection. Returns the number of bytes after it has.
async fn endless(head: &'static str, more: &'static [u8]) -> (Option<Waiting>, usize) {
    let written = Arc::new(AtomicUsize::new(0));
    let (counted, (ended, end)) = (Arc::clone(&written), tokio::sync::mpsc::channel(1));
    let url = raw_peer(move |mut stream| {
        let (counted, ended) = (Arc::clone(&counted), ended.clone());
        async move {
            if stream.write_all(head.as_bytes()).await.is_ok() {
                while stream.write_all(more).await.is_ok() {
                    counted.fetch_add(more.len(), Ordering::SeqCst);
                }
            }
            let _ = ended.send(()).await;
        }
    })
    .await;
    let waiting = attempt(&url, TIMEOUT).await;
    let mut end = end;
    timeout(PATIENCE, end.recv()).await.expect("the connection is not closed");
    (waiting, written.load(Ordering::SeqCst))
}

/// The buffers of the two sockets, at most.
const MAX_BUFFERED: usize = 32 << 20;

#[tokio::test]
async fn a_response_without_an_end_is_not_read() {
    let body: &[u8] = &[b'x'; 4096];
    let (waiting, written) = endless("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", body).await;
    assert_eq!(waiting, None);
    assert!(written < MAX_BUFFERED, "{written}");
}

#[tokio::test]
async fn a_head_without_an_end_fails() {
    let (waiting, written) =
        endless("HTTP/1.1 200 OK\r\n", b"x-more: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n").await;
    assert_eq!(waiting.unwrap().attempts, 1);
    assert!(written < MAX_BUFFERED, "{written}");
}

#[tokio::test]
async fn a_receiver_that_responds_with_410_gets_no_more_events_until_a_person_enables_it() {
    let (peer, url) = peer(&[410]).await;
    let (storage, _) = storage_of(ACCOUNT, 9).await;
    receiver(&url).send_due(&storage, Time::now()).await.unwrap();
    let seen = || peer.seen.lock().unwrap().len();
    assert!(seen() <= AT_ONCE, "{}", seen());
    let disabled = storage.webhooks().await.unwrap();
    assert!(matches!(disabled[..], [Webhook { account: ACCOUNT, disabled: Some(_) }]), "{disabled:?}");
    // A restart with the same configuration changes nothing.
    storage.set_webhooks(vec![(ACCOUNT, [0; 16])]).await.unwrap();
    assert_eq!(receiver(&url).send_due(&storage, Time::NEVER).await.unwrap(), Progress::Idle);
    // Events that were under way with the first one may still arrive.
    assert!(seen() <= AT_ONCE, "{}", seen());
    add_events(&storage, ACCOUNT, 1).await;
    assert!(storage.enable_webhook(ACCOUNT).await.unwrap());
    while receiver(&url).send_due(&storage, Time::NEVER).await.unwrap() == Progress::Sent {}
    let ids: std::collections::BTreeSet<_> =
        peer.seen.lock().unwrap().iter().map(|event| event.0.clone()).collect();
    assert_eq!(ids.len(), 10);
}

#[tokio::test]
async fn a_changed_configuration_enables_a_webhook() {
    let (_, url) = peer(&[410]).await;
    let (storage, _) = storage().await;
    receiver(&url).send_due(&storage, Time::now()).await.unwrap();
    let (before, after) = (receiver(&url), receiver(&format!("{url}?version=2")));
    assert_ne!(before.configured, after.configured);
    assert_eq!(before.configured, receiver(&url).configured);
    storage.set_webhooks(vec![(ACCOUNT, after.configured)]).await.unwrap();
    assert_eq!(storage.webhooks().await.unwrap(), [Webhook { account: ACCOUNT, disabled: None }]);
    assert_eq!(storage.due(ACCOUNT, Time::now(), 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_dead_letter_is_sent_once_a_person_retries_it_and_has_another_72_hours() {
    let (peer, url) = peer(&[503]).await;
    let (storage, _) = storage().await;
    let place = storage.due(ACCOUNT, Time::now(), 9).await.unwrap()[0].place;
    storage.postpone(ACCOUNT, place, Time::NEVER, "503".into()).await.unwrap();
    let receiver = receiver(&url);
    assert_eq!(receiver.send_due(&storage, Time::now()).await.unwrap(), Progress::Idle);
    let now = Time::now();
    assert_eq!(storage.retry(ACCOUNT, None, 9, now).await.unwrap(), 1);
    let retried = storage.due(ACCOUNT, now, 9).await.unwrap().remove(0);
    assert_eq!((retried.since, retried.attempts), (now, 0));
    assert_eq!(receiver.send_due(&storage, Time::now()).await.unwrap(), Progress::Sent);
    assert_eq!(receiver.send_due(&storage, Time::NEVER).await.unwrap(), Progress::Sent);
    let seen = peer.seen.lock().unwrap();
    assert_eq!((seen.len(), &seen[0]), (2, &seen[1]));
}
