//! Timing: interleaved rounds on one core, and the median of them.

use std::{hint::black_box, io, time::Duration};

use rustix::{
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_gettime},
};

use crate::case::Run;

/// How often every contestant is timed.
const ROUNDS: usize = 51;
/// How long a contestant runs in one round; a turn that takes longer is taken once.
const ROUND: Duration = Duration::from_millis(2);

/// What one turn of a contestant took.
#[derive(Clone, Copy)]
pub(crate) struct Timing {
    /// The median over the rounds.
    pub(crate) nanoseconds: f64,
    /// The median over the rounds of the time as a multiple of what the first contestant took in the same round.
    pub(crate) ratio: f64,
    /// Half of what lies between the quartiles, as a part of the median.
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

/// Times all of `runs` by turns: in every round each runs once for a while, and another begins.
pub(crate) fn measure(runs: &mut [&mut Run]) -> Vec<Result<Timing, String>> {
    let repeats: Vec<_> = runs.iter_mut().map(|run| calibrate(run)).collect();
    let mut samples = vec![Vec::with_capacity(ROUNDS); runs.len()];
    for round in 0..ROUNDS {
        for turn in 0..runs.len() {
            let at = (round + turn) % runs.len();
            if let Ok(repeats) = repeats[at] {
                samples[at].push(time(runs[at], repeats).as_secs_f64() * 1e9 / f64::from(repeats));
            }
        }
    }
    let first = samples[0].clone();
    repeats
        .into_iter()
        .zip(samples)
        .map(|(repeats, samples)| repeats.map(|_| timing(samples, &first)))
        .collect()
}

/// How many turns fill a round.
fn calibrate(run: &mut Run) -> Result<u32, String> {
    run()?;
    let mut repeats = 1;
    while repeats < 1 << 20 && time(run, repeats) < ROUND {
        repeats *= 2;
    }
    Ok(repeats)
}

/// The time that the processor spent on it, so that what else runs on the machine counts little.
fn time(run: &mut Run, repeats: u32) -> Duration {
    let start = clock();
    for _ in 0..repeats {
        black_box(run()).ok();
    }
    clock().saturating_sub(start)
}

fn clock() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.try_into().expect("the clock starts at 0")
}

fn timing(samples: Vec<f64>, first: &[f64]) -> Timing {
    let ratios = samples.iter().zip(first).map(|(sample, first)| sample / first).collect();
    let [_, ratio, _] = quartiles(ratios);
    let [low, nanoseconds, high] = quartiles(samples);
    Timing { nanoseconds, ratio, spread: (high - low) / 2.0 / nanoseconds }
}

fn quartiles(mut samples: Vec<f64>) -> [f64; 3] {
    samples.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| samples[samples.len() * quarter / 4])
}
