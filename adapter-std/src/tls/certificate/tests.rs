//! Certificates made by OpenSSL, and certificates made here.

use super::*;

const P256: &[u8] = include_bytes!("p256.der");
const VERSION_1: &[u8] = include_bytes!("version1.der");

#[test]
fn the_fields_are_those_that_openssl_shows() {
    let certificate = Certificate::from_der(P256);
    let expected = "sha256:fe590a4955b6152452250c79f9328bfa7c854f6101eacd26ff10776559ac272e";
    assert_eq!(certificate.pin().to_string(), expected);
    let expected = "key-sha256:9d76bb3e084e6d00a9e72c5871008207ad84a46f4e9380101244947a1b060eb8";
    assert_eq!(certificate.key_pin().unwrap().to_string(), expected);
    assert_eq!(certificate.subject(), "C=CN, O=Example, CN=box, emailAddress=a@example");
    assert_eq!(certificate.validity(), Some(("2026-11-28", "2035-02-14")));
    assert!(certificate.pin().matches(P256) && certificate.key_pin().unwrap().matches(P256));
    let certificate = Certificate::from_der(VERSION_1);
    assert_eq!(certificate.subject(), "CN=192.168.1.9");
    assert_eq!(certificate.validity(), Some(("2026-11-28", "2035-02-14")));
}

#[test]
fn the_kind_of_a_certificate_is_read() {
    let kind = |der| {
        let one = Certificate::from_der(der);
        (
            one.version(),
            one.rsa_bits(),
            one.is_self_issued(),
            one.is_signed_with_sha1(),
            one.has_alternative_names(),
        )
    };
    assert_eq!(kind(P256), (Some(3), None, true, false, false));
    assert_eq!(kind(VERSION_1), (Some(1), Some(1024), true, false, false));
    assert_eq!(kind(b"?"), (None, None, false, false, false));
}

#[test]
fn truncated_and_altered_certificates_are_read_without_a_panic() {
    for der in [P256, VERSION_1] {
        for length in 0..der.len() {
            assert!(der::certificate(&der[..length]).is_none(), "{length}");
            for bits in [0x01, 0x80, 0xFF] {
                let mut altered = der.to_vec();
                altered[length] ^= bits;
                let certificate = Certificate::from_der(&altered);
                assert_ne!(certificate.pin(), Pin::of_certificate(der));
                assert!(certificate.subject().is_ascii());
            }
        }
    }
    assert_eq!(
        Certificate::from_der(b"").to_string().split_once(' ').unwrap().1,
        "without a subject, of unreadable validity"
    );
}

/// Encodes a value with this tag. Its length is encoded in three bytes.
fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], &length[..], contents].concat()
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    value(0x30, &parts.concat())
}

/// Returns a certificate of version 1 with these times, and this common name as a string with this tag.
fn certificate(times: &[Vec<u8>; 2], tag: u8, name: &[u8]) -> Certificate {
    let attribute = sequence(&[value(6, &[0x55, 4, 3]), value(tag, name)]);
    let unknown = sequence(&[value(6, &[0x55, 4, 99]), value(tag, b"unknown")]);
    let subject = sequence(&[value(0x31, &unknown), value(0x31, &attribute)]);
    let key = sequence(&[sequence(&[value(6, &[1])]), value(3, &[0, 1])]);
    let empty = sequence(&[]);
    let body = sequence(&[value(2, &[1]), empty.clone(), empty.clone(), sequence(times), subject, key]);
    let der = sequence(&[body, empty]);
    let certificate = Certificate::from_der(&der);
    assert!(certificate.key_pin().is_some());
    certificate
}

fn days(first: (u8, &str), last: (u8, &str)) -> Option<(String, String)> {
    let time = |(tag, digits): (u8, &str)| value(tag, digits.as_bytes());
    certificate(&[time(first), time(last)], 12, b"box").validity
}

#[test]
fn times_of_both_forms_are_read() {
    let (utc, general) = (0x17, 0x18);
    let expected = |first: &str, last: &str| Some((first.to_owned(), last.to_owned()));
    assert_eq!(days((utc, "500101000000Z"), (utc, "491231235959Z")), expected("1950-01-01", "2049-12-31"));
    assert_eq!(
        days((utc, "7001010000Z"), (general, "99991231235959Z")),
        expected("1970-01-01", "9999-12-31")
    );
    for malformed in
        [(utc, "50"), (utc, ""), (general, "2020-1-1"), (general, "2020010é"), (0x0C, "20200101")]
    {
        assert_eq!(days(malformed, malformed), None, "{malformed:?}");
    }
}

#[test]
fn subjects_are_decoded_escaped_and_shortened() {
    let subject = |tag, name: &[u8]| {
        let time = || value(0x17, b"200101000000Z");
        certificate(&[time(), time()], tag, name).subject
    };
    let (utf8, bmp) = (0x0C, 0x1E);
    assert_eq!(subject(bmp, b"\0b\0o\0x"), "CN=box");
    assert_eq!(subject(bmp, b"\xD8\x00\0x\0"), r"CN=\u{fffd}x");
    assert_eq!(subject(utf8, b"\x1B[2J\"\n\xFF"), r#"CN=\u{1b}[2J\"\n\u{fffd}"#);
    assert_eq!(subject(utf8, "\u{202e}\u{441}om".as_bytes()), r"CN=\u{202e}\u{441}om");
    assert_eq!(subject(utf8, &[b'x'; 77]).len(), 80);
    assert_eq!(subject(utf8, &[b'x'; 78]), format!("CN={}...", "x".repeat(77)));
}
