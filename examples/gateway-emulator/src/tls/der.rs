//! The part of DER (ITU-T X.690) that a certificate needs.

pub(crate) const BOOLEAN_TRUE: &[u8] = &[1, 1, 0xff];
pub(crate) const NULL: &[u8] = &[5, 0];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Writes one value with its tag and length.
pub(crate) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    if length < 0x80 {
        out.extend(u8::try_from(length));
    } else {
        out.extend(u8::try_from(digits.len()).map(|count| 0x80 | count));
        out.extend(digits);
    }
    out.extend_from_slice(content);
    out
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(SEQUENCE, &parts.concat())
}

/// Writes a non-negative integer from its big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    if digits.first().is_none_or(|byte| *byte >= 0x80) {
        digits.insert(0, 0);
    }
    value(INTEGER, &digits)
}

pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    // The first byte is the number of unused bits.
    value(BIT_STRING, &[&[0], bytes].concat())
}

/// Writes an object identifier from its encoded content.
pub(crate) fn object(identifier: &[u8]) -> Vec<u8> {
    value(OBJECT_IDENTIFIER, identifier)
}

/// Reads one value. Returns its content, and the bytes after it.
pub(crate) fn read(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if first < 0x80 {
        return rest.split_at_checked(first.into());
    }
    let (digits, rest) = rest.split_at_checked((first & 0x7f).into())?;
    let length = digits.iter().try_fold(0_usize, |length, byte| {
        length.checked_mul(0x100).map(|length| length + usize::from(*byte))
    })?;
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_at_their_edges() {
        for (length, head) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
        ] {
            let content = vec![7; length];
            let written = value(OCTET_STRING, &content);
            assert_eq!(&written[..head.len()], head);
            assert_eq!(read(&written), Some((&content[..], &[][..])));
            assert_eq!(read(&written[..written.len() - 1]), None);
        }
    }

    #[test]
    fn integers_stay_positive() {
        assert_eq!(unsigned(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
    }
}
