//! The effect of a bad link on a sequence of frames, without sockets or time.

/// The quality of a link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Badness {
    /// Number of frames in 1,000 that are lost.
    pub(crate) lost: u64,
    /// Number of frames in 1,000 that later frames overtake.
    pub(crate) overtaken: u64,
}

impl Default for Badness {
    /// One frame in twenty is lost, and about as many are overtaken.
    fn default() -> Self {
        Self { lost: 50, overtaken: 50 }
    }
}

/// One direction of a link. The fate of a frame depends only on the seed and on the number of frames before it.
#[derive(Debug)]
pub(crate) struct Link {
    badness: Badness,
    random: u64,
    held: Option<Held>,
    /// The counts so far.
    pub(crate) done: Done,
}

/// Numbers of frames that were lost and of frames that were overtaken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) lost: u64,
    pub(crate) overtaken: u64,
}

/// A frame that is being overtaken.
#[derive(Debug)]
struct Held {
    frame: Vec<u8>,
    /// Number of frames that still have to overtake this frame.
    by: u64,
    overtaken: bool,
}

impl Link {
    pub(crate) fn new(badness: Badness, seed: u64) -> Self {
        Self { badness, random: seed, held: None, done: Done::default() }
    }

    /// Receives a frame, and returns the frames that arrive now, in order.
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

    /// Handles a pause. A held frame arrives if it was overtaken. Otherwise it stays held: its sender will send it again, and
    /// the copy will overtake it.
    pub(crate) fn quiet(&mut self) -> Vec<Vec<u8>> {
        self.held.take_if(|held| held.overtaken).map(|held| held.frame).into_iter().collect()
    }

    /// Returns a random number below `bound`, by SplitMix64.
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

    /// Returns the numbers of the frames that arrive, out of `FRAMES` numbered ones.
    fn arrivals(badness: Badness, seed: u64) -> Vec<u16> {
        let mut link = Link::new(badness, seed);
        let mut arrived: Vec<_> = (0..FRAMES).flat_map(|number| link.pass(&number.to_le_bytes())).collect();
        arrived.extend(link.held.map(|held| held.frame));
        arrived.iter().map(|frame| u16::from_le_bytes([frame[0], frame[1]])).collect()
    }

    #[test]
    fn good_link_changes_nothing() {
        let arrived = arrivals(Badness { lost: 0, overtaken: 0 }, 1);
        assert_eq!(arrived, (0..FRAMES).collect::<Vec<_>>());
    }

    #[test]
    fn one_frame_in_twenty_is_lost_and_none_is_duplicated() {
        let mut arrived = arrivals(Badness::default(), 1);
        assert!((9_400..9_600).contains(&arrived.len()), "{} arrived", arrived.len());
        arrived.sort_unstable();
        assert!(arrived.is_sorted_by(|one, other| one < other));
    }

    #[test]
    fn frame_is_overtaken_by_at_most_three() {
        let arrived = arrivals(Badness { lost: 0, overtaken: 100 }, 1);
        assert_eq!(arrived.len(), usize::from(FRAMES));
        assert!(!arrived.is_sorted());
        let late = (0..).zip(&arrived).map(|(place, &number): (u16, _)| place.saturating_sub(number)).max();
        assert_eq!(late, Some(3));
    }

    #[test]
    fn lost_and_overtaken_frames_are_counted() {
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
    fn pause_releases_only_overtaken_frames() {
        let mut link = Link::new(Badness { lost: 0, overtaken: 1_000 }, 1);
        assert_eq!(link.pass(b"first"), Vec::<Vec<u8>>::new());
        assert_eq!((link.quiet(), link.done.overtaken), (Vec::new(), 0));
        let mut arrived = link.pass(b"second");
        arrived.extend(link.quiet());
        assert_eq!((arrived, link.done.overtaken), (vec![b"second".to_vec(), b"first".to_vec()], 1));
    }

    #[test]
    fn seed_determines_the_fates() {
        assert_eq!(arrivals(Badness::default(), 7), arrivals(Badness::default(), 7));
        assert_ne!(arrivals(Badness::default(), 7), arrivals(Badness::default(), 8));
    }
}
