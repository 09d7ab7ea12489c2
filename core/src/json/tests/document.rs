//! Documents for the tests: what is meant, and the many ways to write it.

use std::{format, iter::once, string::String, vec, vec::Vec};

use proptest::prelude::*;

use super::{
    CALLS, of_call,
    oracle::{Answer, Meaning, Meant, Values},
};

/// A string, in pieces of which each is written and meant in its own way.
pub(super) type Text = Vec<Piece>;

#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Written plainly or with escapes.
    Plain(String),
    /// Written as it is, UTF-8 or not.
    Raw(Vec<u8>),
    /// Written as `\uXXXX`; alone a surrogate means nothing.
    Unit(u16),
    /// A backslash before a character that needs none.
    Stray(char),
    /// A `\u` with too few digits, and a letter that is none.
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

fn text_meant(text: &[Piece]) -> Meant {
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
        values.insert(
            text_meant(key).text,
            match value {
                Json::Bare(word) if word != "null" => Some(Meant { text: word.clone(), lossy: false }),
                Json::Text(text) => Some(text_meant(text)),
                Json::Bare(_) | Json::Array(_) | Json::Object(_) => None,
            },
        );
    }
    values
}

impl Json {
    /// What an answer to the call is meant to say.
    pub(super) fn meant<C: Answer>(&self) -> Meaning {
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

/// Which liberties a writer takes that no standard allows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) commas: bool,
    pub(super) colons: bool,
    pub(super) controls: bool,
}

/// Writes documents; each choice that it has is made by the tape, which comes around again.
pub(super) struct Pen {
    tape: Vec<u8>,
    at: usize,
    faults: Faults,
    out: Vec<u8>,
}

impl Pen {
    pub(super) fn write(tape: &[u8], faults: Faults, json: &Json) -> Vec<u8> {
        let mut pen = Self { tape: tape.into(), at: 0, faults, out: Vec::new() };
        pen.json(json);
        pen.out
    }

    fn dice(&mut self, sides: u8) -> u8 {
        let rolled = self.tape.get(self.at % self.tape.len().max(1)).copied().unwrap_or(0);
        self.at += 1;
        rolled % sides
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn one_of(&mut self, forms: &[&str]) {
        let sides = u8::try_from(forms.len()).unwrap();
        let rolled = usize::from(self.dice(sides));
        self.put(forms[rolled]);
    }

    fn space(&mut self) {
        self.one_of(&["", "", " ", "\t", "\r\n", "  \n \t"]);
    }

    fn comma(&mut self) {
        self.space();
        self.one_of(if self.faults.commas { &[",", "", ",,", ", ,"] } else { &[","] });
    }

    fn surplus_comma(&mut self) {
        self.space();
        self.one_of(if self.faults.commas { &["", ",", " ,,"] } else { &[""] });
    }

    fn json(&mut self, json: &Json) {
        self.space();
        match json {
            Json::Bare(word) => self.put(word),
            Json::Text(text) => self.text(text, ""),
            Json::Array(elements) => self.list("[", elements, "]", Self::json),
            Json::Object(members) => self.list("{", members, "}", |pen, (key, value)| {
                pen.space();
                pen.key(key);
                pen.json(value);
            }),
        }
        self.space();
    }

    fn list<T>(&mut self, open: &str, items: &[T], close: &str, write: impl Fn(&mut Self, &T)) {
        self.put(open);
        self.surplus_comma();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.comma();
            }
            write(self, item);
        }
        self.surplus_comma();
        self.put(close);
    }

    fn key(&mut self, key: &Text) {
        let form = if self.faults.colons { self.dice(4) } else { 0 };
        self.text(key, ["", ":", ":", "::"][usize::from(form)]);
        self.space();
        self.put([":", ":", "", ""][usize::from(form)]);
    }

    fn text(&mut self, text: &Text, colons: &str) {
        self.put("\"");
        for piece in text {
            match piece {
                Piece::Plain(plain) => plain.chars().for_each(|character| self.character(character)),
                Piece::Raw(raw) => self.out.extend_from_slice(raw),
                Piece::Unit(unit) => self.unit(*unit),
                Piece::Stray(character) => self.put(&format!("\\{character}")),
                Piece::Broken(digits) => self.put(&format!("\\u{digits}z")),
            }
        }
        self.put(colons);
        self.put("\"");
    }

    fn character(&mut self, character: char) {
        let short =
            "\"\\/bfnrt".chars().zip("\"\\/\u{8}\u{C}\n\r\t".chars()).find(|pair| pair.1 == character);
        let raw = match character {
            '"' | '\\' => false,
            control if control < ' ' => self.faults.controls,
            _ => true,
        };
        match (self.dice(4), short) {
            (0 | 1, _) if raw => self.put(character.encode_utf8(&mut [0; 4])),
            (0..=2, Some((letter, _))) => self.put(&format!("\\{letter}")),
            _ => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| self.unit(*unit)),
        }
    }

    fn unit(&mut self, unit: u16) {
        let text = if self.dice(2) == 0 { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
        self.put(&text);
    }
}

fn plain() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        4 => proptest::char::range(' ', '~'),
        1 => any::<char>(),
        1 => prop::sample::select(&['"', '\\', '/', '\n', '\0', '\u{1F}', '\u{7F}', 'é', '你', '😀', '\u{FFFD}'][..]),
    ];
    (prop::collection::vec(character, 1..9), prop_oneof![9 => Just(1), 1 => Just(30)])
        .prop_map(|(characters, times)| String::from_iter(characters).repeat(times))
}

fn text(odd: bool) -> impl Strategy<Value = Text> {
    let byte = prop_oneof![2 => 0x80..=0xFF_u8, 1 => Just(b'a')];
    let edge = prop::sample::select(
        &["é", "你", "😀", "\u{7FF}", "\u{800}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}"][..],
    );
    let cut = (edge, 1..4_usize).prop_map(|(text, length)| text.bytes().take(length).collect::<Vec<u8>>());
    let odd_piece = prop_oneof![
        plain().prop_map(Piece::Plain),
        prop::collection::vec(byte, 1..5).prop_map(Piece::Raw),
        cut.prop_map(Piece::Raw),
        (0xD7FF..=0xE000_u16).prop_map(Piece::Unit),
        prop::sample::select(&['a', ' ', 'U', '0', '\'', '\n', 'é', '😀'][..]).prop_map(Piece::Stray),
        "[0-9a-fA-F]{0,3}".prop_map(Piece::Broken),
    ];
    let pieces = prop::collection::vec(odd_piece, 0..5);
    let plain =
        prop::option::of(plain()).prop_map(|text| text.map(Piece::Plain).into_iter().collect::<Text>());
    if odd { prop_oneof![1 => plain, 2 => pieces].boxed() } else { plain.boxed() }
}

fn scalar(odd: bool) -> impl Strategy<Value = Json> {
    let number =
        || prop_oneof![0..300_i128, any::<i64>().prop_map(i128::from), any::<u64>().prop_map(i128::from)];
    let time = "(20[0-9]{2}|19[0-9]{2})-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]";
    let word = "FAILED|SENT_OK|DELIVERED|GSM|LTE|NO_SIM|REGISTER_OK|SENDING|null|true|\\+?[0-9]{3,12}|-[0-9]";
    let plain = |text: String| Json::Text(vec![Piece::Plain(text)]);
    prop_oneof![
        3 => number().prop_map(|number| Json::Bare(format!("{number}"))),
        1 => number().prop_map(move |number| plain(format!("{number}"))),
        1 => prop::sample::select(&["null", "true", "false"][..]).prop_map(|word| Json::Bare(word.into())),
        1 => time.prop_map(plain),
        1 => word.prop_map(plain),
        3 => text(odd).prop_map(Json::Text),
    ]
}

fn nested(odd: bool) -> impl Strategy<Value = Json> {
    let float = (-1e9..1e9).prop_map(|number: f64| Json::Bare(format!("{number:e}")));
    let leaf = prop_oneof![3 => scalar(odd), 1 => float];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::vec((text(odd), inner), 0..4).prop_map(Json::Object),
        ]
    })
}

fn members(keys: Vec<&'static str>, odd: bool, most: usize) -> impl Strategy<Value = Vec<(Text, Json)>> {
    let plain = |key: &str| vec![Piece::Plain(key.into())];
    let strange = prop::sample::select(
        &["por", "ports", "Port", "number\0", "a key that is longer than all known ones"][..],
    );
    let unknown = prop_oneof![text(odd), strange.prop_map(plain)];
    // A key that ends with a colon is another one to whoever reads by the standard.
    let unknown = unknown.prop_filter("a colon", |key| !text_meant(key).text.ends_with(':'));
    let member = if keys.is_empty() {
        (unknown, nested(odd)).boxed()
    } else {
        let nested_once = nested(odd).prop_filter("a float", |json| !matches!(json, Json::Bare(_)));
        prop_oneof![
            8 => (prop::sample::select(keys).prop_map(plain), prop_oneof![9 => scalar(odd), 1 => nested_once]),
            2 => (unknown, nested(odd)),
        ]
        .boxed()
    };
    prop::collection::vec(member, 0..most)
}

/// An answer to the call, with whatever values.
pub(super) fn answer<C: Answer>(odd: bool) -> BoxedStrategy<Json> {
    let names = |keys: &'static [crate::json::Key]| {
        keys.iter().map(|key| std::str::from_utf8(key.name()).unwrap()).collect::<Vec<_>>()
    };
    let head = members(names(C::SCHEMA.head), odd, 6);
    let Some(list) = C::LIST else { return head.prop_map(Json::Object).boxed() };
    let records =
        prop::collection::vec(members(names(C::SCHEMA.record), odd, 14).prop_map(Json::Object), 0..5);
    let list_value = prop_oneof![
        9 => records.prop_map(Json::Array),
        1 => scalar(odd),
    ];
    (head, list_value, any::<prop::sample::Index>())
        .prop_map(move |(mut head, records, at)| {
            head.retain(|(key, _)| text_meant(key).text != list);
            let rest = head.split_off(at.index(head.len() + 1));
            let list = (vec![Piece::Plain(list.into())], records);
            Json::Object(head.into_iter().chain(once(list)).chain(rest).collect())
        })
        .boxed()
}

/// The number of a call, and an answer to it.
pub(super) fn any_answer(odd: bool) -> impl Strategy<Value = (usize, Json)> {
    let answers =
        (0..CALLS).map(|call| of_call!(call, answer(odd)).prop_map(move |json| (call, json)).boxed());
    proptest::strategy::Union::new(answers)
}
