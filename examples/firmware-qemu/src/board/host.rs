//! Access to the host by semihosting: a breakpoint instruction that the emulator or debugger handles. The numbers are those of
//! Arm's "Semihosting for AArch32 and AArch64", chapter 6.

use core::cell::Cell;

use cortex_m_semihosting::{nr, syscall};

/// Maximum length of the command line, in bytes.
pub(super) const COMMAND_LINE: usize = 256;

/// SYS_EXIT_EXTENDED, which the crate does not define.
const EXIT_EXTENDED: usize = 0x20;
/// ADP_Stopped_ApplicationExit: with this reason, the second word is the exit status.
const APPLICATION_EXIT: usize = 0x2_0026;

/// Ends the program and QEMU with this status.
pub(crate) fn exit(status: u8) -> ! {
    // SAFETY: SYS_EXIT_EXTENDED reads two words.
    unsafe { syscall(EXIT_EXTENDED, &[APPLICATION_EXIT, usize::from(status)]) };
    // A debugger may continue the program; there is nothing left to do.
    loop {
        cortex_m::asm::wfi();
    }
}

/// Returns QEMU's `arg=…` values, separated by spaces, or an empty text if they are longer than `buffer` or not UTF-8.
pub(super) fn command_line(buffer: &'static mut [u8]) -> &'static str {
    let pointer = buffer.as_mut_ptr() as usize;
    // The words are in cells, because the host writes the length into the block.
    let block = [Cell::new(pointer), Cell::new(buffer.len())];
    // SAFETY: SYS_GET_CMDLINE reads two words, the address of `buffer` and its length. It writes at most that many
    // bytes into `buffer`.
    let failed = unsafe { syscall(nr::GET_CMDLINE, &block) } != 0;
    let length = if failed { 0 } else { block[1].get() };
    buffer.get(..length).and_then(|line| str::from_utf8(line).ok()).unwrap_or_default()
}

/// Reads from the start of a file of the host. Returns false if it can't be opened or is shorter than `buffer`.
pub(super) fn read_file(name: &core::ffi::CStr, buffer: &mut [u8]) -> bool {
    let open = [name.as_ptr() as usize, nr::open::R_BINARY, name.count_bytes()];
    // SAFETY: SYS_OPEN reads three words, the address of a string that ends with a zero, a mode, and the string's length.
    let handle = unsafe { syscall(nr::OPEN, &open) };
    if handle == usize::MAX {
        return false;
    }
    // SAFETY: SYS_READ reads three words and writes at most the length of `buffer`. It returns the number of bytes that it did
    // not fill.
    let missing = unsafe { syscall(nr::READ, &[handle, buffer.as_mut_ptr() as usize, buffer.len()]) };
    // SAFETY: SYS_CLOSE reads one word, a handle that is open.
    unsafe { syscall(nr::CLOSE, &[handle]) };
    missing == 0
}
