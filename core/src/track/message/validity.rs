//! The time for which a message may wait to be submitted, in one byte.

use core::time::Duration;

use crate::track::clock::{PER_SECOND, ticks};

/// The validity of a message in half seconds, encoded as `(16 + low half) << high half` with the two halves of the byte. Its resolution
/// is a sixteenth. 0 means that the message has no validity of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct Validity(u8);

impl Validity {
    pub(in crate::track) const NONE: Self = Self(0);

    /// Rounds a duration down, but not below the shortest validity.
    pub(super) fn new(limit: Duration) -> Self {
        let limit = ticks(limit);
        let mut validity = Self(u8::MAX);
        while validity.0 > 1 && validity.ticks() > Some(limit) {
            validity.0 = validity.0.wrapping_sub(1);
        }
        validity
    }

    /// Restores a saved validity.
    pub(in crate::track) const fn of_byte(byte: u8) -> Self {
        Self(byte)
    }

    pub(in crate::track) const fn byte(self) -> u8 {
        self.0
    }

    /// Returns the validity in ticks; `None` for [`NONE`](Self::NONE).
    pub(in crate::track) fn ticks(self) -> Option<u32> {
        let half_seconds = (u32::from(self.0 & 15) | 16) << (self.0 >> 4);
        (self != Self::NONE).then(|| half_seconds.saturating_mul(PER_SECOND / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_down_by_less_than_a_sixteenth() {
        for millis in (8_500..500_000_000).step_by(12_347) {
            let limit = Duration::from_millis(millis);
            let kept = Validity::new(limit).ticks().unwrap();
            let wanted = u32::try_from(millis.div_ceil(10)).unwrap();
            assert!(
                kept <= wanted && u64::from(wanted - kept) * 16 <= u64::from(wanted),
                "{limit:?}: {kept}"
            );
        }
    }

    #[test]
    fn extremes_are_the_shortest_and_the_longest() {
        let ticks = |limit| Validity::new(limit).ticks().unwrap();
        assert_eq!(ticks(Duration::ZERO), 850);
        assert_eq!(ticks(Duration::from_millis(8_990)), 850);
        assert_eq!(ticks(Duration::MAX), (31 << 15) * 50);
        assert_eq!(Validity::NONE.ticks(), None);
    }
}
