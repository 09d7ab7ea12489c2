//! The status of a gateway, for operators.

use crate::storage::Time;

/// Whether requests to a gateway succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether any request has succeeded or failed.
    pub is_known: bool,
    /// The reason requests fail.
    pub error: Option<String>,
    /// The time since which requests have succeeded, or have failed, or the start of the server.
    pub since: Time,
}

impl Health {
    pub(super) const fn new(now: Time) -> Self {
        Self { is_known: false, error: None, since: now }
    }

    pub(super) fn set(&mut self, error: Option<String>, now: Time) {
        if !self.is_known || self.error.is_some() != error.is_some() {
            self.since = now;
        }
        self.is_known = true;
        self.error = error;
    }
}

/// The reason a gateway would not send a message now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// An operator has paused or drained it.
    Paused,
    /// Requests to it fail.
    Failing,
    /// The last query of its ports failed, or there was none yet.
    PortsUnknown,
    /// None of its ports is registered in a network.
    NoRegisteredPort,
    /// The SIM cards of all registered ports are quarantined.
    AllSimsQuarantined,
    /// All its ports have as many messages as they may have. The next message waits until one is sent.
    Full,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_health_is_that_of_its_last_change() {
        let mut health = Health::new(Time(1));
        for (error, at, since) in
            [(None, 2, 2), (None, 3, 2), (Some("a"), 4, 4), (Some("b"), 5, 4), (None, 6, 6)]
        {
            health.set(error.map(str::to_owned), Time(at));
            assert_eq!(health.since, Time(since));
        }
    }
}
