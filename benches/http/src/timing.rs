//! Timing requests: as time passes, and the client's part of it.

use std::time::Instant;

use measure::{clock, interleaved};

use crate::{
    Failure,
    contestant::{Contestant, Run},
};

/// How many requests a contestant makes in one round.
const REQUESTS: u32 = 500;

/// What one request of a contestant took.
pub(crate) struct Timing {
    /// From request to request: the client, the system and the server.
    pub(crate) elapsed: measure::Timing,
    /// The client thread's processor time: with what the system does for it.
    pub(crate) client: measure::Timing,
}

/// Times all contestants by turns: in every round each makes its requests, and another begins.
pub(crate) fn measure(contestants: &mut [Contestant]) -> Result<Vec<Timing>, Failure> {
    let samples = interleaved(contestants.len(), |at| time(&mut contestants[at].run))?;
    let samples: Vec<(Vec<_>, Vec<_>)> = samples.into_iter().map(|own| own.into_iter().unzip()).collect();
    let first = &samples[0];
    let timing = |own: &(Vec<_>, Vec<_>)| Timing {
        elapsed: measure::timing(&own.0, &first.0),
        client: measure::timing(&own.1, &first.1),
    };
    Ok(samples.iter().map(timing).collect())
}

/// Nanoseconds per request: elapsed, and the client's.
fn time(run: &mut Run) -> Result<(f64, f64), Failure> {
    let (start, elapsed) = (clock(), Instant::now());
    run(REQUESTS)?;
    let [elapsed, client] = [elapsed.elapsed(), clock().saturating_sub(start)]
        .map(|time| time.as_secs_f64() * 1e9 / f64::from(REQUESTS));
    Ok((elapsed, client))
}
