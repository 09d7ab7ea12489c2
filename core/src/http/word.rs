//! A short word of a head: a field's name, a list element of a value, or the size of a chunk.

/// Maximum length of a word that matters: a `Content-Length` of 20 digits. The longest field name is `Transfer-Encoding`.
const LONGEST: usize = 20;

/// A word in lower case, collected byte by byte. An overlong word is only remembered as overlong.
pub(super) struct Word {
    bytes: [u8; LONGEST],
    length: usize,
    /// Whether white space followed the word.
    ended: bool,
}

impl Word {
    pub(super) const EMPTY: Self = Self { bytes: [0; LONGEST], length: 0, ended: false };

    pub(super) fn clear(&mut self) {
        self.length = 0;
        self.ended = false;
    }

    /// Adds the next byte. White space around the word is skipped. If a second word follows, the word counts as overlong.
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

    /// Returns whether there is no word.
    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Returns whether white space followed the word.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns whether the word equals `small`, ignoring the case of the word. `small` must be in lower case.
    pub(super) fn is(&self, small: &[u8]) -> bool {
        self.get() == small
    }

    /// Returns the word in lower case, or nothing if it is empty or overlong.
    fn get(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Returns the word as a number. Decimal numbers up to at least 10¹⁹ and all hexadecimal numbers up to 2⁶⁴ − 1 are accepted. They
    /// may have leading zeros, up to 20 digits in all.
    pub(super) fn number(&self, radix: u8) -> Option<u64> {
        let digits = self.get();
        let mut number: u64 = 0;
        for byte in digits {
            let digit = match byte {
                b'0'..=b'9' => byte.wrapping_sub(b'0'),
                b'a'..=b'f' if radix > 10 => byte.wrapping_sub(b'a' - 10),
                _ => return None,
            };
            // Below 2⁶⁰, multiplying by the radix and adding a digit cannot overflow.
            if number >> 60 != 0 {
                return None;
            }
            number = number.wrapping_mul(radix.into()).wrapping_add(digit.into());
        }
        (!digits.is_empty()).then_some(number)
    }
}

/// Returns whether the byte is white space (RFC 9110 §5.6.3).
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
    fn white_space_around_a_word_is_skipped() {
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
    fn numbers_have_only_digits_and_do_not_overflow() {
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
