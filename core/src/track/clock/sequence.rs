//! Sequence numbers. They order events that have no common clock: requests, first sightings of reports, and saved records.

/// A number that grows with each request and each change, and wraps. Of two numbers, the one that is ahead by less than half of the range
/// is later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::track) struct Sequence(u32);

impl Sequence {
    /// Stands for "has not happened".
    pub(in crate::track) const NEVER: Self = Self(0);

    pub(in crate::track) const fn new(number: u32) -> Self {
        Self(number)
    }

    pub(in crate::track) const fn get(self) -> u32 {
        self.0
    }

    /// Returns whether this number was drawn after the other one.
    pub(in crate::track) fn is_after(self, other: Self) -> bool {
        let ahead = self.0.wrapping_sub(other.0);
        ahead != 0 && ahead <= u32::MAX / 2
    }
}

/// The source of sequence numbers.
#[derive(Debug)]
pub(in crate::track) struct SequenceCounter(Sequence);

impl SequenceCounter {
    /// The number of a counter before the first draw.
    const FIRST: Sequence = Sequence(1);

    pub(in crate::track) const fn new() -> Self {
        Self(Self::FIRST)
    }

    /// Draws the next number.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(in crate::track) fn draw(&mut self) -> Sequence {
        self.0 = Sequence(self.0.0.wrapping_add(1).max(1));
        self.0
    }

    /// Continues after a number that was drawn before a restart.
    pub(in crate::track) fn continue_after(&mut self, number: Sequence) {
        if self.0 == Self::FIRST || number.is_after(self.0) {
            self.0 = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_survives_the_wrap() {
        let mut counter = SequenceCounter(Sequence(u32::MAX - 1));
        let before = counter.draw();
        let after = counter.draw();
        assert_eq!((before, after), (Sequence(u32::MAX), Sequence(1)));
        assert!(after.is_after(before) && !before.is_after(after) && !after.is_after(after));
    }
}
