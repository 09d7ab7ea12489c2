//! The caller's clock in ticks.

use core::time::Duration;

/// A point in time in steps of 10 ms, counted from the caller's own zero. Ticks wrap after 497 days. Two ticks can be compared only if they
/// are less than half of that apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::track) struct Tick(u32);

/// The number of ticks in a second.
pub(in crate::track) const PER_SECOND: u32 = 100;

impl Tick {
    pub(in crate::track) const ZERO: Self = Self(0);

    pub(in crate::track) const fn new(ticks: u32) -> Self {
        Self(ticks)
    }

    pub(in crate::track) const fn get(self) -> u32 {
        self.0
    }

    /// Converts a time of the caller's clock.
    pub(in crate::track) fn at(now: Duration) -> Self {
        // The upper bits are dropped: ticks wrap.
        #[allow(clippy::cast_possible_truncation)]
        let seconds = now.as_secs() as u32;
        Self(seconds.wrapping_mul(PER_SECOND).wrapping_add(now.subsec_millis() / 10))
    }

    pub(in crate::track) fn plus(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    /// Returns the tick that is `ticks` before this one.
    pub(in crate::track) fn earlier(self, ticks: u32) -> Self {
        Self(self.0.wrapping_sub(ticks))
    }

    /// Returns whether this tick is not later than `now`.
    pub(in crate::track) fn is_due(self, now: Self) -> bool {
        now.0.wrapping_sub(self.0) <= u32::MAX / 2
    }

    /// Returns the number of ticks from this one to `now`; 0 if this one is later.
    pub(in crate::track) fn ago(self, now: Self) -> u32 {
        if self.is_due(now) { now.0.wrapping_sub(self.0) } else { 0 }
    }

    /// Returns the earlier of two ticks.
    pub(in crate::track) fn min(self, other: Self) -> Self {
        if self.is_due(other) { self } else { other }
    }

    /// Returns the later of two ticks.
    pub(in crate::track) fn max(self, other: Self) -> Self {
        if self.is_due(other) { other } else { self }
    }

    /// Returns this tick as a time of the caller's clock, which shows `now` at the tick `tick`. A tick before `tick` counts as `tick`.
    pub(in crate::track) fn instant(self, tick: Self, now: Duration) -> Duration {
        let wait = tick.ago(self);
        let rest = Duration::new(u64::from(wait / PER_SECOND), wait % PER_SECOND * 10_000_000);
        // `now` is rounded down to a whole tick. Otherwise the wait would end a little late.
        now.saturating_sub(Duration::from_nanos(u64::from(now.subsec_nanos() % 10_000_000)))
            .saturating_add(rest)
    }
}

/// The earliest of several times.
#[derive(Clone, Copy, Debug)]
pub(in crate::track) struct Earliest(Option<Tick>);

impl Earliest {
    pub(in crate::track) const NEVER: Self = Self(None);

    pub(in crate::track) const fn get(self) -> Option<Tick> {
        self.0
    }

    pub(in crate::track) fn add(&mut self, time: Tick) {
        self.add_some(Some(time));
    }

    /// Adds a time, if there is one.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(in crate::track) fn add_some(&mut self, time: Option<Tick>) {
        if let Some(time) = time {
            self.0 = Some(self.0.map_or(time, |earliest| earliest.min(time)));
        }
    }
}

/// Returns the whole seconds in a number of ticks.
pub(in crate::track) const fn seconds(ticks: u32) -> u32 {
    ticks / PER_SECOND
}

/// Converts a duration to ticks, rounded up and limited to 100 days.
pub(in crate::track) fn ticks(duration: Duration) -> u32 {
    let seconds = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX).min(100 * 86_400);
    seconds * PER_SECOND + duration.subsec_millis().div_ceil(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_wrap() {
        let late = Tick(u32::MAX - 1);
        let later = late.plus(10);
        assert!(late.is_due(later) && !later.is_due(late));
        assert_eq!((late.ago(later), later.ago(late)), (10, 0));
        assert_eq!(late.min(later), late);
        let now = Duration::from_millis(12_345);
        assert_eq!(Tick::at(now).plus(100).instant(Tick::at(now), now), Duration::from_millis(13_340));
        assert_eq!(Tick::at(now).instant(Tick::at(now), now), Duration::from_millis(12_340));
    }
}
