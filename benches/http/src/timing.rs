//! The times of requests: elapsed time, and the client's processor time.

use std::time::Instant;

use measure::{clock, interleaved};

use crate::{
    Failure,
    contestant::{Contestant, Run},
};

/// Number of requests that a contestant makes in one round.
const REQUESTS: u32 = 500;

/// The times of one request of a contestant.
pub(crate) struct Timing {
    /// Elapsed time from request to request, which includes the client, the system and the server.
    pub(crate) elapsed: measure::Timing,
    /// Processor time of the client's thread, including the system's work for it.
    pub(crate) client: measure::Timing,
}

/// Times all contestants in turn. In each round, every contestant makes its requests. Each round begins with a different contestant.
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

/// Returns nanoseconds per request: elapsed time, and the client's processor time.
fn time(run: &mut Run) -> Result<(f64, f64), Failure> {
    let (start, elapsed) = (clock(), Instant::now());
    run(REQUESTS)?;
    let [elapsed, client] = [elapsed.elapsed(), clock().saturating_sub(start)]
        .map(|time| time.as_secs_f64() * 1e9 / f64::from(REQUESTS));
    Ok((elapsed, client))
}
