//! Ends the program after a panic or fault. The message is printed on the host's standard output, and the exit status is an
//! error.

use core::{fmt::Write, panic::PanicInfo};

use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::hio;

use super::host::exit;

/// The exit status after a panic, like that of Rust programs on the host.
const PANICKED: u8 = 101;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if let Ok(mut output) = hio::hstdout() {
        // The panic can't be reported anywhere else.
        _ = writeln!(output, "{info}");
    }
    exit(PANICKED)
}

// SAFETY: the handler uses nothing that the interrupted program may be using.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    if let Ok(mut output) = hio::hstdout() {
        _ = writeln!(output, "fault at {frame:?}");
    }
    exit(PANICKED)
}
