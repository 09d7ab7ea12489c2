//! The maximum depth of the stack. All RAM that no static uses is stack, and is painted before the program starts
//! (`cortex-m-rt` with its feature `paint-stack`).

use cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    /// The start of the stack, which grows downwards from here.
    static _stack_start: u32;
    /// The lower end of the stack's RAM, just above the statics.
    static _stack_end: u32;
}

/// The use of the stack, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// The maximum depth since the last reset. Words at the deepest point that were reserved but never written are not counted.
    pub(crate) deepest: usize,
    /// The size of the stack.
    pub(crate) size: usize,
}

/// Searches for the end of the paint. This takes a while, so call it rarely or at the end of a program.
pub(crate) fn usage() -> Usage {
    let (end, start) = (&raw const _stack_end, &raw const _stack_start);
    let words = (start as usize - end as usize) / size_of::<u32>();
    // SAFETY: all words between the two symbols are RAM. The accesses are volatile, because the words belong to no object.
    let painted =
        (0..words).take_while(|&word| unsafe { end.add(word).read_volatile() } == STACK_PAINT_VALUE).count();
    Usage { deepest: (words - painted) * size_of::<u32>(), size: words * size_of::<u32>() }
}
