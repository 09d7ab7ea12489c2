//! The time limits of each wait for the gateway, and of a call as a whole.

use core::time::Duration;

use super::{Cause, Wait};

/// The time limit on draining the rest of a response, and on closing a connection. Some gateways neither
/// announce the length of a response nor close the connection after it.
pub const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// The maximum number of bytes that are drained from a response so that its connection can be reused.
pub const MAX_DRAINED_BYTES: usize = 64 * 1024;

/// The time limits of calls. The defaults are generous, for a small device that is busy with its radio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// The limit on connecting: 10 s.
    pub connect: Duration,
    /// The limit on the wait for the head of a response, after the request: 30 s.
    pub response: Duration,
    /// The limit on the wait for the next byte of a response: 30 s.
    pub idle: Duration,
    /// The limit on a call as a whole (connecting, logging in, sending, and reading the response): 300 s. The time during
    /// which the caller holds a record does not count.
    pub exchange: Duration,
}

impl Timeouts {
    /// Returns the default limits.
    pub const fn new() -> Self {
        Self {
            connect: Duration::from_secs(10),
            response: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            exchange: Duration::from_secs(300),
        }
    }

    /// Sets the limit on connecting.
    #[must_use]
    pub const fn connect(mut self, limit: Duration) -> Self {
        self.connect = limit;
        self
    }

    /// Sets the limit on the wait for the head of a response, after the request.
    #[must_use]
    pub const fn response(mut self, limit: Duration) -> Self {
        self.response = limit;
        self
    }

    /// Sets the limit on the wait for the next byte of a response.
    #[must_use]
    pub const fn idle(mut self, limit: Duration) -> Self {
        self.idle = limit;
        self
    }

    /// Sets the limit on a call as a whole.
    #[must_use]
    pub const fn exchange(mut self, limit: Duration) -> Self {
        self.exchange = limit;
        self
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::new()
    }
}

/// The limit of one wait for the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct WaitLimit {
    /// The maximum duration of the wait.
    pub duration: Duration,
    /// The cause of the failure if the wait takes longer.
    pub expired: Cause,
}

/// The time that a call has left.
///
/// Only waits for the gateway count, not the time during which the caller holds a record. So the adapter reports the
/// duration of each wait, and the budget needs no clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    timeouts: Timeouts,
    left: Duration,
}

impl Budget {
    pub(super) const fn new(timeouts: Timeouts) -> Self {
        Self { timeouts, left: Duration::ZERO }
    }

    pub(super) const fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    pub(super) const fn begin(&mut self) {
        self.left = self.timeouts.exchange;
    }

    /// Returns the limit of one wait: the limit for this kind of wait, or the time that the call has left if that is shorter.
    pub(super) fn limit(&self, wait: Wait) -> WaitLimit {
        let own = match wait {
            Wait::Connect => self.timeouts.connect,
            Wait::Response => self.timeouts.response,
            Wait::Body => self.timeouts.idle,
            Wait::Exchange => self.timeouts.exchange,
        };
        let (duration, wait, limit) = if self.left < own {
            (self.left, Wait::Exchange, self.timeouts.exchange)
        } else {
            (own, wait, own)
        };
        WaitLimit { duration, expired: Cause::TimedOut { wait, limit } }
    }

    /// Returns the cause of the failure if the call has no time left.
    pub(super) fn expired(&self) -> Option<Cause> {
        self.left.is_zero().then(|| self.limit(Wait::Exchange).expired)
    }

    pub(super) const fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_limited_by_what_is_left_of_the_call() {
        let second = Duration::from_secs;
        let mut budget = Budget::new(Timeouts::new().exchange(second(45)));
        let expired = |wait, limit| Cause::TimedOut { wait, limit: second(limit) };
        budget.begin();
        let whole = WaitLimit { duration: second(30), expired: expired(Wait::Body, 30) };
        assert_eq!(budget.limit(Wait::Body), whole);
        budget.spend(second(30));
        let rest = WaitLimit { duration: second(15), expired: expired(Wait::Exchange, 45) };
        assert_eq!(budget.limit(Wait::Body), rest);
        assert_eq!(budget.limit(Wait::Connect).duration, second(10));
        budget.spend(second(30));
        assert_eq!(budget.limit(Wait::Connect), WaitLimit { duration: Duration::ZERO, ..rest });
        budget.begin();
        assert_eq!(budget.limit(Wait::Response).duration, second(30));
    }
}
