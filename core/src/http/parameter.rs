//! A parameter's value, and strings in quotes (RFC 9110 §5.6.4).

use crate::writer::Writer;
use core::fmt::{self, Write};

/// A parameter's value, as it stands in the header. Reading it takes the backslashes of a quoted string away; two
/// values are equal if they read the same.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    raw: &'a str,
    /// It stood in quotes: a backslash is no character of its own.
    quoted: bool,
}

impl<'a> Value<'a> {
    pub(super) const fn token(raw: &'a str) -> Self {
        Self { raw, quoted: false }
    }

    /// What stood between the quotes: it has no bare quote and does not end within an escape.
    pub(super) const fn quoted(raw: &'a str) -> Self {
        Self { raw, quoted: true }
    }

    /// The characters.
    pub fn chars(&self) -> impl Iterator<Item = char> + use<'a> {
        let Self { raw, quoted } = *self;
        // A backslash that is dropped escapes the next character, which then is text whatever it is.
        let mut dropped = false;
        raw.chars().filter(move |character| {
            dropped = quoted && *character == '\\' && !dropped;
            !dropped
        })
    }

    /// The bytes of the characters.
    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.runs().flatten().copied()
    }

    /// The same in pieces, each as long as there is no backslash to be dropped.
    pub(super) fn runs(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let Self { raw, quoted } = *self;
        let mut rest = raw.as_bytes();
        core::iter::from_fn(move || {
            if !quoted {
                return Some(core::mem::take(&mut rest)).filter(|run| !run.is_empty());
            }
            // A backslash that is dropped escapes the next byte, which then is text whatever it is.
            rest = rest.strip_prefix(b"\\").unwrap_or(rest);
            let behind = rest.iter().skip(1).position(|byte| *byte == b'\\');
            let end = behind.map_or(rest.len(), |at| at.saturating_add(1));
            let (run, behind) = rest.split_at_checked(end)?;
            rest = behind;
            Some(run).filter(|run| !run.is_empty())
        })
    }

    /// Whether it reads like this text, capital or small letters alike in ASCII.
    pub fn eq_ignore_ascii_case(&self, text: &str) -> bool {
        let small = |byte: u8| byte.to_ascii_lowercase();
        self.bytes().map(small).eq(text.bytes().map(small))
    }

    /// Writes it in quotes. What came in quotes goes out byte by byte as it came.
    pub(super) fn write_quoted(&self, writer: &mut Writer<'_>) {
        if self.quoted {
            writer.byte(b'"');
            writer.str(self.raw);
            writer.byte(b'"');
        } else {
            write_quoted(self.raw, writer);
        }
    }

    /// Writes it without quotes.
    pub(super) fn write_plain(&self, writer: &mut Writer<'_>) {
        self.bytes().for_each(|byte| writer.byte(byte));
    }
}

/// Writes a plain text in quotes, with a backslash before each quote and each backslash.
pub(super) fn write_quoted(text: &str, writer: &mut Writer<'_>) {
    writer.byte(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            writer.byte(b'\\');
        }
        writer.byte(byte);
    }
    writer.byte(b'"');
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
            assert_eq!(Value::quoted(raw).to_string(), read);
            assert_eq!(Value::token(raw).to_string(), raw);
            assert_eq!(Value::quoted(raw), Value::token(read));
            assert!(Value::quoted(raw).bytes().eq(read.bytes()));
            assert_eq!(format!("{:?}", Value::quoted(raw)), format!("{read:?}"));
        }
        assert_ne!(Value::token("abc"), Value::token("ab"));
        assert_ne!(Value::token("ab"), "abc");
    }

    #[test]
    fn case_matters_only_when_it_should() {
        let value = Value::quoted(r"M\D5-sess");
        assert!(value.eq_ignore_ascii_case("md5-SESS"));
        assert!(!value.eq_ignore_ascii_case("md5"));
        assert_ne!(value, "md5-sess");
        assert_eq!(written(|writer| value.write_plain(writer)), "MD5-sess");
    }

    #[test]
    fn a_quoted_value_goes_out_as_it_came() {
        let raw = r#"\a\"b"#;
        assert_eq!(written(|writer| Value::quoted(raw).write_quoted(writer)), r#""\a\"b""#);
        assert_eq!(written(|writer| Value::token(r"a\b").write_quoted(writer)), r#""a\\b""#);
    }

    proptest! {
        #[test]
        fn quoting_loses_nothing(text in "[a\"\\\\é ,]{0,12}") {
            let quoted = written(|writer| write_quoted(&text, writer));
            prop_assert_eq!(&quoted, &format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")));
            let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            prop_assert_eq!(Value::quoted(inner).to_string(), text);
        }
    }
}
