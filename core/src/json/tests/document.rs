//! Documents for the tests, and their intended meaning.

use std::{string::String, vec::Vec};

use super::oracle::{CallResponse, Meaning, Meant, Values};

/// A string in pieces. Each piece has its own spelling and meaning.
pub(super) type Text = Vec<Piece>;

#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Text that may be written plainly or with escapes.
    Plain(String),
    /// Bytes that are written unchanged, UTF-8 or not.
    Raw(Vec<u8>),
    /// A UTF-16 unit that is written as `\uXXXX`. A lone surrogate means U+FFFD.
    Unit(u16),
    /// A character with an unnecessary backslash.
    Stray(char),
    /// A `\u` with too few digits, followed by a `z`.
    Broken(String),
}

#[derive(Clone, Debug)]
pub(super) enum Json {
    /// A number, `true`, `false` or `null`.
    Bare(String),
    Text(Text),
    Array(Vec<Json>),
    Object(Vec<(Text, Json)>),
}

pub(super) fn text_meant(text: &[Piece]) -> Meant {
    let mut meant = Meant::default();
    let alike = |a: &Piece, b: &Piece| {
        matches!((a, b), (Piece::Raw(_), Piece::Raw(_)) | (Piece::Unit(_), Piece::Unit(_)))
    };
    for group in text.chunk_by(alike) {
        let bytes =
            group.iter().filter_map(|piece| if let Piece::Raw(raw) = piece { Some(raw) } else { None });
        let bytes: Vec<u8> = bytes.flatten().copied().collect();
        let units =
            group.iter().filter_map(|piece| if let Piece::Unit(unit) = piece { Some(*unit) } else { None });
        let units: Vec<u16> = units.collect();
        match &group[0] {
            Piece::Plain(plain) => meant.text += plain,
            Piece::Raw(_) => meant.text += &String::from_utf8_lossy(&bytes),
            Piece::Unit(_) => meant.text += &String::from_utf16_lossy(&units),
            Piece::Stray(character) => meant.text.extend(['\\', *character]),
            Piece::Broken(_) => meant.text += "\u{FFFD}z",
        }
        meant.lossy |= match &group[0] {
            Piece::Plain(_) => false,
            Piece::Raw(_) => String::from_utf8(bytes).is_err(),
            Piece::Unit(_) => String::from_utf16(&units).is_err(),
            Piece::Stray(_) | Piece::Broken(_) => true,
        };
    }
    meant
}

fn members_meant(members: &[(Text, Json)]) -> Values {
    let mut values = Values::new();
    for (key, value) in members {
        let value = match value {
            Json::Bare(word) if word != "null" => Some(Meant { text: word.clone(), lossy: false }),
            Json::Text(text) => Some(text_meant(text)),
            Json::Bare(_) | Json::Array(_) | Json::Object(_) => None,
        };
        let first = values.entry(text_meant(key).text).or_default();
        *first = first.take().or(value);
    }
    values
}

impl Json {
    /// Keeps only the first of repeated keys, because serde_json would use the last.
    pub(super) fn once_each(self) -> Self {
        match self {
            Self::Object(mut members) => {
                let mut seen = Vec::new();
                members.retain(|(key, _)| {
                    let key = text_meant(key).text;
                    let new = !seen.contains(&key);
                    seen.push(key);
                    new
                });
                Self::Object(members.into_iter().map(|(key, value)| (key, value.once_each())).collect())
            }
            Self::Array(elements) => Self::Array(elements.into_iter().map(Self::once_each).collect()),
            leaf => leaf,
        }
    }

    /// Returns the intended meaning of a response to the call.
    pub(super) fn meant<C: CallResponse>(&self) -> Meaning {
        let Self::Object(members) = self else { return Meaning::default() };
        let list = members.iter().find(|(key, _)| Some(text_meant(key).text.as_str()) == C::LIST);
        let mut records = Vec::new();
        if let Some((_, Self::Array(elements))) = list {
            for element in elements {
                if let Self::Object(members) = element {
                    records.push(members_meant(members));
                }
            }
        }
        Meaning { head: members_meant(members), records }
    }
}
