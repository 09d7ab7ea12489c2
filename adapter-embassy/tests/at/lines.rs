//! Splits the bytes of a modem, which arrive in pieces, into lines.

/// A line of the modem. Lines that do not concern a socket are [`Other`](Self::Other).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// `OK`: the command is complete, or accepted if data follow.
    Ok,
    /// `ERROR` or `FAIL`: the command is refused.
    Error,
    /// `>`: the modem waits for the data of a `CIPSEND`.
    Prompt,
    /// `SEND OK`: the modem has accepted the data.
    SendOk,
    /// `SEND FAIL`: some of the data may have been sent.
    SendFail,
    /// `busy p...`: an earlier command is in progress, so this one is ignored.
    Busy,
    /// `+IPD,<count>`: the modem holds this many bytes of the connection.
    Incoming(usize),
    /// `+CIPRECVDATA:<count>,`: this many bytes of the connection follow.
    Data(usize),
    /// `CLOSED`: the peer has closed the connection, or it broke.
    Closed,
    /// `ready`: the modem has restarted.
    Ready,
    /// Any other line: `CONNECT`, `Recv 5 bytes`, or `WIFI DISCONNECT`, for example.
    Other,
}

impl Line {
    fn parse(line: &[u8]) -> Self {
        match line.trim_ascii() {
            b"OK" => Self::Ok,
            b"ERROR" | b"FAIL" => Self::Error,
            b"SEND OK" => Self::SendOk,
            b"SEND FAIL" => Self::SendFail,
            b"CLOSED" => Self::Closed,
            b"ready" => Self::Ready,
            line if line.starts_with(b"busy ") => Self::Busy,
            line => line.strip_prefix(b"+IPD,").and_then(number).map_or(Self::Other, Self::Incoming),
        }
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}

const DATA: &[u8] = b"+CIPRECVDATA:";

/// Lent memory for bytes that have arrived and are not yet parsed. It must hold the longest line of interest; 64 bytes suffice. Longer
/// lines are dropped.
#[derive(Debug)]
pub struct Lines<'m> {
    bytes: &'m mut [u8],
    start: usize,
    end: usize,
    /// Whether the beginning of the current line was dropped.
    is_overlong: bool,
}

impl<'m> Lines<'m> {
    pub const fn new(bytes: &'m mut [u8]) -> Self {
        Self { bytes, start: 0, end: 0, is_overlong: false }
    }

    /// Drops all bytes.
    pub fn clear(&mut self) {
        (self.start, self.end, self.is_overlong) = (0, 0, false);
    }

    /// The free space for further bytes. It is never empty, because [`next`](Self::next) drops an overlong line first.
    pub fn space(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// Adds bytes that were written into [`space`](Self::space).
    pub fn received(&mut self, count: usize) {
        self.end = self.bytes.len().min(self.end + count);
    }

    /// Moves bytes that are not part of a line into `buf`.
    pub fn take(&mut self, buf: &mut [u8]) -> usize {
        let held = self.held();
        let count = buf.len().min(held.len());
        buf[..count].copy_from_slice(&held[..count]);
        self.start += count;
        count
    }

    /// Drops up to `count` bytes that are not part of a line, and returns their number.
    pub fn skip(&mut self, count: usize) -> usize {
        let count = count.min(self.end - self.start);
        self.start += count;
        count
    }

    /// The next complete line. The prompt `>` has no line end, so it counts as a line only if it is expected.
    pub fn next(&mut self, expects_prompt: bool) -> Option<Line> {
        loop {
            if !self.is_overlong {
                let blank = self.held().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                self.start += blank;
                if expects_prompt && self.held().first() == Some(&b'>') {
                    self.start += 1;
                    return Some(Line::Prompt);
                }
                if let Some(data) = self.data() {
                    return Some(data);
                }
            }
            let Some(length) = self.held().iter().position(|byte| *byte == b'\n') else {
                self.drop_overlong();
                return None;
            };
            let line = Line::parse(&self.held()[..length]);
            self.start += length + 1;
            if !core::mem::take(&mut self.is_overlong) {
                return Some(line);
            }
        }
    }

    /// The line that precedes bytes of the connection. It ends with a comma.
    fn data(&mut self) -> Option<Line> {
        let rest = self.held().strip_prefix(DATA)?;
        let length = rest.iter().position(|byte| *byte == b',')?;
        let count = number(&rest[..length])?;
        self.start += DATA.len() + length + 1;
        Some(Line::Data(count))
    }

    fn drop_overlong(&mut self) {
        if self.held().len() == self.bytes.len() {
            self.clear();
            self.is_overlong = true;
        }
    }

    fn held(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}
