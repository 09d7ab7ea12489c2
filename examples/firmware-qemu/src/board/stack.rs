//! How much of the stack was ever in use. All RAM that no static takes is stack, and is painted before the program starts
//! (`cortex-m-rt` with its feature `paint-stack`).

use cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    /// Where the stack begins; it grows downwards from here.
    static _stack_start: u32;
    /// Where the RAM for it ends, and the statics begin.
    static _stack_end: u32;
}

/// The stack, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// The most that was in use at a time since the reset. Words that were never written, at the deepest place, are not seen.
    pub(crate) deepest: usize,
    /// How much there is.
    pub(crate) size: usize,
}

/// Looks how far the paint is gone. It takes a while: for the end of a program, or seldom.
pub(crate) fn usage() -> Usage {
    let (end, start) = (&raw const _stack_end, &raw const _stack_start);
    let words = (start as usize - end as usize) / size_of::<u32>();
    // SAFETY: all words between the two symbols are RAM. They are read by volatile accesses, since they belong to no object.
    let painted =
        (0..words).take_while(|&word| unsafe { end.add(word).read_volatile() } == STACK_PAINT_VALUE).count();
    Usage { deepest: (words - painted) * size_of::<u32>(), size: words * size_of::<u32>() }
}
