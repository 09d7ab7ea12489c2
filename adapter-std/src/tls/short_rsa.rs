//! Verifies signatures by RSA keys below 2048 bits. Some gateways have such keys, which the providers of rustls refuse.

use rsa::{BoxedUint, PublicKey};
use rustls::SignatureScheme;
use sha2::{Sha256, Sha384, Sha512};

use super::der;

/// The minimum size of a key that the providers verify, in bits.
const LONG_KEY_BITS: usize = 2048;

/// The maximum size of a key that the providers verify, in bits.
const LONGEST_KEY_BITS: usize = 8192;

/// Whether this is an RSA key that neither this module nor a provider verifies: shorter than 1024 or longer than 8192 bits.
pub(super) fn is_unverifiable(algorithm: &[u8], key: &[u8]) -> bool {
    let is_rsa = algorithm == rustls::pki_types::alg_id::RSA_ENCRYPTION.as_ref();
    is_rsa && der::rsa_bits(key).is_none_or(|bits| !(PublicKey::MIN_SIZE..=LONGEST_KEY_BITS).contains(&bits))
}

/// Returns the key if it is an RSA key of 1024 to 2047 bits.
pub(super) fn key(algorithm: &[u8], key: &[u8]) -> Option<PublicKey> {
    if algorithm != rustls::pki_types::alg_id::RSA_ENCRYPTION.as_ref() {
        return None;
    }
    let (modulus, exponent) = der::rsa_key(key)?;
    let number = BoxedUint::from_be_slice_vartime;
    let sizes = PublicKey::MIN_SIZE..=LONG_KEY_BITS - 1;
    PublicKey::new_with_size_limits(number(modulus), number(exponent), sizes).ok()
}

/// Verifies the signature of a message (RFC 8017 §8.1.2, §8.2.2). The salt of PSS is as long as the hash (RFC 8446 §4.2.3).
pub(super) fn is_valid(key: &PublicKey, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> bool {
    let verified = match scheme {
        SignatureScheme::RSA_PSS_SHA256 => key.pss_verify::<Sha256>(message, signature),
        SignatureScheme::RSA_PSS_SHA384 => key.pss_verify::<Sha384>(message, signature),
        SignatureScheme::RSA_PSS_SHA512 => key.pss_verify::<Sha512>(message, signature),
        SignatureScheme::RSA_PKCS1_SHA256 => key.pkcs1v15_verify::<Sha256>(message, signature),
        SignatureScheme::RSA_PKCS1_SHA384 => key.pkcs1v15_verify::<Sha384>(message, signature),
        SignatureScheme::RSA_PKCS1_SHA512 => key.pkcs1v15_verify::<Sha512>(message, signature),
        _ => return false,
    };
    verified.is_ok()
}

#[cfg(test)]
mod tests;
