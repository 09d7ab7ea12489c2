//! Hashes by which the storage recognises keys, requests, messages and configurations.

use sha2::{Digest, Sha256};

/// Returns the first half of the SHA-256 of some bytes.
pub fn short(bytes: impl AsRef<[u8]>) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(bytes)[..16]);
    half
}
