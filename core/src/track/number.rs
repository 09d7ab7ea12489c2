//! Phone numbers in 13 bytes, and rules for spellings that mean the same subscriber.

use crate::Number;

/// The maximum number of digits, as in a request.
const MAX_DIGITS: u8 = 24;

/// The minimum number of digits that a number must have to count as the same as a longer number that ends with it.
const MIN_COMMON_DIGITS: u8 = 7;

/// The digits of a number, four bits each, with the last digit in the lowest bits; and whether the number begins with `+`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PackedNumber {
    words: [u32; 3],
    /// The number of digits, and in the highest bit whether the number begins with `+`.
    form: u8,
}

const PLUS: u8 = 0x80;

impl PackedNumber {
    pub(super) const NONE: Self = Self { words: [0; 3], form: 0 };

    /// Packs a number without its separators. Returns `None` if the text is not a number, or if the number is too long for a request.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.trim_ascii().as_bytes();
        let (plus, digits) = match bytes.split_first() {
            Some((b'+', rest)) => (true, rest),
            _ => (false, bytes),
        };
        let mut number = Self::NONE;
        for digit in digits {
            match digit {
                b'0'..=b'9' if number.form < MAX_DIGITS => number.push(digit & 0x0F),
                b' ' | b'-' | b'.' | b'/' | b'(' | b')' => {}
                _ => return None,
            }
        }
        if number.form == 0 {
            return None;
        }
        number.form |= if plus { PLUS } else { 0 };
        Some(number)
    }

    fn push(&mut self, digit: u8) {
        let [low, middle, high] = self.words;
        self.words = [low << 4 | u32::from(digit), middle << 4 | low >> 28, high << 4 | middle >> 28];
        self.form = self.form.saturating_add(1);
    }

    fn length(&self) -> u8 {
        self.form & !PLUS
    }

    /// Returns the digit at this place, counted from 0 at the last digit.
    fn digit(&self, place: u8) -> u8 {
        let word = match place / 8 {
            0 => self.words[0],
            1 => self.words[1],
            _ => self.words[2],
        };
        (word >> (u32::from(place % 8) * 4) & 0xF) as u8
    }

    /// Returns the number of digits without leading zeros.
    fn significant(&self) -> u8 {
        let [low, middle, high] = self.words;
        let (above, word) = match (high, middle) {
            (0, 0) => (0, low),
            (0, _) => (8, middle),
            _ => (16, high),
        };
        // At most 32, which fits a byte.
        above + 8 - word.leading_zeros().to_le_bytes()[0] / 4
    }

    /// Returns whether both numbers mean the same subscriber. Without `+` and leading zeros, either they are equal, or the longer one
    /// ends with the shorter one, which has at least seven digits.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.significant(), other.significant());
        let common = mine.min(theirs);
        (mine == theirs || common >= MIN_COMMON_DIGITS) && self.last(common) == other.last(common)
    }

    /// Returns whether both numbers may mean the same subscriber, even with different prefixes. The last seven digits must be equal, or
    /// fewer if a number is shorter. Such a match is enough if something else agrees, too, for example the user_id.
    pub(super) fn may_be_same(&self, other: &Self) -> bool {
        let common = self.significant().min(other.significant()).min(MIN_COMMON_DIGITS);
        self.last(common) == other.last(common)
    }

    /// Returns the last `digits` digits.
    fn last(&self, digits: u8) -> [u32; 3] {
        let mask = |from: u8| match digits.saturating_sub(from) {
            count @ 0..=7 => (1 << (u32::from(count) * 4)) - 1,
            _ => u32::MAX,
        };
        let [low, middle, high] = self.words;
        [low & mask(0), middle & mask(8), high & mask(16)]
    }

    /// Returns a key that is equal for all spellings of a number.
    pub(super) fn tail(&self) -> u32 {
        let [low, ..] = self.last(MIN_COMMON_DIGITS);
        low
    }

    pub(super) fn words(&self) -> [u32; 3] {
        self.words
    }

    /// Returns the number of digits and the plus sign in one byte.
    pub(super) fn form(&self) -> u8 {
        self.form
    }

    /// Creates a number from its parts.
    pub(super) fn of_parts(words: [u32; 3], form: u8) -> Self {
        Self { words, form }
    }

    /// Restores a saved number.
    pub(super) fn restore(words: [u32; 3], form: u8) -> Self {
        Self { words, form: (form & !PLUS).min(MAX_DIGITS) | form & PLUS }
    }
}

/// A number in its own memory, without the separators with which it may have been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberBuf {
    text: [u8; Number::MAX_BYTES + 1],
    length: u8,
}

impl NumberBuf {
    pub(super) fn new(digits: &PackedNumber) -> Self {
        let mut buffer = Self { text: [0; Number::MAX_BYTES + 1], length: 0 };
        if digits.form & PLUS != 0 {
            buffer.push(b'+');
        }
        for place in (0..digits.length()).rev() {
            buffer.push(b'0' + digits.digit(place));
        }
        buffer
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.text.get_mut(usize::from(self.length)) {
            *place = byte;
            self.length = self.length.saturating_add(1);
        }
    }

    /// Returns the number.
    pub fn as_str(&self) -> &str {
        let text = self.text.get(..usize::from(self.length)).unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }
}

impl From<Number<'_>> for NumberBuf {
    fn from(number: Number<'_>) -> Self {
        let mut buffer = Self { text: [0; Number::MAX_BYTES + 1], length: 0 };
        number.as_str().bytes().for_each(|byte| buffer.push(byte));
        buffer
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for NumberBuf {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=str}", self.as_str());
    }
}

impl core::fmt::Display for NumberBuf {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.as_str())
    }
}

impl serde::Serialize for NumberBuf {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    fn digits(text: &str) -> PackedNumber {
        PackedNumber::parse(text).unwrap()
    }

    #[test]
    fn spellings_of_a_subscriber_are_the_same() {
        for (left, right, same) in [
            ("+8613800123456", "13800123456", true),
            ("008613800123456", "+8613800123456", true),
            ("013800123456", "13800123456", true),
            ("10086", "+10086", true),
            ("10086", "8610086", false),
            ("800123456", "+8613800123456", true),
            ("123456", "13800123456", false),
            ("0123456", "13800123456", false),
            ("8123456", "13808123456", true),
            ("13800123457", "13800123456", false),
            ("+4413800123456", "+8613800123456", false),
            ("0", "00", true),
            ("0", "1", false),
        ] {
            assert_eq!(digits(left).is_same(&digits(right)), same, "{left} {right}");
            assert_eq!(digits(right).is_same(&digits(left)), same, "{right} {left}");
        }
    }

    #[test]
    fn separators_are_not_part_of_a_number() {
        for text in ["+49 151 0000-001", "+49.151.0000.001", " +49 (151) 0000/001 "] {
            assert_eq!(digits(text), digits("+491510000001"), "{text}");
        }
    }

    #[test]
    fn other_prefixes_may_be_the_same_subscriber() {
        for (left, right, may_be) in [
            ("89161234567", "+79161234567", true),
            ("0012345", "9012345", true),
            ("12345", "8612345", true),
            ("12345", "8612346", false),
            ("+491510000001", "+491510000002", false),
        ] {
            assert_eq!(digits(left).may_be_same(&digits(right)), may_be, "{left} {right}");
            assert_eq!(digits(right).may_be_same(&digits(left)), may_be, "{right} {left}");
        }
    }

    #[test]
    fn text_that_is_not_a_number_is_rejected() {
        for text in ["", "+", " ", "()", "151****001", "MyBank", "+1+", "1234567890123456789012345", "١٢"] {
            assert_eq!(PackedNumber::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_is_unpacked_as_it_was_written(text in "\\+?[0-9]{1,24}") {
            let number = digits(&text);
            prop_assert_eq!(NumberBuf::new(&number).to_string(), text);
            prop_assert_eq!(PackedNumber::restore(number.words(), number.form()), number);
        }

        #[test]
        fn sameness_agrees_with_the_rule_on_strings(left in "\\+?0{0,3}[1-3]{1,12}", right in "\\+?0{0,3}[1-3]{1,12}") {
            let bare = |text: &str| text.trim_start_matches(['+', '0']).to_string();
            let (a, b) = (bare(&left), bare(&right));
            let same = a == b || (a.len().min(b.len()) >= 7 && (a.ends_with(&b) || b.ends_with(&a)));
            prop_assert_eq!(digits(&left).is_same(&digits(&right)), same);
            if same {
                prop_assert_eq!(digits(&left).tail(), digits(&right).tail());
            }
        }
    }
}
