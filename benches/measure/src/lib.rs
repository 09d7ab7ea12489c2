//! Code that the benchmarks share: interleaved rounds on one core, their median, and random numbers.

mod random;

use std::{convert::Infallible, hint::black_box, io, time::Duration};

pub use random::Random;
use rustix::{
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
    time::{ClockId, clock_gettime},
};

/// Number of rounds.
const ROUNDS: usize = 51;
/// Minimum duration of one contestant's part of a round. A turn that takes longer is run once.
const ROUND: Duration = Duration::from_millis(2);

/// One turn of some work. It returns a number that depends on all of the work, or the reason why it can't be done.
pub type Run = Box<dyn FnMut() -> Result<u64, String>>;

/// The time of one turn.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The median over the rounds.
    pub nanoseconds: f64,
    /// The median over the rounds of the ratio to the first contestant's time in the same round.
    pub ratio: f64,
    /// Half the distance between the quartiles, relative to the median.
    pub spread: f64,
}

/// Pins the program to the last core that it may use, and returns the number of that core.
///
/// # Errors
/// Errors of the system.
pub fn pin() -> io::Result<usize> {
    let allowed = sched_getaffinity(None)?;
    let core = (0..CpuSet::MAX_CPU).rfind(|core| allowed.is_set(*core)).unwrap_or_default();
    let mut one = CpuSet::new();
    one.set(core);
    sched_setaffinity(None, &one)?;
    Ok(core)
}

/// Returns the processor time of this thread, which other programs on the machine hardly affect.
///
/// # Panics
/// Never on Linux, where the clock starts at 0.
pub fn clock() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.try_into().expect("the clock starts at 0")
}

/// Takes samples of all contestants in turn: one of each in every round. Each round begins with a different contestant.
///
/// # Errors
/// The first error of `sample`.
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

/// Times all of `runs` in turn, except those that fail the first time.
pub fn measure(runs: &mut [&mut Run]) -> Vec<Result<Timing, String>> {
    let repeats: Vec<_> = runs.iter_mut().map(|run| calibrate(run)).collect();
    let Ok(samples) = interleaved::<_, Infallible>(runs.len(), |at| {
        let repeats = *repeats[at].as_ref().unwrap_or(&0);
        Ok(time(runs[at], repeats).as_secs_f64() * 1e9 / f64::from(repeats))
    });
    let timings = samples.iter().map(|own| timing(own, &samples[0]));
    repeats.into_iter().zip(timings).map(|(repeats, timing)| repeats.map(|_| timing)).collect()
}

/// Evaluates samples in nanoseconds, relative to those of the first contestant in the same rounds.
pub fn timing(samples: &[f64], first: &[f64]) -> Timing {
    let ratios = samples.iter().zip(first).map(|(sample, first)| sample / first).collect();
    let [_, ratio, _] = quartiles(ratios);
    let [low, nanoseconds, high] = quartiles(samples.to_vec());
    Timing { nanoseconds, ratio, spread: (high - low) / 2.0 / nanoseconds }
}

/// Returns the number of turns that fill a round.
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
