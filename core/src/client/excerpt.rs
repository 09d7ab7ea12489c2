//! The text of an HTTP error response, made safe to show.

use core::fmt;

use crate::http::{Credentials, basic};

/// The maximum number of bytes of a body that are kept for an [`Excerpt`].
pub(super) const MAX_KEPT_BYTES: usize = 1024;

/// The beginning of the body of an HTTP error response, such as `forbid to try again` with status 403.
///
/// `Display` shows at most [`MAX_CHARS`](Self::MAX_CHARS) characters in one line, and then `…` if there are more. Each run of white
/// space and control characters becomes a single space. The tags, comments, scripts and styles of an HTML page are left out. Nothing is
/// shown if the body repeats the password or the request's `Authorization`.
#[derive(Clone, Copy)]
pub struct Excerpt<'a> {
    bytes: &'a [u8],
    credentials: Option<Credentials<'a>>,
}

impl<'a> Excerpt<'a> {
    /// The maximum number of characters that are shown.
    pub const MAX_CHARS: usize = 120;

    /// Creates an excerpt of the first bytes of a body. `is_cut` means that the body may be longer. `credentials` are those of the login.
    pub(super) fn new(bytes: &'a [u8], is_cut: bool, credentials: Option<Credentials<'a>>) -> Self {
        // A secret that is cut off would not be recognised. So the last bytes are dropped, as many as the longest secret has.
        let tail = match credentials {
            Some(credentials) if is_cut => basic::token(&credentials).count(),
            _ => 0,
        };
        Self { bytes: bytes.get(..bytes.len().saturating_sub(tail)).unwrap_or_default(), credentials }
    }

    /// Whether nothing is shown.
    pub fn is_empty(&self) -> bool {
        self.chars().next().is_none()
    }

    fn has_secret(&self) -> bool {
        let has = |part: &str| contains(self.bytes, &part.bytes(), true);
        let is_echo = |credentials: Credentials<'a>| {
            let (password, token) = (credentials.password(), basic::token(&credentials));
            (!password.is_empty() && contains(self.bytes, &password.bytes(), false))
                || contains(self.bytes, &token, false)
        };
        has("authorization:") || has("response=") || self.credentials.is_some_and(is_echo)
    }

    /// Returns the characters to show.
    fn chars(&self) -> impl Iterator<Item = char> {
        let bytes = if self.has_secret() { &[] } else { self.bytes };
        let is_page = bytes.trim_ascii_start().starts_with(b"<");
        let parts = bytes.split(move |byte| is_page && *byte == b'<').enumerate();
        let mut is_code = false;
        let parts =
            parts.map(move |(index, part)| if index == 0 { part } else { after_tag(part, &mut is_code) });
        let chars = parts.flat_map(|part| {
            let chunks = part.utf8_chunks();
            let chunks = chunks.flat_map(|chunk| {
                let replaced = (!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER);
                chunk.valid().chars().chain(replaced)
            });
            // A tag separates words.
            chunks.chain([' '])
        });
        let (mut has_text, mut is_gap) = (false, false);
        chars.filter(|char| !is_invisible(*char)).flat_map(move |char| {
            if char.is_whitespace() || char.is_control() {
                is_gap = has_text;
                return [None, None].into_iter().flatten();
            }
            has_text = true;
            let space = core::mem::take(&mut is_gap).then_some(' ');
            [space, Some(char)].into_iter().flatten()
        })
    }
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.chars();
        for char in chars.by_ref().take(Self::MAX_CHARS) {
            fmt::Write::write_char(f, char)?;
        }
        if chars.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// Shows what `Display` shows.
impl fmt::Debug for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns the text after the tag at the start of `part`, which begins after the `<`. Returns nothing for scripts, styles, comments, and
/// a tag without an end.
fn after_tag<'p>(part: &'p [u8], is_code: &mut bool) -> &'p [u8] {
    let has = |name: &[u8]| part.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    if has(b"/") {
        *is_code = *is_code && !has(b"/script") && !has(b"/style");
    } else {
        *is_code |= has(b"script") || has(b"style");
    }
    let is_text = !*is_code && !has(b"!--");
    let end = part.iter().position(|byte| *byte == b'>').filter(|_| is_text);
    end.and_then(|end| part.get(end.saturating_add(1)..)).unwrap_or_default()
}

/// Whether `bytes` contain `part`. `any_case` ignores the case of ASCII letters.
fn contains(bytes: &[u8], part: &(impl Iterator<Item = u8> + Clone), any_case: bool) -> bool {
    let is_same = |one: u8, other: u8| one == other || any_case && one.eq_ignore_ascii_case(&other);
    (0..bytes.len()).any(|start| {
        let mut rest = bytes.get(start..).unwrap_or_default().iter();
        part.clone().all(|byte| rest.next().is_some_and(|other| is_same(byte, *other)))
    })
}

/// Whether a character is invisible, and may change how other characters are shown: a control of bidirectional text (UAX #9), or a
/// character without width.
const fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        format,
        string::{String, ToString},
    };

    fn shown(bytes: &[u8]) -> String {
        Excerpt::new(bytes, false, Some(Credentials::new("admin", "pass word"))).to_string()
    }

    #[test]
    fn plain_text_is_shown_in_one_line_without_control_characters() {
        assert_eq!(shown(b"forbid to try again"), "forbid to try again");
        assert_eq!(shown(b" a\r\n\tb\x1b[2J \0c "), "a b [2J c");
        assert_eq!(shown("1 < 2 \u{202e}x\u{feff}y".as_bytes()), "1 < 2 xy");
        assert_eq!(shown(b"ab\xff\xfec"), "ab\u{fffd}\u{fffd}c");
        assert_eq!(shown(b"{\"error_code\":403}"), "{\"error_code\":403}");
        for blank in [&b""[..], b" \r\n", b"<html></html>", b"<"] {
            assert!(Excerpt::new(blank, false, None).is_empty(), "{blank:?}");
        }
    }

    #[test]
    fn a_page_is_shown_without_its_tags_and_code() {
        let page = b"\n<!DOCTYPE html><html><!-- a --><head><title>Forbidden</title><STYLE>p { color: red }</STYLE>\
            <script>if (a < b) { x('<b>c</b>') }</script></head><body class=\"x\"><h1>Error: 403</h1><p>try\nlater</p><a href=";
        assert_eq!(shown(page), "Forbidden Error: 403 try later");
    }

    #[test]
    fn at_most_120_characters_are_shown() {
        for (length, expected) in [(119, 119), (120, 120), (121, 121), (500, 121)] {
            let text = shown("ü".repeat(length).as_bytes());
            assert_eq!(text.chars().count(), expected);
            assert_eq!(text.ends_with('…'), length > Excerpt::MAX_CHARS);
        }
    }

    #[test]
    fn a_body_that_repeats_the_login_is_not_shown() {
        // The Basic token of admin:pass word.
        for body in [
            "user admin, pass word",
            "got YWRtaW46cGFzcyB3b3Jk",
            "AUTHORIZATION: Digest …",
            "Digest username=\"admin\", response=\"12\"",
        ] {
            assert_eq!(shown(body.as_bytes()), "", "{body}");
        }
        assert_eq!(shown(b"admin: wrong password"), "admin: wrong password");
        let empty = Excerpt::new(b"no", false, Some(Credentials::new("", "")));
        assert_eq!(format!("{empty:?}"), "no");
    }

    #[test]
    fn a_secret_at_the_cut_is_not_shown_in_part() {
        let (body, password) = ("the password is ", "0123456789");
        let credentials = Some(Credentials::new("admin", password));
        for length in 0..password.len() {
            let cut = format!("{body}{}", &password[..length]);
            let text = Excerpt::new(cut.as_bytes(), true, credentials).to_string();
            assert!(body.starts_with(&text), "{text}");
        }
    }
}
