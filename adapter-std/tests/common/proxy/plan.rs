//! The random plan of faults.

use std::collections::{BTreeMap, VecDeque};

/// The stage of an exchange at which a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The connection is open, and nothing has been read from it.
    Connected,
    /// The client has sent its request, and nothing of it has been forwarded.
    BeforeRequest,
    /// A part of the request has been forwarded.
    AmidRequest,
    /// The gateway has responded, and nothing of the response has been forwarded.
    BeforeAnswer,
    /// A part of the response has been forwarded.
    AmidAnswer,
    /// Everything has been forwarded, and then the connection fails.
    AfterAnswer,
}

/// The fate of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It closes in order.
    Close,
    /// It is reset.
    Reset,
    /// Nothing more goes through until the client closes it.
    Stall,
    /// It closes in order, but the request is forwarded later, after some other requests. This kind strikes only at
    /// [`Stage::BeforeRequest`]. A test has to allow for it, so it is not among [`Kind::ALL`].
    Late,
}

impl Stage {
    pub const ALL: [Self; 6] = [
        Self::Connected,
        Self::BeforeRequest,
        Self::AmidRequest,
        Self::BeforeAnswer,
        Self::AmidAnswer,
        Self::AfterAnswer,
    ];
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Close, Self::Reset, Self::Stall];
}

/// The probability of each fault, in thousandths: for a connection at [`Stage::Connected`], otherwise for a request.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    per_mille: BTreeMap<(Stage, Kind), u64>,
}

impl Faults {
    pub fn none() -> Self {
        Self::default()
    }

    /// Each kind of fault strikes at each stage with this probability, in thousandths.
    pub fn everywhere(per_mille: u64) -> Self {
        let each = |stage| Kind::ALL.map(|kind| ((stage, kind), per_mille));
        Self { per_mille: Stage::ALL.into_iter().flat_map(each).collect() }
    }

    #[must_use]
    pub fn with(mut self, stage: Stage, kind: Kind, per_mille: u64) -> Self {
        self.per_mille.insert((stage, kind), per_mille);
        self
    }
}

/// The faults that occurred.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Faults by stage and kind.
    pub faults: BTreeMap<(Stage, Kind), u64>,
    /// The number of requests without a fault.
    pub passed: u64,
}

impl Counts {
    pub fn of(&self, stage: Stage, kind: Kind) -> u64 {
        self.faults.get(&(stage, kind)).copied().unwrap_or(0)
    }
}

/// A fault that is to strike.
#[derive(Clone, Copy)]
pub(super) struct Fault {
    pub(super) stage: Stage,
    pub(super) kind: Kind,
    chance: u64,
}

impl Fault {
    /// Returns the first part of some bytes: at least one byte, but not all.
    pub(super) fn part_of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let most = bytes.len().saturating_sub(1).max(1);
        let part = 1 + usize::try_from(self.chance).unwrap() % most;
        bytes.get(..part).unwrap_or_default()
    }
}

/// The number of requests that overtake a late one.
const OVERTAKING: u64 = 20;

/// The plan that follows from a seed.
pub(super) struct Plan {
    rng: u64,
    /// The number of requests so far.
    requests: u64,
    /// The late requests, and the numbers of the requests that they follow.
    late: VecDeque<(u64, Vec<u8>)>,
    pub(super) faults: Faults,
    pub(super) counts: Counts,
}

impl Plan {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        Self { rng: seed, requests: 0, late: VecDeque::new(), faults, counts: Counts::default() }
    }

    /// Draws the fault of a new connection.
    pub(super) fn connection(&mut self) -> Option<Fault> {
        self.draw(|stage| stage == Stage::Connected)
    }

    /// Draws the fault of a request.
    pub(super) fn request(&mut self) -> Option<Fault> {
        self.requests += 1;
        let fault = self.draw(|stage| stage != Stage::Connected);
        self.counts.passed += u64::from(fault.is_none());
        fault
    }

    /// Keeps a request until other requests have overtaken it.
    pub(super) fn delay(&mut self, request: Vec<u8>) {
        self.late.push_back((self.requests + OVERTAKING, request));
    }

    /// Returns a late request that is due.
    pub(super) fn due(&mut self) -> Option<Vec<u8>> {
        let requests = self.requests;
        let is_due = self.late.front().is_some_and(|(after, _)| *after <= requests);
        if is_due { self.late.pop_front().map(|(_, request)| request) } else { None }
    }

    fn draw(&mut self, stages: impl Fn(Stage) -> bool) -> Option<Fault> {
        let mut left = self.next() % 1000;
        for (&(stage, kind), &per_mille) in &self.faults.per_mille {
            if !stages(stage) {
                continue;
            }
            if left < per_mille {
                *self.counts.faults.entry((stage, kind)).or_default() += 1;
                return Some(Fault { stage, kind, chance: self.next() >> 32 });
            }
            left -= per_mille;
        }
        None
    }

    /// Splitmix64.
    fn next(&mut self) -> u64 {
        self.rng = self.rng.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.rng ^ (self.rng >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
