//! Connections that close at random when they should not.

use std::{fmt, iter::Cycle};

use bytes::Bytes;

use crate::{
    options::Options,
    reply::{End, Outcome, Step},
    rng::Rng,
};

/// The places, each in turn.
const PLACES: [Closed; 4] =
    [Closed::BeforeAll, Closed::BeforeAnswer, Closed::AmidAnswer, Closed::AfterAnswer];

/// The place in an exchange where the connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// The request was read, but not carried out.
    BeforeAll,
    /// The request was carried out, and no byte of the response was sent.
    BeforeAnswer,
    /// The request was carried out, and only a part of the response was sent.
    AmidAnswer,
    /// The whole response was sent, without an announcement that the connection closes.
    AfterAnswer,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeAll => "closed before the call",
            Self::BeforeAnswer => "closed before the response",
            Self::AmidAnswer => "closed during the response",
            Self::AfterAnswer => "closed after the response",
        })
    }
}

/// The random choice of closings.
pub(crate) struct Closing {
    per_cent: u8,
    rng: Rng,
    /// The places of the next closings.
    places: Cycle<std::array::IntoIter<Closed, 4>>,
}

impl Closing {
    pub(crate) fn new(options: &Options) -> Self {
        // Separate from other random choices, so that those stay the same.
        let rng = Rng::new(!options.seed);
        Self { per_cent: options.closing, rng, places: PLACES.into_iter().cycle() }
    }

    /// Decides whether the connection of the next request closes, and where.
    pub(crate) fn draw(&mut self) -> Option<Closed> {
        if self.rng.below(100) < self.per_cent.into() { self.places.next() } else { None }
    }

    /// Returns the part of a response that is sent.
    pub(crate) fn cut(&mut self, place: Closed, outcome: Outcome) -> Outcome {
        let whole = whole(outcome);
        let length = u64::try_from(whole.len()).unwrap_or(u64::MAX);
        let kept = match place {
            Closed::BeforeAll | Closed::BeforeAnswer => 0,
            Closed::AmidAnswer => 1 + self.rng.below(length.saturating_sub(1)),
            Closed::AfterAnswer => length,
        };
        let kept = usize::try_from(kept).map_or(whole.len(), |kept| kept.min(whole.len()));
        Outcome::Exact(vec![Step::Write(whole.slice(..kept))], End::Close)
    }
}

/// Returns all bytes of a response.
fn whole(outcome: Outcome) -> Bytes {
    match outcome {
        Outcome::Ordinary(reply) => reply.bytes(),
        Outcome::Exact(steps, _) => {
            let writes = steps.into_iter().filter_map(|step| match step {
                Step::Write(bytes) => Some(bytes),
                Step::Pause(_) => None,
            });
            writes.flatten().collect()
        }
    }
}
