//! The number of segments of a text (3GPP TS 23.040 §9.2.3.24.1, TS 23.038 §4).
//!
//! A segment carries 140 octets. In a message of several segments, each segment begins with a header of 6 octets, which contains
//! a reference of one octet. That leaves 134 octets: 153 septets or 67 UTF-16 units. An escape pair or surrogate pair is not
//! split. If a pair does not fit, it moves to the next segment, and the last unit of the earlier segment stays unused.

use super::{Alphabet, Encoding, gsm7};
use crate::show::Quoted;
use core::fmt;

/// The alphabet and the segments of a text as it is sent.
///
/// Both are computed according to the standards. A gateway may split the text differently, for example with a reference of two octets (152
/// septets, 66 units). The actual number of segments is the `count` in the response to `query_sms_result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Shape {
    /// The alphabet that the text is sent in.
    pub alphabet: Alphabet,
    /// Number of segments, at least 1. Each is sent and billed as one SMS. An empty text has one segment.
    pub segments: u32,
    /// Length in septets (an extension character counts 2) or UTF-16 units (a character above U+FFFF counts 2). Units left
    /// unused before a pair are not counted. [`u32::MAX`] also stands for any larger value.
    pub units: u32,
    /// Number of unused units in the last segment: 0–160 septets or 0–70 UTF-16 units.
    pub room: u32,
}

/// A character outside the GSM 7-bit alphabet, in a text that is to be encoded in that alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotInAlphabet {
    /// The first such character.
    pub character: char,
    /// Number of characters before it.
    pub index: usize,
    /// Number of UTF-8 bytes before it.
    pub offset: usize,
}

impl fmt::Display for NotInAlphabet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { character, index, offset } = *self;
        let character = Quoted(character);
        write!(f, "{character} after {index} characters (byte {offset}) is not in the GSM 7-bit alphabet")
    }
}

impl core::error::Error for NotInAlphabet {}

/// Computes the shape of a text, in one pass over its characters. It stores none of them.
///
/// For a template, see [`Expansion::shape`](super::Expansion::shape).
///
/// # Errors
/// [`NotInAlphabet`] with the first character outside the alphabet. It only occurs with [`Encoding::Gsm7Bit`].
///
/// # Example
/// ```
/// use sms_gateway_core::text::{Alphabet, Encoding, shape};
///
/// let text = "€".repeat(81);
/// let shape = shape(text.chars(), Encoding::Auto)?;
/// // 162 septets: 76 pairs in the first segment, whose last septet is unused, and 5 pairs in the second.
/// assert_eq!((shape.alphabet, shape.segments, shape.units), (Alphabet::Gsm7Bit, 2, 162));
/// assert_eq!(shape.room, 153 - 10);
/// # Ok::<(), sms_gateway_core::text::NotInAlphabet>(())
/// ```
pub fn shape(text: impl IntoIterator<Item = char>, encoding: Encoding) -> Result<Shape, NotInAlphabet> {
    let mut septets = Counter::new(160, 153);
    let mut units = Counter::new(70, 67);
    let mut foreign = None;
    let (mut index, mut offset) = (0_usize, 0_usize);
    for character in text {
        match gsm7::septets(character) {
            Some(width) => septets.add(width),
            None => _ = foreign.get_or_insert(NotInAlphabet { character, index, offset }),
        }
        units.add(if character > '\u{FFFF}' { 2 } else { 1 });
        index = index.saturating_add(1);
        offset = offset.saturating_add(character.len_utf8());
    }
    match (encoding, foreign) {
        (Encoding::Gsm7Bit, Some(error)) => Err(error),
        (Encoding::Unicode, _) | (Encoding::Auto, Some(_)) => Ok(units.shape(Alphabet::Unicode)),
        (Encoding::Gsm7Bit | Encoding::Auto, None) => Ok(septets.shape(Alphabet::Gsm7Bit)),
    }
}

/// A counter of the units of one alphabet. It counts segments as if the message had several; `shape` handles a message of one
/// segment.
struct Counter {
    /// The capacity of a message of one segment.
    alone: u32,
    /// The capacity of each segment of a message of several segments.
    part: u32,
    units: u32,
    segments: u32,
    /// Number of units in the last segment, if there are several.
    used: u32,
}

impl Counter {
    fn new(alone: u32, part: u32) -> Self {
        Self { alone, part, units: 0, segments: 1, used: 0 }
    }

    fn add(&mut self, width: u8) {
        let width = u32::from(width);
        self.units = self.units.saturating_add(width);
        self.used = self.used.saturating_add(width);
        if self.used > self.part {
            self.segments = self.segments.saturating_add(1);
            self.used = width;
        }
    }

    fn shape(&self, alphabet: Alphabet) -> Shape {
        let (segments, room) = match self.alone.checked_sub(self.units) {
            Some(room) => (1, room),
            None => (self.segments, self.part.saturating_sub(self.used)),
        };
        Shape { alphabet, segments, units: self.units, room }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{format, string::String, vec::Vec};

    /// Splits the encoded text into segments. `first` returns whether a unit is the first of a pair, which must not be split.
    fn cut<T: Copy>(units: &[T], alone: usize, part: usize, first: impl Fn(T) -> bool) -> Vec<Vec<T>> {
        if units.len() <= alone {
            return Vec::from([units.to_vec()]);
        }
        let mut segments = Vec::new();
        let mut rest = units;
        while !rest.is_empty() {
            let mut end = rest.len().min(part);
            if end < rest.len() && first(rest[end - 1]) {
                end -= 1;
            }
            segments.push(rest[..end].to_vec());
            rest = &rest[end..];
        }
        segments
    }

    /// Returns as many septets as the text takes in GSM 7-bit; `None` if it cannot be encoded. Only their number and the escapes matter, so
    /// all others are 0.
    fn gsm(text: &str) -> Option<Vec<u8>> {
        let mut septets = Vec::new();
        for character in text.chars() {
            ::gsm7::Gsm7Writer::new(Vec::new())
                .write_char(character)
                .ok()
                .filter(|()| character != '\x1B')?;
            match character {
                '\x0C' | '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' | '€' => septets.extend([0x1B, 0]),
                _ => septets.push(0),
            }
        }
        Some(septets)
    }

    fn expected<T>(alphabet: Alphabet, alone: usize, part: usize, segments: &[Vec<T>]) -> Shape {
        let number = |n: usize| u32::try_from(n).unwrap();
        let size = if segments.len() == 1 { alone } else { part };
        Shape {
            alphabet,
            segments: number(segments.len()),
            units: number(segments.iter().map(Vec::len).sum()),
            room: number(size - segments.last().unwrap().len()),
        }
    }

    fn check(text: &str) {
        let units: Vec<u16> = text.encode_utf16().collect();
        let high = |unit| (0xD800..0xDC00).contains(&unit);
        let unicode = expected(Alphabet::Unicode, 70, 67, &cut(&units, 70, 67, high));
        assert_eq!(shape(text.chars(), Encoding::Unicode), Ok(unicode));
        let Some(septets) = gsm(text) else {
            assert_eq!(shape(text.chars(), Encoding::Auto), Ok(unicode));
            let error = shape(text.chars(), Encoding::Gsm7Bit).unwrap_err();
            let (before, after) = text.split_at(error.offset);
            assert!(after.starts_with(error.character) && gsm7::septets(error.character).is_none());
            assert_eq!((before.chars().count(), gsm(before).is_some()), (error.index, true));
            return;
        };
        let packed = expected(Alphabet::Gsm7Bit, 160, 153, &cut(&septets, 160, 153, |unit| unit == 0x1B));
        assert_eq!(shape(text.chars(), Encoding::Auto), Ok(packed));
        assert_eq!(shape(text.chars(), Encoding::Gsm7Bit), Ok(packed));
    }

    #[test]
    fn segments_at_their_limits() {
        for (text, encoding, segments, room) in [
            (String::new(), Encoding::Auto, 1, 160),
            (String::new(), Encoding::Unicode, 1, 70),
            ("a".repeat(160), Encoding::Auto, 1, 0),
            ("a".repeat(161), Encoding::Auto, 2, 145),
            ("a".repeat(306), Encoding::Auto, 2, 0),
            ("a".repeat(307), Encoding::Auto, 3, 152),
            ("中".repeat(70), Encoding::Auto, 1, 0),
            ("中".repeat(71), Encoding::Auto, 2, 63),
            ("中".repeat(134), Encoding::Auto, 2, 0),
            ("😀".repeat(35), Encoding::Auto, 1, 0),
            // 33 pairs in the first segment, with one unused unit.
            ("😀".repeat(36), Encoding::Auto, 2, 61),
            // The pair would begin in septet 153, the last of the first segment.
            (format!("{}€{}", "a".repeat(152), "a".repeat(7)), Encoding::Auto, 2, 144),
            (format!("{}€{}", "a".repeat(151), "a".repeat(8)), Encoding::Auto, 2, 145),
        ] {
            let shape = shape(text.chars(), encoding).unwrap();
            assert_eq!((shape.segments, shape.room), (segments, room), "{text}");
            check(&text);
        }
    }

    #[test]
    fn pairs_are_not_split_at_any_length_and_position() {
        for length in 0..330 {
            check(&format!("{}[{}", "a".repeat(length), "a".repeat(330 - length)));
            check(&format!("{}😀{}", "a".repeat(length), "a".repeat(150)));
        }
    }

    #[test]
    fn error_has_the_character_and_its_position() {
        let error = shape("Grüße ` ç".chars(), Encoding::Gsm7Bit).unwrap_err();
        assert_eq!(error, NotInAlphabet { character: '`', index: 6, offset: 8 });
        let said = "'`' after 6 characters (byte 8) is not in the GSM 7-bit alphabet";
        assert_eq!(format!("{error}"), said);
    }

    #[test]
    fn counting_saturates() {
        let mut counter = Counter::new(160, 153);
        (counter.units, counter.segments, counter.used) = (u32::MAX - 1, u32::MAX, 153);
        counter.add(2);
        let shape = counter.shape(Alphabet::Gsm7Bit);
        assert_eq!((shape.units, shape.segments, shape.room), (u32::MAX, u32::MAX, 151));
    }

    proptest! {
        #[test]
        fn gsm_texts_are_split_like_the_reference(text in "[ab€{|}é\\x0C]{0,700}") {
            check(&text);
        }

        #[test]
        fn unicode_texts_are_split_like_the_reference(text in "[a中😀𝄞ç]{0,300}") {
            check(&text);
        }

        #[test]
        fn any_text_is_counted(text in any::<String>()) {
            check(&text);
        }
    }
}
