//! Runs of references that this client used on each port without a gap. During a run, no other program sent through that port.

use super::{
    GatewaySeconds, Tick,
    ports::{PORTS, place_of},
};

/// The minimum time in seconds that it takes to send a segment.
const FASTEST: u32 = 2;
/// A margin in seconds for jumps of the clock that are not noticed.
const RESERVE: u32 = 60;

/// A run: segments of this client's messages that were sent through one port, without a gap between their references.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// When the last gap was noticed.
    since: Tick,
    /// The first reference, the reference after the last one, and the send times of the first and the last message.
    first: u8,
    next: u8,
    first_sent: u32,
    last_sent: u32,
    /// The number of references that a failed message may have used after the run's last one.
    slack: u8,
}

/// The runs of the ports.
#[derive(Debug)]
pub(in crate::track) struct Runs([Option<Run>; PORTS]);

impl Runs {
    pub(in crate::track) const NEW: Self = Self([None; PORTS]);

    /// Notes the references of a message of this client, and when it was sent.
    pub(in crate::track) fn note_place(
        &mut self,
        (port, first, segments): (u8, u8, u8),
        sent: Option<GatewaySeconds>,
        now: Tick,
    ) {
        let Some(run) = self.0.get_mut(place_of(port)) else { return };
        let (sent, next) = (sent.map_or(0, GatewaySeconds::get), first.wrapping_add(segments));
        match run {
            Some(run) if first.wrapping_sub(run.next) <= run.slack && sent >= run.last_sent => {
                (run.next, run.last_sent, run.slack) = (next, sent, 0);
            }
            // Results may arrive out of order.
            Some(run) if run.first == next && sent <= run.first_sent => {
                (run.first, run.first_sent) = (first, sent);
            }
            run => *run = Some(Run { since: now, first, next, first_sent: sent, last_sent: sent, slack: 0 }),
        }
    }

    /// Notes that a message failed. The segment that was not sent may have used a reference.
    pub(in crate::track) fn note_failure(&mut self, port: u8) {
        if let Some(Some(run)) = self.0.get_mut(place_of(port)) {
            // Set to 1 and not incremented, because each failure is noted several times.
            run.slack = 1;
        }
    }

    /// Returns whether a reference cannot have been used again between `located` and the time when the gateway's clock showed `reading`.
    /// That is so if this client's references have had no gap since `located`, and the time since the last of them was too short to send
    /// all segments up to that reference.
    pub(in crate::track) fn is_not_reused(
        &self,
        (port, reference): (u8, u8),
        located: Tick,
        reading: u32,
    ) -> bool {
        let run = self.0.get(place_of(port)).copied().flatten();
        run.is_some_and(|run| {
            let between = u32::from(reference.wrapping_sub(run.next));
            let passed = reading.saturating_sub(run.last_sent);
            run.since.is_due(located) && passed.saturating_add(RESERVE) < between.saturating_mul(FASTEST)
        })
    }

    /// Returns whether only this client sent through a port in the last `ticks` before `until`.
    pub(in crate::track) fn is_alone(&self, port: u8, until: Tick, ticks: u32) -> bool {
        let run = self.0.get(place_of(port)).copied().flatten();
        run.is_some_and(|run| run.since.ago(until) > ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_between_references_shows_that_others_send() {
        let mut runs = Runs::NEW;
        runs.note_place((3, 254, 3), GatewaySeconds::new(10), Tick::new(10));
        runs.note_place((3, 2, 1), GatewaySeconds::new(12), Tick::new(20));
        runs.note_place((3, 1, 1), GatewaySeconds::new(11), Tick::new(20));
        let gap_at = |runs: &Runs| runs.0[3].map(|run| run.since);
        assert_eq!(gap_at(&runs), Some(Tick::new(20)), "1 is missing until it is seen");
        runs.note_place((3, 3, 1), GatewaySeconds::new(13), Tick::new(30));
        assert!(runs.is_alone(3, Tick::new(101), 80) && !runs.is_alone(3, Tick::new(100), 80));
        runs.note_place((3, 5, 1), GatewaySeconds::new(14), Tick::new(40));
        assert_eq!(gap_at(&runs), Some(Tick::new(40)));
        assert!(!runs.is_alone(4, Tick::new(9000), 80));
    }

    #[test]
    fn a_reference_that_follows_at_an_earlier_time_is_one_that_came_around() {
        for (place, sent, is_gap) in [(9, 10, false), (9, 9, true), (7, 10, false), (7, 11, true)] {
            let mut runs = Runs::NEW;
            runs.note_place((3, 8, 1), GatewaySeconds::new(10), Tick::new(10));
            runs.note_place((3, place, 1), GatewaySeconds::new(sent), Tick::new(90));
            assert_eq!(runs.is_alone(3, Tick::new(100), 50), !is_gap, "{place} at {sent}");
        }
    }

    #[test]
    fn a_failed_message_may_have_used_a_reference() {
        let since = |next: u8, failures: u8| {
            let mut runs = Runs::NEW;
            runs.note_place((3, 8, 1), GatewaySeconds::new(10), Tick::new(10));
            (0..failures).for_each(|_| runs.note_failure(3));
            runs.note_place((3, next, 1), GatewaySeconds::new(12), Tick::new(20));
            runs.0[3].map(|run| run.since.get())
        };
        let since = [since(9, 1), since(10, 1), since(11, 1), since(10, 0), since(11, 2)];
        assert_eq!(since, [Some(10), Some(10), Some(20), Some(20), Some(20)]);
    }

    #[test]
    fn a_reference_is_not_reused_before_all_others_were_used() {
        let mut runs = Runs::NEW;
        let is_not = |runs: &Runs, reference, located, reading| {
            runs.is_not_reused((3, reference), Tick::new(located), reading)
        };
        assert!(!is_not(&runs, 9, 20, 1000));
        runs.note_place((3, 8, 2), GatewaySeconds::new(1000), Tick::new(20));
        // 254 other references take 508 s.
        assert!(is_not(&runs, 8, 20, 1447) && !is_not(&runs, 8, 20, 1448));
        assert!(is_not(&runs, 9, 20, 1449) && !is_not(&runs, 9, 20, 1450));
        assert!(!is_not(&runs, 8, 19, 1100), "before the last gap");
        runs.note_place((3, 10, 200), GatewaySeconds::new(1400), Tick::new(40));
        // 54 other references take 108 s.
        assert!(is_not(&runs, 8, 20, 1447) && !is_not(&runs, 8, 20, 1448));
        assert!(!runs.is_not_reused((4, 8), Tick::new(50), 1000));
    }
}
