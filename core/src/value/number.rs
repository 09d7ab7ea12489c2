//! Phone numbers in requests.

use core::fmt;

use serde::Serialize;

use super::Invalid;

const MAX_BYTES: usize = 24;

/// A phone number in a request: digits, at most 24 bytes (document §2.2). Gateways also accept a leading `+`.
///
/// ```
/// use sms_gateway_core::{Invalid, Number};
/// assert_eq!(Number::new("+8613800123456")?.as_str(), "+8613800123456");
/// assert_eq!(Number::new("12a"), Err(Invalid::NumberDigit { at: 2, character: Some('a') }));
/// # Ok::<(), Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Number<'a>(&'a str);

impl<'a> Number<'a> {
    /// Maximum length in bytes, including a `+`.
    pub const MAX_BYTES: usize = MAX_BYTES;

    /// Creates a number for a request.
    ///
    /// # Errors
    /// [`Invalid::NumberLength`] if it is empty or too long; [`Invalid::NumberDigit`] if it has no digits, or a character that is
    /// neither a digit nor a leading `+`.
    pub fn new(number: &'a str) -> Result<Self, Invalid> {
        let bytes = number.len();
        if bytes == 0 || bytes > Self::MAX_BYTES {
            return Err(Invalid::NumberLength { bytes });
        }
        let digits = number.strip_prefix('+').unwrap_or(number);
        let other = digits.chars().enumerate().find(|(_, character)| !character.is_ascii_digit());
        match other {
            None if !digits.is_empty() => Ok(Self(number)),
            other => {
                let at = other.map_or(0, |(at, _)| at).saturating_add(bytes.saturating_sub(digits.len()));
                Err(Invalid::NumberDigit { at, character: other.map(|(_, character)| character) })
            }
        }
    }

    /// Creates a number from text as people write it, by leaving out separators: white space, hyphens, dots, slashes and
    /// parentheses. The number is written to the lent buffer.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Invalid::NumberTrunk`] for a `(0)` after a country code.
    ///
    /// ```
    /// use sms_gateway_core::{Invalid, Number};
    /// let mut buffer = [0; Number::MAX_BYTES];
    /// assert_eq!(Number::from_written("+1 (555) 010-9999", &mut buffer)?.as_str(), "+15550109999");
    /// let error = Number::from_written("+1 555 O10", &mut buffer);
    /// assert_eq!(error, Err(Invalid::NumberDigit { at: 7, character: Some('O') }));
    /// # Ok::<(), Invalid>(())
    /// ```
    pub fn from_written<'b>(text: &str, buffer: &'b mut [u8; MAX_BYTES]) -> Result<Number<'b>, Invalid> {
        let mut bytes = 0_usize;
        for (at, character) in text.chars().enumerate() {
            if character.is_ascii_digit() || character == '+' && bytes == 0 {
                if let (Some(place), Ok(byte)) = (buffer.get_mut(bytes), u8::try_from(character)) {
                    *place = byte;
                }
                bytes = bytes.saturating_add(1);
            } else if !is_separator(character) {
                return Err(Invalid::NumberDigit { at, character: Some(character) });
            }
        }
        let number = buffer.get(..bytes).ok_or(Invalid::NumberLength { bytes })?;
        match text.split_once("(0)") {
            Some((before, _)) if number.starts_with(b"+") => {
                Err(Invalid::NumberTrunk { at: before.chars().count() })
            }
            _ => Number::new(core::str::from_utf8(number).unwrap_or_default()),
        }
    }

    /// Creates a number that was validated before.
    pub(crate) const fn of_valid(number: &'a str) -> Self {
        Self(number)
    }

    /// Returns the number as it is sent.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

/// Returns whether the character separates digits in a number as people write it. This includes the non-breaking spaces and
/// hyphens that some programs insert.
fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2013}')
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn numbers_have_1_to_24_bytes() {
        let digits = "1234567890123456789012345";
        assert!(Number::new(&digits[..23]).is_ok());
        assert!(Number::new(&digits[..24]).is_ok());
        assert_eq!(Number::new(digits), Err(Invalid::NumberLength { bytes: 25 }));
        assert_eq!(Number::new(""), Err(Invalid::NumberLength { bytes: 0 }));
        assert_eq!(Number::new("+"), Err(Invalid::NumberDigit { at: 1, character: None }));
        assert_eq!(Number::new("+1+"), Err(Invalid::NumberDigit { at: 2, character: Some('+') }));
        assert_eq!(Number::new("١٢"), Err(Invalid::NumberDigit { at: 0, character: Some('١') }));
        assert_eq!(Number::new("1 2"), Err(Invalid::NumberDigit { at: 1, character: Some(' ') }));
    }

    fn written(text: &str) -> Result<std::string::String, Invalid> {
        Number::from_written(text, &mut [0; Number::MAX_BYTES]).map(|number| number.as_str().into())
    }

    #[test]
    fn separators_are_left_out() {
        for (text, number) in [
            ("+49 151 0000-001", "+491510000001"),
            ("+1 (555) 010-9999", "+15550109999"),
            ("(+1) 555.010.9999", "+15550109999"),
            ("0151/0000001", "01510000001"),
            ("(0) 151", "0151"),
            ("\t+49\u{a0}151\u{202f}0000\u{2011}001\n", "+491510000001"),
            ("1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4", "123456789012345678901234"),
        ] {
            assert_eq!(written(text).as_deref(), Ok(number), "{text}");
        }
    }

    #[test]
    fn the_wrong_character_of_a_written_number_is_named() {
        for (text, at, character) in [
            ("+49 151 x", 8, Some('x')),
            ("+49 +151", 4, Some('+')),
            ("49+151", 2, Some('+')),
            ("12,34", 2, Some(',')),
            ("\u{a0}١", 1, Some('١')),
            ("+ ", 1, None),
        ] {
            assert_eq!(written(text), Err(Invalid::NumberDigit { at, character }), "{text}");
        }
        assert_eq!(written("+49 (0)151 1"), Err(Invalid::NumberTrunk { at: 4 }));
        assert_eq!(written(" - "), Err(Invalid::NumberLength { bytes: 0 }));
        assert_eq!(written(&"12 ".repeat(13)), Err(Invalid::NumberLength { bytes: 26 }));
        assert_eq!(
            written("12 O").unwrap_err().to_string(),
            "the number has 'O' as character 4, not a digit"
        );
    }
}
