//! Self-signed certificates (RFC 5280), including kinds that current tools no longer make.

use std::{
    fmt::Write as _,
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        KeyPair,
    },
};
use tokio_rustls::rustls::{
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    sign::SigningKey,
};

use super::{
    CertificateKey, CertificateKind, der,
    rsa::{Hash, RsaKey},
};
use crate::{
    clock::{self, Civil},
    login::base64,
};

const RSA_1024: &[u8] = include_bytes!("keys/rsa-1024.pem");
const RSA_2048: &[u8] = include_bytes!("keys/rsa-2048.pem");

/// The object identifiers 1.2.840.113549.1.1.1, .5 and .11 (RFC 4055).
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SHA1_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
/// 1.2.840.10045.2.1, 1.2.840.10045.3.1.7, 1.3.132.0.34, 1.2.840.10045.4.3.2 and .3 (RFC 5480, RFC 5758).
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
/// 2.5.4.3, 2.5.29.17 and 2.5.29.19 (RFC 5280).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// The subject, and the name of another host.
const SUBJECT: &str = "gateway";
const OTHER_HOST: &str = "other.example";

/// 2015-01-01 to 2019-12-31, for a certificate that has expired.
const EXPIRED: [Civil; 2] = [1_420_070_400, 1_577_836_799];
/// 2098-01-01 to 2098-12-31, for a certificate that is not valid yet.
const NOT_YET_VALID: [Civil; 2] = [4_039_372_800, 4_070_908_799];
const DAY: Civil = 86_400;
/// From 2050 on, certificates write years with four digits.
const YEAR_2050: Civil = 2_524_608_000;

/// The certificate that an emulator serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Vec<u8>,
}

impl Certificate {
    /// Returns the certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the certificate in PEM, the format of files with trusted certificates.
    pub fn pem(&self) -> String {
        let text = base64(&self.der);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    /// Returns `sha256:` followed by the SHA-256 of the certificate in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        format!("sha256:{}", sha256(&self.der))
    }

    /// Returns `key-sha256:` followed by the SHA-256 of the public key (`SubjectPublicKeyInfo`) in hexadecimal digits.
    pub fn key_fingerprint(&self) -> String {
        format!("key-sha256:{}", sha256(&self.public_key))
    }
}

fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A key pair that signs its own certificate.
enum Key {
    Rsa(RsaKey, &'static [u8]),
    Ec(Box<EcdsaKeyPair>, Curve, Vec<u8>),
}

/// A curve, and the identifiers of its keys and signatures.
struct Curve {
    algorithm: &'static EcdsaSigningAlgorithm,
    name: &'static [u8],
    signature: &'static [u8],
}

const P256: Curve =
    Curve { algorithm: &ECDSA_P256_SHA256_ASN1_SIGNING, name: PRIME256V1, signature: ECDSA_WITH_SHA256 };
const P384: Curve =
    Curve { algorithm: &ECDSA_P384_SHA384_ASN1_SIGNING, name: SECP384R1, signature: ECDSA_WITH_SHA384 };

impl Key {
    fn new(kind: CertificateKey) -> io::Result<Self> {
        match kind {
            CertificateKey::Rsa1024 => Ok(Self::Rsa(RsaKey::from_pem(RSA_1024)?, RSA_1024)),
            CertificateKey::Rsa2048 => Ok(Self::Rsa(RsaKey::from_pem(RSA_2048)?, RSA_2048)),
            CertificateKey::Ec => Self::on(P256),
            CertificateKey::EcP384 => Self::on(P384),
        }
    }

    /// Generates a key on a curve.
    fn on(curve: Curve) -> io::Result<Self> {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(curve.algorithm, &random).map_err(unspecified)?;
        let rejected = |error| io::Error::other(format!("the new key was rejected: {error}"));
        let pair = EcdsaKeyPair::from_pkcs8(curve.algorithm, der.as_ref(), &random).map_err(rejected)?;
        Ok(Self::Ec(Box::new(pair), curve, der.as_ref().to_vec()))
    }

    /// Returns the `SubjectPublicKeyInfo`.
    fn public(&self) -> Vec<u8> {
        let (algorithm, key) = match self {
            Self::Rsa(key, _) => {
                (der::sequence(&[&der::object(RSA_ENCRYPTION), der::NULL]), key.public_der())
            }
            Self::Ec(pair, curve, _) => (
                der::sequence(&[&der::object(EC_PUBLIC_KEY), &der::object(curve.name)]),
                pair.public_key().as_ref().to_vec(),
            ),
        };
        der::sequence(&[&algorithm, &der::bit_string(&key)])
    }

    /// Returns the `AlgorithmIdentifier` of a signature.
    fn algorithm(&self, hash: Hash) -> Vec<u8> {
        match (self, hash) {
            (Self::Ec(_, curve, _), _) => der::sequence(&[&der::object(curve.signature)]),
            (Self::Rsa(..), Hash::Sha1) => der::sequence(&[&der::object(SHA1_WITH_RSA), der::NULL]),
            (Self::Rsa(..), Hash::Sha256) => der::sequence(&[&der::object(SHA256_WITH_RSA), der::NULL]),
        }
    }

    fn sign(&self, message: &[u8], hash: Hash) -> io::Result<Vec<u8>> {
        match self {
            Self::Rsa(key, _) => Ok(key.sign_pkcs1(message, hash)),
            Self::Ec(pair, ..) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(unspecified)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }

    /// Converts the key to the type that the handshake needs.
    fn signing(self) -> io::Result<Arc<dyn SigningKey>> {
        match self {
            Self::Rsa(key, pem) => {
                let der = PrivatePkcs1KeyDer::from_pem_slice(pem).map_err(io::Error::other)?;
                // rustls refuses the short key. `RsaKey` then signs with it.
                Ok(any_supported_type(&der.into()).unwrap_or_else(|_| Arc::new(key)))
            }
            Self::Ec(.., der) => {
                any_supported_type(&PrivatePkcs8KeyDer::from(der).into()).map_err(io::Error::other)
            }
        }
    }
}

fn unspecified(_: ring::error::Unspecified) -> io::Error {
    io::Error::other("the system has no random numbers")
}

/// Makes a certificate for `localhost` and the address. Returns the certificate and its key.
pub(crate) fn make(
    kind: &CertificateKind,
    address: IpAddr,
) -> io::Result<(Certificate, Arc<dyn SigningKey>)> {
    kind.check().map_err(|fault| io::Error::new(io::ErrorKind::InvalidInput, fault))?;
    let key = Key::new(kind.key)?;
    let hash = if kind.sha1 { Hash::Sha1 } else { Hash::Sha256 };
    let (algorithm, public_key) = (key.algorithm(hash), key.public());
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(unspecified)?;
    let name = name(if kind.wrong_name { OTHER_HOST } else { SUBJECT });
    let version = if kind.version_1 { Vec::new() } else { der::value(0xa0, &der::unsigned(&[2])) };
    let signed = der::sequence(&[
        &version,
        &der::unsigned(&serial),
        &algorithm,
        &name,
        &validity(kind),
        &name,
        &public_key,
        &extensions(kind, address),
    ]);
    let signature = key.sign(&signed, hash)?;
    let der = der::sequence(&[&signed, &algorithm, &der::bit_string(&signature)]);
    Ok((Certificate { der, public_key }, key.signing()?))
}

/// Writes a distinguished name that consists of a common name.
fn name(common: &str) -> Vec<u8> {
    let attribute =
        der::sequence(&[&der::object(COMMON_NAME), &der::value(der::UTF8_STRING, common.as_bytes())]);
    der::sequence(&[&der::value(der::SET, &attribute)])
}

/// Writes the validity: ten years from yesterday, or a period that is over or has not begun.
fn validity(kind: &CertificateKind) -> Vec<u8> {
    let now = clock::wall_clock();
    let [from, to] = match (kind.expired, kind.not_yet_valid) {
        (true, _) => EXPIRED,
        (_, true) => NOT_YET_VALID,
        _ => [now - DAY, now + 3652 * DAY],
    };
    der::sequence(&[&time(from), &time(to)])
}

fn time(civil: Civil) -> Vec<u8> {
    let digits: String = clock::format(civil).chars().filter(char::is_ascii_digit).collect();
    let (tag, skipped) = if civil < YEAR_2050 { (der::UTC_TIME, 2) } else { (der::GENERALIZED_TIME, 0) };
    der::value(tag, format!("{}Z", digits.get(skipped..).unwrap_or_default()).as_bytes())
}

fn extensions(kind: &CertificateKind, address: IpAddr) -> Vec<u8> {
    if kind.version_1 {
        return Vec::new();
    }
    let (critical, authority) =
        if kind.ca { (der::BOOLEAN_TRUE, der::BOOLEAN_TRUE) } else { (&[][..], &[][..]) };
    let constraints = extension(BASIC_CONSTRAINTS, critical, &der::sequence(&[authority]));
    let names = if kind.no_san {
        Vec::new()
    } else {
        extension(SUBJECT_ALT_NAME, &[], &alternative_names(kind.wrong_name, address))
    };
    der::value(0xa3, &der::sequence(&[&constraints, &names]))
}

fn extension(identifier: &[u8], critical: &[u8], content: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::object(identifier), critical, &der::value(der::OCTET_STRING, content)])
}

fn alternative_names(wrong: bool, address: IpAddr) -> Vec<u8> {
    let dns = |name: &str| der::value(0x82, name.as_bytes());
    if wrong {
        return der::sequence(&[&dns(OTHER_HOST)]);
    }
    let mut names = vec![dns("localhost"), ip(Ipv4Addr::LOCALHOST.into())];
    if !address.is_unspecified() && address != Ipv4Addr::LOCALHOST {
        names.push(ip(address));
    }
    der::sequence(&[&names.concat()])
}

fn ip(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => der::value(0x87, &address.octets()),
        IpAddr::V6(address) => der::value(0x87, &address.octets()),
    }
}
