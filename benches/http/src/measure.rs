//! Timing: interleaved rounds on one core, and the median of them.

use std::{
    io,
    time::{Duration, Instant},
};

use rustix::{
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_gettime},
};

use crate::{
    Failure,
    contestant::{Contestant, Run},
};

/// How often every contestant is timed.
const ROUNDS: usize = 51;
/// How many requests a contestant makes in one round.
const REQUESTS: u32 = 500;

/// What one request of a contestant took, medians over the rounds.
#[derive(Clone, Copy)]
pub(crate) struct Timing {
    /// From request to request, in nanoseconds: the client, the system and the server.
    pub(crate) elapsed: f64,
    /// The client thread's processor time, in nanoseconds: with what the system does for it.
    pub(crate) client: f64,
    /// The client's time as a multiple of what the first contestant took in the same round.
    pub(crate) ratio: f64,
    /// Half of what lies between the quartiles of the client's time, as a part of the median.
    pub(crate) spread: f64,
}

/// Keeps the program on one core, the last that it may use, and tells which.
///
/// # Errors
/// The system's.
pub(crate) fn pin() -> io::Result<usize> {
    let allowed = sched_getaffinity(None)?;
    let core = (0..CpuSet::MAX_CPU).rfind(|core| allowed.is_set(*core)).unwrap_or_default();
    let mut one = CpuSet::new();
    one.set(core);
    sched_setaffinity(None, &one)?;
    Ok(core)
}

/// Times all contestants by turns: in every round each makes its requests, and another begins.
pub(crate) fn measure(contestants: &mut [Contestant]) -> Result<Vec<Timing>, Failure> {
    let mut samples = vec![Vec::with_capacity(ROUNDS); contestants.len()];
    for round in 0..ROUNDS {
        for turn in 0..contestants.len() {
            let at = (round + turn) % contestants.len();
            samples[at].push(time(&mut contestants[at].run)?);
        }
    }
    Ok(samples.iter().map(|own| timing(own, &samples[0])).collect())
}

/// Nanoseconds per request: elapsed, and the client's.
fn time(run: &mut Run) -> Result<[f64; 2], Failure> {
    let (start, elapsed) = (clock(), Instant::now());
    run(REQUESTS)?;
    let times = [elapsed.elapsed(), clock().saturating_sub(start)];
    Ok(times.map(|time| time.as_secs_f64() * 1e9 / f64::from(REQUESTS)))
}

fn clock() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.try_into().expect("the clock starts at 0")
}

fn timing(samples: &[[f64; 2]], first: &[[f64; 2]]) -> Timing {
    let ratios = samples.iter().zip(first).map(|(sample, first)| sample[1] / first[1]).collect();
    let [_, ratio, _] = quartiles(ratios);
    let [_, elapsed, _] = quartiles(samples.iter().map(|sample| sample[0]).collect());
    let [low, client, high] = quartiles(samples.iter().map(|sample| sample[1]).collect());
    Timing { elapsed, client, ratio, spread: (high - low) / 2.0 / client }
}

fn quartiles(mut samples: Vec<f64>) -> [f64; 3] {
    samples.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| samples[samples.len() * quarter / 4])
}
