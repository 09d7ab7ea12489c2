//! The latest looks at reports. The older the looks, the fewer of them are kept.

use super::{Tick, ports::IS_SMALL};

/// A look: a complete response with the reports of all ports that are later than a given time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    at: Tick,
    /// `u32::MAX` minus the time in seconds after which the look shows reports. A greater value reaches further back. 0 for a look that was
    /// never made.
    reach: u32,
}

impl Look {
    const NEVER: Self = Self { at: Tick::ZERO, reach: 0 };

    /// Creates a look at the reports after a time in seconds.
    pub(super) const fn new(at: Tick, after: u32) -> Self {
        Self { at, reach: !after }
    }
}

/// The number of looks that are kept. With fewer looks, less is known about when a late report arrived.
const KEPT: usize = if IS_SMALL { 6 } else { 12 };

/// The looks, the latest first. Each look reaches further back than those before it in the array. An older look that does not reach further
/// back is dropped, because the later look proves as much.
#[derive(Clone, Copy, Debug)]
pub(super) struct History([Look; KEPT]);

impl History {
    pub(super) const EMPTY: Self = Self([Look::NEVER; KEPT]);

    /// Adds the latest look. If there is no room, drops the look whose neighbours are closest together, relative to the look's age.
    pub(super) fn add(&mut self, look: Look) {
        let is_full = self.0.iter().all(|old| old.reach > look.reach);
        let left_out = if is_full { self.crowded(look) } else { KEPT };
        let (mut carried, mut to) = (look, 0);
        for at in 0..KEPT {
            let Some(old) = self.0.get(at).copied().filter(|old| old.reach > look.reach) else { continue };
            if at != left_out {
                self.put(to, carried);
                (carried, to) = (old, to + 1);
            }
        }
        self.put(to, carried);
        self.0.iter_mut().skip(to + 1).for_each(|place| *place = Look::NEVER);
    }

    fn put(&mut self, at: usize, look: Look) {
        if let Some(place) = self.0.get_mut(at) {
            *place = look;
        }
    }

    /// Returns the index of the look to drop when `newest` is added: the one whose neighbours are closest together, relative to its age.
    /// The oldest look is never dropped.
    fn crowded(&self, newest: Look) -> usize {
        let (mut newer, mut least, mut index) = (newest.reach, (u32::MAX, 1), 0);
        for (at, window) in self.0.windows(2).enumerate() {
            let [own, older] = window else { continue };
            let gap = older.reach.saturating_sub(newer);
            let age = own.reach.saturating_sub(newest.reach).saturating_add(1);
            // The quotients are compared without a division, because a division takes much flash.
            if u64::from(gap) * u64::from(least.1) < u64::from(least.0) * u64::from(age) {
                (least, index) = ((gap, age), at);
            }
            newer = own.reach;
        }
        index
    }

    /// Returns the tick of the latest look that would have shown a report with this time.
    pub(super) fn absent(&self, time: u32) -> Option<Tick> {
        self.0.iter().find(|look| !time < look.reach).map(|look| look.at)
    }

    /// Returns the tick of the latest look.
    pub(super) fn latest(&self) -> Option<Tick> {
        self.absent(u32::MAX - 1)
    }

    /// Forgets the looks before a tick.
    pub(super) fn forget_before(&mut self, needed: Tick) {
        for look in self.0.iter_mut().filter(|look| !needed.is_due(look.at)) {
            *look = Look::NEVER;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_long_ago_are_kept_further_apart() {
        let mut history = History::EMPTY;
        for second in 0..10_000 {
            history.add(Look::new(Tick::new(second), second));
        }
        let ages: std::vec::Vec<u32> = history.0.iter().map(|look| 9_999 - !look.reach).collect();
        assert!(ages.windows(2).all(|pair| pair[0] < pair[1]), "{ages:?}");
        assert!(ages[0] == 0 && ages[KEPT - 1] == 9_999 && (50..5_000).contains(&ages[KEPT / 2]), "{ages:?}");
        // A look that reaches further back replaces all earlier looks.
        history.add(Look::new(Tick::new(20_000), 0));
        assert_eq!((history.absent(1), history.absent(0)), (Some(Tick::new(20_000)), None));
        assert_eq!(history.0[1].reach, 0);
    }
}
