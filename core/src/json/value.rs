//! The values of a response, as the caller receives them.

use core::fmt;

use serde::{Serialize, Serializer};

use super::{
    FAST,
    store::{Kind, Slot},
};
use crate::Timestamp;

/// A text of a response, borrowed from the buffer of the decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Text<'a> {
    /// The key is missing, or its value is `null`, an object or an array.
    #[default]
    Missing,
    /// The text as the gateway sent it.
    Exact(&'a str),
    /// The text with U+FFFD in place of unreadable bytes or escapes, or with an unnecessary backslash.
    Lossy(&'a str),
    /// The text did not fit the buffer.
    TooLong {
        /// Size in bytes of a buffer that could have stored the whole record.
        needed: usize,
    },
}

impl<'a> Text<'a> {
    /// Returns the text, or an empty string if it is missing or too long.
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::Exact(text) | Self::Lossy(text) => text,
            Self::Missing | Self::TooLong { .. } => "",
        }
    }

    /// Returns whether the value is [`Missing`](Self::Missing).
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Serializes a missing or overlong text as `None`. Records skip their missing fields.
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
    /// The key is missing, or its value is `null`, an object or an array.
    #[default]
    Missing,
    /// A value of the expected kind.
    Known(T),
    /// Any other value, as the gateway wrote it.
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

    /// Returns whether the value is [`Missing`](Self::Missing).
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

/// Conversion from the bytes of a value.
pub(crate) trait FromRaw: Sized {
    /// Returns the value, or `None` if the bytes are not a value of this type.
    fn from_raw(raw: &[u8]) -> Option<Self>;
}

/// Reads a whole number: `200`, `"200"`, `200.0`, `2e2` and `" 200 "` are the same.
impl FromRaw for i64 {
    fn from_raw(raw: &[u8]) -> Option<Self> {
        let (raw, negative) = match raw.trim_ascii() {
            [b'-', raw @ ..] => (raw, true),
            [b'+', raw @ ..] | raw => (raw, false),
        };
        let mark = raw.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(raw.len());
        let (number, exponent) = raw.split_at_checked(mark)?;
        // The number of digits by which the exponent still has to move the decimal point to the right.
        let mut moved = places(exponent)?;
        let (mut value, mut has_point, mut is_empty) = (0_u64, false, true);
        let mut bytes = number.iter();
        loop {
            let byte = match bytes.next() {
                Some(byte) => *byte,
                None if is_empty => return None,
                None if moved == 0 || value == 0 => break,
                None => {
                    has_point = true;
                    b'0'
                }
            };
            if byte == b'.' && !has_point && !is_empty {
                (has_point, is_empty) = (true, true);
                continue;
            }
            let digit = byte.wrapping_sub(b'0');
            is_empty = false;
            if has_point && moved == 0 {
                // Only zeros may follow the point.
                if digit != 0 {
                    return None;
                }
                continue;
            }
            // From 2^60 on, ten times the value exceeds any `i64`. Below 2^60, ten times the value fits a `u64`.
            if digit > 9 || value >= 1 << 60 {
                return None;
            }
            value = value.wrapping_mul(10).wrapping_add(digit.into());
            moved = moved.wrapping_sub(has_point.into());
        }
        if negative {
            let value = value.wrapping_neg().cast_signed();
            (value <= 0).then_some(value)
        } else {
            value.try_into().ok()
        }
    }
}

/// Maximum exponent. No number has this many digits, so greater exponents are read as this one.
const MAX_PLACES: u32 = 1 << 24;

/// Reads an exponent. Returns 0 if there is none. A minus sign is not accepted, because gateways do not write it.
fn places(exponent: &[u8]) -> Option<u32> {
    let ([_, b'+', digits @ ..] | [_, digits @ ..]) = exponent else { return Some(0) };
    let mut places = 0_u32;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        places = places.wrapping_mul(10).wrapping_add(digit.into()).min(MAX_PLACES);
    }
    (!digits.is_empty()).then_some(places)
}

impl FromRaw for u32 {
    #[inline]
    fn from_raw(raw: &[u8]) -> Option<Self> {
        // Most values are too short to overflow, so they need no overflow checks.
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

/// Returns the position of a word in a list, or the list's length if the word is not in it.
// On a microcontroller, all enums of words share this function. Elsewhere it is inlined, so that the compiler unrolls the
// loop over the constant list.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline)]
pub(crate) fn position(raw: &[u8], words: &[&str]) -> usize {
    if FAST && let Some(at) = words.iter().position(|word| raw == word.as_bytes()) {
        return at;
    }
    odd_position(raw, words)
}

/// Finds a word in any case, with or without white space around it.
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

/// The values of a record, or of a response outside its records, returned one by one in the order of the schema's keys.
pub struct Values<'a> {
    slots: core::slice::Iter<'a, Slot>,
    buffer: &'a [u8],
    needed: usize,
}

impl<'a> Values<'a> {
    /// Creates the list. `needed` is the size in bytes of a buffer that could have stored all values.
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
        // The stored bytes are UTF-8, because they were checked when they were stored.
        let text = || core::str::from_utf8(raw).unwrap_or_default();
        match kind {
            Kind::Missing => Text::Missing,
            Kind::Exact => Text::Exact(text()),
            Kind::Lossy => Text::Lossy(text()),
            Kind::TooLong => Text::TooLong { needed: self.needed },
        }
    }
}

/// A type of value in a record or head.
pub(crate) trait TakeValue<'a> {
    /// Returns the next value.
    fn take(values: &mut Values<'a>) -> Self;

    /// Returns whether the value is `Missing`.
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
        for (text, value) in [
            ("200", 200),
            ("200.0", 200),
            (" 200 ", 200),
            ("2e2", 200),
            ("2E+2", 200),
            ("+200", 200),
            ("0.2e3", 200),
            ("20.0000000000000000000000000e1", 200),
            ("2.5e3", 2500),
        ] {
            assert_eq!(i64::from_raw(text.as_bytes()), Some(value), "{text}");
            assert_eq!(u32::from_raw(text.as_bytes()).map(i64::from), Some(value), "{text}");
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
            "",
            " ",
            "-",
            "+",
            ".",
            ".5",
            "0.5",
            "2.",
            "200.",
            "2.e1",
            "2e",
            "2e+",
            "2e-1",
            "20e-1",
            "2e2e2",
            "2.5",
            "1.2.3",
            "0x10",
            "2 0",
            "9223372036854775808",
            "1e19",
            "1e999999999999999999999",
            "1.25e1",
            "--1",
            "1e--1",
            "e2",
        ] {
            assert_eq!(i64::from_raw(text.as_bytes()), None, "{text}");
            assert_eq!(u32::from_raw(text.as_bytes()), None, "{text}");
        }
    }
}
