//! Backups, and storages that are made of them.

use std::{path::PathBuf, time::Duration};

use ::redb::{Builder, ReadableDatabase, TableHandle};
use sms_gateway::core::{
    Number, UserId,
    track::{Draft, Settings, Slot, State as SmsState, Tracker},
};
use tempfile::TempDir;

use super::{super::*, NOW, accept, record, reference};

const GATEWAY: GatewayId = GatewayId(0);
const HOUR: u64 = 3_600_000;

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self) -> Redb {
        Redb::open(&self.path("server.redb")).unwrap()
    }

    fn restore(&self, now: Time) -> Result<Restored, StorageError> {
        Redb::restore(&self.path("backup"), &self.path("server.redb"), now)
    }
}

#[tokio::test]
async fn a_backup_is_consistent_and_contains_every_table() {
    let files = Files::new();
    let storage = files.open();
    let ids = accept(&storage, 30).await;
    storage.backup(files.path("backup"), NOW).await.unwrap();
    // Later changes are not in it.
    accept(&storage, 1).await;
    drop(storage);
    let names = |name: &str| {
        let database = Builder::new().open(files.path(name)).unwrap();
        let tables = database.begin_read().unwrap();
        let mut names: Vec<_> =
            tables.list_tables().unwrap().map(|table| TableHandle::name(&table).to_owned()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names("backup"), names("server.redb"));
    files.restore(NOW).unwrap();
    let restored = files.open();
    let listed = restored.list(Some(AccountId(0)), None, 99).await.unwrap();
    assert_eq!(listed.iter().rev().map(|(id, _)| *id).collect::<Vec<_>>(), ids);
}

#[tokio::test]
async fn a_backup_is_not_opened_as_a_storage_nor_a_storage_restored_as_a_backup() {
    let files = Files::new();
    let storage = files.open();
    storage.backup(files.path("backup"), NOW).await.unwrap();
    assert!(matches!(Redb::open(&files.path("backup")), Err(StorageError::Backup)));
    let again = storage.backup(files.path("backup"), NOW).await;
    assert!(matches!(again, Err(StorageError::Failed(_))), "{again:?}");
    assert!(matches!(files.restore(NOW), Err(StorageError::InUse)));
    drop(storage);
    let other = Redb::restore(&files.path("server.redb"), &files.path("other"), NOW);
    assert!(matches!(other, Err(StorageError::NotBackup)), "{other:?}");
    assert!(!files.path("other").exists());
    let old = files.restore(NOW.after(181 * 24 * HOUR));
    assert!(matches!(old, Err(StorageError::Failed(_))), "{old:?}");
    let restored = files.restore(NOW.after(1)).unwrap();
    assert!(restored.replaced.is_some_and(|replaced| replaced.exists()));
}

#[tokio::test]
async fn a_queued_message_of_a_backup_is_held_until_a_person_releases_or_cancels_it() {
    let files = Files::new();
    let storage = files.open();
    let ids = accept(&storage, 3).await;
    storage.backup(files.path("backup"), NOW).await.unwrap();
    drop(storage);
    assert_eq!(files.restore(NOW).unwrap().held, 3);
    let storage = files.open();
    assert_eq!(storage.lanes().await.unwrap(), []);
    // Whether its time is over does not matter: it may have been sent.
    assert_eq!(storage.expired(Time::NEVER, 9).await.unwrap(), []);
    let bound = storage.save(GATEWAY, vec![record(1), reference(1, ids[0])], NOW).await;
    assert!(matches!(bound, Err(StorageError::NotQueued(_))), "{bound:?}");
    let held = |account, after| storage.held(account, after, 9);
    assert_eq!(held(Some(AccountId(1)), None).await.unwrap(), []);
    assert_eq!(held(None, Some(ids[0])).await.unwrap().len(), 2);
    let shown = held(Some(AccountId(0)), None).await.unwrap();
    assert!(shown.iter().all(|(_, message)| message.state == State::Held && message.place == Place::Held));
    let history = storage.history(ids[0]).await.unwrap();
    assert!(history[1].detail.as_ref().unwrap().contains("may have been sent since"));

    let lane = shown[0].1.lane();
    let released = storage.release(vec![ids[1], ids[1], MessageId(7)], NOW).await.unwrap();
    assert_eq!(released, [(ids[1], lane)]);
    let cancelled = storage.end(ids[2], HistoryEntry::new(NOW, State::Cancelled)).await.unwrap();
    assert_eq!(cancelled, Some(Place::Held));
    assert_eq!(held(None, None).await.unwrap().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [ids[0]]);
    assert_eq!(storage.lanes().await.unwrap(), [lane]);
    assert_eq!(storage.expired(Time::NEVER, 9).await.unwrap(), [ids[1]]);
    storage.save(GATEWAY, vec![record(1), reference(1, ids[1])], NOW).await.unwrap();
}

/// Events after the backup had the following numbers, and other contents.
#[tokio::test]
async fn an_event_of_a_restored_message_has_an_id_that_was_not_used_after_the_backup() {
    let files = Files::new();
    let storage = files.open();
    storage.set_webhooks(vec![(AccountId(0), [0; 16])]).await.unwrap();
    let [id] = accept(&storage, 1).await[..] else { panic!() };
    storage.backup(files.path("backup"), NOW).await.unwrap();
    let cancel = async |storage: &Redb| {
        storage.end(id, HistoryEntry::new(NOW, State::Cancelled)).await.unwrap();
        let Subject::Message { entry, .. } = storage.due(AccountId(0), NOW, 9).await.unwrap()[0].subject
        else {
            panic!()
        };
        assert_eq!(storage.history_entry(id, entry).await.unwrap().unwrap().state, State::Cancelled);
        entry
    };
    let before = cancel(&storage).await;
    drop(storage);
    files.restore(NOW).unwrap();
    assert!(cancel(&files.open()).await > before + 1000);
}

/// Returns the records of a messenger with one message that is not submitted yet, and the message's user_id.
fn messenger() -> (Vec<Write>, u32) {
    let mut memory = vec![Slot::EMPTY; 4];
    let mut tracker = Tracker::new(&mut memory, &mut [], Settings::default(), Duration::ZERO);
    let id = tracker.add(&Draft::new(Number::new("10086").unwrap()), Duration::ZERO).unwrap();
    let mut writes = Vec::new();
    while let Some(change) = tracker.next_change() {
        writes.push(Write::Record { key: change.key(), record: change.record().unwrap().to_vec() });
    }
    (writes, id.get())
}

/// Returns the state of a message according to the records of its messenger, and the next user_id.
async fn restart(storage: &Redb, id: u32) -> (SmsState, u32) {
    let mut memory = vec![Slot::EMPTY; 4];
    let mut tracker = Tracker::new(&mut memory, &mut [], Settings::default(), Duration::ZERO);
    for entry in storage.records(GATEWAY).await.unwrap() {
        tracker.restore(&entry.record).unwrap();
    }
    tracker.start(Duration::ZERO);
    let state = tracker.message(UserId::new(id.into()).unwrap()).unwrap().state;
    let next = tracker.add(&Draft::new(Number::new("10086").unwrap()), Duration::ZERO).unwrap();
    (state, next.get())
}

#[tokio::test]
async fn a_bound_message_of_a_backup_is_looked_up_and_new_user_ids_are_beyond_those_used_since() {
    let files = Files::new();
    let storage = files.open();
    let [id] = accept(&storage, 1).await[..] else { panic!() };
    let (mut writes, user_id) = messenger();
    writes.push(reference(user_id, id));
    storage.save(GATEWAY, writes, NOW).await.unwrap();
    storage.backup(files.path("backup"), NOW).await.unwrap();
    assert_eq!(restart(&storage, user_id).await.0, SmsState::Unsent);
    drop(storage);
    let (mut latest, mut before) = (user_id, 0);
    // Later restores of the same backup skip what the earlier ones used.
    for hours in [0, 1, 24] {
        let restored = files.restore(NOW.after(hours * HOUR)).unwrap();
        assert_eq!((restored.held, restored.looked_up), (0, 1));
        let storage = files.open();
        let (state, next) = restart(&storage, user_id).await;
        assert_eq!(state, SmsState::Uncertain);
        let used = 100 * 3600 * u32::try_from(hours - before).unwrap();
        assert!(next > latest + used, "{next} {latest}");
        assert!(matches!(storage.message(id).await.unwrap().unwrap().place, Place::Bound { .. }));
        (latest, before) = (next, hours);
    }
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (backup, path) = (folder.path().join("1.backup"), folder.path().join("server.redb"));
    Redb::in_memory().unwrap().backup(backup.clone(), Time(1)).await.unwrap();
    let mut bytes = std::fs::read(&backup).unwrap();
    bytes.iter_mut().skip(4096).step_by(512).for_each(|byte| *byte ^= 0x55);
    std::fs::write(&backup, bytes).unwrap();
    assert!(matches!(Redb::restore(&backup, &path, Time(2)), Err(StorageError::Failed(_))));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
