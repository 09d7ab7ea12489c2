//! Connections that close when they should not, as chance has it.

use std::{fmt, iter::Cycle};

use bytes::Bytes;

use crate::{
    options::Options,
    reply::{End, Outcome, Step},
    rng::Rng,
};

/// The places, which come in turn.
const PLACES: [Closed; 4] =
    [Closed::BeforeAll, Closed::BeforeAnswer, Closed::AmidAnswer, Closed::AfterAnswer];

/// Where in an exchange the connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// The request was read, and nothing was done.
    BeforeAll,
    /// What it asked for was done, and no byte of the answer went out.
    BeforeAnswer,
    /// Some bytes of the answer went out, not all.
    AmidAnswer,
    /// The whole answer went out, which did not say that the connection would close.
    AfterAnswer,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeAll => "closed before all",
            Self::BeforeAnswer => "closed before the answer",
            Self::AmidAnswer => "closed amid the answer",
            Self::AfterAnswer => "closed after the answer",
        })
    }
}

/// What decides.
pub(crate) struct Closing {
    per_cent: u8,
    rng: Rng,
    /// Where the next one closes.
    places: Cycle<std::array::IntoIter<Closed, 4>>,
}

impl Closing {
    pub(crate) fn new(options: &Options) -> Self {
        // Apart from the other things that chance decides, which so stay as they are.
        let rng = Rng::new(!options.seed);
        Self { per_cent: options.closing, rng, places: PLACES.into_iter().cycle() }
    }

    /// Where the next request's connection closes, if it does.
    pub(crate) fn draw(&mut self) -> Option<Closed> {
        if self.rng.below(100) < self.per_cent.into() { self.places.next() } else { None }
    }

    /// What goes out of an answer.
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

/// All bytes of an answer.
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
