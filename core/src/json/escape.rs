//! Fast decoding of escapes that are complete in the input.

/// Decodes the escapes at the start of `input` into `room`. Returns the number of bytes written and the rest of the input.
/// Returns `None` if an escape is incomplete or invalid, if a surrogate is unpaired, or if `room` might be too small.
pub(super) fn copy_escapes<'i>(mut input: &'i [u8], room: &mut [u8]) -> Option<(usize, &'i [u8])> {
    let mut length = 0_usize;
    while let [b'\\', rest @ ..] = input {
        let (character, rest) = match rest {
            [b'u', digits @ ..] => unicode(digits)?,
            [letter, rest @ ..] => (char::from(short(*letter)?), rest),
            [] => return None,
        };
        let place = room.get_mut(length..)?.first_chunk_mut::<4>()?;
        length = length.saturating_add(character.encode_utf8(place).len());
        input = rest;
    }
    Some((length, input))
}

/// Decodes a `\u` escape, given the input after the `\u`. Returns the character and the rest of the input. If the escape is a
/// high surrogate, the low surrogate is decoded too.
fn unicode(digits: &[u8]) -> Option<(char, &[u8])> {
    let (digits, rest) = digits.split_first_chunk()?;
    let unit = hex4(*digits)?;
    if let Some(character) = char::from_u32(unit.into()) {
        return Some((character, rest));
    }
    let (digits, rest) = rest.strip_prefix(b"\\u")?.split_first_chunk()?;
    let character = char::decode_utf16([unit, hex4(*digits)?]).next()?.ok()?;
    Some((character, rest))
}

/// Returns the character that a backslash followed by this letter stands for.
pub(super) const fn short(letter: u8) -> Option<u8> {
    Some(match letter {
        b'"' | b'\\' | b'/' => letter,
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    })
}

/// Returns the value of a hexadecimal digit.
pub(super) const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit & 0xF),
        b'a'..=b'f' | b'A'..=b'F' => Some((digit & 0xF).wrapping_add(9)),
        _ => None,
    }
}

/// Returns the value of four hexadecimal digits. The code does not branch on each digit, because the mix of letters and digits
/// defeats branch prediction.
pub(super) const fn hex4(digits: [u8; 4]) -> Option<u16> {
    const ONES: u32 = 0x0101_0101;
    let digits = u32::from_be_bytes(digits);
    let letters = digits >> 6 & ONES;
    let values = (digits & (ONES * 0x0F)).wrapping_add(letters.wrapping_mul(9));
    // Adding 6 carries into the upper half for the values of letters, 10 to 15, but not for those of digits, 0 to 9.
    let halves = values | values.wrapping_add(ONES * 6) ^ letters << 4;
    // The upper half of the byte is 3 for a digit, and 4 or 6 for a letter.
    let upper = digits & !(letters << 5) ^ (ONES * 0x30) ^ letters.wrapping_mul(0x70);
    if (halves | upper) & (ONES * 0xF0) != 0 {
        return None;
    }
    let [_, high, _, low] = (values | values >> 4).to_be_bytes();
    Some(u16::from_be_bytes([high, low]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn four_hexadecimal_digits_agree_with_the_standard_library() {
        for unit in 0..=u16::MAX {
            for text in [format!("{unit:04x}"), format!("{unit:04X}")] {
                assert_eq!(hex4(*text.as_bytes().first_chunk().unwrap()), Some(unit), "{text}");
            }
        }
    }

    #[test]
    fn other_bytes_are_not_hexadecimal_digits() {
        for byte in 0..=u8::MAX {
            for place in 0..4 {
                let mut digits = *b"0000";
                digits[place] = byte;
                let value = char::from(byte).to_digit(16).map(|digit| digit << (12 - 4 * place));
                assert_eq!(hex4(digits).map(u32::from), value, "{digits:?}");
            }
            assert_eq!(hex(byte).map(u32::from), char::from(byte).to_digit(16), "{byte:?}");
        }
    }
}
