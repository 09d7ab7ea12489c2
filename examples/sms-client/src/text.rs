//! Text for a screen: safe for a terminal, and measured in columns instead of characters.
//!
//! The text of a message must not control the terminal that shows it. So apply [`escape`] first: the other functions expect
//! escaped text.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Escapes characters that could mislead the reader of a terminal, for example as `\n` or `\u{1b}`.
///
/// These are control characters, line and paragraph separators, characters that set the direction of text (UAX #9), and
/// some invisible characters. The zero-width joiner and non-joiner are kept, because scripts and emoji need them.
///
/// ```
/// use sms_client::text::escape;
/// assert_eq!(escape("line\r\n\x1b[2Jred"), r"line\r\n\u{1b}[2Jred");
/// assert_eq!(escape("Grüße, 你好 👩‍🚀"), "Grüße, 你好 👩‍🚀");
/// ```
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            character if is_unsafe(character) => escaped.extend(character.escape_unicode()),
            character => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

/// Returns whether [`escape`] escapes the character.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
                | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        )
}

/// Makes bytes that arrive in pieces harmless for a screen, line by line. Bytes that are not UTF-8 are replaced.
///
/// ```
/// use sms_client::text::Screen;
/// let mut screen = Screen::default();
/// assert_eq!(screen.show(b"a\x1b[2J\nGr\xc3"), "a\\u{1b}[2J\nGr");
/// assert_eq!(screen.show(b"\xbc\xff"), "ü\u{fffd}");
/// ```
#[derive(Debug, Default)]
pub struct Screen {
    /// The first bytes of a character that is not complete yet.
    pending: Vec<u8>,
}

impl Screen {
    /// Adds the next bytes, and returns the text that can be shown.
    pub fn show(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut shown = String::with_capacity(self.pending.len());
        let mut kept = Vec::new();
        let mut chunks = self.pending.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            for line in chunk.valid().split_inclusive('\n') {
                let text = line.strip_suffix('\n');
                shown.push_str(&escape(text.unwrap_or(line)));
                shown.extend(text.map(|_| '\n'));
            }
            // The last bytes may be the beginning of a character.
            let is_last = chunks.peek().is_none();
            match chunk.invalid() {
                [] => {}
                rest if is_last && is_beginning(rest) => kept = rest.to_vec(),
                _ => shown.push('\u{fffd}'),
            }
        }
        self.pending = kept;
        shown
    }

    /// Returns U+FFFD if the bytes end with an incomplete character, otherwise an empty text.
    pub fn finish(&mut self) -> String {
        if std::mem::take(&mut self.pending).is_empty() { String::new() } else { "\u{fffd}".to_owned() }
    }
}

/// Whether these bytes are the beginning of a character that further bytes can complete.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Returns the number of columns that the text occupies on a screen.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Returns the text if it fits, otherwise its beginning with an ellipsis.
///
/// ```
/// use sms_client::text::cut;
/// assert_eq!(cut("fits", 4), "fits");
/// assert_eq!(cut("你好世界", 6), "你好…");
/// ```
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let kept = text.split_at(fitting(text, columns.saturating_sub(1))).0;
    Cow::Owned(format!("{kept}…"))
}

/// Splits the text into lines of at most `columns`, at spaces or between ideographs if possible. Only spaces at line ends
/// are omitted.
///
/// ```
/// use sms_client::text::wrap;
/// assert_eq!(wrap("to be or not", 6), ["to be", "or not"]);
/// ```
pub fn wrap(text: &str, columns: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let end = fitting(rest, columns).max(rest.chars().next().map_or(0, char::len_utf8));
        let (line, after) = rest.split_at(end);
        if after.is_empty() {
            lines.push(line);
            return lines;
        }
        let at = last_break(line, after).unwrap_or(end);
        let (line, after) = rest.split_at(at);
        lines.push(line.trim_end_matches(' '));
        rest = after.trim_start_matches(' ');
    }
}

/// Returns the last position at which the line may end, which may be its length. Returns `None` if there is no such position.
fn last_break(line: &str, after: &str) -> Option<usize> {
    let mut next = after.chars().next();
    for (at, before) in line.char_indices().rev() {
        let wide = |character: char| UnicodeWidthChar::width(character) == Some(2);
        let begins = |character| character == ' ' || !NO_BEGINNING.contains(&character);
        let parts = |next| next == ' ' || before == ' ' || wide(before) || wide(next);
        if next.is_some_and(|next| parts(next) && begins(next)) {
            let end = at + before.len_utf8();
            return Some(end).filter(|end| !line.split_at(*end).0.trim_matches(' ').is_empty());
        }
        next = Some(before);
    }
    None
}

/// Characters that must not begin a line: punctuation after ideographs, and characters that join the previous character.
const NO_BEGINNING: [char; 22] = [
    '，', '。', '、', '；', '：', '！', '？', '）', '」', '』', '》', '】', '’', '”', '…', ',', '.', '!',
    '?', ')', '\u{200D}', '\u{FE0F}',
];

/// Returns the number of bytes of the text that fit. A character that joins the previous character is not separated from it.
fn fitting(text: &str, columns: usize) -> usize {
    let ends = text.char_indices().map(|(at, character)| at + character.len_utf8());
    ends.take_while(|end| width(text.split_at(*end).0) <= columns).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_control_a_terminal_are_escaped() {
        let foreign = "a\u{7}\u{1b}]0;x\u{9b}2J\u{7f}\u{202e}evil\u{2066}\u{200b}\u{feff}\u{2028}b\0";
        let shown = escape(foreign);
        assert!(!shown.contains(is_unsafe), "{shown}");
        assert_eq!(
            shown,
            r"a\u{7}\u{1b}]0;x\u{9b}2J\u{7f}\u{202e}evil\u{2066}\u{200b}\u{feff}\u{2028}b\u{0}"
        );
        assert!(matches!(escape("plain \u{200d}"), Cow::Borrowed(_)));
    }

    #[test]
    fn pieces_show_the_same_as_the_whole() {
        let bytes = b"Gr\xc3\xbc\xc3\x9fe \xf0\x9f\x98\x80\x1b]0;x\r\n\xff\xc3(\xe2\x82 end\n\xf0\x9f";
        let mut whole = Screen::default();
        let whole = whole.show(bytes) + &whole.finish();
        assert_eq!(whole, "Gr\u{fc}\u{df}e \u{1f600}\\u{1b}]0;x\\r\n\u{fffd}\u{fffd}(\u{fffd} end\n\u{fffd}");
        for size in 1..bytes.len() {
            let mut screen = Screen::default();
            let pieces: String = bytes.chunks(size).map(|piece| screen.show(piece)).collect();
            assert_eq!(pieces + &screen.finish(), whole, "{size}");
        }
    }

    #[test]
    fn text_is_cut_by_columns() {
        assert_eq!(cut("", 0), "");
        assert_eq!(cut("abcdef", 5), "abcd…");
        assert_eq!(cut("你好世界", 8), "你好世界");
        assert_eq!(cut("你好世界", 7), "你好世…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
    }

    #[test]
    fn text_is_wrapped_by_columns_and_loses_only_spaces() {
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("a long-word", 4), ["a", "long", "-wor", "d"]);
        assert_eq!(wrap("您好您好您好", 5), ["您好", "您好", "您好"]);
        assert_eq!(wrap("您", 1), ["您"]);
        assert_eq!(wrap("  ab", 3), ["  a", "b"]);
        assert_eq!(wrap("ab   cd", 3), ["ab", "cd"]);
        assert_eq!(wrap("code 您好您好", 10), ["code 您好", "您好"]);
        assert_eq!(wrap("您好您好。您好", 8), ["您好您", "好。您好"]);
        assert_eq!(wrap("👩\u{200d}🚀👩\u{200d}🚀", 2), ["👩\u{200d}🚀", "👩\u{200d}🚀"]);
    }

    #[test]
    fn every_wrapped_line_fits() {
        let text = "Zoë ❤️ 您好 👍🏽 the quick-brown-fox jumps\u{301} ".repeat(20);
        for columns in 2..40 {
            for line in wrap(&text, columns) {
                assert!(width(line) <= columns, "{line:?} in {columns}");
            }
        }
    }
}
