//! Displays values without the panics in the standard library's formatting code.

use core::fmt;

use crate::writer::Writer;

/// A 64-bit integer. Its `Display` output equals that of `i64` and `u64`.
pub(crate) struct Decimal {
    non_negative: bool,
    magnitude: u64,
}

impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Self { non_negative: true, magnitude: value }
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self { non_negative: value >= 0, magnitude: value.unsigned_abs() }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 20];
        let mut writer = Writer::new(&mut digits);
        writer.number(self.magnitude);
        let digits = writer.finish().ok().and_then(|digits| core::str::from_utf8(digits).ok());
        f.pad_integral(self.non_negative, "", digits.unwrap_or_default())
    }
}

/// A character in quotes. Control characters are escaped.
pub(crate) struct Quoted(pub(crate) char);

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_control() {
            write!(f, "'{}'", self.0.escape_default())
        } else {
            write!(f, "'{}'", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn integers_are_shown_as_by_display() {
        for value in [0, 1, 9, 10, u64::MAX] {
            assert_eq!(format!("{:>+30}", Decimal::from(value)), format!("{value:>+30}"));
        }
        for value in [0, 1, -1, -10, i64::MIN, i64::MAX] {
            assert_eq!(format!("{:022}", Decimal::from(value)), format!("{value:022}"));
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        let shown = ['a', '你', '\n', '\u{1B}', '\u{85}'].map(|character| format!("{}", Quoted(character)));
        assert_eq!(shown, ["'a'", "'你'", "'\\n'", "'\\u{1b}'", "'\\u{85}'"]);
    }
}
