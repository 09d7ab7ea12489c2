//! Reads the fields of a certificate that are needed to pin or show it (RFC 5280 §4.1), from untrusted DER.
//!
//! X.509 parsers refuse the certificates of many gateways, which have version 1, negative serial numbers or odd extensions. This
//! reader looks at no more than it needs. It only reads forward, never recurses, and returns `None` for anything that it cannot
//! read.

use std::borrow::Cow;

/// The tag of a `SEQUENCE`.
const SEQUENCE: u8 = 0x30;
/// The tag of a `SET`.
const SET: u8 = 0x31;
/// The tag of an `INTEGER`.
const INTEGER: u8 = 0x02;
/// The tag of a `BIT STRING`.
const BIT_STRING: u8 = 0x03;
/// The tag of an `OBJECT IDENTIFIER`.
const OBJECT_ID: u8 = 0x06;
/// The tag of a `BMPString`, which holds UTF-16.
const BMP_STRING: u8 = 0x1E;
/// The tag of a `UTCTime`, whose years have two digits.
const UTC_TIME: u8 = 0x17;
/// The tag of a `GeneralizedTime`.
const GENERALIZED_TIME: u8 = 0x18;
/// The tag of the optional version.
const VERSION: u8 = 0xA0;
/// The tag of the optional extensions.
const EXTENSIONS: u8 = 0xA3;
/// The extension with the subject's alternative names (RFC 5280 §4.2.1.6).
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1D, 17];
/// The signature algorithms with SHA-1: RSA (RFC 8017 §A.2.4) and ECDSA (RFC 3279 §2.2.3).
const SHA1: [&[u8]; 2] =
    [&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 5], &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1]];
/// The algorithm of an RSA key (RFC 8017 §A.1).
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1];

/// The fields of a certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    /// The contents of the version; `None` stands for version 1.
    version: Option<&'a [u8]>,
    /// The contents of the signature's `AlgorithmIdentifier`.
    signature: &'a [u8],
    issuer: &'a [u8],
    /// The fields after the public key.
    rest: &'a [u8],
    not_before: Element<'a>,
    not_after: Element<'a>,
    subject: &'a [u8],
    /// The encoded `SubjectPublicKeyInfo`. The pin of a public key is its hash.
    pub(crate) key_info: &'a [u8],
    /// The contents of the public key's `AlgorithmIdentifier`.
    pub(crate) key_algorithm: &'a [u8],
    /// The public key.
    pub(crate) key: &'a [u8],
}

/// An encoded value.
#[derive(Clone, Copy, Debug)]
struct Element<'a> {
    tag: u8,
    contents: &'a [u8],
    /// The value with its tag and length.
    whole: &'a [u8],
}

/// Reads a certificate.
pub(crate) fn certificate(der: &[u8]) -> Option<Fields<'_>> {
    let mut input = der;
    let mut certificate = expect(&mut input, SEQUENCE)?;
    let mut body = expect(&mut certificate, SEQUENCE)?;
    let has_version = body.first() == Some(&VERSION);
    let version = if has_version { Some(expect(&mut body, VERSION)?) } else { None };
    expect(&mut body, INTEGER)?; // the serial number
    let signature = expect(&mut body, SEQUENCE)?;
    let issuer = expect(&mut body, SEQUENCE)?;
    let mut validity = expect(&mut body, SEQUENCE)?;
    let (not_before, not_after) = (next(&mut validity)?, next(&mut validity)?);
    let subject = expect(&mut body, SEQUENCE)?;
    let key_info = next(&mut body).filter(|element| element.tag == SEQUENCE)?;
    let mut parts = key_info.contents;
    let key_algorithm = expect(&mut parts, SEQUENCE)?;
    // The first byte counts the unused bits of the last one; a key has none.
    let (&0, key) = expect(&mut parts, BIT_STRING)?.split_first()? else { return None };
    if !parts.is_empty() {
        return None;
    }
    let key_info = key_info.whole;
    Some(Fields {
        version,
        signature,
        issuer,
        rest: body,
        not_before,
        not_after,
        subject,
        key_info,
        key_algorithm,
        key,
    })
}

/// Reads an `RSAPublicKey` (RFC 8017 §A.1.1): modulus and public exponent, without leading zeros.
pub(crate) fn rsa_key(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut input = key;
    let mut key = expect(&mut input, SEQUENCE)?;
    let (modulus, exponent) = (expect(&mut key, INTEGER)?, expect(&mut key, INTEGER)?);
    Some((without_zeros(modulus), without_zeros(exponent)))
}

/// Returns the number of bits of an `RSAPublicKey`'s modulus.
pub(super) fn rsa_bits(key: &[u8]) -> Option<usize> {
    let (modulus, _) = rsa_key(key)?;
    let first = usize::try_from(modulus.first()?.leading_zeros()).ok()?;
    (modulus.len() * 8).checked_sub(first)
}

impl Fields<'_> {
    /// Returns the subject as `CN=…, O=…`, decoded but not escaped. Attributes that [`attribute_name`] does not know are left out.
    pub(crate) fn subject(&self) -> String {
        let mut line = String::new();
        let mut names = self.subject;
        while let Some(mut set) = expect(&mut names, SET) {
            while let Some(mut attribute) = expect(&mut set, SEQUENCE) {
                let Some(kind) = expect(&mut attribute, OBJECT_ID) else { continue };
                let Some(value) = next(&mut attribute) else { continue };
                let Some(name) = attribute_name(kind) else { continue };
                let separator = if line.is_empty() { "" } else { ", " };
                line.extend([separator, name, "=", &text(value)]);
            }
        }
        line
    }

    /// Returns the version of X.509, from 1; `None` if it is malformed.
    pub(crate) fn version(&self) -> Option<u8> {
        let Some(mut version) = self.version else { return Some(1) };
        match expect(&mut version, INTEGER)? {
            [version] => version.checked_add(1),
            _ => None,
        }
    }

    /// Returns whether the certificate's issuer is its subject.
    pub(crate) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Returns whether the certificate is signed with SHA-1.
    pub(crate) fn is_signed_with_sha1(&self) -> bool {
        let mut signature = self.signature;
        expect(&mut signature, OBJECT_ID).is_some_and(|kind| SHA1.contains(&kind))
    }

    /// Returns the number of bits of an RSA key; `None` for a key of another kind.
    pub(crate) fn rsa_bits(&self) -> Option<usize> {
        let mut algorithm = self.key_algorithm;
        expect(&mut algorithm, OBJECT_ID).filter(|kind| *kind == RSA)?;
        rsa_bits(self.key)
    }

    /// Returns whether the certificate lists names of its host. Clients that do not pin the certificate require this list.
    pub(crate) fn has_alternative_names(&self) -> bool {
        let mut rest = self.rest;
        while let Some(element) = next(&mut rest) {
            let mut extensions = element.contents;
            let mut list = match element.tag {
                EXTENSIONS => expect(&mut extensions, SEQUENCE).unwrap_or_default(),
                _ => continue,
            };
            while let Some(mut extension) = expect(&mut list, SEQUENCE) {
                if expect(&mut extension, OBJECT_ID) == Some(ALTERNATIVE_NAMES) {
                    return true;
                }
            }
        }
        false
    }

    /// Returns the first and the last day of the validity, as `YYYY-MM-DD`; `None` if one of them is malformed.
    pub(crate) fn validity(&self) -> Option<(String, String)> {
        Some((day(self.not_before)?, day(self.not_after)?))
    }
}

/// Reads the next value.
fn next<'a>(input: &mut &'a [u8]) -> Option<Element<'a>> {
    let whole = *input;
    let (&tag, rest) = whole.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let length = match first {
        0..=0x7F => usize::from(first),
        // One to three bytes of length suffice, because a handshake message is shorter than 16 MiB.
        0x81..=0x83 => {
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7F))?;
            rest = after;
            bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    *input = rest;
    let (whole, _) = whole.split_at_checked(whole.len() - rest.len())?;
    Some(Element { tag, contents, whole })
}

/// Reads the contents of the next value, which must have this tag.
fn expect<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    next(input).filter(|element| element.tag == tag).map(|element| element.contents)
}

fn without_zeros(mut number: &[u8]) -> &[u8] {
    while let Some((&0, rest)) = number.split_first() {
        number = rest;
    }
    number
}

/// Returns the short name of an attribute of a name (RFC 4519 §2, RFC 2985 §5.2.1).
fn attribute_name(kind: &[u8]) -> Option<&'static str> {
    Some(match kind {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 5] => "serialNumber",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 1] => "emailAddress",
        _ => return None,
    })
}

fn text(value: Element<'_>) -> Cow<'_, str> {
    if value.tag != BMP_STRING {
        return String::from_utf8_lossy(value.contents);
    }
    let units =
        value.contents.chunks_exact(2).filter_map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?)));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Returns the day of a time (RFC 5280 §4.1.2.5), as `YYYY-MM-DD`.
fn day(time: Element<'_>) -> Option<String> {
    let digits = std::str::from_utf8(time.contents).ok()?;
    let (year, rest) = match time.tag {
        UTC_TIME => {
            let (year, rest) = digits.split_at_checked(2)?;
            (format!("{}{year}", if year < "50" { "20" } else { "19" }), rest)
        }
        GENERALIZED_TIME => digits.split_at_checked(4).map(|(year, rest)| (year.to_owned(), rest))?,
        _ => return None,
    };
    let (month, rest) = rest.split_at_checked(2)?;
    let (day, _) = rest.split_at_checked(2)?;
    let is_number = [&year, month, day].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    is_number.then(|| format!("{year}-{month}-{day}"))
}
