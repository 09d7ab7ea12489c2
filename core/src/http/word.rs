//! A short word of a head: a field's name, an element of a value, the size of a chunk.

/// The longest word that means something: a length of 20 digits. The longest name is `Transfer-Encoding`.
const LONGEST: usize = 20;

/// One word, put together byte by byte in small letters. Of one that is too long only that is known.
pub(super) struct Word {
    bytes: [u8; LONGEST],
    length: usize,
    /// White space came behind it.
    ended: bool,
}

impl Word {
    pub(super) const EMPTY: Self = Self { bytes: [0; LONGEST], length: 0, ended: false };

    pub(super) fn clear(&mut self) {
        self.length = 0;
        self.ended = false;
    }

    /// Takes the next byte. White space around the word is no part of it; a second word makes it one that is too long.
    pub(super) fn push(&mut self, byte: u8) {
        if is_space(byte) {
            self.ended = self.length > 0;
            return;
        }
        match self.bytes.get_mut(self.length) {
            Some(place) if !self.ended => {
                *place = byte.to_ascii_lowercase();
                self.length = self.length.saturating_add(1);
            }
            _ => self.length = usize::MAX,
        }
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether white space came behind the word.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether it is this one, in capital or small letters.
    pub(super) fn is(&self, small: &[u8]) -> bool {
        self.get() == small
    }

    /// The word in small letters; empty if there is none or if it is too long.
    fn get(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The number that the word is. All numbers up to 10¹⁹ (decimal) and 2⁶⁴ − 1 (hexadecimal) are read, with leading zeros up
    /// to 20 digits.
    pub(super) fn number(&self, radix: u8) -> Option<u64> {
        let digits = self.get();
        let mut number: u64 = 0;
        for byte in digits {
            let digit = match byte {
                b'0'..=b'9' => byte.wrapping_sub(b'0'),
                b'a'..=b'f' if radix > 10 => byte.wrapping_sub(b'a' - 10),
                _ => return None,
            };
            // Below that, sixteen times as much and a digit have room.
            if number >> 60 != 0 {
                return None;
            }
            number = number.wrapping_mul(radix.into()).wrapping_add(digit.into());
        }
        (!digits.is_empty()).then_some(number)
    }
}

/// RFC 9110 §5.6.3.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Word {
        let mut word = Word::EMPTY;
        word.push(b'x');
        word.clear();
        text.bytes().for_each(|byte| word.push(byte));
        word
    }

    #[test]
    fn white_space_around_is_no_part() {
        let long = "a".repeat(LONGEST);
        for (text, expected) in [
            ("", ""),
            (" \t ", ""),
            ("Keep-Alive", "keep-alive"),
            ("\t  close                      ", "close"),
            ("two words", ""),
            (&long, &long),
            (&"a".repeat(LONGEST + 1), ""),
            (&"a".repeat(300), ""),
        ] {
            assert_eq!(word(text).get(), expected.as_bytes(), "{text}");
        }
        assert!(!word(" a").has_ended() && word("a ").has_ended() && !word(" ").has_ended());
    }

    #[test]
    fn numbers_are_digits_and_fit() {
        for (text, decimal, hexadecimal) in [
            ("0", Some(0), Some(0)),
            ("10", Some(10), Some(16)),
            (" 007\t", Some(7), Some(7)),
            ("fF", None, Some(255)),
            ("", None, None),
            ("+1", None, None),
            ("-1", None, None),
            ("0x1", None, None),
            ("g", None, None),
            ("1 2", None, None),
            ("10000000000000000000", Some(10_u64.pow(19)), None),
            ("18446744073709551616", None, None),
            ("99999999999999999999", None, None),
            ("0000ffffffffffffffff", None, Some(u64::MAX)),
            ("00010000000000000000", Some(10_u64.pow(16)), None),
            ("00000000000000000000", Some(0), Some(0)),
            ("000000000000000000000", None, None),
        ] {
            assert_eq!((word(text).number(10), word(text).number(16)), (decimal, hexadecimal), "{text}");
        }
    }
}
