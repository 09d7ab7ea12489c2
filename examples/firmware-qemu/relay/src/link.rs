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
    /// What it has done so far.
    pub(crate) done: Done,
}

/// How many frames were lost, and how many were overtaken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) lost: u64,
    pub(crate) overtaken: u64,
}

/// A frame that is being overtaken.
#[derive(Debug)]
struct Held {
    frame: Vec<u8>,
    /// By how many frames more.
    by: u64,
    overtaken: bool,
}

impl Link {
    pub(crate) fn new(badness: Badness, seed: u64) -> Self {
        Self { badness, random: seed, held: None, done: Done::default() }
    }

    /// Takes a frame, and returns those that arrive now, in their order.
    pub(crate) fn pass(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        let chance = self.below(1_000);
        let overtaken_by = 1 + self.below(3);
        if chance < self.badness.lost {
            self.done.lost += 1;
            return Vec::new();
        }
        let overtaken = chance < self.badness.lost + self.badness.overtaken;
        if overtaken && self.held.is_none() {
            self.held = Some(Held { frame: frame.to_vec(), by: overtaken_by, overtaken: false });
            return Vec::new();
        }
        let mut arrive = vec![frame.to_vec()];
        if let Some(held) = &mut self.held {
            held.by -= 1;
            self.done.overtaken += u64::from(!held.overtaken);
            held.overtaken = true;
            if held.by == 0 {
                arrive.extend(self.quiet());
            }
        }
        arrive
    }

    /// Nothing comes for a while: the frame that is held back arrives if it was overtaken. If not, it is sent once more, and overtaken
    /// by that.
    pub(crate) fn quiet(&mut self) -> Vec<Vec<u8>> {
        self.held.take_if(|held| held.overtaken).map(|held| held.frame).into_iter().collect()
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
        arrived.extend(link.held.map(|held| held.frame));
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
    fn it_counts_what_it_does() {
        let mut link = Link::new(Badness::default(), 1);
        let arrived: Vec<_> = (0..FRAMES).flat_map(|number| link.pass(&number.to_le_bytes())).collect();
        let held = usize::from(link.held.is_some());
        assert_eq!(u64::from(FRAMES), link.done.lost + (arrived.len() + held) as u64);
        let late = arrived.windows(2).filter(|pair| {
            let number = |frame: &[u8]| u16::from_le_bytes([frame[0], frame[1]]);
            number(&pair[0]) > number(&pair[1])
        });
        assert_eq!(link.done.overtaken, late.count() as u64 + held as u64);
    }

    #[test]
    fn silence_lets_only_frames_through_that_were_overtaken() {
        let mut link = Link::new(Badness { lost: 0, overtaken: 1_000 }, 1);
        assert_eq!(link.pass(b"first"), Vec::<Vec<u8>>::new());
        assert_eq!((link.quiet(), link.done.overtaken), (Vec::new(), 0));
        let mut arrived = link.pass(b"second");
        arrived.extend(link.quiet());
        assert_eq!((arrived, link.done.overtaken), (vec![b"second".to_vec(), b"first".to_vec()], 1));
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(arrivals(Badness::default(), 7), arrivals(Badness::default(), 7));
        assert_ne!(arrivals(Badness::default(), 7), arrivals(Badness::default(), 8));
    }
}
