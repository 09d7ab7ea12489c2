//! Resets of the whole board, as a watchdog does them: RAM keeps its content, all else starts anew.

use core::cell::Cell;

use cortex_m::peripheral::SCB;
use critical_section::{CriticalSection, Mutex};
use embassy_time::Instant;

use super::time;

/// In ticks.
static AT: Mutex<Cell<u64>> = Mutex::new(Cell::new(u64::MAX));

/// How many steps are left; none: the board is not reset.
static STEPS: Mutex<Cell<u32>> = Mutex::new(Cell::new(0));

/// Resets the board.
pub(crate) fn now() -> ! {
    SCB::sys_reset()
}

/// Resets the board at `time`, from an interrupt: wherever the program happens to be then.
pub(crate) fn at(time: Instant) {
    critical_section::with(|masked| AT.borrow(masked).set(time.as_ticks()));
    time::changed();
}

/// Resets the board at its `steps`th step from now: a word written to the flash, or a frame sent or received. Steps come with the work,
/// however fast the machine is.
pub(crate) fn after(steps: u32) {
    critical_section::with(|masked| STEPS.borrow(masked).set(steps));
}

/// Notes a step, which has just been taken.
pub(super) fn step() {
    let left = critical_section::with(|masked| {
        let steps = STEPS.borrow(masked);
        steps.replace(steps.get().saturating_sub(1))
    });
    if left == 1 {
        now();
    }
}

/// When the board is to be reset, in ticks.
pub(super) fn due(masked: CriticalSection<'_>) -> u64 {
    AT.borrow(masked).get()
}
