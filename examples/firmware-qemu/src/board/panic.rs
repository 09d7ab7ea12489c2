//! The end of a program after a panic or fault: its message is printed on the host's standard output, and the status is an
//! error.

use core::{fmt::Write, panic::PanicInfo};

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::hio;

use super::host::exit;

/// The status after a panic, as of programs on the host.
const PANICKED: u8 = 101;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if let Ok(mut output) = hio::hstdout() {
        // The panic can't be reported anywhere else.
        _ = writeln!(output, "{info}");
    }
    exit(PANICKED)
}

// SAFETY: it uses nothing that the interrupted program may be using.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    if let Ok(mut output) = hio::hstdout() {
        _ = writeln!(output, "fault at {frame:?}");
    }
    exit(PANICKED)
}
