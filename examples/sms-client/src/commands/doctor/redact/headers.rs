//! Redacts the headers of responses, including challenges.

use std::hash::BuildHasher;

use super::{
    replace::{ascii, scramble, token},
    vocabulary::{is_special, plain},
};
use crate::commands::doctor::dates::date_seconds;

/// The headers with words of HTTP as values.
const PLAIN: [&str; 12] = [
    "connection",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "cache-control",
    "pragma",
    "allow",
    "keep-alive",
    "accept-ranges",
    "vary",
    "x-frame-options",
    "x-content-type-options",
];
/// The other headers whose names are kept.
const NAMES: [&str; 11] = [
    "content-length",
    "date",
    "expires",
    "last-modified",
    "etag",
    "server",
    "location",
    "set-cookie",
    "www-authenticate",
    "content-language",
    "x-powered-by",
];
/// The authentication schemes that are kept.
const SCHEMES: [&str; 5] = ["digest", "basic", "bearer", "negotiate", "ntlm"];
/// The parameters of a challenge whose names are kept.
const PARAMETERS: [&str; 8] = ["realm", "nonce", "opaque", "qop", "algorithm", "stale", "domain", "charset"];

/// Redacts the name of a header.
pub(super) fn name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if PLAIN.iter().chain(&NAMES).any(|known| *known == lower) {
        return name.to_owned();
    }
    // The result must be a valid header name.
    plain(name).chars().map(|letter| if letter.is_ascii_graphic() { letter } else { 'x' }).collect()
}

/// Redacts the value of a header.
pub(super) fn value(keys: &impl BuildHasher, name: &str, value: &str) -> String {
    let value = &ascii(value);
    match &*name.to_ascii_lowercase() {
        "www-authenticate" => challenge(keys, value),
        "server" | "x-powered-by" => products(value),
        "location" => location(value),
        "date" | "expires" | "last-modified" if is_date(value) => value.clone(),
        known if PLAIN.contains(&known) => words(value),
        _ => scramble(value),
    }
}

/// Returns whether the value is nothing but a date in the format of HTTP.
fn is_date(value: &str) -> bool {
    const SHAPE: &str = "Aaa, 00 Aaa 0000 00:00:00 GMT";
    let fits = |(shape, letter): (char, char)| match shape {
        '0' => letter.is_ascii_digit(),
        'A' => letter.is_ascii_uppercase(),
        'a' => letter.is_ascii_lowercase(),
        _ => letter == shape,
    };
    let is_shaped = value.len() == SHAPE.len() && SHAPE.chars().zip(value.chars()).take(25).all(fits);
    // With any other year, the digits could be something other than a date.
    let has_year = value.get(12..14).is_some_and(|century| matches!(century, "19" | "20"));
    is_shaped && has_year && value.ends_with(" GMT") && date_seconds(value).is_some()
}

/// Redacts a list of words.
fn words(value: &str) -> String {
    const ENDS: [char; 6] = [' ', ',', ';', '=', '"', '/'];
    let word = |word: &str| {
        let is_known = is_special(word.trim_end_matches(ENDS));
        if is_known { word.to_owned() } else { without_digits(&plain(word)) }
    };
    value.split_inclusive(ENDS).map(word).collect()
}

/// Redacts a list of products such as `name/1.0`. Only the first short version after a known name is kept.
pub(in super::super) fn products(value: &str) -> String {
    let mut has_version = false;
    let product = |part: &str| match part.split_once('/') {
        Some((name, version)) if !has_version && is_version(version) && plain(name) == name => {
            has_version = true;
            part.to_owned()
        }
        _ => part.split('/').map(|part| without_digits(&plain(part))).collect::<Vec<_>>().join("/"),
    };
    ascii(value).split(' ').map(product).collect::<Vec<_>>().join(" ")
}

/// Returns whether the text has at most three numbers of one or two digits each. An IP address has four numbers.
fn is_version(text: &str) -> bool {
    let is_part = |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split('.').count() <= 3 && text.split('.').all(is_part)
}

fn without_digits(text: &str) -> String {
    text.replace(|letter: char| letter.is_ascii_digit(), "0")
}

/// Redacts a URL. Its scheme and the known words of its path are kept.
fn location(value: &str) -> String {
    let value = value.split(['?', '#']).next().unwrap_or_default();
    let lower = value.to_ascii_lowercase();
    let scheme = ["https://", "http://", "//"].into_iter().find(|scheme| lower.starts_with(scheme));
    match scheme.and_then(|scheme| Some((scheme, value.get(scheme.len()..)?))) {
        Some((scheme, rest)) => {
            let rest = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default();
            format!("{scheme}gateway{}", plain(rest))
        }
        None => plain(value),
    }
}

/// Redacts a challenge. Its scheme, the known names of parameters, and the values that the RFCs list are kept.
fn challenge(keys: &impl BuildHasher, value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    let mut name = String::new();
    while let Some(next) = rest.chars().next() {
        if matches!(next, ' ' | ',' | '=') {
            out.push(next);
            rest = rest.get(1..).unwrap_or_default();
            if next == ',' {
                name.clear();
            }
        } else if next == '"' {
            let (quoted, behind) = super::split_string(rest);
            let inner = quoted.get(1..).unwrap_or_default();
            let (inner, end) = inner.strip_suffix('"').map_or((inner, ""), |inner| (inner, "\""));
            out.extend(["\"", &parameter(keys, &name, inner), end]);
            rest = behind;
            name.clear();
        } else {
            let end = rest.find([' ', ',', '=', '"']).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            let is_name = behind.trim_start().starts_with('=');
            let known: &[&str] = if is_name { &PARAMETERS } else { &SCHEMES };
            let is_known = known.iter().any(|known| known.eq_ignore_ascii_case(word));
            let shown = match (is_known, name.is_empty() || is_name) {
                (true, true) => word.to_owned(),
                (false, true) => token(keys, word),
                (_, false) => parameter(keys, &name, word),
            };
            out.push_str(&shown);
            name = if is_name { word.to_ascii_lowercase() } else { String::new() };
            rest = behind;
        }
    }
    out
}

/// Redacts the value of a challenge parameter.
pub(super) fn parameter(keys: &impl BuildHasher, name: &str, value: &str) -> String {
    let is_listed = |list: &[&str]| {
        value.split(',').all(|item| list.iter().any(|known| known.eq_ignore_ascii_case(item.trim())))
    };
    let is_harmless = match name {
        "qop" => is_listed(&["auth", "auth-int"]),
        "algorithm" => {
            is_listed(&["md5", "md5-sess", "sha-256", "sha-256-sess", "sha-512-256", "sha-512-256-sess"])
        }
        "stale" => is_listed(&["true", "false"]),
        "charset" => is_listed(&["utf-8"]),
        _ => false,
    };
    match name {
        _ if is_harmless => value.to_owned(),
        "realm" => plain(value),
        "domain" => location(value),
        _ => token(keys, value),
    }
}
