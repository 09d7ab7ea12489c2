//! Numbers that nobody can foresee. This board has no source of its own and takes the host's; a real one has a random number
//! generator, and firmware for it must use that.

use super::host;

/// Fills `bytes` from the host's source.
///
/// # Panics
///
/// When the host has none.
pub(crate) fn fill(bytes: &mut [u8]) {
    assert!(host::read_file(c"/dev/urandom", bytes), "the host has no /dev/urandom");
}

/// Entropy for a generator's start.
pub(crate) fn seed() -> u64 {
    let mut seed = [0; 8];
    fill(&mut seed);
    u64::from_le_bytes(seed)
}
