//! A single contestant, for tools that count instructions.

use std::hint::black_box;

use crate::{CASES, nesting};

/// Lets a contestant do its work a number of times, and prints the number of units in one turn.
///
/// # Errors
/// If there is no such contestant or case, or the contestant fails.
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
