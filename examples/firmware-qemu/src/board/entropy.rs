//! Random numbers. The board has no source of entropy and uses the host's. A real board has a random number generator, which
//! its firmware must use.

use super::host;

/// Fills `bytes` from the host's source of entropy.
///
/// # Panics
///
/// If the host has no such source.
pub(crate) fn fill(bytes: &mut [u8]) {
    assert!(host::read_file(c"/dev/urandom", bytes), "the host has no /dev/urandom");
}

/// Returns a seed for a generator.
pub(crate) fn seed() -> u64 {
    let mut seed = [0; 8];
    fill(&mut seed);
    u64::from_le_bytes(seed)
}
