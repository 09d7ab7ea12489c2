//! Removes what is private from the bytes of a gateway, and keeps their lengths and shapes.
//!
//! Only what is known to be harmless is kept: the other letters become `x`, the other digits `0`. Phone numbers, nonces and the like are
//! replaced by others, equal ones by equal ones, so that a replay shows the same behaviour.

use std::hash::{BuildHasher, RandomState};

/// The digits at the end of a number that are replaced together, so that two spellings of a number stay recognizable.
const TAIL: usize = 8;

/// The keys whose values are small integers.
const INTEGERS: [&str; 16] = [
    "error_code",
    "port",
    "status_code",
    "count",
    "succ_count",
    "ref_id",
    "in_queue",
    "read",
    "unread",
    "sms_in_queue",
    "task_id",
    "incoming_sms_id",
    "user_id",
    "slot",
    "signal",
    "status",
];
/// The keys whose values are words of the API.
const WORDS: [&str; 5] = ["status", "reg", "type", "callstate", "gprs"];
const TIMES: [&str; 2] = ["time", "timestamp"];
/// The maximum number of digits of a small integer.
const MAX_INTEGER: usize = 7;
/// The maximum length of a word.
const MAX_WORD: usize = 32;

/// The headers whose values are kept.
const HEADERS: [&str; 11] = [
    "date",
    "connection",
    "content-type",
    "content-length",
    "transfer-encoding",
    "cache-control",
    "pragma",
    "expires",
    "allow",
    "keep-alive",
    "accept-ranges",
];

/// Replaces secrets by others, which are the same for the same secret.
#[derive(Default)]
pub(super) struct Redactor(RandomState);

impl Redactor {
    /// Redacts a body: JSON, or a page.
    pub(super) fn body(&self, body: &[u8]) -> String {
        let text = String::from_utf8_lossy(body);
        if text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with(['{', '[']) {
            self.json(&text)
        } else {
            String::from_utf8_lossy(&page(body)).into_owned()
        }
    }

    /// Redacts JSON, also if it is malformed.
    fn json(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut current = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            if next == '"' {
                let (string, behind) = split_string(rest);
                let content = string.trim_start_matches('"');
                let content =
                    if string.len() > 1 { content.strip_suffix('"').unwrap_or(content) } else { "" };
                let is_key = behind.trim_start().starts_with(':');
                let end = if string.len() > 1 && string.ends_with('"') { "\"" } else { "" };
                if is_key {
                    content.clone_into(&mut current);
                }
                let shown = if is_key { key(content) } else { self.value(&current, content) };
                out.extend(["\"", &shown, end]);
                rest = behind;
            } else if is_bare(next) {
                let length = rest.find(|other| !is_bare(other)).unwrap_or(rest.len());
                let (word, behind) = rest.split_at(length);
                out.push_str(&self.value(&current, word));
                rest = behind;
            } else {
                out.push(if next.is_ascii() || next == '\u{feff}' { next } else { '?' });
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
            }
        }
        out
    }

    /// Redacts the value of a key. Escapes in it stay escapes.
    fn value(&self, key: &str, value: &str) -> String {
        let is_integer = value.len() <= MAX_INTEGER && is_digits(value.trim_start_matches('-'));
        let is_word = value.len() <= MAX_WORD
            && value.chars().all(|letter| letter.is_ascii_alphabetic() || matches!(letter, '_' | ' '));
        let is_time = value.parse::<sms_gateway::core::Timestamp>().is_ok();
        let is_harmless = INTEGERS.contains(&key) && is_integer
            || WORDS.contains(&key) && is_word
            || TIMES.contains(&key) && is_time
            || matches!(value, "true" | "false" | "null");
        match value.strip_prefix('+') {
            _ if is_harmless => value.to_owned(),
            Some(digits) if is_digits(digits) => format!("+{}", self.number(digits)),
            None if is_digits(value) => self.number(value),
            _ if is_number(value) => value.replace(|digit: char| digit.is_ascii_digit(), "0"),
            _ => scramble(value),
        }
    }

    /// Returns another number of the same length. Numbers with the same last digits keep the same last digits.
    fn number(&self, digits: &str) -> String {
        let (lead, tail) = digits.split_at(digits.len().saturating_sub(TAIL));
        self.digits(lead) + &self.digits(tail)
    }

    fn digits(&self, digits: &str) -> String {
        let digit = |index: usize| {
            let hash = self.0.hash_one((digits, index));
            // No number begins with a zero that did not before.
            let digit = if index == 0 { 1 + hash % 9 } else { hash % 10 };
            char::from(b'0' + u8::try_from(digit).unwrap_or_default())
        };
        (0..digits.len()).map(digit).collect()
    }

    /// Returns another token of the same length and kind.
    fn token(&self, token: &str) -> String {
        let other = |(index, letter): (usize, char)| {
            let hash = u8::try_from(self.0.hash_one((token, index)) % 6).unwrap_or_default();
            match letter {
                '0'..='9' => char::from(b'0' + hash),
                'a'..='z' => char::from(b'a' + hash),
                'A'..='Z' => char::from(b'A' + hash),
                other if other.is_ascii_punctuation() => other,
                _ => 'x',
            }
        };
        token.chars().enumerate().map(other).collect()
    }

    /// Redacts a header of a response.
    pub(super) fn header(&self, name: &str, value: &str) -> String {
        if name.eq_ignore_ascii_case("www-authenticate") {
            self.challenge(value)
        } else {
            header(name, value)
        }
    }

    /// Redacts what a challenge quotes, but for its scheme and algorithm.
    fn challenge(&self, value: &str) -> String {
        let mut out = String::new();
        let mut name = "";
        for (index, part) in value.split('"').enumerate() {
            let is_quoted = index % 2 == 1;
            if index > 0 {
                out.push('"');
            }
            let lower = name.to_ascii_lowercase();
            let is_kept =
                matches!(&*lower, "qop" | "algorithm" | "stale") || lower == "realm" && is_plain(part);
            match is_quoted {
                true if is_kept => out.push_str(part),
                true => out.push_str(&self.token(part)),
                // Names and values without quotes.
                false => out.push_str(&self.unquoted(part)),
            }
            if !is_quoted {
                name = part.trim_end_matches(['=', ' ']).rsplit([',', ' ']).next().unwrap_or_default();
            }
        }
        out
    }

    /// Redacts the values without quotes in a part of a challenge, such as `algorithm=MD5, nonce=77`.
    fn unquoted(&self, part: &str) -> String {
        let word = |word: &str| match word.split_once('=') {
            Some((name, value)) if !["qop", "algorithm", "stale"].contains(&&*name.to_ascii_lowercase()) => {
                format!("{name}={}", self.token(value))
            }
            _ => word.to_owned(),
        };
        let spaced = |piece: &str| piece.split(' ').map(word).collect::<Vec<_>>().join(" ");
        part.split(',').map(spaced).collect::<Vec<_>>().join(",")
    }
}

/// Redacts the name of a field.
pub(super) fn key(key: &str) -> String {
    digits_of_runs(key, 4)
}

/// Redacts a word that the API does not list.
pub(super) fn word(word: &str) -> String {
    if word.len() > MAX_WORD { scramble(word) } else { digits_of_runs(&ascii(word), 3) }
}

/// Redacts the value of a header other than a challenge.
pub(super) fn header(name: &str, value: &str) -> String {
    let name = name.to_ascii_lowercase();
    match &*name {
        kept if HEADERS.contains(&kept) => ascii(value),
        "server" => digits_of_runs(&ascii(value), 5),
        "location" => location(value),
        _ => scramble(value),
    }
}

/// Keeps the scheme and the shape of the path.
fn location(value: &str) -> String {
    let value = ascii(value);
    let value = value.split(['?', '#']).next().unwrap_or_default();
    match value.split_once("://") {
        Some((scheme, rest)) => {
            let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default();
            format!("{scheme}://gateway{}", digits_of_runs(path, 3))
        }
        None => digits_of_runs(value, 3),
    }
}

/// Redacts what is not JSON. The names of tags stay, and the text of a lock-out.
pub(super) fn page(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    if text.trim() == "forbid to try again" {
        return body.to_vec();
    }
    let mut out = String::with_capacity(text.len());
    let mut is_tag = false;
    for letter in text.chars() {
        is_tag = letter == '<' || is_tag && (letter.is_ascii_alphabetic() || letter == '/');
        if is_tag { out.push(letter) } else { out.push_str(&scramble(letter.encode_utf8(&mut [0; 4]))) }
    }
    out.into_bytes()
}

/// Splits off a string with its quotes; all of it if there is no end.
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

fn is_bare(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '+' | '-' | '.')
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(is_part) && text.parse::<f64>().is_ok()
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphabetic() || letter == ' ')
}

fn ascii(text: &str) -> String {
    text.chars().map(|letter| if matches!(letter, ' '..='~') { letter } else { '?' }).collect()
}

/// Replaces the digits of runs that are longer than this.
fn digits_of_runs(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(length);
        out.push_str(&if run.len() > most { "0".repeat(run.len()) } else { run.to_owned() });
        let other = behind.find(|letter: char| letter.is_ascii_digit()).unwrap_or(behind.len());
        let (words, behind) = behind.split_at(other);
        out.push_str(words);
        rest = behind;
    }
    out
}

/// Replaces letters and digits. Escapes of JSON stay escapes.
fn scramble(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        if letter != '\\' {
            out.push(other(letter));
            continue;
        }
        out.push('\\');
        match rest.next() {
            Some('u') => {
                let digits: String = rest.by_ref().take(4).collect();
                out.push('u');
                out.push_str(&escaped(&digits));
            }
            Some(escape @ ('n' | 'r' | 't' | 'b' | 'f' | '"' | '\\' | '/')) => out.push(escape),
            Some(unknown) => out.push(other(unknown)),
            None => {}
        }
    }
    out
}

/// Returns a character of the same class and length.
const fn other(letter: char) -> char {
    match letter {
        '0'..='9' => '0',
        'a'..='z' => 'x',
        'A'..='Z' => 'X',
        '\0'..='\x7f' => letter,
        '\u{80}'..='\u{7ff}' => 'é',
        '\u{800}'..='\u{ffff}' => '字',
        _ => '😀',
    }
}

/// Returns the digits of another escape of the same class.
fn escaped(digits: &str) -> String {
    let unit = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 4);
    let Some(unit) = unit else { return "0".repeat(digits.chars().count()) };
    let unit = match unit {
        0xd800..0xdc00 => 0xd83d,
        0xdc00..0xe000 => 0xde00,
        _ => char::from_u32(unit).map_or(unit, |letter| u32::from(other(letter))),
    };
    format!("{unit:04x}")
}

#[cfg(test)]
#[path = "redact/tests.rs"]
mod tests;
