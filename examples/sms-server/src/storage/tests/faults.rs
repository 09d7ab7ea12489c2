//! A disk that is full for a time.

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
    is_full: Arc<AtomicBool>,
}

impl Disk {
    fn check(&self) -> io::Result<()> {
        if self.is_full.load(Ordering::Relaxed) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
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

#[tokio::test]
async fn a_full_disk_refuses_messages_and_the_storage_returns_by_itself() {
    let disk = Disk::default();
    let open = {
        let disk = disk.clone();
        move || Ok(disk.clone())
    };
    let storage = Redb::new(open, || 0).unwrap();
    let before = accept(&storage, 1).await[0];
    disk.is_full.store(true, Ordering::Relaxed);
    let refused = storage.accept(AccountId(0), None, vec![new("1"); 9], NOW).await;
    assert!(matches!(refused, Err(StorageError::Failed(_))), "{refused:?}");
    disk.is_full.store(false, Ordering::Relaxed);
    while storage.message(before).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(storage.list(Some(AccountId(0)), None, 99).await.unwrap().len(), 1);
    let after = accept(&storage, 1).await[0];
    assert!(after > before);
}
