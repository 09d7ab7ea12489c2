//! Interrupts and their handlers.

use cortex_m::{interrupt::InterruptNumber, peripheral::NVIC};
use cortex_m_rt::exception;

use super::ethernet;

/// Application note AN386, table 3-3: the Ethernet controller's interrupt.
const ETHERNET: u16 = 13;

#[derive(Clone, Copy)]
struct Interrupt(u16);

// SAFETY: the number is one of the board's, and always the same for the same value.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

/// Enables interrupts.
pub(super) fn start() {
    // SAFETY: no critical section relies on this interrupt being masked by itself.
    unsafe { NVIC::unmask(Interrupt(ETHERNET)) };
}

// Without a device crate, the interrupts have no names, so all of them arrive here.
// SAFETY: it only accesses what is made for interrupts.
#[exception]
unsafe fn DefaultHandler(number: i16) {
    assert!(number == ETHERNET.cast_signed(), "interrupt {number} has no handler");
    ethernet::interrupt();
}
