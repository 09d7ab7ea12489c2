//! What a bad link makes of a row of frames. It knows nothing of sockets and time.

/// How bad a link is, of a thousand frames each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Badness {
    /// How many are lost.
    pub(crate) lost: u64,
    /// How many are overtaken by the ones after them.
    pub(crate) overtaken: u64,
}

impl Default for Badness {
    /// One frame in twenty lost, about as many overtaken.
    fn default() -> Self {
        Self { lost: 50, overtaken: 50 }
    }
}

/// One direction of a link. What becomes of a frame depends on the seed and on how many came before it, on nothing else.
#[derive(Debug)]
pub(crate) struct Link {
    badness: Badness,
    random: u64,
    held: Option<Held>,
}

/// A frame that is being overtaken.
#[derive(Debug)]
struct Held {
    frame: Vec<u8>,
    /// By how many frames more.
    by: u64,
}

impl Link {
    pub(crate) fn new(badness: Badness, seed: u64) -> Self {
        Self { badness, random: seed, held: None }
    }

    /// Takes a frame, and returns those that arrive now, in their order.
    pub(crate) fn pass(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        let chance = self.below(1_000);
        let overtaken_by = 1 + self.below(3);
        if chance < self.badness.lost {
            return Vec::new();
        }
        let overtaken = chance < self.badness.lost + self.badness.overtaken;
        if overtaken && self.held.is_none() {
            self.held = Some(Held { frame: frame.to_vec(), by: overtaken_by });
            return Vec::new();
        }
        let mut arrive = vec![frame.to_vec()];
        if let Some(held) = &mut self.held {
            held.by -= 1;
            if held.by == 0 {
                arrive.extend(self.quiet());
            }
        }
        arrive
    }

    /// Nothing comes that could overtake: the frame that is held back arrives.
    pub(crate) fn quiet(&mut self) -> Vec<Vec<u8>> {
        self.held.take().map(|held| held.frame).into_iter().collect()
    }

    /// A number below `bound`, by SplitMix64.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: u16 = 10_000;

    /// The numbers of the frames that arrive, of `FRAMES` numbered ones.
    fn arrivals(badness: Badness, seed: u64) -> Vec<u16> {
        let mut link = Link::new(badness, seed);
        let mut arrived: Vec<_> = (0..FRAMES).flat_map(|number| link.pass(&number.to_le_bytes())).collect();
        arrived.extend(link.quiet());
        arrived.iter().map(|frame| u16::from_le_bytes([frame[0], frame[1]])).collect()
    }

    #[test]
    fn a_link_that_is_not_bad_changes_nothing() {
        let arrived = arrivals(Badness { lost: 0, overtaken: 0 }, 1);
        assert_eq!(arrived, (0..FRAMES).collect::<Vec<_>>());
    }

    #[test]
    fn one_frame_in_twenty_is_lost_and_none_doubled() {
        let mut arrived = arrivals(Badness::default(), 1);
        assert!((9_400..9_600).contains(&arrived.len()), "{} arrived", arrived.len());
        arrived.sort_unstable();
        assert!(arrived.is_sorted_by(|one, other| one < other));
    }

    #[test]
    fn a_frame_is_overtaken_by_three_at_most() {
        let arrived = arrivals(Badness { lost: 0, overtaken: 100 }, 1);
        assert_eq!(arrived.len(), usize::from(FRAMES));
        assert!(!arrived.is_sorted());
        let late = (0..).zip(&arrived).map(|(place, &number): (u16, _)| place.saturating_sub(number)).max();
        assert_eq!(late, Some(3));
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(arrivals(Badness::default(), 7), arrivals(Badness::default(), 7));
        assert_ne!(arrivals(Badness::default(), 7), arrivals(Badness::default(), 8));
    }
}
