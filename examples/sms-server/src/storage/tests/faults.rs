//! A disk that fails or is full for a time.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::StorageBackend;

use super::{
    super::{AccountId, Redb, Storage, StorageError},
    NOW, accept, new,
};

/// A disk that keeps its contents while the database is closed.
#[derive(Clone, Debug, Default)]
struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Nothing can be written.
    is_broken: Arc<AtomicBool>,
    /// The maximum size of the file while the disk is full, in bytes.
    limit: Arc<Mutex<Option<u64>>>,
}

impl Disk {
    fn check(&self) -> io::Result<()> {
        if self.is_broken.load(Ordering::Relaxed) { Err(io::Error::other("broken")) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.bytes.lock().unwrap()[start..start + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        if self.limit.lock().unwrap().is_some_and(|limit| len > limit) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.lock().unwrap().resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        let start = usize::try_from(offset).unwrap();
        self.bytes.lock().unwrap()[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}

fn storage() -> (Disk, Redb) {
    let disk = Disk::default();
    let opened = disk.clone();
    (disk, Redb::new(move || Ok(opened.clone()), || 0).unwrap())
}

#[tokio::test]
async fn a_broken_disk_refuses_messages_and_the_storage_returns_by_itself() {
    let (disk, storage) = storage();
    let before = accept(&storage, 1).await[0];
    disk.is_broken.store(true, Ordering::Relaxed);
    let refused = storage.accept(AccountId(0), None, vec![new("1"); 9], NOW).await;
    assert!(matches!(refused, Err(StorageError::Failed(_))), "{refused:?}");
    disk.is_broken.store(false, Ordering::Relaxed);
    while storage.message(before).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(storage.list(Some(AccountId(0)), None, 99).await.unwrap().len(), 1);
    let after = accept(&storage, 1).await[0];
    assert!(after > before);
}

#[tokio::test]
async fn a_full_disk_is_noticed_by_a_check_and_can_still_be_read() {
    let (disk, storage) = storage();
    let id = accept(&storage, 1).await[0];
    *disk.limit.lock().unwrap() = disk.len().ok();
    let mut checks = 0;
    while storage.check().await.is_ok() {
        checks += 1;
        assert!(checks < 100, "the disk is not noticed");
    }
    for _ in 0..3 {
        assert!(storage.check().await.is_err());
        assert!(storage.message(id).await.unwrap().is_some());
    }
    *disk.limit.lock().unwrap() = None;
    storage.check().await.unwrap();
}
