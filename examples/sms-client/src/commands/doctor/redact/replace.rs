//! Substitutes for letters, digits and tokens.

use std::hash::BuildHasher;

/// The number of trailing digits that are replaced as a unit, so that two spellings can still be recognised as one number.
const TAIL: usize = 8;

/// Returns another number of the same length that differs in every digit. If two numbers agree in their last [`TAIL`] digits, so do
/// their substitutes.
pub(super) fn number(keys: &impl BuildHasher, number: &str) -> String {
    let (lead, tail) = number.split_at(number.len().saturating_sub(TAIL));
    digits(keys, lead) + &digits(keys, tail)
}

fn digits(keys: &impl BuildHasher, text: &str) -> String {
    let digit = |(index, digit): (usize, u8)| {
        let hash = keys.hash_one((text, index));
        // The first digit becomes 1 to 8: 0 would be a leading zero, and with 9 the number could exceed a limit that it kept before.
        let (from, count) = if index == 0 { (1, 8) } else { (0, 10) };
        char::from(b'0' + another(digit.wrapping_sub(b'0' + from), count, hash) + from)
    };
    text.bytes().enumerate().map(digit).collect()
}

/// Returns another token of the same length and shape that differs in every letter and digit.
pub(super) fn token(keys: &impl BuildHasher, token: &str) -> String {
    let other = |(index, letter): (usize, char)| {
        let hash = keys.hash_one((token, index));
        let within = |first: u8| {
            let place = u8::try_from(u32::from(letter)).unwrap_or_default().wrapping_sub(first);
            char::from(first + another(place, 6, hash))
        };
        match letter {
            '0'..='9' => within(b'0'),
            'a'..='z' => within(b'a'),
            'A'..='Z' => within(b'A'),
            other if other.is_ascii_punctuation() || other == ' ' => other,
            _ => 'x',
        }
    };
    token.chars().enumerate().map(other).collect()
}

/// Returns a number below `count` that is not `place`.
fn another(place: u8, count: u8, hash: u64) -> u8 {
    let step = |choices: u8| u8::try_from(hash % u64::from(choices.max(1))).unwrap_or_default();
    if place < count { (place + 1 + step(count - 1)) % count } else { step(count) }
}

/// Replaces letters and digits. JSON escapes remain escapes.
pub(super) fn scramble(text: &str) -> String {
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

/// Returns a placeholder of the same class and UTF-8 length.
pub(super) const fn other(letter: char) -> char {
    match letter {
        '0'..='9' => '0',
        'a'..='z' => 'x',
        'A'..='Z' => 'X',
        // U+FFFD is kept, because it stands for bytes that are not UTF-8.
        '\0'..='\x7f' | '\u{fffd}' => letter,
        '\u{80}'..='\u{7ff}' => 'é',
        '\u{800}'..='\u{ffff}' => '字',
        _ => '😀',
    }
}

/// Replaces the four digits of a `\u` escape with those of a character of the same class.
fn escaped(digits: &str) -> String {
    let unit = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 4 && !digits.starts_with('+'));
    let Some(unit) = unit else { return digits.chars().map(other).collect() };
    let unit = match unit {
        0xd800..0xdc00 => 0xd83d,
        0xdc00..0xe000 => 0xde00,
        _ => char::from_u32(unit).map_or(unit, |letter| u32::from(other(letter))),
    };
    format!("{unit:04x}")
}

/// Replaces control characters, and characters outside ASCII, with `?`.
pub(super) fn ascii(text: &str) -> String {
    text.chars().map(|letter| if matches!(letter, ' '..='~') { letter } else { '?' }).collect()
}
