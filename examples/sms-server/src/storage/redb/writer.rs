//! The thread that changes the file. It merges all changes that wait into one commit.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use ::redb::Database;
use tokio::sync::oneshot;

use super::{
    super::StorageError,
    slot::{RETRY, Slot, begin_write},
    tables::{Fault, Tables},
};
use crate::metrics;

/// The maximum number of small changes in a commit. It bounds the time that the first of them waits.
const MAX_MERGED: usize = 2000;

/// The maximum number of messages in a small change.
const MAX_SMALL: usize = 100;

/// A change, and what to do with its result.
trait Job: Send {
    /// Whether it changes many messages, so that its commit takes long.
    fn is_large(&self) -> bool;
    /// Makes the change, within the transaction of the commit.
    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), Fault>;
    /// Replies to the caller, after the commit.
    fn reply(self: Box<Self>, committed: Result<(), StorageError>);
}

struct Change<F, T> {
    /// The number of messages that it changes.
    messages: usize,
    work: Option<F>,
    result: Option<Result<T, StorageError>>,
    reply: oneshot::Sender<Result<T, StorageError>>,
}

impl<F, T> Job for Change<F, T>
where
    F: FnOnce(&mut Tables<'_>) -> Result<Result<T, StorageError>, Fault> + Send,
    T: Send,
{
    fn is_large(&self) -> bool {
        self.messages > MAX_SMALL
    }

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

    /// Makes a change of few messages. `work` either changes everything that it is to change, or returns an inner error before its first
    /// change.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<Result<T, StorageError>, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.change_many(1, work).await
    }

    /// As [`change`](Self::change), for this number of messages.
    pub(super) async fn change_many<T: Send + 'static>(
        &self,
        messages: usize,
        work: impl FnOnce(&mut Tables<'_>) -> Result<Result<T, StorageError>, Fault> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (sender, reply) = oneshot::channel();
        let job = Box::new(Change { messages, work: Some(work), result: None, reply: sender });
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

/// Changes that wait for a commit.
#[derive(Default)]
struct Backlog {
    small: VecDeque<Box<dyn Job>>,
    large: VecDeque<Box<dyn Job>>,
}

impl Backlog {
    fn add(&mut self, job: Box<dyn Job>) {
        if job.is_large() { self.large.push_back(job) } else { self.small.push_back(job) }
    }

    /// Waits for the first change, and collects all that wait. Returns false if there are no more callers, and no changes.
    fn collect(&mut self, waiting: &mpsc::Receiver<Box<dyn Job>>) -> bool {
        if self.small.is_empty() && self.large.is_empty() {
            match waiting.recv_timeout(RETRY) {
                Ok(first) => self.add(first),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        for job in waiting.try_iter() {
            self.add(job);
        }
        true
    }

    /// Removes the changes of the next commit: small ones in order, and at most one large one. So a small change never waits for several
    /// large ones, and each commit takes the oldest of both.
    fn next(&mut self) -> Vec<Box<dyn Job>> {
        let small = self.small.len().min(MAX_MERGED);
        self.small.drain(..small).chain(self.large.pop_front()).collect()
    }
}

/// Makes changes until there are no more callers. Everything that waits while a commit is written is in one of the next ones.
fn run(slot: &Slot, waiting: &mpsc::Receiver<Box<dyn Job>>) {
    let mut backlog = Backlog::default();
    while backlog.collect(waiting) {
        // After a fault, an idle storage recovers as well.
        slot.reopen();
        let mut jobs = backlog.next();
        if jobs.is_empty() {
            continue;
        }
        let mut is_over = false;
        let committed = slot.get().and_then(|database| {
            commit(&database, slot.bytes(), &mut jobs).map_err(|fault| {
                is_over = matches!(fault, Fault::Io(_) | Fault::PreviousIo);
                fault.into()
            })
        });
        let began = Instant::now();
        if is_over {
            slot.close();
            slot.reopen();
        }
        let opening = began.elapsed();
        for job in jobs {
            job.reply(committed.clone());
        }
        if is_over {
            // The next change may fail as well, and opening a large file takes long. So a full disk can be read for half of the time.
            thread::sleep(RETRY.max(opening));
        }
    }
}

fn commit(database: &Database, bytes: u64, jobs: &mut [Box<dyn Job>]) -> Result<(), Fault> {
    let began = Instant::now();
    let outcome = try_commit(database, bytes, jobs);
    metrics::histogram!(metrics::COMMIT_DURATION).record(began.elapsed());
    metrics::counter!(metrics::CHANGES).increment(jobs.len() as u64);
    let label = if outcome.is_ok() { "ok" } else { "failed" };
    metrics::counter!(metrics::COMMITS, "outcome" => label).increment(1);
    outcome
}

fn try_commit(database: &Database, bytes: u64, jobs: &mut [Box<dyn Job>]) -> Result<(), Fault> {
    // A transaction is durable by default, and undone when it is dropped.
    let transaction = begin_write(database, bytes)?;
    let mut tables = Tables::open(&transaction)?;
    for job in jobs {
        job.run(&mut tables)?;
    }
    drop(tables);
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a change of this number of messages.
    fn job(messages: usize) -> Box<dyn Job> {
        let work = |_: &mut Tables<'_>| -> Result<Result<(), StorageError>, Fault> { Ok(Ok(())) };
        Box::new(Change { messages, work: Some(work), result: None, reply: oneshot::channel().0 })
    }

    /// Returns the number of small and of large changes in each commit, until there are no more.
    fn commits(backlog: &mut Backlog) -> Vec<(usize, usize)> {
        let mut commits = Vec::new();
        loop {
            let jobs = backlog.next();
            if jobs.is_empty() {
                return commits;
            }
            let large = jobs.iter().filter(|job| job.is_large()).count();
            commits.push((jobs.len() - large, large));
        }
    }

    #[test]
    fn a_small_change_waits_for_at_most_one_large_one() {
        let mut backlog = Backlog::default();
        for _ in 0..3 {
            backlog.add(job(10_000));
        }
        backlog.add(job(1));
        backlog.add(job(MAX_SMALL));
        assert_eq!(commits(&mut backlog), [(2, 1), (0, 1), (0, 1)]);
    }

    #[test]
    fn a_commit_has_a_bounded_number_of_changes() {
        let mut backlog = Backlog::default();
        for _ in 0..=MAX_MERGED {
            backlog.add(job(1));
        }
        assert_eq!(commits(&mut backlog), [(MAX_MERGED, 0), (1, 0)]);
    }

    #[test]
    fn changes_that_were_collected_are_made_although_their_callers_are_gone() {
        let (sender, waiting) = mpsc::channel();
        let mut backlog = Backlog::default();
        for _ in 0..2 {
            sender.send(job(10_000)).unwrap();
        }
        drop(sender);
        assert!(backlog.collect(&waiting));
        assert_eq!(backlog.next().len(), 1);
        assert!(backlog.collect(&waiting));
        assert_eq!(backlog.next().len(), 1);
        assert!(!backlog.collect(&waiting));
    }
}
