//! A connection to a gateway that responds at once.

use core::hint::black_box;

use crate::{
    FIRST_ID, MESSAGES,
    digits::decimal,
    script::{END, OK, SCRIPTS, Script, UNAUTHORIZED},
};

/// The beginning of the header field with credentials.
const AUTHORIZATION: &[u8] = b"\r\nAuthorization: ";

/// A connection to a gateway that responds at once, requires a login, and has sent and delivered every message. A response arrives in
/// chunks, one for each record.
pub struct Wire {
    /// The beginning of a request.
    line: [u8; 48],
    lined: usize,
    /// The number of matched bytes of [`AUTHORIZATION`].
    matched: usize,
    responding: bool,
    authorized: bool,
    /// The number of pieces of the response that were made so far.
    step: u32,
    /// The number of other programs' records before those of the messages.
    foreign: u32,
    chunk: [u8; 320],
    filled: usize,
    taken: usize,
}

impl Wire {
    /// Creates a connection whose responses begin with this number of other programs' records.
    pub const fn new(foreign: u32) -> Self {
        Self {
            line: [0; 48],
            lined: 0,
            matched: 0,
            responding: false,
            authorized: false,
            step: 0,
            foreign,
            chunk: [0; 320],
            filled: 0,
            taken: 0,
        }
    }

    /// Receives a piece of a request.
    #[inline(never)]
    pub fn write(&mut self, request: &[u8]) {
        if self.responding {
            *self = Self::new(self.foreign);
        }
        for &byte in black_box(request) {
            if let Some(place) = self.line.get_mut(self.lined) {
                *place = byte;
                self.lined += 1;
            }
            if !self.authorized {
                self.matched = if AUTHORIZATION.get(self.matched) == Some(&byte) {
                    self.matched + 1
                } else {
                    usize::from(byte == b'\r')
                };
                self.authorized = self.matched == AUTHORIZATION.len();
            }
        }
    }

    /// Reads a piece of the response, and returns its length, or 0 at the end.
    #[inline(never)]
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        self.responding = true;
        if self.taken == self.filled {
            (self.taken, self.filled) = (0, 0);
            self.next();
            self.step += 1;
        }
        let rest = self.chunk.get(self.taken..self.filled).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        for (to, from) in black_box(buffer).iter_mut().zip(rest) {
            *to = *from;
        }
        self.taken += length;
        length
    }

    /// Returns the script for the request's path.
    fn script(&self) -> Option<&'static Script> {
        let mut words = self.line.split(|byte| matches!(byte, b' ' | b'?' | b'/'));
        let path = words.nth(3)?;
        black_box(SCRIPTS).iter().find(|script| script.path == path)
    }

    fn next(&mut self) {
        if !self.authorized {
            if self.step == 0 {
                self.push(black_box(UNAUTHORIZED));
            }
            return;
        }
        let Some(script) = self.script() else { return };
        let ours = if script.many { MESSAGES } else { 1 };
        let ours = u32::try_from(ours).unwrap_or_default();
        let foreign = if script.many { self.foreign } else { 0 };
        let records = if script.record.is_empty() { 0 } else { foreign + ours };
        match self.step {
            0 => self.push(black_box(OK)),
            1 => self.chunk(script.before, 0, 0),
            step if step - 2 < records => {
                let number = step - 2;
                let (id, reference) = match number.checked_sub(foreign) {
                    Some(own) => (FIRST_ID + own, own),
                    None => (1, 200),
                };
                self.chunk(script.record, id, reference);
                // A comma precedes each record except the first.
                if number > 0
                    && let Some(comma) = self.chunk.get_mut(4)
                {
                    *comma = b',';
                }
            }
            step if step - 2 == records => self.chunk(script.after, 0, 0),
            step if step - 3 == records => self.push(black_box(END)),
            _ => {}
        }
    }

    /// Pushes a chunk of the body: its length in hexadecimal, a space that may be replaced by a comma, and the text.
    fn chunk(&mut self, text: &[u8], id: u32, reference: u32) {
        self.push(b"00\r\n ");
        for byte in black_box(text) {
            match byte {
                b'@' => self.push(decimal(id, &mut [0; 10])),
                b'#' => self.push(decimal(reference, &mut [0; 10])),
                _ => self.push(core::slice::from_ref(byte)),
            }
        }
        let length = self.filled.saturating_sub(4).to_le_bytes()[0];
        for (place, digit) in self.chunk.iter_mut().zip([length >> 4, length & 0xF]) {
            *place = digit + if digit < 10 { b'0' } else { b'a' - 10 };
        }
        self.push(b"\r\n");
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = self.chunk.get_mut(self.filled..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
            self.filled += 1;
        }
    }
}
