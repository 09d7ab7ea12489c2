//! The emulated processor: its console, its stack, its end.
#![allow(unsafe_code)]

use core::hint::black_box;

use cortex_m_semihosting::{debug, syscall1};

use crate::digits::decimal;

/// What unused stack is painted with.
const PAINT: u32 = 0xCCCC_CCCC;

unsafe extern "C" {
    /// Where the RAM for the stack ends, which grows downwards to here.
    static _stack_end: u32;
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // If nothing is made of it, the standard library's panics become one function, and nobody can tell which was called.
    if cfg!(feature = "named") {
        black_box(info);
    }
    end(false)
}

/// Prints a line: what it is, and how many.
#[inline(never)]
pub fn print(name: &str, number: usize) {
    write(name.as_bytes());
    write(b" ");
    write(decimal(u32::try_from(number).unwrap_or(u32::MAX), &mut [0; 10]));
    write(b"\n");
}

fn write(bytes: &[u8]) {
    for byte in bytes {
        // SAFETY: the call reads one byte from there.
        unsafe { syscall1!(WRITEC, core::ptr::from_ref(byte)) };
    }
}

/// Ends the emulation.
#[inline(never)]
pub fn end(well: bool) -> ! {
    loop {
        debug::exit(if black_box(well) { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}

/// Runs something and tells how deep the stack went in it. What was on the stack before is not counted.
///
/// The unused stack is painted before, and looked at behind; words that are never written, at the deepest place, are not seen.
#[inline(never)]
pub fn measured<T>(name: &str, run: impl FnOnce() -> T) -> T {
    // Below this function's own frame and those of the functions that are called here.
    let top = (cortex_m::register::msp::read() as usize).saturating_sub(64) & !3;
    let end = &raw const _stack_end;
    let words = top.saturating_sub(end as usize) / size_of::<u32>();
    for word in 0..words {
        // SAFETY: all words between the end of the stack and its top are RAM that belongs to no object.
        unsafe { end.cast_mut().add(word).write_volatile(PAINT) };
    }
    let result = run();
    // SAFETY: as above.
    let painted = (0..words).take_while(|&word| unsafe { end.add(word).read_volatile() } == PAINT).count();
    print(name, (words - painted) * size_of::<u32>());
    result
}
