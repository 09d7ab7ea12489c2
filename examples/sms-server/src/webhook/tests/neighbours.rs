//! A slow receiver delays no other.

use std::time::Instant;

use tokio::{sync::Semaphore, time::timeout};

use super::*;

const NEIGHBOUR: AccountId = AccountId(1);

/// Starts a receiver that responds only while the semaphore is closed. Until then, all of its requests wait.
async fn slow_peer(opened: Arc<Semaphore>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let respond = move || async move {
        let _ = opened.acquire().await;
        StatusCode::OK
    };
    let router = Router::new().route("/", post(respond));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn receiver_of(account: AccountId, url: &str) -> Receiver {
    Receiver::new(account, url, SECRET, (true, true), Names::default()).unwrap()
}

/// Returns a storage with events of both accounts.
async fn storage_of_both(count: usize) -> Arc<Redb> {
    let (storage, _) = storage_of(ACCOUNT, count).await;
    storage.set_webhooks(vec![(ACCOUNT, [0; 16]), (NEIGHBOUR, [0; 16])]).await.unwrap();
    add_events(&storage, NEIGHBOUR, count).await;
    Arc::new(storage)
}

async fn until_empty(storage: &Redb, account: AccountId) {
    while !storage.due(account, Time::NEVER, 1).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_events_of_an_account_are_sent_while_another_receiver_responds_to_none() {
    let opened = Arc::new(Semaphore::new(0));
    let slow = slow_peer(Arc::clone(&opened)).await;
    let (peer, fast) = peer(&[]).await;
    let storage = storage_of_both(60).await;
    let tasks = [receiver_of(ACCOUNT, &slow), receiver_of(NEIGHBOUR, &fast)]
        .map(|receiver| receiver.start(Arc::clone(&storage) as Arc<dyn Storage>));
    let all = timeout(Duration::from_secs(60), until_empty(&storage, NEIGHBOUR)).await;
    all.expect("the neighbour waits");
    assert_eq!(peer.seen.lock().unwrap().len(), 60);
    assert_eq!(storage.due(ACCOUNT, Time::NEVER, 99).await.unwrap().len(), 60);
    opened.close();
    tasks.iter().for_each(JoinHandle::abort);
}

/// Measured, the time with a slow neighbour is 1.0 times that without one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures times, which depend on what else the machine does"]
async fn a_slow_receiver_makes_its_neighbour_at_most_half_as_slow_again() {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..10 {
        let has_slow = round % 2;
        let slow = slow_peer(Arc::new(Semaphore::new(0))).await;
        let (_, fast) = peer(&[]).await;
        let storage = storage_of_both(500).await;
        let slow = (has_slow == 1).then(|| receiver_of(ACCOUNT, &slow).start(storage.clone()));
        let began = Instant::now();
        let task = receiver_of(NEIGHBOUR, &fast).start(storage.clone());
        until_empty(&storage, NEIGHBOUR).await;
        times[has_slow].push(began.elapsed());
        task.abort();
        slow.inspect(JoinHandle::abort);
    }
    let [alone, beside] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    println!("500 events: {alone:?} alone, {beside:?} beside a receiver that does not respond");
    assert!(beside < alone * 3 / 2, "{beside:?} and {alone:?}");
}
