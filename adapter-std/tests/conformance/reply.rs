//! The responses of the peer.

use std::{fmt, time::Duration};

#[derive(Clone)]
pub enum Step {
    Bytes(Vec<u8>),
    Wait(Duration),
    /// These bytes again and again, each time after a wait. No step follows.
    Endless(Vec<u8>, Duration),
    /// The orderly end of the connection.
    Close,
    Reset,
}

/// A response, or other bytes in its place, step by step.
#[derive(Clone)]
pub struct Reply {
    pub steps: Vec<Step>,
}

impl Reply {
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { steps: vec![Step::Bytes(bytes.into())] }
    }

    /// No reply, ever.
    pub const fn never() -> Self {
        Self { steps: Vec::new() }
    }

    pub fn status(status: u16, body: &str) -> Self {
        Self::with(status, "", body)
    }

    /// A response with these header lines in addition to its length.
    pub fn with(status: u16, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::raw(format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}"))
    }

    pub fn json(body: &str) -> Self {
        Self::status(200, body)
    }

    /// A 401 with this challenge.
    pub fn challenge(challenge: &str) -> Self {
        Self::with(401, &format!("WWW-Authenticate: {challenge}\r\n"), "Nope")
    }

    /// A 401 with an MD5 challenge that has this nonce.
    pub fn digest(nonce: &str) -> Self {
        Self::challenge(&format!(
            r#"Digest realm="Web Server", domain="", qop="auth", nonce="{nonce}", opaque="77", algorithm="MD5", stale="FALSE""#
        ))
    }

    /// Returns all bytes of the reply, without the waits.
    pub fn bytes(&self) -> Vec<u8> {
        let bytes = self.steps.iter().filter_map(|step| match step {
            Step::Bytes(bytes) => Some(&bytes[..]),
            _ => None,
        });
        bytes.collect::<Vec<_>>().concat()
    }

    /// Keeps only the first bytes of the reply.
    pub fn cut(self, length: usize) -> Self {
        let mut bytes = self.bytes();
        bytes.truncate(length);
        Self::raw(bytes)
    }

    /// Returns the offset at which the body of the response begins.
    pub fn head_length(&self) -> usize {
        self.bytes().windows(4).position(|end| end == b"\r\n\r\n").expect("a head") + 4
    }

    /// Sends the reply in pieces of this size, each after a wait.
    pub fn drip(self, size: usize, every: Duration) -> Self {
        let bytes = self.bytes();
        let pieces = bytes.chunks(size).flat_map(|piece| [Step::Wait(every), Step::Bytes(piece.to_vec())]);
        Self { steps: pieces.collect() }
    }

    /// Sends the reply after a wait.
    pub fn after(mut self, wait: Duration) -> Self {
        self.steps.insert(0, Step::Wait(wait));
        self
    }

    pub fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds these bytes without an end.
    pub fn endless(self, bytes: &str, every: Duration) -> Self {
        self.then(Step::Endless(bytes.into(), every))
    }

    pub fn close(self) -> Self {
        self.then(Step::Close)
    }

    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }
}

/// Shows the first line, the size and the time.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        let bytes = self.bytes();
        let pieces = self.steps.iter().filter(|step| matches!(step, Step::Bytes(_))).count();
        if !bytes.is_empty() {
            let text = String::from_utf8_lossy(&bytes);
            words.push(format!(
                "{}, {} bytes",
                text.lines().next().unwrap_or_default().escape_debug(),
                bytes.len()
            ));
        }
        if pieces > 1 {
            words.push(format!("{pieces} pieces"));
        }
        let wait: Duration = self
            .steps
            .iter()
            .map(|step| if let Step::Wait(time) = step { *time } else { Duration::ZERO })
            .sum();
        if !wait.is_zero() {
            words.push(format!("{} ms", wait.as_millis()));
        }
        words.push(match self.steps.last() {
            Some(Step::Close) => "then closes".to_owned(),
            Some(Step::Reset) => "then resets".to_owned(),
            Some(Step::Endless(bytes, every)) => {
                format!("then {:?} each {} ms", String::from_utf8_lossy(bytes), every.as_millis())
            }
            _ if bytes.is_empty() => "nothing".to_owned(),
            _ => String::new(),
        });
        words.retain(|word| !word.is_empty());
        f.write_str(&words.join(", "))
    }
}
