//! A parameter's value, and strings in quotes (RFC 9110 §5.6.4).

use super::word::Word;
use crate::writer::Writer;
use core::fmt::{self, Write};

/// A parameter's value, as it stands in the header. Reading it takes the backslashes of a quoted string away; two
/// values are equal if they read the same.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    /// UTF-8.
    raw: &'a [u8],
    /// The byte that is no character of its own: a backslash if it stood in quotes, else none of all. It is as long as a word, and
    /// not a `bool`, which an `Option` would use for its own purposes, since words are copied in fewer instructions.
    escape: u32,
}

const BACKSLASH: u32 = b'\\' as u32;
const NONE: u32 = u32::MAX;

impl<'a> Value<'a> {
    /// A plain text.
    pub(super) const fn token(raw: &'a str) -> Self {
        Self::plain(raw.as_bytes())
    }

    /// A plain text, known to be UTF-8.
    pub(super) const fn plain(raw: &'a [u8]) -> Self {
        Self { raw, escape: NONE }
    }

    /// What stood between the quotes: UTF-8 that has no bare quote and does not end within an escape.
    pub(super) const fn quoted(raw: &'a [u8]) -> Self {
        Self { raw, escape: BACKSLASH }
    }

    /// The characters.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        let escape = self.escape;
        // A backslash that is dropped escapes the next character, which then is text whatever it is.
        let mut dropped = false;
        core::str::from_utf8(self.raw).unwrap_or_default().chars().filter(move |character| {
            dropped = u32::from(*character) == escape && !dropped;
            !dropped
        })
    }

    /// The bytes of the characters.
    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> + use<'a> {
        let Self { raw, escape } = *self;
        let mut dropped = false;
        raw.iter().copied().filter(move |byte| {
            dropped = u32::from(*byte) == escape && !dropped;
            !dropped
        })
    }

    /// The same in pieces.
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

    /// The word that it is.
    pub(super) fn word(&self) -> Word {
        let mut word = Word::EMPTY;
        self.bytes().for_each(|byte| word.push(byte));
        word
    }

    /// Whether it reads like this text, capital or small letters alike in ASCII.
    pub fn eq_ignore_ascii_case(&self, text: &str) -> bool {
        let small = |byte: u8| byte.to_ascii_lowercase();
        self.bytes().map(small).eq(text.bytes().map(small))
    }

    /// Writes it as what stands between quotes. What came in quotes goes out byte by byte as it came.
    pub(super) fn write_inside(&self, writer: &mut Writer<'_>) {
        for byte in self.raw {
            if self.escape == NONE && matches!(byte, b'"' | b'\\') {
                writer.byte(b'\\');
            }
            writer.byte(*byte);
        }
    }

    /// Writes it in quotes.
    pub(super) fn write_quoted(&self, writer: &mut Writer<'_>) {
        writer.byte(b'"');
        self.write_inside(writer);
        writer.byte(b'"');
    }

    /// Writes it without quotes.
    pub(super) fn write_plain(&self, writer: &mut Writer<'_>) {
        self.bytes().for_each(|byte| writer.byte(byte));
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
    fn backslashes_count_in_quotes_only() {
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
    fn case_matters_only_when_it_should() {
        let value = Value::quoted(br"M\D5-sess");
        assert!(value.eq_ignore_ascii_case("md5-SESS"));
        assert!(!value.eq_ignore_ascii_case("md5"));
        assert_ne!(value, "md5-sess");
        assert_eq!(written(|writer| value.write_plain(writer)), "MD5-sess");
    }

    #[test]
    fn a_quoted_value_goes_out_as_it_came() {
        let raw = r#"\a\"b"#;
        assert_eq!(written(|writer| Value::quoted(raw.as_bytes()).write_quoted(writer)), r#""\a\"b""#);
        assert_eq!(written(|writer| Value::token(r"a\b").write_quoted(writer)), r#""a\\b""#);
    }

    proptest! {
        #[test]
        fn quoting_loses_nothing(text in "[a\"\\\\é ,]{0,12}") {
            let quoted = written(|writer| Value::token(&text).write_quoted(writer));
            prop_assert_eq!(&quoted, &format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
            let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            prop_assert_eq!(Value::quoted(inner.as_bytes()).to_string(), text);
        }
    }
}
