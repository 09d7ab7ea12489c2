//! The values of a response, as the caller receives them.

use core::fmt;

use serde::{Serialize, Serializer};

use super::{
    FAST,
    store::{Kind, Slot},
};
use crate::Timestamp;

/// A text of a response, lent from the working buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Text<'a> {
    /// The key is missing or its value is `null`.
    #[default]
    Missing,
    /// The text as the gateway sent it.
    Exact(&'a str),
    /// The text with U+FFFD in place of unreadable bytes, or with an unnecessary backslash.
    Lossy(&'a str),
    /// The text did not fit the buffer.
    TooLong {
        /// Size in bytes of a buffer that could have stored the whole record.
        needed: usize,
    },
}

impl<'a> Text<'a> {
    /// Returns the text, or an empty one if it is missing or was too long.
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::Exact(text) | Self::Lossy(text) => text,
            Self::Missing | Self::TooLong { .. } => "",
        }
    }

    /// Returns whether the gateway omitted the value.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A missing or overlong text is serialized as nothing. A record omits its missing fields.
impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exact(text) | Self::Lossy(text) => serializer.serialize_str(text),
            Self::Missing | Self::TooLong { .. } => serializer.serialize_none(),
        }
    }
}

/// A value of a response that should be a number, a time or one of a few words. Other values can still be read as text.
///
/// ```
/// use sms_gateway_core::json::{Field, Text};
/// let known: Field<'_, u32> = Field::Known(7);
/// assert_eq!(known.get(), Some(7));
/// let odd: Field<'_, u32> = Field::Other(Text::Exact("2A"));
/// assert_eq!((odd.get(), odd.to_string().as_str()), (None, "2A"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Field<'a, T> {
    /// The key is missing or its value is `null`.
    #[default]
    Missing,
    /// The value is of the expected kind.
    Known(T),
    /// Another value, as the gateway wrote it.
    Other(Text<'a>),
}

impl<T: Copy> Field<'_, T> {
    /// Returns the value if it is of the expected kind.
    pub const fn get(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Missing | Self::Other(_) => None,
        }
    }

    /// Returns whether the gateway omitted the value.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

impl<T: fmt::Display> fmt::Display for Field<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.pad(""),
            Self::Known(value) => value.fmt(f),
            Self::Other(text) => text.fmt(f),
        }
    }
}

impl<T: Serialize> Serialize for Field<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing => serializer.serialize_none(),
            Self::Known(value) => value.serialize(serializer),
            Self::Other(text) => text.serialize(serializer),
        }
    }
}

/// Conversion from the characters of a value.
pub(crate) trait FromRaw: Sized {
    /// Returns `None` if the characters are not such a value.
    fn from_raw(raw: &[u8]) -> Option<Self>;
}

/// A whole number, however it is written: `200`, `"200"`, `200.0`, `2e2` and `" 200 "` are the same.
impl FromRaw for i64 {
    fn from_raw(raw: &[u8]) -> Option<Self> {
        let raw = raw.trim_ascii();
        let (digits, negative) = match raw {
            [b'-', digits @ ..] => (digits, true),
            [b'+', digits @ ..] | digits => (digits, false),
        };
        let value = match digits.iter().position(|byte| !byte.is_ascii_digit()) {
            None => negated(digits, 0)?,
            Some(at) => negated_decimal(digits.split_at_checked(at)?)?,
        };
        if negative { Some(value) } else { value.checked_neg() }
    }
}

/// Appends digits to a number that is not positive. It is counted downwards, because the minimum is farther from zero than the
/// maximum.
fn negated(digits: &[u8], before: i64) -> Option<i64> {
    let append = |value: i64, digit: &u8| {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 { None } else { value.checked_mul(10)?.checked_sub(digit.into()) }
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(before, append) }
}

/// Reads a number with a fraction, an exponent or both; `None` if it is not whole.
fn negated_decimal((whole, rest): (&[u8], &[u8])) -> Option<i64> {
    let at = rest.iter().position(|byte| byte | 0x20 == b'e').unwrap_or(rest.len());
    let (fraction, exponent) = rest.split_at_checked(at)?;
    let fraction = match fraction {
        [] => fraction,
        [b'.', digits @ ..] if !digits.is_empty() => digits,
        _ => return None,
    };
    let mut places = match exponent {
        [] => 0,
        [_, b'+', digits @ ..] | [_, digits @ ..] => negated(digits, 0)?.checked_neg()?,
    };
    let mut value = negated(whole, 0)?;
    for (index, digit) in fraction.iter().enumerate() {
        // Zeros at the end of a fraction change nothing, however many there are.
        if fraction.get(index..).is_some_and(|rest| rest.iter().all(|digit| *digit == b'0')) {
            break;
        }
        value = negated(core::slice::from_ref(digit), value)?;
        places = places.checked_sub(1)?;
    }
    if value == 0 {
        return Some(0);
    }
    value.checked_mul(10_i64.checked_pow(u32::try_from(places).ok()?)?)
}

impl FromRaw for u32 {
    #[inline]
    fn from_raw(raw: &[u8]) -> Option<Self> {
        // Most values are too short to overflow, so their digits need no checks.
        if FAST && let 1..=9 = raw.len() {
            let mut value = 0_u32;
            let mut other = false;
            for byte in raw {
                let digit = byte.wrapping_sub(b'0');
                other |= digit > 9;
                value = value.wrapping_mul(10).wrapping_add(digit.into());
            }
            if !other {
                return Some(value);
            }
        }
        i64::from_raw(raw)?.try_into().ok()
    }
}

/// Returns the position of a word in a list, or the list's length.
// All enums of words share this on a microcontroller. Elsewhere the list is a constant that the compiler unrolls.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline)]
pub(crate) fn position(raw: &[u8], words: &[&str]) -> usize {
    if FAST && let Some(at) = words.iter().position(|word| raw == word.as_bytes()) {
        return at;
    }
    odd_position(raw, words)
}

/// Finds a word that is spelt in other case, or has white space around it.
#[cfg_attr(not(target_os = "none"), cold)]
fn odd_position(raw: &[u8], words: &[&str]) -> usize {
    let raw = raw.trim_ascii();
    words.iter().position(|word| raw.eq_ignore_ascii_case(word.as_bytes())).unwrap_or(words.len())
}

impl FromRaw for Timestamp {
    fn from_raw(raw: &[u8]) -> Option<Self> {
        Self::from_bytes(raw.trim_ascii())
    }
}

/// The values of a record or of a response's head, returned one after the other in the order of their keys.
pub struct Values<'a> {
    slots: core::slice::Iter<'a, Slot>,
    buffer: &'a [u8],
    needed: usize,
}

impl<'a> Values<'a> {
    /// Creates the list. `needed` is the number of bytes that would have stored all values.
    pub(crate) fn new(slots: &'a [Slot], buffer: &'a [u8], count: usize, needed: usize) -> Self {
        Self { slots: slots.get(..count).unwrap_or(slots).iter(), buffer, needed }
    }

    /// Returns the next value.
    #[inline]
    pub(crate) fn take<V: TakeValue<'a>>(&mut self) -> V {
        V::take(self)
    }

    #[inline]
    fn raw(&mut self) -> (Kind, &'a [u8]) {
        match self.slots.next() {
            Some(slot) => {
                let raw = self.buffer.get(slot.start..).and_then(|rest| rest.get(..slot.length));
                (slot.kind, raw.unwrap_or_default())
            }
            None => (Kind::Missing, &[]),
        }
    }

    fn text(&self, kind: Kind, raw: &'a [u8]) -> Text<'a> {
        // The stored bytes are UTF-8: they were checked on arrival.
        let text = || core::str::from_utf8(raw).unwrap_or_default();
        match kind {
            Kind::Missing => Text::Missing,
            Kind::Exact => Text::Exact(text()),
            Kind::Lossy => Text::Lossy(text()),
            Kind::TooLong => Text::TooLong { needed: self.needed },
        }
    }
}

/// A type of value in a record.
pub(crate) trait TakeValue<'a> {
    /// Returns the next value.
    fn take(values: &mut Values<'a>) -> Self;

    /// Returns whether the gateway omitted the value.
    fn missing(&self) -> bool;
}

impl<'a> TakeValue<'a> for Text<'a> {
    fn take(values: &mut Values<'a>) -> Self {
        let (kind, raw) = values.raw();
        values.text(kind, raw)
    }

    fn missing(&self) -> bool {
        self.is_missing()
    }
}

impl<'a, T: FromRaw> TakeValue<'a> for Field<'a, T> {
    #[inline]
    fn take(values: &mut Values<'a>) -> Self {
        let (kind, raw) = values.raw();
        match kind {
            Kind::Missing => Field::Missing,
            Kind::Exact => match T::from_raw(raw) {
                Some(value) => Field::Known(value),
                None => Field::Other(values.text(kind, raw)),
            },
            Kind::Lossy | Kind::TooLong => Field::Other(values.text(kind, raw)),
        }
    }

    fn missing(&self) -> bool {
        matches!(self, Field::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        for text in ["200", "200.0", "200.", " 200 ", "2e2", "2E+2", "+200", "0.2e3", "20.0000000000000000000000000e1", "2.5e3"] {
            let expected = match text {
                "200." => None,
                "2.5e3" => Some(2500),
                _ => Some(200),
            };
            assert_eq!(i64::from_raw(text.as_bytes()), expected, "{text}");
            assert_eq!(u32::from_raw(text.as_bytes()).map(i64::from), expected, "{text}");
        }
        for (text, value) in [
            ("-9223372036854775808", i64::MIN),
            ("9223372036854775807.0", i64::MAX),
            ("-922337203685477580.8e1", i64::MIN),
            ("0e999999999999", 0),
            ("0.0", 0),
            ("-1e0", -1),
        ] {
            assert_eq!(i64::from_raw(text.as_bytes()), Some(value), "{text}");
        }
    }

    #[test]
    fn text_that_is_not_a_whole_number_is_not_read_as_one() {
        for text in [
            "", " ", "-", "+", ".", ".5", "0.5", "2.", "2.e1", "2e", "2e+", "2e-1", "20e-1", "2e2e2", "2.5", "1.2.3", "0x10", "2 0",
            "9223372036854775808", "1e19", "1e999999999999999999999", "1.25e1", "--1", "1e--1", "e2",
        ] {
            assert_eq!(i64::from_raw(text.as_bytes()), None, "{text}");
        }
    }
}
