//! Connections that close unexpectedly, at random.

use std::{fmt, iter::Cycle};

use bytes::Bytes;

use crate::{
    options::Options,
    reply::{End, Outcome, Step},
    rng::Rng,
};

/// The moments at which connections close, in turn.
const PLACES: [Closed; 4] =
    [Closed::BeforeAll, Closed::BeforeAnswer, Closed::AmidAnswer, Closed::AfterAnswer];

/// The moment in an exchange at which the connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// The request was read, but not carried out.
    BeforeAll,
    /// The request was carried out, and no byte of the response was sent.
    BeforeAnswer,
    /// The request was carried out, and only a part of the response was sent.
    AmidAnswer,
    /// The whole response was sent. It did not announce that the connection closes.
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

/// Chooses at random which connections close.
pub(crate) struct Closing {
    per_cent: u8,
    rng: Rng,
    /// The moments of the next closings.
    places: Cycle<std::array::IntoIter<Closed, 4>>,
}

impl Closing {
    pub(crate) fn new(options: &Options) -> Self {
        // A separate generator, so that closings do not change other random choices.
        let rng = Rng::new(!options.seed);
        Self { per_cent: options.closing, rng, places: PLACES.into_iter().cycle() }
    }

    /// Decides whether the connection of the next request closes, and at which moment.
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
