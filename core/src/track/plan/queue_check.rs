//! Decides when the number of messages in the gateway's queue is queried. An empty queue is evidence that the gateway does not have a
//! message whose result is missing.

use super::waits::Waits;
use crate::track::clock::{Sequence, Tick};

#[derive(Debug)]
pub(super) struct QueueCheck {
    is_wanted: bool,
    /// The earliest time of the next query, and the number of consecutive queries that did not find the queue empty.
    next_at: Tick,
    step: u8,
    /// The sequence number of the latest query that found the queue empty.
    emptied: Option<Sequence>,
}

impl QueueCheck {
    pub(super) const NONE: Self = Self { is_wanted: false, next_at: Tick::ZERO, step: 0, emptied: None };

    pub(super) fn restart(&mut self, now: Tick) {
        *self = Self { next_at: now, ..Self::NONE };
    }

    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Returns when the queue is queried; `None` if no query is wanted.
    pub(super) fn due(&self) -> Option<Tick> {
        self.is_wanted.then_some(self.next_at)
    }

    /// Notes the response to the query that began at the sequence number `started`.
    pub(super) fn seen(&mut self, in_queue: Option<u32>, started: Sequence, now: Tick, waits: &Waits) {
        self.is_wanted = false;
        let step = self.step;
        if in_queue == Some(0) {
            self.emptied = Some(started);
            self.step = 0;
        } else {
            self.step = step.saturating_add(1);
        }
        self.next_at = now.plus(waits.backed_off(waits.first_result, step));
    }

    /// Returns whether a query that began after a sequence number found the queue empty.
    pub(super) fn was_emptied_since(&self, sequence: Sequence) -> bool {
        self.emptied.is_some_and(|emptied| emptied.is_after(sequence))
    }
}
