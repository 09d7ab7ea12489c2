//! Reads a certificate: no panic, and all fields lie inside the input. If x509-parser accepts the certificate, it must find the same key.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../adapter-std/src/tls/der.rs"]
mod der;

/// Whether a part is a slice of the whole.
fn lies_in(part: &[u8], whole: &[u8]) -> bool {
    let (part, whole) = (part.as_ptr_range(), whole.as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}

fuzz_target!(|input: &[u8]| {
    if let Some(fields) = der::certificate(input) {
        assert!(lies_in(fields.key_info, input));
        assert!(lies_in(fields.key_algorithm, fields.key_info) && lies_in(fields.key, fields.key_info));
        // Each attribute is shown with a name of at most 12 bytes, and each invalid byte as three bytes.
        assert!(fields.subject().len() <= 16 * input.len());
        if let Some((from, to)) = fields.validity() {
            assert_eq!((from.len(), to.len()), (10, 10));
        }
        rsa_key(fields.key);
        // If another reader found another key, a pin could name a key that is not in use.
        if let Ok((_, other)) = x509_parser::parse_x509_certificate(input) {
            assert_eq!(other.public_key().raw, fields.key_info);
        }
    }
    rsa_key(input);
});

fn rsa_key(key: &[u8]) {
    if let Some((modulus, exponent)) = der::rsa_key(key) {
        assert!(lies_in(modulus, key) && lies_in(exponent, key));
        assert!(modulus.first() != Some(&0) && exponent.first() != Some(&0));
    }
}
