//! Waits in ticks, and how they grow while nothing changes.

use core::time::Duration;

use super::queue::{SLOWEST_STEP, STEPS};
use crate::track::{clock::ticks, settings::Settings};

/// The durations of [`Settings`] in ticks.
#[derive(Debug)]
pub(in crate::track) struct Waits {
    pub(in crate::track) first_result: u32,
    pub(in crate::track) first_report: u32,
    pub(in crate::track) results_every: u32,
    pub(in crate::track) reports_every: u32,
    pub(in crate::track) slowest: u32,
    pub(in crate::track) retry: u32,
    pub(in crate::track) incoming: u32,
    pub(in crate::track) expire: u32,
    pub(in crate::track) late: u32,
    pub(in crate::track) reported: u32,
    pub(in crate::track) doubled: u32,
    pub(in crate::track) unmatched: u32,
    pub(in crate::track) request_gap: u32,
}

impl Waits {
    /// The waits before the settings are known: all are zero.
    pub(in crate::track) const NONE: Self = Self {
        first_result: 0,
        first_report: 0,
        results_every: 0,
        reports_every: 0,
        slowest: 0,
        retry: 0,
        incoming: 0,
        expire: 0,
        late: 0,
        reported: 0,
        doubled: 0,
        unmatched: 0,
        request_gap: 0,
    };

    pub(super) fn set(&mut self, settings: &Settings) {
        let timing = &settings.timing;
        *self = Self {
            first_result: ticks(timing.first_result),
            first_report: ticks(timing.first_report),
            results_every: ticks(timing.results_every),
            reports_every: ticks(timing.reports_every),
            slowest: ticks(timing.slowest),
            retry: ticks(timing.retry),
            incoming: ticks(timing.incoming),
            expire: ticks(timing.expire),
            late: ticks(timing.late),
            reported: ticks(timing.reported),
            doubled: ticks(timing.doubled),
            unmatched: ticks(timing.unmatched),
            request_gap: ticks(settings.limits.request_gap),
        };
    }

    /// Returns `first` doubled `times` times, at most [`slowest`](Self::slowest), but at least `first`.
    pub(in crate::track) fn backed_off(&self, first: u32, times: u8) -> u32 {
        let doubled = first.checked_shl(times.into()).filter(|wait| wait >> times == first);
        doubled.map_or(self.slowest, |wait| wait.min(self.slowest)).max(first)
    }

    /// Returns `first` doubled `step` times. Steps above [`SLOWEST_STEP`], which only messages that were sent reach, double the result
    /// beyond [`slowest`](Self::slowest).
    pub(in crate::track) fn backed_off_sent(&self, first: u32, step: u8) -> u32 {
        let past = step.min(STEPS - 1).saturating_sub(SLOWEST_STEP);
        self.backed_off(first, step).saturating_mul(1 << past).min(ticks(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let mut waits = Waits::NONE;
        waits.set(&Settings::default());
        let steps = [0, 1, 2, 5, 6, 31, 40].map(|times| waits.backed_off(800, times));
        assert_eq!(steps, [800, 1600, 3200, 25_600, 30_000, 30_000, 30_000]);
    }
}
