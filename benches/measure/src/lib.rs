//! What the benchmarks share: interleaved rounds on one core, the median of them, and random numbers.

mod random;

use std::{convert::Infallible, hint::black_box, io, time::Duration};

pub use random::Random;
use rustix::{
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_gettime},
};

/// How often everyone is timed.
const ROUNDS: usize = 51;
/// How long one runs in one round; a turn that takes longer is taken once.
const ROUND: Duration = Duration::from_millis(2);

/// One turn of some work: a number that hangs on all of it, or why it can't be done.
pub type Run = Box<dyn FnMut() -> Result<u64, String>>;

/// What one turn took.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The median over the rounds.
    pub nanoseconds: f64,
    /// The median over the rounds of the time as a multiple of what the first took in the same round.
    pub ratio: f64,
    /// Half of what lies between the quartiles, as a part of the median.
    pub spread: f64,
}

/// Keeps the program on one core, the last that it may use, and tells which.
///
/// # Errors
/// The system's.
pub fn pin() -> io::Result<usize> {
    let allowed = sched_getaffinity(None)?;
    let core = (0..CpuSet::MAX_CPU).rfind(|core| allowed.is_set(*core)).unwrap_or_default();
    let mut one = CpuSet::new();
    one.set(core);
    sched_setaffinity(None, &one)?;
    Ok(core)
}

/// The time that the processor has spent on this thread, so that what else runs on the machine counts little.
///
/// # Panics
/// Not on Linux, where it starts at 0.
pub fn clock() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.try_into().expect("the clock starts at 0")
}

/// Takes a sample of each of so many by turns: in every round each has one taken, and another begins.
///
/// # Errors
/// The first that taking a sample gives.
pub fn interleaved<T, E>(
    many: usize,
    mut sample: impl FnMut(usize) -> Result<T, E>,
) -> Result<Vec<Vec<T>>, E> {
    let mut samples: Vec<_> = (0..many).map(|_| Vec::with_capacity(ROUNDS)).collect();
    for round in 0..ROUNDS {
        for turn in 0..many {
            let at = (round + turn) % many;
            samples[at].push(sample(at)?);
        }
    }
    Ok(samples)
}

/// Times all of `runs` by turns; not one that can't do its work the first time.
pub fn measure(runs: &mut [&mut Run]) -> Vec<Result<Timing, String>> {
    let repeats: Vec<_> = runs.iter_mut().map(|run| calibrate(run)).collect();
    let Ok(samples) = interleaved::<_, Infallible>(runs.len(), |at| {
        let repeats = *repeats[at].as_ref().unwrap_or(&0);
        Ok(time(runs[at], repeats).as_secs_f64() * 1e9 / f64::from(repeats))
    });
    let timings = samples.iter().map(|own| timing(own, &samples[0]));
    repeats.into_iter().zip(timings).map(|(repeats, timing)| repeats.map(|_| timing)).collect()
}

/// What samples, in nanoseconds, come to beside those that the first took in the same rounds.
pub fn timing(samples: &[f64], first: &[f64]) -> Timing {
    let ratios = samples.iter().zip(first).map(|(sample, first)| sample / first).collect();
    let [_, ratio, _] = quartiles(ratios);
    let [low, nanoseconds, high] = quartiles(samples.to_vec());
    Timing { nanoseconds, ratio, spread: (high - low) / 2.0 / nanoseconds }
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

fn time(run: &mut Run, repeats: u32) -> Duration {
    let start = clock();
    for _ in 0..repeats {
        black_box(run()).ok();
    }
    clock().saturating_sub(start)
}

fn quartiles(mut samples: Vec<f64>) -> [f64; 3] {
    samples.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| samples[samples.len() * quarter / 4])
}
