//! A JSON reader that reports deviations from JSON, and continues to read.

use std::{iter::Peekable, str::Chars};

/// The maximum depth of nesting.
const MAX_DEPTH: usize = 32;

/// A value. Numbers keep their spelling.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Object(Vec<(String, Self)>),
    Array(Vec<Self>),
    Text(String),
    /// A number or a bare word.
    Bare(String),
}

impl Value {
    /// Returns the value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Returns the elements of the array with this key.
    pub(super) fn records(&self, key: &str) -> &[Self] {
        match self.get(key) {
            Some(Self::Array(records)) => records,
            _ => &[],
        }
    }

    /// Returns a text, or a number as it is spelt. For other values, returns an empty text.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Bare(text) => text,
            _ => "",
        }
    }

    /// Returns the integer with this key. It may be in a string, or be written as `200.0` or `2e2`.
    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        whole(self.get(key)?.as_str())
    }

    /// Returns the text with this key, or an empty text if the key is missing.
    pub(super) fn text(&self, key: &str) -> &str {
        self.get(key).map(Self::as_str).unwrap_or_default()
    }
}

/// Reads a whole number, such as `200`, `200.0` or `2e2`.
pub(super) fn whole(text: &str) -> Option<i64> {
    /// Up to this number, `f64` represents each whole number exactly.
    const MAX: f64 = 9_007_199_254_740_992.0;
    let text = text.trim();
    let decimal = || {
        let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        let value = text.parse::<f64>().ok().filter(|_| text.bytes().all(is_part))?;
        #[allow(clippy::cast_possible_truncation)] // The value is whole and in range.
        (value.fract() == 0.0 && value.abs() < MAX).then_some(value as i64)
    };
    text.parse().ok().or_else(decimal)
}

/// A deviation from JSON, or an unusual spelling in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    ByteOrderMark,
    MissingComma,
    TrailingCommaInArray,
    TrailingCommaInObject,
    RawControl,
    LoneSurrogate,
    EscapedNonAscii,
    NotUtf8,
    /// Any other violation of JSON. The rest of the document is not read.
    Malformed,
}

/// Reads a document as far as it can be read.
pub(super) fn read(body: &[u8]) -> (Option<Value>, Vec<Oddity>) {
    let text = String::from_utf8_lossy(body);
    let mut reader = Reader { rest: text.chars().peekable(), odd: Vec::new(), is_over: false };
    if matches!(text, std::borrow::Cow::Owned(_)) {
        reader.note(Oddity::NotUtf8);
    }
    if reader.take('\u{feff}') {
        reader.note(Oddity::ByteOrderMark);
    }
    let value = reader.value(0);
    reader.blanks();
    if !reader.is_over && reader.rest.peek().is_some() {
        reader.note(Oddity::Malformed);
    }
    (value, reader.odd)
}

struct Reader<'t> {
    rest: Peekable<Chars<'t>>,
    odd: Vec<Oddity>,
    is_over: bool,
}

impl Reader<'_> {
    fn note(&mut self, oddity: Oddity) {
        if !self.odd.contains(&oddity) {
            self.odd.push(oddity);
        }
    }

    fn fail<T>(&mut self) -> Option<T> {
        self.is_over = true;
        self.note(Oddity::Malformed);
        None
    }

    fn take(&mut self, character: char) -> bool {
        self.rest.next_if_eq(&character).is_some()
    }

    fn blanks(&mut self) {
        while self.rest.next_if(|character| matches!(character, ' ' | '\t' | '\r' | '\n')).is_some() {}
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.blanks();
        match self.rest.peek() {
            Some('{' | '[') if depth == MAX_DEPTH => self.fail(),
            Some('{') => Some(self.object(depth)),
            Some('[') => Some(self.array(depth)),
            Some('"') => self.text().map(Value::Text),
            Some(_) => self.bare(),
            None => self.fail(),
        }
    }

    fn object(&mut self, depth: usize) -> Value {
        let mut fields = Vec::new();
        self.rest.next();
        while !self.is_over {
            self.blanks();
            match self.rest.peek() {
                Some('}') => break,
                Some('"') => {}
                _ => {
                    self.fail::<()>();
                    break;
                }
            }
            let Some(name) = self.text() else { break };
            self.blanks();
            if !self.take(':') {
                self.fail::<()>();
                break;
            }
            let Some(value) = self.value(depth + 1) else { break };
            fields.push((name, value));
            self.separator('}', Oddity::TrailingCommaInObject);
        }
        self.rest.next();
        Value::Object(fields)
    }

    fn array(&mut self, depth: usize) -> Value {
        let mut elements = Vec::new();
        self.rest.next();
        while !self.is_over {
            self.blanks();
            if self.rest.peek() == Some(&']') {
                break;
            }
            let Some(element) = self.value(depth + 1) else { break };
            elements.push(element);
            self.separator(']', Oddity::TrailingCommaInArray);
        }
        self.rest.next();
        Value::Array(elements)
    }

    /// Reads the comma after an element. Notes a trailing comma and a missing comma.
    fn separator(&mut self, end: char, trailing: Oddity) {
        self.blanks();
        if self.take(',') {
            self.blanks();
            if self.rest.peek() == Some(&end) {
                self.note(trailing);
            }
        } else if self.rest.peek().is_some_and(|next| *next != end) && !self.is_over {
            self.note(Oddity::MissingComma);
        }
    }

    fn bare(&mut self) -> Option<Value> {
        let is_part = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let word: String = std::iter::from_fn(|| self.rest.next_if(is_part)).collect();
        if word.is_empty() {
            return self.fail();
        }
        if !matches!(&*word, "true" | "false" | "null") && word.parse::<f64>().is_err() {
            self.note(Oddity::Malformed);
        }
        Some(Value::Bare(word))
    }

    fn text(&mut self) -> Option<String> {
        self.rest.next();
        let mut units = Vec::new();
        loop {
            match self.rest.next() {
                None => return self.fail(),
                Some('"') => break,
                Some('\\') => {
                    let unit = self.escape()?;
                    units.push(unit);
                }
                Some(character) => {
                    if character < ' ' {
                        self.note(Oddity::RawControl);
                    }
                    units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
                }
            }
        }
        let text = String::from_utf16(&units);
        if text.is_err() {
            self.note(Oddity::LoneSurrogate);
        }
        Some(text.unwrap_or_else(|_| String::from_utf16_lossy(&units)))
    }

    fn escape(&mut self) -> Option<u16> {
        let unit = match self.rest.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(plain @ ('"' | '\\' | '/')) => plain,
            Some('u') => {
                let digits: String = self.rest.by_ref().take(4).collect();
                let Ok(unit) = u16::from_str_radix(&digits, 16) else { return self.fail() };
                // A high surrogate is not reported here: it may be unpaired, which is another oddity.
                if unit >= 0x80 && !(0xd800..0xdc00).contains(&unit) {
                    self.note(Oddity::EscapedNonAscii);
                }
                return Some(unit);
            }
            _ => return self.fail(),
        };
        u16::try_from(u32::from(unit)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_oddity_is_named_and_the_rest_is_read() {
        for (text, odd) in [
            (r#"{"a":1,"b":[{"c":"x"}]}"#, vec![]),
            ("\u{feff}{\"a\":1,\"b\":[{\"c\":\"x\"}]}", vec![Oddity::ByteOrderMark]),
            (r#"{"a":1"b":[{"c":"x"}]}"#, vec![Oddity::MissingComma]),
            (r#"{"a":1,"b":[{"c":"x"},]}"#, vec![Oddity::TrailingCommaInArray]),
            (r#"{"a":1,"b":[{"c":"x",}]}"#, vec![Oddity::TrailingCommaInObject]),
            (r#"{"a":1,"b":[{"c":"\u0078"}]}"#, vec![]),
            (r#"{"a":1,"b":[{"c":"x"}]} x"#, vec![Oddity::Malformed]),
        ] {
            let (value, found) = read(text.as_bytes());
            let value = value.unwrap();
            assert_eq!((value.integer("a"), value.records("b")[0].text("c")), (Some(1), "x"), "{text}");
            assert_eq!(found, odd, "{text}");
        }
        for (text, odd) in [
            ("\"a\nb\"", Oddity::RawControl),
            (r#""a\ud83d""#, Oddity::LoneSurrogate),
            (r#""\u00fc""#, Oddity::EscapedNonAscii),
            ("<html>", Oddity::Malformed),
            (r#"{"a":"#, Oddity::Malformed),
            (r"{a:1}", Oddity::Malformed),
            ("", Oddity::Malformed),
        ] {
            assert!(read(text.as_bytes()).1.contains(&odd), "{text}");
        }
        assert_eq!(read(&"[".repeat(100_000).into_bytes()).1, [Oddity::Malformed]);
    }
}
