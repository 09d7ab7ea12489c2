//! Random numbers, and random plans for connections.

use std::time::Duration;

use crate::peer::{Opening, Plan};

/// Random numbers from a seed (splitmix64).
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    pub fn is_one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn milliseconds(&mut self, end: usize) -> Duration {
        Duration::from_millis(self.below(end) as u64)
    }

    /// Returns one of `choices` plans for a connection. Eight of them are unusual, and all others are the ordinary one. A delayed
    /// connection opens within `delay` milliseconds.
    pub fn plan(&mut self, choices: usize, delay: usize) -> Plan {
        let mut plan = Plan::default();
        match self.below(choices) {
            0 => plan.opening = Opening::Refused,
            1 => plan.opening = Opening::Never,
            2 => plan.opening = Opening::Delayed(self.milliseconds(delay)),
            3 => plan.write_limit = self.below(1000),
            4 => plan.window = self.below(1000),
            5 => (plan.is_early, plan.window) = (true, 60 + self.below(500)),
            6 => plan.is_early = true,
            7 => plan.piece = 1 + self.below(50),
            _ => {}
        }
        plan
    }
}
