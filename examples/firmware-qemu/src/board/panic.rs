//! What ends a program that can't go on: its message on the host's standard output, and a status that tells.

use core::{fmt::Write, panic::PanicInfo};

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::hio;

use super::host::exit;

/// The status after a panic, as programs on the host have it.
const PANICKED: u8 = 101;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if let Ok(mut output) = hio::hstdout() {
        // There is no other place to tell of it.
        _ = writeln!(output, "{info}");
    }
    exit(PANICKED)
}

// SAFETY: it uses nothing that the interrupted program may hold.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    if let Ok(mut output) = hio::hstdout() {
        _ = writeln!(output, "fault at {frame:?}");
    }
    exit(PANICKED)
}
