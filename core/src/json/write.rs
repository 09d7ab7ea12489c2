//! Writes requests as JSON.

use crate::{Timestamp, writer::Writer};

/// A JSON writer on top of a [`Writer`]. It inserts commas and escapes strings.
pub struct JsonWriter<'w, 'b> {
    out: &'w mut Writer<'b>,
    /// Whether a comma is needed before the next key or element.
    comma: bool,
}

impl<'w, 'b> JsonWriter<'w, 'b> {
    pub(crate) fn new(out: &'w mut Writer<'b>) -> Self {
        Self { out, comma: false }
    }

    pub(crate) fn open(&mut self, bracket: u8) {
        self.separate();
        self.out.byte(bracket);
        self.comma = false;
    }

    pub(crate) fn close(&mut self, bracket: u8) {
        self.out.byte(bracket);
        self.comma = true;
    }

    /// Writes the whole body of a raw call.
    pub(crate) fn raw(&mut self, body: &[u8]) {
        self.out.bytes(body);
    }

    /// Writes a key. `literal` includes the quotes and the colon.
    pub(crate) fn key(&mut self, literal: &str) {
        self.separate();
        self.out.str(literal);
        self.comma = false;
    }

    pub(crate) fn number(&mut self, value: u64) {
        self.separate();
        self.out.number(value);
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.separate();
        self.out.byte(b'"');
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
            let Some((plain, [byte, after @ ..])) = rest.split_at_checked(at) else { break };
            self.out.bytes(plain);
            self.escape(*byte);
            rest = after;
        }
        self.out.bytes(rest);
        self.out.byte(b'"');
    }

    /// Writes a string whose characters need no escape.
    pub(crate) fn plain(&mut self, text: &str) {
        self.separate();
        self.out.byte(b'"');
        self.out.str(text);
        self.out.byte(b'"');
    }

    /// Writes `true`, `false` or `null`.
    pub(crate) fn literal(&mut self, word: &str) {
        self.separate();
        self.out.str(word);
    }

    pub(crate) fn time(&mut self, time: Timestamp) {
        self.separate();
        self.out.byte(b'"');
        time.write(self.out);
        self.out.byte(b'"');
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.byte(b',');
        }
        self.comma = true;
    }

    fn escape(&mut self, byte: u8) {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x0C => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => {
                self.out.str(if byte < 0x10 { "\\u000" } else { "\\u001" });
                let digit = byte & 0xF;
                return self.out.byte(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit });
            }
        };
        self.out.bytes(&[b'\\', short]);
    }
}

/// Returns whether the byte needs an escape (RFC 8259 §7): a quotation mark, reverse solidus or control character.
const fn needs_escape(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{string::String, vec};

    proptest! {
        #[test]
        fn strings_agree_with_serde_json_core_and_read_back(text in any::<String>()) {
            let mut ours = vec![0; 6 * text.len() + 2];
            let mut writer = Writer::new(&mut ours);
            JsonWriter::new(&mut writer).string(&text);
            let ours = writer.finish().unwrap();
            prop_assert_eq!(serde_json::from_slice::<String>(ours).unwrap(), text.clone());
            let mut theirs = vec![0; 6 * text.len() + 2];
            let length = serde_json_core::to_slice(&text, &mut theirs).unwrap();
            prop_assert_eq!(serde_json::from_slice::<String>(&theirs[..length]).unwrap(), text);
        }
    }
}
