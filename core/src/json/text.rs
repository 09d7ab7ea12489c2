//! Reads the content of a JSON string, with escapes and UTF-8. The input may be cut at any byte.

use super::{
    FAST,
    escape::{hex, hex4, short},
    scan::scan,
    store::Store,
};

/// The position within an escape.
#[derive(Clone, Copy)]
enum Escape {
    /// Outside an escape.
    None,
    /// After the backslash.
    Slash,
    /// After `\u`. `left` is the number of missing digits, and `unit` the value of the digits read.
    Hex { left: u8, unit: u16 },
}

/// The state of reading a string.
pub(crate) struct TextReader {
    escape: Escape,
    /// A high surrogate that needs a low surrogate, or 0.
    high: u16,
    /// The first bytes of an incomplete character.
    partial: [u8; 4],
    partial_length: usize,
}

impl TextReader {
    pub(crate) const fn new() -> Self {
        Self { escape: Escape::None, high: 0, partial: [0; 4], partial_length: 0 }
    }

    /// Continues reading after the opening quote. Returns `true` after the closing quote, or `false` at the end of the input.
    pub(crate) fn read(&mut self, input: &mut &[u8], store: &mut Store<'_>) -> bool {
        loop {
            match self.escape {
                Escape::None => {
                    if self.partial_length > 0 && !self.complete_partial(input, store) {
                        return false;
                    }
                    self.run(input, store);
                    let [byte, rest @ ..] = *input else { return false };
                    if !FAST && !byte.is_ascii() {
                        self.end_high(store);
                        if self.complete_partial(input, store) {
                            continue;
                        }
                        return false;
                    }
                    self.end_partial(store);
                    if *byte == b'"' {
                        *input = rest;
                        self.end_high(store);
                        return true;
                    }
                    self.backslash(input, store);
                }
                Escape::Slash => {
                    let [byte, rest @ ..] = *input else { return false };
                    if self.escaped(*byte, store) {
                        *input = rest;
                    }
                }
                Escape::Hex { left, unit } => {
                    let [byte, rest @ ..] = *input else { return false };
                    if self.hex_digit(*byte, left, unit, store) {
                        *input = rest;
                    }
                }
            }
        }
    }

    /// Reads the run before the next quote or backslash.
    fn run(&mut self, input: &mut &[u8], store: &mut Store<'_>) {
        let (length, ascii) = scan(input);
        if length == 0 {
            return;
        }
        let Some((run, rest)) = input.split_at_checked(length) else { return };
        *input = rest;
        self.end_high(store);
        if ascii {
            store.push(run);
        } else {
            self.utf8(run, store);
        }
    }

    /// Reads a backslash. The fast path reads a whole `\uXXXX` if it is complete in the input. Other escapes are read step by step.
    fn backslash(&mut self, input: &mut &[u8], store: &mut Store<'_>) {
        if FAST
            && let [_, b'u', a, b, c, d, rest @ ..] = *input
            && let Some(unit) = hex4([*a, *b, *c, *d])
        {
            *input = rest;
            self.unit(unit, store);
        } else if let [_, rest @ ..] = *input {
            *input = rest;
            self.escape = Escape::Slash;
        }
    }

    /// Reads the byte after a backslash. Returns `false` if the two do not form an escape. The byte must then be read again.
    fn escaped(&mut self, byte: u8, store: &mut Store<'_>) -> bool {
        self.escape = Escape::None;
        if byte == b'u' {
            self.escape = Escape::Hex { left: 4, unit: 0 };
            return true;
        }
        self.end_high(store);
        let short = short(byte);
        if let Some(character) = short {
            store.push(&[character]);
        } else {
            store.push(b"\\");
            store.lossy();
        }
        short.is_some()
    }

    /// Reads a digit of `\uXXXX`. Returns `false` if the byte is not a digit. The byte must then be read again.
    fn hex_digit(&mut self, byte: u8, left: u8, unit: u16, store: &mut Store<'_>) -> bool {
        let Some(digit) = hex(byte) else {
            self.escape = Escape::None;
            self.end_high(store);
            replace(store);
            return false;
        };
        let unit = unit << 4 | u16::from(digit);
        if left > 1 {
            self.escape = Escape::Hex { left: left.saturating_sub(1), unit };
        } else {
            self.escape = Escape::None;
            self.unit(unit, store);
        }
        true
    }

    /// Reads one UTF-16 unit.
    fn unit(&mut self, unit: u16, store: &mut Store<'_>) {
        let high = core::mem::take(&mut self.high);
        let mut code = u32::from(unit);
        if high != 0 && (0xDC00..=0xDFFF).contains(&unit) {
            code = 0x1_0000 + (u32::from(high & 0x3FF) << 10 | u32::from(unit & 0x3FF));
        } else {
            if high != 0 {
                replace(store);
            }
            if (0xD800..=0xDBFF).contains(&unit) {
                self.high = unit;
                return;
            }
        }
        match char::from_u32(code) {
            Some(character) => store.push(character.encode_utf8(&mut [0; 4]).as_bytes()),
            None => replace(store),
        }
    }

    /// Reads a run that is not all ASCII.
    fn utf8(&mut self, run: &[u8], store: &mut Store<'_>) {
        let mut rest = run;
        while let Err(error) = core::str::from_utf8(rest) {
            let (valid, bad) = rest.split_at_checked(error.valid_up_to()).unwrap_or((rest, &[]));
            store.push(valid);
            let Some(length) = error.error_len() else {
                self.partial_length = bad.len();
                for (place, byte) in self.partial.iter_mut().zip(bad) {
                    *place = *byte;
                }
                return;
            };
            replace(store);
            rest = bad.get(length..).unwrap_or_default();
        }
        store.push(rest);
    }

    /// Completes a character that was cut, or reads a whole character. Returns `false` if the input ends within the character.
    fn complete_partial(&mut self, input: &mut &[u8], store: &mut Store<'_>) -> bool {
        while let [byte, rest @ ..] = *input {
            let length = self.partial_length.saturating_add(1);
            if let Some(place) = self.partial.get_mut(self.partial_length) {
                *place = *byte;
            }
            let bytes = self.partial.get(..length).unwrap_or_default();
            match core::str::from_utf8(bytes) {
                Ok(character) => {
                    *input = rest;
                    store.push(character.as_bytes());
                    self.partial_length = 0;
                    return true;
                }
                Err(error) if error.error_len().is_none() => {
                    *input = rest;
                    self.partial_length = length;
                }
                Err(_) => {
                    // An invalid first byte is consumed and replaced. A later invalid byte may begin the next character, so it is
                    // read again.
                    if self.partial_length == 0 {
                        *input = rest;
                        replace(store);
                    }
                    self.end_partial(store);
                    return true;
                }
            }
        }
        false
    }

    /// Replaces a character that was cut and is not completed by the next byte.
    fn end_partial(&mut self, store: &mut Store<'_>) {
        if core::mem::take(&mut self.partial_length) != 0 {
            replace(store);
        }
    }

    /// Replaces a high surrogate that is not followed by a low surrogate.
    fn end_high(&mut self, store: &mut Store<'_>) {
        if core::mem::take(&mut self.high) != 0 {
            replace(store);
        }
    }
}

/// Writes U+FFFD in place of unreadable bytes.
fn replace(store: &mut Store<'_>) {
    store.push("\u{FFFD}".as_bytes());
    store.lossy();
}
