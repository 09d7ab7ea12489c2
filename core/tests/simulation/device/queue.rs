//! Waiting messages, and planned events.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

use crate::numbers::Spelt;

/// A message on the gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// The own message, for the oracle.
    pub(crate) owner: Option<u32>,
    pub(crate) copy: u32,
    pub(crate) user_id: Option<u32>,
    pub(crate) number: Spelt,
    pub(crate) segments: u8,
    pub(crate) report: bool,
    pub(crate) ports: u32,
    pub(crate) task: i64,
}

/// A first-in, first-out queue, except that messages overtake a message without a free port.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Messages by the set of allowed ports.
    waiting: BTreeMap<u32, VecDeque<Job>>,
    length: u32,
}

impl Queue {
    pub(super) fn push(&mut self, job: Job) {
        self.waiting.entry(job.ports).or_default().push_back(job);
        self.length += 1;
    }

    pub(super) fn len(&self) -> u32 {
        self.length
    }

    /// Removes and returns the first message that may be sent through `port`.
    pub(super) fn pop(&mut self, port: u8) -> Option<Job> {
        let allowed = self.waiting.iter_mut().filter(|(ports, _)| *ports >> port & 1 == 1);
        let jobs =
            allowed.map(|(_, jobs)| jobs).min_by_key(|jobs| jobs.front().map_or(u32::MAX, |job| job.copy))?;
        let job = jobs.pop_front()?;
        self.length -= 1;
        Some(job)
    }

    /// Removes the messages of a task.
    pub(super) fn drop_task(&mut self, task: i64) -> Vec<Job> {
        let mut dropped = Vec::new();
        for jobs in self.waiting.values_mut() {
            dropped.extend(jobs.iter().filter(|job| job.task == task).copied());
            jobs.retain(|job| job.task != task);
        }
        self.length -= dropped.len() as u32;
        dropped
    }

    pub(super) fn clear(&mut self) -> Vec<Job> {
        self.length = 0;
        std::mem::take(&mut self.waiting).into_values().flatten().collect()
    }

    /// Returns whether an own message is waiting.
    pub(super) fn holds(&self, owner: u32) -> bool {
        self.waiting.values().flatten().any(|job| job.owner == Some(owner))
    }
}

#[derive(Debug)]
struct Event<T> {
    at: u64,
    order: u64,
    what: T,
}

impl<T> Event<T> {
    fn key(&self) -> (u64, u64) {
        (self.at, self.order)
    }
}

impl<T> PartialEq for Event<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Event<T> {}

impl<T> PartialOrd for Event<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Orders events so that the earliest is the greatest, because the heap returns the greatest.
impl<T> Ord for Event<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

/// Planned events in order of time. Events at the same time are in the order in which they were planned.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    events: BinaryHeap<Event<T>>,
    planned: u64,
}

impl<T> Agenda<T> {
    pub(crate) const fn new() -> Self {
        Self { events: BinaryHeap::new(), planned: 0 }
    }

    pub(crate) fn plan(&mut self, at: u64, what: T) {
        self.planned += 1;
        self.events.push(Event { at, order: self.planned, what });
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.events.peek().map(|event| event.at)
    }

    /// Removes and returns the first event that is due.
    pub(crate) fn due(&mut self, now: u64) -> Option<(u64, T)> {
        self.next().filter(|at| *at <= now)?;
        self.events.pop().map(|event| (event.at, event.what))
    }
}
