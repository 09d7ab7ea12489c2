//! The thread that writes the file. It merges waiting saves into one commit.

use std::{
    io,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use ::redb::{Database as Redb, Error as Fault, ReadableDatabase};
use tokio::sync::oneshot;

use super::{IDEMPOTENCY, RECORDS, REFERENCES, TEXTS, Tables, fault};
use crate::store::{Entry, StoreError, Write};

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A call of a gateway's store.
enum Call {
    Load { gateway: u32, reply: Reply<Vec<Entry>> },
    Save { gateway: u32, writes: Vec<Write>, reply: Reply<()> },
}

/// The writing thread. Dropping this waits until the thread has ended.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` only while this is being dropped.
    calls: Option<mpsc::Sender<Call>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(redb: Arc<Redb>) -> io::Result<Self> {
        let (calls, waiting) = mpsc::channel();
        let thread = thread::Builder::new().name("sms-gateway-store".into());
        let thread = thread.spawn(move || run(&redb, &waiting))?;
        Ok(Self { calls: Some(calls), thread: Some(thread) })
    }

    pub(super) async fn load(&self, gateway: u32) -> Result<Vec<Entry>, StoreError> {
        self.call(|reply| Call::Load { gateway, reply }).await
    }

    pub(super) async fn save(&self, gateway: u32, writes: Vec<Write>) -> Result<(), StoreError> {
        self.call(|reply| Call::Save { gateway, writes, reply }).await
    }

    async fn call<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, StoreError> {
        let (sender, reply) = oneshot::channel();
        if let Some(calls) = &self.calls {
            // If the thread has ended, the call is dropped with its sender, and the wait below fails.
            let _ = calls.send(call(sender));
        }
        reply.await.unwrap_or_else(|_| Err(StoreError::Other("the writing thread has ended".into())))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.calls = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Handles calls in order until all senders are dropped. Saves that arrive during a commit are merged into the next one.
fn run(redb: &Redb, waiting: &mpsc::Receiver<Call>) {
    let mut group = Vec::new();
    while let Ok(first) = waiting.recv() {
        for call in std::iter::once(first).chain(waiting.try_iter()) {
            match call {
                Call::Save { gateway, writes, reply } => group.push((gateway, writes, reply)),
                Call::Load { gateway, reply } => {
                    save(redb, &mut group);
                    let _ = reply.send(load(redb, gateway).map_err(fault));
                }
            }
        }
        save(redb, &mut group);
    }
}

/// Saves a group in one commit.
fn save(redb: &Redb, group: &mut Vec<(u32, Vec<Write>, Reply<()>)>) {
    if group.is_empty() {
        return;
    }
    let changes = group.iter().map(|(gateway, writes, _)| (*gateway, writes.as_slice()));
    let saved = commit(redb, changes).map_err(fault);
    for (.., reply) in group.drain(..) {
        let _ = reply.send(saved.as_ref().copied().map_err(copy));
    }
}

fn commit<'w>(redb: &Redb, group: impl Iterator<Item = (u32, &'w [Write])>) -> Result<(), Fault> {
    // A committed transaction is durable by default. A dropped one is undone.
    let transaction = redb.begin_write()?;
    let mut tables = Tables::open(&transaction)?;
    for (gateway, writes) in group {
        for write in writes {
            tables.apply(gateway, write)?;
        }
    }
    drop(tables);
    Ok(transaction.commit()?)
}

fn load(redb: &Redb, gateway: u32) -> Result<Vec<Entry>, Fault> {
    let transaction = redb.begin_read()?;
    let texts = transaction.open_table(TEXTS)?;
    let references = transaction.open_table(REFERENCES)?;
    let hashes = transaction.open_table(IDEMPOTENCY)?;
    let records = transaction.open_table(RECORDS)?;
    let mut entries = Vec::new();
    for stored in records.range((gateway, 0)..=(gateway, u32::MAX))? {
        let (key, record) = stored?;
        let text = texts.get(key.value())?;
        let reference = references.get(key.value())?;
        let idempotency = hashes.get(key.value())?;
        entries.push(Entry {
            key: key.value().1,
            record: record.value().to_vec(),
            text: text.map(|text| text.value().into()),
            reference: reference.map(|reference| reference.value().into()),
            idempotency: idempotency.map(|hashes| hashes.value()),
        });
    }
    Ok(entries)
}

/// Copies the error of a commit, for each gateway whose changes the commit contained.
fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::Io(error) => StoreError::Io(io::Error::new(error.kind(), error.to_string())),
        StoreError::Damaged(found) => StoreError::Damaged(found.clone()),
        error => StoreError::Other(error.to_string().into()),
    }
}
