//! The hashes of Digest logins (RFC 7616 §3.4). Their input is texts joined by colons. Their output is hexadecimal digits.

#[cfg(feature = "sha256")]
use sha2::{Digest, Sha256};

use super::md5::Md5;
use crate::http::{Algorithm, Value};

/// Maximum length of a hash in bytes.
const LONGEST: usize = if cfg!(feature = "sha256") { 32 } else { 16 };

/// A hash in lower-case hexadecimal digits.
#[derive(Clone, Copy)]
pub(super) struct Hex {
    digits: [[u8; 2]; LONGEST],
    bytes: usize,
}

impl Hex {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut digits = [[0; 2]; LONGEST];
        for (pair, byte) in digits.iter_mut().zip(bytes) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        Self { digits, bytes: bytes.len() }
    }

    pub(super) fn digits(&self) -> &[u8] {
        self.digits.get(..self.bytes).unwrap_or_default().as_flattened()
    }

    /// Returns the digits as a text to be hashed.
    pub(super) fn value(&self) -> Value<'_> {
        Value::plain(self.digits())
    }
}

const fn digit(value: u8) -> u8 {
    value.wrapping_add(if value < 10 { b'0' } else { b'a' - 10 })
}

/// Returns the hash of the texts, joined by colons.
pub(super) fn joined(algorithm: Algorithm, texts: &[Value<'_>]) -> Hex {
    match algorithm {
        Algorithm::Md5 | Algorithm::Md5Sess => {
            let mut hash = Md5::new();
            each_piece(texts, |piece| hash.update(piece));
            Hex::new(hash.finish().as_flattened())
        }
        #[cfg(feature = "sha256")]
        Algorithm::Sha256 | Algorithm::Sha256Sess => {
            let mut hash = Sha256::new();
            each_piece(texts, |piece| hash.update(piece));
            Hex::new(&hash.finalize())
        }
    }
}

fn each_piece(texts: &[Value<'_>], mut take: impl FnMut(&[u8])) {
    for (place, text) in texts.iter().enumerate() {
        if place > 0 {
            take(b":");
        }
        text.for_each_piece(&mut take);
    }
}
