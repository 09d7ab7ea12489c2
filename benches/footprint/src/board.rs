//! The emulated processor: its console, its stack, and the end of the emulation.
#![allow(unsafe_code)]

use core::hint::black_box;

use cortex_m_rt::STACK_PAINT_VALUE;
use cortex_m_semihosting::{debug, syscall1};

use crate::digits::decimal;

unsafe extern "C" {
    /// The first address of the stack's RAM. The stack grows downwards to it.
    static _stack_end: u32;
    /// The first address after the stack's RAM.
    static _stack_start: u32;
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // If `info` is not used, the compiler merges the standard library's panics into one function. Then their callers can't be
    // distinguished.
    if cfg!(feature = "named") {
        black_box(info);
    }
    exit(false)
}

/// Prints a line: a name and a number.
#[inline(never)]
pub fn print(name: &str, number: usize) {
    write(name.as_bytes());
    write(b" ");
    write(decimal(u32::try_from(number).unwrap_or(u32::MAX), &mut [0; 10]));
    write(b"\n");
}

fn write(bytes: &[u8]) {
    for byte in bytes {
        // SAFETY: the call reads one byte at this address.
        unsafe { syscall1!(WRITEC, core::ptr::from_ref(byte)) };
    }
}

/// Prints the maximum depth of the stack since reset, and ends the emulation.
#[inline(never)]
pub fn end(well: bool) -> ! {
    print("stack", deepest());
    exit(well)
}

fn exit(well: bool) -> ! {
    loop {
        debug::exit(if black_box(well) { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}

/// Returns the maximum depth of the stack since reset, in bytes. Every frame counts, including those of `main` and of inlined
/// functions.
///
/// `cortex-m-rt` paints the stack's RAM before any Rust code runs. Words that a frame reserved but did not write are not
/// counted if they are below the deepest written word.
fn deepest() -> usize {
    let (end, start) = (&raw const _stack_end, &raw const _stack_start);
    let words = (start as usize).saturating_sub(end as usize) / size_of::<u32>();
    // SAFETY: all words between the two addresses are RAM, aligned, and hold no object of this program below the stack pointer.
    let painted =
        (0..words).take_while(|&word| unsafe { end.add(word).read_volatile() } == STACK_PAINT_VALUE);
    (words - painted.count()) * size_of::<u32>()
}
