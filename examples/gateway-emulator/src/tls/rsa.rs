//! RSA signatures (RFC 8017) with keys and digests that ring refuses. This code is not safe against timing attacks.

use std::{fmt, io, sync::Arc};

use num_bigint::BigUint;
use ring::{
    digest::{self, Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use tokio_rustls::rustls::{
    self, SignatureAlgorithm, SignatureScheme,
    pki_types::{PrivatePkcs1KeyDer, pem::PemObject},
    sign::{Signer, SigningKey},
};

use super::der;

/// The schemes offered in the handshake, the preferred one first.
const SCHEMES: [SignatureScheme; 2] = [SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256];

/// The beginning of a `DigestInfo`, which precedes the digest (RFC 8017 §9.2, note 1).
const SHA1_INFO: &[u8] = b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";
const SHA256_INFO: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// The length of a PSS salt, as TLS requires (RFC 8446 §4.2.3).
const SALT_BYTES: usize = digest::SHA256_OUTPUT_LEN;

/// A digest algorithm with which a certificate can be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    fn parts(self) -> (&'static Algorithm, &'static [u8]) {
        match self {
            Self::Sha1 => (&SHA1_FOR_LEGACY_USE_ONLY, SHA1_INFO),
            Self::Sha256 => (&SHA256, SHA256_INFO),
        }
    }
}

#[derive(Clone)]
pub(crate) struct RsaKey {
    modulus: BigUint,
    public: BigUint,
    private: BigUint,
}

impl RsaKey {
    /// Reads an `RSAPrivateKey` (RFC 8017 §A.1.2) in PEM.
    pub(crate) fn from_pem(pem: &[u8]) -> io::Result<Self> {
        let der = PrivatePkcs1KeyDer::from_pem_slice(pem).map_err(io::Error::other)?;
        Self::from_der(der.secret_pkcs1_der()).ok_or_else(|| io::Error::other("not an RSA key"))
    }

    fn from_der(bytes: &[u8]) -> Option<Self> {
        let (fields, _) = der::read(bytes)?;
        let (_version, rest) = der::read(fields)?;
        let (modulus, rest) = der::read(rest)?;
        let (public, rest) = der::read(rest)?;
        let (private, _) = der::read(rest)?;
        let [modulus, public, private] = [modulus, public, private].map(BigUint::from_bytes_be);
        Some(Self { modulus, public, private })
    }

    /// Returns the public key in DER (RFC 8017 §A.1.1).
    pub(crate) fn public_der(&self) -> Vec<u8> {
        der::sequence(&[
            &der::unsigned(&self.modulus.to_bytes_be()),
            &der::unsigned(&self.public.to_bytes_be()),
        ])
    }

    /// Signs with RSASSA-PKCS1-v1_5 (RFC 8017 §8.2). The padding is never too short, because keys have at least 512 bits.
    pub(crate) fn sign_pkcs1(&self, message: &[u8], hash: Hash) -> Vec<u8> {
        let (algorithm, info) = hash.parts();
        let end = [&[0], info, digest(algorithm, message).as_ref()].concat();
        let padding = vec![0xff; self.length().saturating_sub(end.len() + 2)];
        self.raw(&[&[0, 1], &padding[..], &end].concat())
    }

    /// Signs with RSASSA-PSS, SHA-256 and MGF1 (RFC 8017 §8.1). Key sizes are multiples of eight bits.
    fn sign_pss(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new().fill(&mut salt).map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
        let digested = digest(&SHA256, message);
        let hash = digest(&SHA256, &[&[0; 8], digested.as_ref(), &salt].concat());
        let hash = hash.as_ref();
        let length = self.length().saturating_sub(hash.len() + 1);
        let padding = vec![0; length.saturating_sub(salt.len() + 1)];
        let mut masked = [&padding[..], &[1], &salt].concat();
        for (byte, mask) in masked.iter_mut().zip(mask(hash)) {
            *byte ^= mask;
        }
        if let Some(first) = masked.first_mut() {
            // The encoded message is one bit shorter than the modulus.
            *first &= 0x7f;
        }
        Ok(self.raw(&[&masked, hash, &[0xbc]].concat()))
    }

    /// Returns the length of the modulus in bytes.
    fn length(&self) -> usize {
        usize::try_from(self.modulus.bits().div_ceil(8)).unwrap_or(usize::MAX)
    }

    /// Performs the private-key operation (RSASP1, RFC 8017 §5.2.1).
    fn raw(&self, encoded: &[u8]) -> Vec<u8> {
        let signature = BigUint::from_bytes_be(encoded).modpow(&self.private, &self.modulus).to_bytes_be();
        [&vec![0; self.length() - signature.len()], &signature[..]].concat()
    }
}

/// Returns the mask of MGF1 with SHA-256 (RFC 8017 §B.2.1), as an endless iterator.
fn mask(seed: &[u8]) -> impl Iterator<Item = u8> {
    (0_u32..)
        .flat_map(move |counter| digest(&SHA256, &[seed, &counter.to_be_bytes()].concat()).as_ref().to_vec())
}

/// Omits the private key.
impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaKey").field("bits", &self.modulus.bits()).finish_non_exhaustive()
    }
}

impl SigningKey for RsaKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = SCHEMES.into_iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(RsaSigner { key: Arc::new(self.clone()), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct RsaSigner {
    key: Arc<RsaKey>,
    scheme: SignatureScheme,
}

impl Signer for RsaSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        match self.scheme {
            SignatureScheme::RSA_PSS_SHA256 => self.key.sign_pss(message),
            _ => Ok(self.key.sign_pkcs1(message, Hash::Sha256)),
        }
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{
        RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
    };

    use super::*;

    fn verifies(
        key: &RsaKey,
        algorithm: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        UnparsedPublicKey::new(algorithm, key.public_der()).verify(message, signature).is_ok()
    }

    #[test]
    fn ring_verifies_the_signatures() {
        let small = RsaKey::from_pem(include_bytes!("keys/rsa-1024.pem")).unwrap();
        let large = RsaKey::from_pem(include_bytes!("keys/rsa-2048.pem")).unwrap();
        assert_eq!((small.length(), large.length()), (128, 256));
        for key in [&small, &large] {
            for (hash, algorithm) in [
                (Hash::Sha1, &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
                (Hash::Sha256, &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
            ] {
                let signature = key.sign_pkcs1(b"message", hash);
                assert!(verifies(key, algorithm, b"message", &signature), "{hash:?}");
                assert!(!verifies(key, algorithm, b"massage", &signature), "{hash:?}");
            }
        }
        let signature = large.sign_pss(b"message").unwrap();
        assert!(verifies(&large, &RSA_PSS_2048_8192_SHA256, b"message", &signature));
        assert!(!verifies(&large, &RSA_PSS_2048_8192_SHA256, b"massage", &signature));
    }

    #[test]
    fn the_private_key_stays_inside() {
        let key = RsaKey::from_pem(include_bytes!("keys/rsa-1024.pem")).unwrap();
        assert_eq!(format!("{key:?}"), "RsaKey { bits: 1024, .. }");
    }
}
