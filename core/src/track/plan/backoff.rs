//! Decides when the next request of any kind may be made: there is a gap after each request, and a growing wait after failed ones.

use super::waits::Waits;
use crate::track::clock::{Sequence, Tick};

#[derive(Debug)]
pub(super) struct Backoff {
    /// The earliest time of the next request.
    next_at: Tick,
    /// The number of consecutive requests that failed.
    failures: u8,
    /// The sequence number of the latest failure.
    failed: Option<Sequence>,
}

impl Backoff {
    pub(super) const NONE: Self = Self { next_at: Tick::ZERO, failures: 0, failed: None };

    pub(super) fn restart(&mut self, now: Tick) {
        *self = Self { next_at: now, ..Self::NONE };
    }

    pub(super) fn next_at(&self) -> Tick {
        self.next_at
    }

    /// Notes a request.
    pub(super) fn asked(&mut self, now: Tick, waits: &Waits) {
        self.next_at = now.plus(waits.request_gap);
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    pub(super) fn failed(&mut self, now: Tick, sequence: Sequence, waits: &Waits) {
        self.failed = Some(sequence);
        self.refused(now, waits);
    }

    /// Notes a request that the gateway refused for a reason that may pass.
    pub(super) fn refused(&mut self, now: Tick, waits: &Waits) {
        let wait = waits.backed_off(waits.retry, self.failures);
        self.failures = self.failures.saturating_add(1);
        self.next_at = now.plus(wait);
    }

    /// Moves the end of the present wait to at least `at_least` and at most `at_most` ticks from now.
    pub(super) fn bound(&mut self, now: Tick, at_least: u32, at_most: u32) {
        self.next_at = self.next_at.min(now.plus(at_most)).max(now.plus(at_least));
    }

    /// Notes that the client was out of touch with the gateway.
    pub(super) fn lost_touch(&mut self, sequence: Sequence) {
        self.failed = Some(sequence);
    }

    /// Returns whether no request has failed since a sequence number.
    pub(super) fn in_touch_since(&self, sequence: Sequence) -> bool {
        self.failed.is_none_or(|failed| sequence.is_after(failed))
    }

    /// Ends the back-off: the next request waits only for the gap.
    pub(super) fn retry_now(&mut self, now: Tick, waits: &Waits) {
        self.failures = 0;
        self.next_at = self.next_at.min(now.plus(waits.request_gap));
    }
}
