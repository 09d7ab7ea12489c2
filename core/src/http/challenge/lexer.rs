//! The tokens of a `WWW-Authenticate` value (RFC 9110 §5.6 and §11).

use crate::http::{ChallengeErrorKind, Value, word::is_space};

/// A lexer that reads a header value from left to right. It stops at an error.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    length: usize,
    /// The unread rest. It is valid UTF-8, because the lexer stops only before ASCII characters.
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(value: &'a str) -> Self {
        Self { length: value.len(), rest: value.as_bytes() }
    }

    /// Returns the number of bytes read.
    pub(super) const fn offset(&self) -> usize {
        self.length.saturating_sub(self.rest.len())
    }

    /// Skips the rest of the value.
    pub(super) fn stop(&mut self) {
        self.rest = &[];
    }

    /// Skips commas and white space. Several commas are allowed, because a list may have empty elements (RFC 9110 §5.6.1.2).
    pub(super) fn separators(&mut self) {
        self.take(|byte| matches!(byte, b' ' | b'\t' | b','));
    }

    /// Returns the next name of a scheme or parameter, or `None` at the end.
    pub(super) fn name(&mut self) -> Result<Option<&'a [u8]>, ChallengeErrorKind> {
        let name = self.take(is_token);
        match self.rest.first() {
            _ if !name.is_empty() => Ok(Some(name)),
            None => Ok(None),
            Some(byte) if byte.is_ascii_control() => Err(ChallengeErrorKind::Control),
            Some(_) => Err(ChallengeErrorKind::Malformed),
        }
    }

    /// Skips the `token68` that some schemes have instead of parameters (RFC 9110 §11.2), if there is one.
    pub(super) fn skip_token68(&mut self) {
        let before = self.rest;
        let distance = self.spaces();
        let word = self.take(|byte| is_bare(byte) && byte != b'=');
        self.take(|byte| byte == b'=');
        self.spaces();
        let ends = matches!(self.rest, [] | [b',', ..]);
        if distance.is_empty() || word.is_empty() || !ends {
            self.rest = before;
        }
    }

    /// Returns the next parameter, or `None` at the end and before the next scheme.
    pub(super) fn parameter(&mut self) -> Result<Option<(&'a [u8], Value<'a>)>, ChallengeErrorKind> {
        self.separators();
        let before = self.rest;
        let Some(name) = self.name()? else { return Ok(None) };
        self.spaces();
        let [b'=', rest @ ..] = self.rest else {
            self.rest = before;
            return Ok(None);
        };
        self.rest = rest;
        self.spaces();
        Ok(Some((name, self.value()?)))
    }

    fn value(&mut self) -> Result<Value<'a>, ChallengeErrorKind> {
        let [b'"', inside @ ..] = self.rest else {
            // More characters are accepted than a token may contain, because some nonces are unquoted base64.
            return Ok(Value::plain(self.take(is_bare)));
        };
        let mut escaped = false;
        let end = inside.iter().position(|byte| {
            let ends = (*byte == b'"' && !escaped) || (byte.is_ascii_control() && *byte != b'\t');
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        let found = end.and_then(|at| inside.split_at_checked(at));
        let (text, behind) = found.ok_or(ChallengeErrorKind::Unterminated)?;
        self.rest = behind;
        let [b'"', rest @ ..] = behind else { return Err(ChallengeErrorKind::Control) };
        self.rest = rest;
        Ok(Value::quoted(text))
    }

    fn spaces(&mut self) -> &'a [u8] {
        self.take(is_space)
    }

    /// Reads and returns the bytes before the first unwanted byte, which must be ASCII.
    fn take(&mut self, wanted: fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !wanted(*byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        taken
    }
}

/// Returns whether a token may contain the byte (RFC 9110 §5.6.2).
pub(in crate::http) const fn is_token(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'z' | b'|' | b'~' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.')
}

/// Returns whether an unquoted value may contain the byte.
const fn is_bare(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'"' | b',' | 0x7F)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(value: &str) -> (usize, ChallengeErrorKind) {
        let mut lexer = Lexer::new(value);
        loop {
            match lexer.parameter() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{value} is in order"),
                Err(kind) => return (lexer.offset(), kind),
            }
        }
    }

    #[test]
    fn token_characters_are_those_of_rfc_9110() {
        for byte in 0..=255_u8 {
            let token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_token(byte), token, "{byte}");
        }
    }

    #[test]
    fn parameters_are_read_up_to_the_next_scheme() {
        let value = ", a=1,,b = \"x, \\\" y\" ,c\t=\tu==\td=, e=\"é\t\\é\"f=\"\" Basic g=1";
        let mut lexer = Lexer::new(value);
        for (name, value) in [("a", "1"), ("b", "x, \" y"), ("c", "u=="), ("d", ""), ("e", "é\té"), ("f", "")]
        {
            let (found, read) = lexer.parameter().unwrap().unwrap();
            assert_eq!((found, read), (name.as_bytes(), Value::token(value)));
        }
        assert_eq!(lexer.parameter(), Ok(None));
        assert_eq!(lexer.name(), Ok(Some(&b"Basic"[..])));
        assert_eq!(value.get(lexer.offset()..), Some(" g=1"));
    }

    #[test]
    fn token68_is_distinguished_from_parameters() {
        for (value, rest) in [
            (" TlRM/+=", ""),
            ("  abc== \t, x", ", x"),
            (" realm=\"x\"", " realm=\"x\""),
            (" realm=x", " realm=x"),
            (" nonce=a, b", " nonce=a, b"),
            ("abc", "abc"),
            (" ", " "),
            (", Basic", ", Basic"),
        ] {
            let mut lexer = Lexer::new(value);
            lexer.skip_token68();
            assert_eq!(lexer.rest, rest.as_bytes(), "{value}");
        }
    }

    #[test]
    fn errors_have_the_offset_of_the_fault() {
        use ChallengeErrorKind::{Control, Malformed, Unterminated};
        assert_eq!(kind("a=1, =2"), (5, Malformed));
        assert_eq!(kind("a=1, é=2"), (5, Malformed));
        assert_eq!(kind("a=b\"c\""), (3, Malformed));
        assert_eq!(kind("a=1, b=\"c"), (7, Unterminated));
        assert_eq!(kind("a=\"\\\""), (2, Unterminated));
        assert_eq!(kind("a=\"\\"), (2, Unterminated));
        assert_eq!(kind("a=\"b\rc\""), (4, Control));
        assert_eq!(kind("a=\"b\\\nc\""), (5, Control));
        assert_eq!(kind("a=b\u{7F}"), (3, Control));
        assert_eq!(kind("a=1,\r\n b=2"), (4, Control));
    }
}
