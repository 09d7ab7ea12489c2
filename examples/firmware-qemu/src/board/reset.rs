//! Resets of the whole board, as a watchdog does them: RAM keeps its content, all else starts anew.

use core::cell::Cell;

use cortex_m::peripheral::SCB;
use critical_section::{CriticalSection, Mutex};
use embassy_time::Instant;

use super::time;

/// In ticks.
static AT: Mutex<Cell<u64>> = Mutex::new(Cell::new(u64::MAX));

/// Resets the board.
pub(crate) fn now() -> ! {
    SCB::sys_reset()
}

/// Resets the board at `time`, from an interrupt: wherever the program happens to be then.
pub(crate) fn at(time: Instant) {
    critical_section::with(|masked| AT.borrow(masked).set(time.as_ticks()));
    time::changed();
}

/// When the board is to be reset, in ticks.
pub(super) fn due(masked: CriticalSection<'_>) -> u64 {
    AT.borrow(masked).get()
}
