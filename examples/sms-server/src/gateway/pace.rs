//! The pace at which messages are bound to ports that are busy already.

use std::time::Duration;

use tokio::time::Instant;

/// The least time in which a port sends a message, by the vendor's document (§11.3): 5 to 8 s.
const PER_MESSAGE: Duration = Duration::from_secs(5);

/// The maximum time of all ports that accumulates while no message is bound.
const AT_MOST: Duration = Duration::from_secs(1);

/// The ports' time that is not used for a message yet. Each message beyond those that are being sent uses [`PER_MESSAGE`] of it.
///
/// The gateway shows only every few seconds which messages were sent. If all the room that it shows were used at once, the messages would
/// wait in the gateway, where an urgent message cannot precede them, and no room would be left until the gateway is queried again.
#[derive(Default)]
pub(super) struct Pace {
    unused: Duration,
    /// The time up to which the ports' time is counted; `None` before the first look.
    since: Option<Instant>,
}

impl Pace {
    /// Returns the number of messages that this number of ports can have in addition to those that they are sending.
    pub(super) fn messages(&mut self, ports: usize, now: Instant) -> usize {
        let ports = u32::try_from(ports).unwrap_or(u32::MAX);
        let passed = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        // A single port needs several seconds to earn a message.
        let most = AT_MOST.saturating_mul(ports).max(PER_MESSAGE);
        self.unused = self.unused.saturating_add(passed.saturating_mul(ports)).min(most);
        self.since = Some(now);
        usize::try_from(self.unused.as_millis() / PER_MESSAGE.as_millis()).unwrap_or(usize::MAX)
    }

    /// Uses the time of a message.
    pub(super) fn bound(&mut self) {
        self.unused = self.unused.saturating_sub(PER_MESSAGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_ports_get_as_many_messages_as_they_can_send_and_no_burst() {
        let begin = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.messages(32, begin), 0);
        let mut given = 0;
        for tick in 1..=200 {
            for _ in 0..pace.messages(32, begin + tick * Duration::from_millis(500)) {
                pace.bound();
                given += 1;
            }
        }
        assert_eq!(given, 100 * 32 / 5);
        assert_eq!(pace.messages(32, begin + Duration::from_secs(3600)), 6);
    }

    #[test]
    fn a_single_port_gets_a_message_in_its_time() {
        let begin = Instant::now();
        let mut pace = Pace::default();
        let after = |milliseconds| begin + Duration::from_millis(milliseconds);
        assert_eq!(pace.messages(1, begin), 0);
        for tick in 1..10 {
            assert_eq!(pace.messages(1, after(tick * 500)), 0);
        }
        assert_eq!(pace.messages(1, after(5000)), 1);
        pace.bound();
        assert_eq!(pace.messages(1, after(5500)), 0);
    }
}
