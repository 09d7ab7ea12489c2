//! RAM that is not initialized at the start of the program, so that its content survives a reset.

use core::{cell::UnsafeCell, mem::MaybeUninit};

/// Number of usable words.
pub(super) const WORDS: usize = 8 * 1024;

/// The value that distinguishes RAM in use from RAM after power-on. Change it whenever the layout changes.
const MAGIC: [u32; 2] = [0x736d_7331, 0x8c92_8cce];

#[repr(C)]
struct Survivor {
    magic: [u32; 2],
    resets: u32,
    words: [u32; WORDS],
}

struct Shared(UnsafeCell<MaybeUninit<Survivor>>);

// SAFETY: there is one core, no interrupt handler accesses the data, and no reference into the data is ever made.
unsafe impl Sync for Shared {}

// `.uninit` is neither zeroed nor loaded. It ends where the stack ends, so a stack overflow overwrites it: see `stack`.
#[unsafe(link_section = ".uninit.survivor")]
static SURVIVOR: Shared = Shared(UnsafeCell::new(MaybeUninit::uninit()));

/// Counts a reset. After power-on, fills the words with ones instead. Returns the number of resets.
pub(super) fn start() -> u32 {
    let survivor = SURVIVOR.0.get().cast::<Survivor>();
    // SAFETY: the pointer is to a static. The accesses are volatile, because the compiler doesn't know the content of RAM after
    // a reset. Any bits are a valid u32.
    unsafe {
        let known = (&raw const (*survivor).magic).read_volatile() == MAGIC;
        let resets = if known { (&raw const (*survivor).resets).read_volatile().wrapping_add(1) } else { 0 };
        if !known {
            (0..WORDS).for_each(|index| set(index, u32::MAX));
            (&raw mut (*survivor).magic).write_volatile(MAGIC);
        }
        (&raw mut (*survivor).resets).write_volatile(resets);
        resets
    }
}

/// Returns the word at `index`.
///
/// # Panics
///
/// If `index` is out of range.
pub(super) fn get(index: usize) -> u32 {
    // SAFETY: as in `start`; `word` has checked the index.
    unsafe { word(index).read_volatile() }
}

/// Sets the word at `index`.
///
/// # Panics
///
/// If `index` is out of range.
pub(super) fn set(index: usize, value: u32) {
    // SAFETY: as in `start`; `word` has checked the index.
    unsafe { word(index).write_volatile(value) }
}

fn word(index: usize) -> *mut u32 {
    assert!(index < WORDS, "beyond the RAM that survives");
    let survivor = SURVIVOR.0.get().cast::<Survivor>();
    // SAFETY: the pointer is to a static, and the index within its array.
    unsafe { (&raw mut (*survivor).words).cast::<u32>().add(index) }
}
