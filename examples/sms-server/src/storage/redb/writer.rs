//! The thread that changes the file. It merges all changes that wait into one commit.

use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
};

use ::redb::Database;
use tokio::sync::oneshot;

use super::{
    super::StorageError,
    slot::{RETRY, Slot},
    tables::{Fault, Tables},
};

/// The maximum number of changes in a commit. It bounds the time that the first of them waits.
const MAX_MERGED: usize = 2000;

/// A change, and what to do with its result.
trait Job: Send {
    /// Makes the change, within the transaction of the commit.
    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Fault>;
    /// Replies to the caller, after the commit.
    fn reply(self: Box<Self>, committed: Result<(), StorageError>);
}

struct Change<F, T> {
    work: Option<F>,
    result: Option<Result<T, StorageError>>,
    reply: oneshot::Sender<Result<T, StorageError>>,
}

impl<F, T> Job for Change<F, T>
where
    F: FnOnce(&mut Tables<'_>) -> Result<Result<T, StorageError>, Fault> + Send,
    T: Send,
{
    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Fault> {
        if let Some(work) = self.work.take() {
            self.result = Some(work(tables)?);
        }
        Ok(())
    }

    fn reply(self: Box<Self>, committed: Result<(), StorageError>) {
        let ended = || Err(StorageError::Failed("the change was not made".into()));
        let Self { result, reply, .. } = *self;
        // The caller may be gone.
        let _ = reply.send(committed.and_then(|()| result.unwrap_or_else(ended)));
    }
}

/// The writing thread. Dropping it waits for its end.
pub(super) struct Writer {
    /// `None` while it is dropped.
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(slot: Arc<Slot>) -> Result<Self, StorageError> {
        let (jobs, waiting) = mpsc::channel::<Box<dyn Job>>();
        let thread = thread::Builder::new().name("storage".into());
        let thread = thread.spawn(move || run(&slot, &waiting))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Makes a change. `work` either changes everything that it is to change, or returns an inner error before its first change.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<Result<T, StorageError>, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (sender, reply) = oneshot::channel();
        let job = Box::new(Change { work: Some(work), result: None, reply: sender });
        if let Some(jobs) = &self.jobs {
            // If the thread has ended, the reply is dropped.
            let _ = jobs.send(job);
        }
        reply.await.unwrap_or_else(|_| Err(StorageError::Failed("the storage's thread has ended".into())))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Makes changes until there are no more callers. Everything that waits while a commit is written is in the next one.
fn run(slot: &Slot, waiting: &mpsc::Receiver<Box<dyn Job>>) {
    loop {
        let first = match waiting.recv_timeout(RETRY) {
            Ok(first) => Some(first),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // After a fault, an idle storage recovers as well.
        slot.reopen();
        let Some(first) = first else { continue };
        let mut jobs: Vec<_> =
            std::iter::once(first).chain(waiting.try_iter().take(MAX_MERGED - 1)).collect();
        let committed = slot.get().and_then(|database| {
            commit(&database, &mut jobs).map_err(|fault| {
                let is_over = matches!(fault, Fault::Io(_) | Fault::PreviousIo);
                drop(database);
                if is_over {
                    slot.close();
                }
                fault.into()
            })
        });
        for job in jobs {
            job.reply(committed.clone());
        }
    }
}

fn commit(database: &Database, jobs: &mut [Box<dyn Job>]) -> Result<(), Fault> {
    // A transaction is durable by default, and undone when it is dropped.
    let transaction = database.begin_write()?;
    let mut tables = Tables::open(&transaction)?;
    for job in jobs {
        job.run(&mut tables)?;
    }
    drop(tables);
    Ok(transaction.commit()?)
}
