//! Writes a document in one of its many spellings.

use std::{format, vec::Vec};

use super::document::{Json, Piece, Text};

/// The deviations from the standard that a [`Pen`] may write.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) commas: bool,
    pub(super) colons: bool,
    pub(super) controls: bool,
}

/// A writer of documents. The bytes of `tape`, repeated as needed, make its choices in turn.
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
