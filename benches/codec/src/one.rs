//! One contestant alone, for tools that count instructions.

use std::hint::black_box;

use crate::{CASES, nesting};

/// Has a contestant do its work so many times, and prints how many units that work has.
///
/// # Errors
/// When there is no such contestant or case, or the contestant can't do it.
pub(crate) fn run(contestant: &str, case: &str, turns: &str) -> Result<(), String> {
    let turns: u32 = turns.parse().map_err(|_| format!("not a number of turns: {turns}"))?;
    let mut cases = CASES.iter().chain(&nesting::CASES);
    let (_, case) = cases.find(|known| known.0 == case).ok_or_else(|| format!("no case {case}"))?;
    let mut case = case();
    let found = case.contestants.iter_mut().find(|known| known.name == contestant);
    let found = found.ok_or_else(|| format!("no contestant {contestant}"))?;
    for _ in 0..turns {
        black_box((found.run)()?);
    }
    println!("{}", case.units);
    Ok(())
}
