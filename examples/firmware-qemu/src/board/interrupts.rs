//! Interrupts and their handlers.

use cortex_m::{interrupt::InterruptNumber, peripheral::NVIC};
use cortex_m_rt::exception;

use super::ethernet;

/// Application note AN386, table 3-3: the Ethernet controller's interrupt.
const ETHERNET: u16 = 13;

#[derive(Clone, Copy)]
struct Interrupt(u16);

// SAFETY: the number belongs to an interrupt of the board, and the same value always returns the same number.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

/// Enables interrupts.
pub(super) fn start() {
    // SAFETY: no critical section relies on this single interrupt being masked.
    unsafe { NVIC::unmask(Interrupt(ETHERNET)) };
}

// Without a device crate, the interrupts have no names, so all of them arrive here.
// SAFETY: the handler only accesses data that interrupts may access.
#[exception]
unsafe fn DefaultHandler(number: i16) {
    assert!(number == ETHERNET.cast_signed(), "interrupt {number} has no handler");
    ethernet::interrupt();
}
