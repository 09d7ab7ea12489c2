//! The processor time of a process, by thread.

use std::{collections::BTreeMap, fs, time::Duration};

use server_trial::Failure;

/// The number of clock ticks a second in `/proc`, on all architectures of Linux.
const TICKS: u64 = 100;

/// Processor time by the names of threads. Threads of the same name are added.
pub type Times = BTreeMap<String, Duration>;

/// Returns the processor time of a process so far.
///
/// # Errors
/// It has ended.
pub fn times(process: u32) -> Result<Times, Failure> {
    let mut times = Times::new();
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread may end meanwhile.
        let Ok(stat) = fs::read_to_string(task?.path().join("stat")) else { continue };
        let Some((name, time)) = parse(&stat) else { continue };
        *times.entry(name.to_owned()).or_default() += time;
    }
    Ok(times)
}

/// Reads the name and the processor time in a file `stat` of `/proc`. The name, in parentheses, may contain spaces.
pub(crate) fn parse(stat: &str) -> Option<(&str, Duration)> {
    let (name, fields) = stat.split_once('(')?.1.rsplit_once(") ")?;
    let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Some((name, Duration::from_millis(ticks * 1000 / TICKS)))
}

/// Returns the processor time since `before`, the most first.
pub fn since(before: &Times, after: &Times) -> Vec<(String, Duration)> {
    let spent = |(name, after): (&String, &Duration)| {
        let before = before.get(name).copied().unwrap_or_default();
        (name.clone(), after.saturating_sub(before))
    };
    let mut all: Vec<_> = after.iter().map(spent).collect();
    all.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    all
}
