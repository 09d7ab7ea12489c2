//! Removes private data from the bytes of a gateway, and keeps their lengths and shapes.
//!
//! Only values known to be harmless are kept, and only where they are expected: times, small integers, and the words of a vocabulary.
//! Other letters become `x`, and other digits `0`. Phone numbers, nonces and similar values get random substitutes. Equal values get
//! equal substitutes, so that a replay shows the same behaviour.

mod headers;
mod replace;
mod vocabulary;

use std::{
    collections::{BTreeSet, HashMap},
    hash::{BuildHasher, RandomState},
};

use sms_gateway::core::Timestamp;

use self::replace::{other, scramble};
pub(super) use self::{
    headers::products,
    vocabulary::{is_plain, plain},
};
use super::json::whole;

/// The keys with small integers as values, and the maximum number of digits of each.
const INTEGERS: [(&str, usize); 13] = [
    ("error_code", 3),
    ("port", 2),
    ("status_code", 3),
    ("count", 3),
    ("succ_count", 3),
    ("ref_id", 3),
    ("in_queue", 5),
    ("read", 5),
    ("unread", 5),
    ("sms_in_queue", 5),
    ("slot", 3),
    ("signal", 3),
    ("status", 3),
];
/// The keys with words of the API as values.
const WORDS: [&str; 5] = ["status", "reg", "type", "callstate", "gprs"];
/// The number of characters that the spelling `" 200 "` or `200.0` adds to `200`.
const SPELLING: usize = 2;
const TIMES: [&str; 2] = ["time", "timestamp"];
/// The key of the ids of incoming messages, and the query parameter with such an id.
const ID: &str = "incoming_sms_id";
/// The call that returns these ids.
const INBOX: &str = "/api/query_incoming_sms";
/// The maximum number of digits of an id.
const MAX_ID: usize = 18;
/// The HTML tags whose names are kept.
const TAGS: [&str; 24] = [
    "html", "head", "title", "body", "h", "p", "a", "b", "i", "br", "hr", "div", "span", "table", "tr", "td",
    "form", "input", "script", "style", "meta", "link", "img", "center",
];
/// The body of a response to a client that is locked out.
const LOCKED_OUT: &str = "forbid to try again";

/// Replaces secrets with substitutes. One redactor gives equal secrets equal substitutes.
#[derive(Default)]
pub(super) struct Redactor<S = RandomState> {
    keys: S,
    /// Substitutes for the ids of incoming messages, in the same order as the ids.
    ids: HashMap<u64, String>,
}

impl<S: BuildHasher + Default> Redactor<S> {
    /// Creates a redactor from the request targets and response bodies of all exchanges.
    pub(super) fn new<'e>(exchanges: impl IntoIterator<Item = (&'e str, &'e [u8])>) -> Self {
        let inboxes = exchanges.into_iter().filter(|(target, _)| target.starts_with(INBOX));
        let ids = inboxes.flat_map(|(_, body)| ids(&String::from_utf8_lossy(body))).collect();
        Self { keys: S::default(), ids: renumbered(&ids) }
    }
}

impl<S: BuildHasher> Redactor<S> {
    /// Redacts a body: JSON, or a page.
    pub(super) fn body(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        if text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with(['{', '[']) {
            self.json(&text)
        } else {
            page(&text)
        }
    }

    /// Redacts JSON, which may be malformed.
    fn json(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut current = "";
        for piece in pieces(text) {
            match piece {
                Piece::Key(key) => {
                    current = key;
                    out.extend(["\"", &plain(key), "\""]);
                }
                // If several values follow a key, the key applies only to the first one.
                Piece::Text { content, is_whole } => {
                    let value = self.value(std::mem::take(&mut current), content);
                    out.extend(["\"", &value, if is_whole { "\"" } else { "" }]);
                }
                Piece::Bare(word) => out.push_str(&self.value(std::mem::take(&mut current), word)),
                Piece::Other(letter) => {
                    let is_kept = letter.is_ascii() || matches!(letter, '\u{feff}' | '\u{fffd}');
                    out.push(if is_kept { letter } else { '?' });
                }
            }
        }
        out
    }

    /// Redacts the value of a key. Escapes remain escapes.
    fn value(&self, key: &str, value: &str) -> String {
        let most = INTEGERS.iter().find(|(known, _)| *known == key).map_or(0, |(_, most)| *most);
        if is_small_integer(value, most)
            || TIMES.contains(&key) && is_time(value)
            || matches!(value, "true" | "false" | "null")
        {
            return value.to_owned();
        }
        let id = plain_id(value);
        if key == ID && is_digits(id) {
            return value.replacen(id, &self.id(id), 1);
        }
        match value.strip_prefix('+') {
            Some(digits) if is_digits(digits) => format!("+{}", replace::number(&self.keys, digits)),
            None if is_digits(value) => replace::number(&self.keys, value),
            _ if is_number(value) => value.replace(|digit: char| digit.is_ascii_digit(), "0"),
            _ if WORDS.contains(&key) => plain(value),
            _ => scramble(value),
        }
    }

    /// Returns the substitute for the id of an incoming message.
    fn id(&self, id: &str) -> String {
        let other =
            id.parse().ok().and_then(|id: u64| self.ids.get(&id)).filter(|other| other.len() == id.len());
        other.cloned().unwrap_or_else(|| replace::number(&self.keys, id))
    }

    /// Redacts the target of a request that this program made. It may contain the id of an incoming message.
    pub(super) fn target(&self, target: &str) -> String {
        let Some((before, rest)) = target.split_once(&format!("{ID}=")) else { return target.to_owned() };
        let end = rest.find('&').unwrap_or(rest.len());
        let (id, behind) = rest.split_at(end);
        // The first page is requested with id 0 on every gateway.
        let id = if id == "0" { id.to_owned() } else { self.id(id) };
        format!("{before}{ID}={id}{behind}")
    }

    /// Redacts a header of a response.
    pub(super) fn header(&self, name: &str, value: &str) -> (String, String) {
        (headers::name(name), headers::value(&self.keys, name, value))
    }
}

/// Redacts the value of a challenge parameter that is shown to people.
pub(super) fn parameter(name: &str, value: &str) -> String {
    headers::parameter(&RandomState::new(), name, value)
}

/// Redacts a page. The names of tags and the text of a lock-out are kept.
pub(super) fn page(text: &str) -> String {
    if text.trim() == LOCKED_OUT {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for (index, part) in text.split('<').enumerate() {
        let name = part.strip_prefix('/').unwrap_or(part);
        let name = name.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
        let is_tag = index > 0 && TAGS.iter().any(|tag| tag.eq_ignore_ascii_case(name));
        let kept = if is_tag { part.find(name).unwrap_or_default() + name.len() } else { 0 };
        let (kept, rest) = part.split_at(kept);
        out.push_str(if index > 0 { "<" } else { "" });
        out.push_str(kept);
        out.extend(rest.chars().map(other));
    }
    out
}

/// A part of JSON, which may be malformed.
enum Piece<'t> {
    /// A string before a colon, without its quotes.
    Key(&'t str),
    /// Any other string, without its quotes. The closing quote may be missing.
    Text {
        content: &'t str,
        is_whole: bool,
    },
    /// A number or a word without quotes.
    Bare(&'t str),
    Other(char),
}

/// Splits JSON, which may be malformed, into its parts.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let next = rest.chars().next()?;
        let (piece, behind) = if next == '"' {
            let (string, behind) = split_string(rest);
            let inner = string.get(1..).unwrap_or_default();
            let (content, is_whole) =
                inner.strip_suffix('"').map_or((inner, false), |content| (content, true));
            let is_key = is_whole && behind.trim_start().starts_with(':');
            (if is_key { Piece::Key(content) } else { Piece::Text { content, is_whole } }, behind)
        } else if is_bare(next) {
            let (word, behind) = rest.split_at(rest.find(|other| !is_bare(other)).unwrap_or(rest.len()));
            (Piece::Bare(word), behind)
        } else {
            (Piece::Other(next), rest.get(next.len_utf8()..).unwrap_or_default())
        };
        rest = behind;
        Some(piece)
    })
}

/// Splits off a string with its quotes. If the closing quote is missing, the string is the whole text.
fn split_string(text: &str) -> (&str, &str) {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return text.split_at(at + 1),
            _ => {}
        }
    }
    (text, "")
}

/// Returns the ids of incoming messages in a body.
fn ids(text: &str) -> BTreeSet<u64> {
    let mut is_id = false;
    let mut ids = BTreeSet::new();
    for piece in pieces(text) {
        match piece {
            Piece::Key(key) => is_id = key == ID,
            Piece::Text { content: value, .. } | Piece::Bare(value) if is_id && value.len() <= MAX_ID => {
                ids.extend(plain_id(value).parse::<u64>().ok());
            }
            _ => {}
        }
    }
    ids
}

/// Maps each id to a substitute with the same number of digits. The order is kept, and 0 stays 0.
fn renumbered(ids: &BTreeSet<u64>) -> HashMap<u64, String> {
    let mut counts: HashMap<usize, u64> = HashMap::new();
    let mut other = |id: &u64| {
        let length = id.to_string().len();
        let count = counts.entry(length).or_default();
        // A nonzero id never becomes zero.
        let first = 10_u64.pow(u32::try_from(length).unwrap_or_default().saturating_sub(1));
        let other = if *id == 0 { 0 } else { first + *count };
        *count += u64::from(*id != 0);
        (*id, other.to_string())
    };
    ids.iter().map(&mut other).collect()
}

/// Returns whether the text is a time in this century or the last.
pub(super) fn is_time(text: &str) -> bool {
    text.get(..2).is_some_and(|century| matches!(century, "19" | "20")) && text.parse::<Timestamp>().is_ok()
}

fn is_bare(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '+' | '-' | '.' | '_' | '\\' | '@')
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether the text is a whole number of at most `most` digits. Its spelling may be longer by [`SPELLING`].
fn is_small_integer(text: &str, most: usize) -> bool {
    let digits = u32::try_from(most).unwrap_or_default();
    let is_small = |number: i64| number.unsigned_abs() < 10_u64.pow(digits);
    most > 0 && text.len() <= most + SPELLING && whole(text).is_some_and(is_small)
}

/// Returns the digits of an id. The id may be written as `7.0`, or with white space around it.
fn plain_id(value: &str) -> &str {
    let value = value.trim();
    value.strip_suffix(".0").unwrap_or(value)
}

fn is_number(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(is_part) && text.parse::<f64>().is_ok()
}

#[cfg(test)]
#[path = "redact/tests.rs"]
mod tests;
