//! A model that every storage is compared with, and what the model does not show.

mod backups;
mod faults;
mod model;
mod outbox;

use std::sync::Arc;

use proptest::{prelude::*, test_runner::TestRunner};
use sms_gateway::store::Write;
use tokio::runtime::Runtime;

use self::model::{Model, Step, steps};
use super::{
    Acceptance, AccountId, HistoryEntry, IdempotencyKey, MessageId, NewMessage, Outcome, Place, PoolId,
    Priority, Redb, Report, State, Storage, StorageError, Time,
};

const NOW: Time = Time(1_800_000_000_000);

fn new(to: &str) -> NewMessage {
    NewMessage {
        pool: PoolId(0),
        to: to.into(),
        text: "Hello".into(),
        reference: None,
        priority: Priority::USUAL,
        expires: NOW.after(1000),
    }
}

fn reference(key: u32, id: MessageId) -> Write {
    Write::Reference { key, reference: id.to_string().into() }
}

fn record(key: u32) -> Write {
    Write::Record { key, record: vec![1, 2, 3] }
}

async fn accept(storage: &dyn Storage, count: usize) -> Vec<MessageId> {
    match storage.accept(AccountId(0), None, vec![new("1"); count], NOW).await.unwrap() {
        Acceptance::New(ids) => ids,
        other => panic!("{other:?}"),
    }
}

#[test]
fn storage_behaves_as_its_model_does() {
    let runtime = Runtime::new().unwrap();
    TestRunner::new(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })
        .run(&prop::collection::vec(steps(), 1..60), |steps: Vec<Step>| {
            let storage = Redb::in_memory().unwrap();
            let mut model = Model::default();
            runtime.block_on(async {
                for step in &steps {
                    model.play(&storage, step).await;
                }
                model.compare(&storage).await;
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_binding_that_is_refused_changes_nothing() {
    let storage = Redb::in_memory().unwrap();
    let [first, second] = accept(&storage, 2).await[..] else { panic!() };
    let gateway = storage.gateways(vec!["a".into()]).await.unwrap()[0];
    storage.end(second, HistoryEntry::new(NOW, State::Cancelled)).await.unwrap();
    let writes = vec![record(1), reference(1, first), record(2), reference(2, second)];
    let refused = storage.save(gateway, writes, NOW).await;
    assert!(matches!(refused, Err(StorageError::NotQueued(id)) if id == second), "{refused:?}");
    assert!(storage.records(gateway).await.unwrap().is_empty());
    assert_eq!(storage.message(first).await.unwrap().unwrap().place, Place::Queued);
}

#[tokio::test]
async fn messages_bound_to_a_gateway_that_is_not_configured_are_counted() {
    let storage = Redb::in_memory().unwrap();
    let [first, second, _] = accept(&storage, 3).await[..] else { panic!() };
    let gateways = storage.gateways(vec!["a".into(), "b".into()]).await.unwrap();
    let writes = vec![record(1), reference(1, first), record(2), reference(2, second)];
    storage.save(gateways[1], writes, NOW).await.unwrap();
    assert_eq!(storage.bound_to_others(gateways.clone()).await.unwrap(), []);
    assert_eq!(storage.bound_to_others(vec![gateways[0]]).await.unwrap(), [("b".to_owned(), 2)]);
    let report = Report {
        message: first,
        gateway: gateways[1],
        key: 1,
        at: NOW,
        port: None,
        outcome: Outcome::Ended(State::Failed),
        detail: None,
    };
    storage.report(vec![report]).await.unwrap();
    assert_eq!(storage.bound_to_others(Vec::new()).await.unwrap(), [("b".to_owned(), 1)]);
}

#[tokio::test]
async fn a_message_is_bound_once() {
    let storage = Redb::in_memory().unwrap();
    let [id] = accept(&storage, 1).await[..] else { panic!() };
    let gateways = storage.gateways(vec!["a".into(), "b".into()]).await.unwrap();
    storage.save(gateways[0], vec![record(1), reference(1, id)], NOW).await.unwrap();
    let again = storage.save(gateways[1], vec![record(1), reference(1, id)], NOW).await;
    assert!(matches!(again, Err(StorageError::NotQueued(_))), "{again:?}");
}

#[tokio::test]
async fn the_same_key_from_many_callers_at_once_is_accepted_once() {
    let storage = Arc::new(Redb::in_memory().unwrap());
    let key = IdempotencyKey { key: [7; 16], request: [1; 16], until: NOW.after(1) };
    let calls = (0..64).map(|_| {
        let storage = Arc::clone(&storage);
        tokio::spawn(
            async move { storage.accept(AccountId(0), Some(key), vec![new("1")], NOW).await.unwrap() },
        )
    });
    let calls: Vec<_> = calls.collect();
    let (mut fresh, mut known) = (Vec::new(), Vec::new());
    for call in calls {
        match call.await.unwrap() {
            Acceptance::New(ids) => fresh.extend(ids),
            Acceptance::Known(ids) => known.extend(ids),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((fresh.len(), known.len()), (1, 63));
    assert!(known.iter().all(|id| *id == fresh[0]));
    let other = IdempotencyKey { request: [2; 16], ..key };
    let other = storage.accept(AccountId(0), Some(other), vec![new("1")], NOW).await.unwrap();
    assert_eq!(other, Acceptance::Conflict);
}

#[tokio::test]
async fn everything_is_there_after_opening_the_file_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.redb");
    let storage = Redb::open(&path).unwrap();
    let [id] = accept(&storage, 1).await[..] else { panic!() };
    assert!(matches!(Redb::open(&path), Err(StorageError::InUse)));
    drop(storage);
    let storage = Redb::open(&path).unwrap();
    assert_eq!(storage.message(id).await.unwrap().unwrap().state, State::Queued);
    assert!(accept(&storage, 1).await[0] > id);
}
