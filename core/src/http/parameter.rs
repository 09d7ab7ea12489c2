//! The value of a parameter: a token or a quoted string (RFC 9110 §5.6.4).

use super::word::Word;
use crate::writer::Writer;
use core::fmt::{self, Write};

/// A parameter's value as written in the header. Reading the value removes the backslashes of a quoted string. Two values are
/// equal if they read the same.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    /// Valid UTF-8.
    raw: &'a [u8],
    /// The escape byte: a backslash in a quoted string, otherwise a value that no byte has. It is a `u32`, because copying whole words
    /// takes fewer instructions. If it were a `bool`, an `Option<Value>` would keep its tag in that byte.
    escape: u32,
}

const BACKSLASH: u32 = b'\\' as u32;
const NONE: u32 = u32::MAX;

impl<'a> Value<'a> {
    /// Creates an unquoted value.
    pub(super) const fn token(raw: &'a str) -> Self {
        Self::plain(raw.as_bytes())
    }

    /// Creates an unquoted value from bytes that are known to be UTF-8.
    pub(super) const fn plain(raw: &'a [u8]) -> Self {
        Self { raw, escape: NONE }
    }

    /// Creates a value from the bytes between quotes. The bytes must be UTF-8, contain no unescaped quote, and not end within an escape.
    pub(super) const fn quoted(raw: &'a [u8]) -> Self {
        Self { raw, escape: BACKSLASH }
    }

    /// Returns the characters.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        let escape = self.escape;
        // A dropped backslash escapes the next character, which then stands for itself, even if it is a backslash.
        let mut dropped = false;
        core::str::from_utf8(self.raw).unwrap_or_default().chars().filter(move |character| {
            dropped = u32::from(*character) == escape && !dropped;
            !dropped
        })
    }

    /// Returns the bytes of the characters.
    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> + use<'a> {
        let Self { raw, escape } = *self;
        let mut dropped = false;
        raw.iter().copied().filter(move |byte| {
            dropped = u32::from(*byte) == escape && !dropped;
            !dropped
        })
    }

    /// Calls `take` with the bytes of the characters, in pieces.
    pub(super) fn for_each_piece(&self, mut take: impl FnMut(&[u8])) {
        if self.escape == NONE {
            return take(self.raw);
        }
        let mut dropped = false;
        let pieces = self.raw.split(|byte| {
            dropped = u32::from(*byte) == self.escape && !dropped;
            dropped
        });
        pieces.for_each(take);
    }

    /// Returns the value as a word.
    pub(super) fn word(&self) -> Word {
        let mut word = Word::EMPTY;
        self.bytes().for_each(|byte| word.push(byte));
        word
    }

    /// Returns whether the value equals this text, ignoring case in ASCII.
    pub fn eq_ignore_ascii_case(&self, text: &str) -> bool {
        let small = |byte: u8| byte.to_ascii_lowercase();
        self.bytes().map(small).eq(text.bytes().map(small))
    }

    /// Writes the value as the content of a quoted string. The content of a quoted value is written unchanged.
    pub(super) fn write_inside(&self, writer: &mut Writer<'_>) {
        for byte in self.raw {
            if self.escape == NONE && matches!(byte, b'"' | b'\\') {
                writer.byte(b'\\');
            }
            writer.byte(*byte);
        }
    }

    /// Writes the value as a quoted string.
    pub(super) fn write_quoted(&self, writer: &mut Writer<'_>) {
        writer.byte(b'"');
        self.write_inside(writer);
        writer.byte(b'"');
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Value<'_> {}

impl PartialEq<str> for Value<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl PartialEq<&str> for Value<'_> {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|character| f.write_char(character))
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        self.chars().flat_map(char::escape_debug).try_for_each(|character| f.write_char(character))?;
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::{String, ToString};
    use std::{format, vec};

    fn written(write: impl Fn(&mut Writer<'_>)) -> String {
        let mut counting = Writer::counting();
        write(&mut counting);
        let mut buffer = vec![0; counting.length()];
        let mut writer = Writer::new(&mut buffer);
        write(&mut writer);
        String::from_utf8(writer.finish().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn backslashes_escape_only_in_quotes() {
        for (raw, read) in [
            ("", ""),
            ("plain", "plain"),
            (r#"a\"b"#, r#"a"b"#),
            (r"\\", r"\"),
            (r"\\\\", r"\\"),
            (r"\a\é\\b", r"aé\b"),
        ] {
            assert_eq!(Value::quoted(raw.as_bytes()).to_string(), read);
            assert_eq!(Value::token(raw).to_string(), raw);
            assert_eq!(Value::quoted(raw.as_bytes()), Value::token(read));
            assert!(Value::quoted(raw.as_bytes()).bytes().eq(read.bytes()));
            assert_eq!(format!("{:?}", Value::quoted(raw.as_bytes())), format!("{read:?}"));
        }
        assert_ne!(Value::token("abc"), Value::token("ab"));
        assert_ne!(Value::token("ab"), "abc");
    }

    #[test]
    fn only_eq_ignore_ascii_case_ignores_case() {
        let value = Value::quoted(br"M\D5-sess");
        assert!(value.eq_ignore_ascii_case("md5-SESS"));
        assert!(!value.eq_ignore_ascii_case("md5"));
        assert_ne!(value, "md5-sess");
    }

    #[test]
    fn quoted_value_is_written_unchanged() {
        let raw = r#"\a\"b"#;
        assert_eq!(written(|writer| Value::quoted(raw.as_bytes()).write_quoted(writer)), r#""\a\"b""#);
        assert_eq!(written(|writer| Value::token(r"a\b").write_quoted(writer)), r#""a\\b""#);
    }

    proptest! {
        #[test]
        fn quoted_text_reads_back_unchanged(text in "[a\"\\\\é ,]{0,12}") {
            let quoted = written(|writer| Value::token(&text).write_quoted(writer));
            prop_assert_eq!(&quoted, &format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
            let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            prop_assert_eq!(Value::quoted(inner.as_bytes()).to_string(), text);
        }
    }
}
