use std::{collections::BTreeSet, sync::Arc};

use futures_util::FutureExt;
use sms_gateway::store::Write;
use tokio::task::JoinSet;

use super::*;
use crate::storage::{
    Acceptance, AccountId, GatewayId, HistoryEntry, NewMessage, Outcome, Place, Priority, Redb, Report, State,
};

const NOW: Time = Time(1_800_000_000_000);
const POOL: PoolId = PoolId(0);

fn new(priority: u8) -> NewMessage {
    NewMessage {
        pool: POOL,
        to: "1".into(),
        text: "Hello".into(),
        reference: None,
        priority: Priority::new(priority).unwrap(),
        expires: NOW.after(u64::from(u32::MAX)),
    }
}

async fn accept(queue: &Queue, account: u32, priority: u8, count: usize) -> Vec<MessageId> {
    let messages = vec![new(priority); count];
    let accepted = queue.0.storage.accept(AccountId(account), None, messages, NOW).await.unwrap();
    let Acceptance::New(ids) = accepted else { panic!("{accepted:?}") };
    queue.added(Lane { pool: POOL, priority: Priority::new(priority).unwrap(), account: AccountId(account) });
    ids
}

async fn empty() -> Queue {
    Queue::open(Arc::new(Redb::in_memory().unwrap())).await.unwrap()
}

async fn ids(queue: &Queue, limit: usize) -> Vec<MessageId> {
    let offers = queue.take_now(&[POOL], limit, NOW).await.unwrap();
    let ids = offers.iter().map(|offer| offer.id).collect();
    for offer in offers {
        offer.bound();
    }
    ids
}

#[tokio::test]
async fn higher_priorities_precede_and_accounts_take_turns() {
    let queue = empty().await;
    let many = accept(&queue, 1, 4, 200).await;
    let few = accept(&queue, 2, 4, 2).await;
    let urgent = accept(&queue, 1, 9, 1).await;
    assert_eq!(ids(&queue, 6).await, [urgent[0], many[0], few[0], many[1], few[1], many[2]]);
    assert_eq!(ids(&queue, 500).await, many[3..]);
}

#[tokio::test]
async fn queued_messages_are_offered_after_a_start() {
    let queue = empty().await;
    let accepted = accept(&queue, 1, 4, 100).await;
    let again = Queue::open(Arc::clone(&queue.0.storage)).await.unwrap();
    assert_eq!(ids(&again, 500).await, accepted);
}

#[tokio::test]
async fn a_refreshed_queue_offers_what_is_queued_and_nothing_twice() {
    let queue = empty().await;
    let accepted = accept(&queue, 1, 4, 3).await;
    let offers = queue.take_now(&[POOL], 1, NOW).await.unwrap();
    queue.refresh().await.unwrap();
    // The first message is still offered.
    assert_eq!(ids(&queue, 9).await, accepted[1..]);
    drop(offers);
    queue.refresh().await.unwrap();
    // None was bound in the storage.
    assert_eq!(ids(&queue, 9).await, accepted);
}

#[tokio::test]
async fn a_gateway_without_pools_waits() {
    let queue = empty().await;
    accept(&queue, 1, 4, 1).await;
    assert!(queue.take(&[], 1).now_or_never().is_none());
}

#[tokio::test]
async fn all_who_wait_for_a_claim_get_it_in_turn() {
    let claims = Claims::default();
    let first = claims.claim(MessageId(1)).unwrap();
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let claims = claims.clone();
            tokio::spawn(async move { drop(claims.wait(MessageId(1)).await) })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(first);
    for waiting in waiting {
        waiting.await.unwrap();
    }
}

#[tokio::test]
async fn an_offer_that_is_dropped_is_the_next_again() {
    let queue = empty().await;
    let accepted = accept(&queue, 1, 4, 2).await;
    drop(queue.take_now(&[POOL], 2, NOW).await.unwrap());
    assert_eq!(ids(&queue, 2).await, accepted);
}

#[tokio::test]
async fn expired_messages_and_other_pools_are_not_offered() {
    let queue = empty().await;
    accept(&queue, 1, 4, 1).await;
    assert!(queue.take_now(&[PoolId(1)], 1, NOW).await.unwrap().is_empty());
    let late = NOW.after(u64::from(u32::MAX) + 1);
    assert!(queue.take_now(&[POOL], 1, late).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_message_is_ended_after_its_offer_and_not_offered_while_it_is_ended() {
    let queue = empty().await;
    let id = accept(&queue, 1, 4, 1).await[0];
    let offers = queue.take_now(&[POOL], 1, NOW).await.unwrap();
    let ending = tokio::spawn({
        let queue = queue.clone();
        async move { cancel(&queue, id).await }
    });
    tokio::task::yield_now().await;
    assert!(!ending.is_finished());
    drop(offers);
    let claim = queue.0.claims.wait(id).await;
    assert!(queue.take_now(&[POOL], 1, NOW).await.unwrap().is_empty());
    drop(claim);
    ending.await.unwrap();
    assert_eq!(queue.0.storage.message(id).await.unwrap().unwrap().state, State::Cancelled);
}

/// The messages that have ended.
type Ended = Arc<Mutex<BTreeSet<MessageId>>>;

/// Some tasks bind messages, return some to the queue, and give some offers back, while others accept and cancel.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_ends_once_although_tasks_compete_for_it() {
    const ACCEPTED: usize = 600;
    let (queue, ended) = (empty().await, Ended::default());
    let mut tasks = JoinSet::new();
    for account in 0..3 {
        let (queue, ended) = (queue.clone(), Arc::clone(&ended));
        tasks.spawn(async move {
            for round in 0..ACCEPTED / 30 {
                let accepted = accept(&queue, account, u8::try_from(round % 10).unwrap(), 10).await;
                if cancel(&queue, accepted[3]).await == Some(Place::Queued) {
                    ended.lock().unwrap().insert(accepted[3]);
                }
            }
        });
    }
    let workers: Vec<_> = (0..4)
        .map(|gateway| tokio::spawn(work(queue.clone(), GatewayId(gateway), Arc::clone(&ended))))
        .collect();
    tasks.join_all().await;
    while ended.lock().unwrap().len() < ACCEPTED {
        assert!(!workers.iter().any(tokio::task::JoinHandle::is_finished), "a worker has failed");
        // As the server does each minute: a message that tasks left out of its lane is found again.
        queue.refresh().await.unwrap();
    }
    workers.iter().for_each(tokio::task::JoinHandle::abort);
    assert!(queue.0.storage.lanes().await.unwrap().is_empty());
    let ended = ended.lock().unwrap().clone();
    for id in ended {
        let history = queue.0.storage.history(id).await.unwrap();
        assert_eq!(history.iter().filter(|entry| entry.state.is_final()).count(), 1, "{history:?}");
    }
}

async fn cancel(queue: &Queue, id: MessageId) -> Option<Place> {
    let message = queue.0.storage.message(id).await.unwrap().unwrap();
    queue.end(id, message, HistoryEntry::new(NOW, State::Cancelled)).await.unwrap()
}

async fn work(queue: Queue, gateway: GatewayId, ended: Ended) {
    let mut key = 0;
    loop {
        for offer in queue.take(&[POOL], 5).await.unwrap() {
            key += 1;
            if key % 7 == 0 {
                continue;
            }
            let id = offer.id;
            let reference = Write::Reference { key, reference: id.to_string().into() };
            let record = Write::Record { key, record: vec![1] };
            queue.0.storage.save(gateway, vec![record, reference], NOW).await.unwrap();
            offer.bound();
            let returns = key % 5 == 0;
            let outcome = if returns { Outcome::NotAccepted } else { Outcome::Ended(State::Delivered) };
            let report = Report { message: id, gateway, key, at: NOW, port: None, outcome, detail: None };
            if returns {
                assert!(queue.give_back(report).await.unwrap());
            } else {
                assert_eq!(queue.0.storage.report(vec![report]).await.unwrap(), [true]);
            }
            let message = queue.0.storage.message(id).await.unwrap().unwrap();
            // Also a message that was returned after its cancellation.
            if message.place == Place::Ended {
                ended.lock().unwrap().insert(id);
            }
        }
    }
}
