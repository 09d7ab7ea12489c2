//! Resets of the whole board, like those of a watchdog: RAM keeps its content, and everything else restarts.

use core::cell::Cell;

use cortex_m::peripheral::SCB;
use critical_section::{CriticalSection, Mutex};
use embassy_time::Instant;

use super::time;

/// The time of the reset in ticks.
static AT: Mutex<Cell<u64>> = Mutex::new(Cell::new(u64::MAX));

/// Number of remaining steps until the reset, or 0 for no reset.
static STEPS: Mutex<Cell<u32>> = Mutex::new(Cell::new(0));

/// Resets the board.
pub(crate) fn now() -> ! {
    SCB::sys_reset()
}

/// Resets the board at `time`, from an interrupt, whatever the program is doing.
pub(crate) fn at(time: Instant) {
    critical_section::with(|masked| AT.borrow(masked).set(time.as_ticks()));
    time::changed();
}

/// Resets the board at its `steps`th step from now. A step is a word written to the flash, or a frame sent or received. Steps
/// depend on the work, and not on the speed of the machine.
pub(crate) fn after(steps: u32) {
    critical_section::with(|masked| STEPS.borrow(masked).set(steps));
}

/// Counts a step that was just taken. Resets the board if it was the last one.
pub(super) fn step() {
    let left = critical_section::with(|masked| {
        let steps = STEPS.borrow(masked);
        steps.replace(steps.get().saturating_sub(1))
    });
    if left == 1 {
        now();
    }
}

/// Returns the time of the reset in ticks.
pub(super) fn due(masked: CriticalSection<'_>) -> u64 {
    AT.borrow(masked).get()
}
