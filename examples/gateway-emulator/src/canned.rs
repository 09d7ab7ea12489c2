//! Responses prepared for one request: other bytes than the true response, or only a part of it.

use std::time::Duration;

use bytes::Bytes;

use crate::reply::{End, Outcome, Reply, Step};

/// A response prepared for the next request of one call, for example `send_sms`. A request whose login is refused does not use
/// up the response.
///
/// ```
/// use gateway_emulator::Canned;
/// use std::time::Duration;
///
/// // Another response. The call is not carried out.
/// let refusal = Canned::json(200, r#"{"error_code":500}"#);
/// // The call is carried out, but the response breaks off after 40 bytes.
/// let cut = Canned::truth().cut_at(40);
/// // The call is carried out, and the connection closes without a response.
/// let silence = Canned::truth().cut_at(0);
/// // The true response, byte by byte.
/// let slow = Canned::truth().in_pieces(1, Duration::ZERO);
/// ```
#[derive(Clone, Debug)]
pub struct Canned {
    /// The bytes that replace the true response.
    bytes: Option<Bytes>,
    carried_out: bool,
    cut_at: Option<usize>,
    pieces: Option<(usize, Duration)>,
    end: Option<End>,
}

impl Canned {
    /// Creates the true response, which the other methods can change.
    pub fn truth() -> Self {
        Self { bytes: None, carried_out: true, cut_at: None, pieces: None, end: None }
    }

    /// Creates a response of exactly these bytes, including the status line. The call is not carried out.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: Some(Bytes::from(bytes.into())),
            carried_out: false,
            end: Some(End::KeepAlive),
            ..Self::truth()
        }
    }

    /// Creates a response with this body as application/json, and with a regular head. The call is not carried out.
    pub fn json(status: u16, body: &str) -> Self {
        Self::bytes(Reply::new(status, "application/json", body.to_owned()).bytes())
    }

    /// Closes the connection without a response. The call is not carried out.
    pub fn silence() -> Self {
        Self::bytes([]).then(End::Close)
    }

    /// Carries out the call, although the prepared bytes replace its true response.
    #[must_use]
    pub fn carried_out(mut self) -> Self {
        self.carried_out = true;
        self
    }

    /// Sends only this number of bytes, including the head, and then closes the connection. A later [`Canned::then`] overrides the
    /// closing.
    #[must_use]
    pub fn cut_at(mut self, bytes: usize) -> Self {
        self.cut_at = Some(bytes);
        self.then(End::Close)
    }

    /// Sends the response in pieces of this number of bytes, at least 1. [`Options::speed`](crate::Options::speed) does not affect
    /// the pause between pieces.
    #[must_use]
    pub fn in_pieces(mut self, size: usize, pause: Duration) -> Self {
        self.pieces = Some((size.max(1), pause));
        self
    }

    /// Sets the behaviour of the connection after the response.
    #[must_use]
    pub fn then(mut self, end: End) -> Self {
        self.end = Some(end);
        self
    }

    pub(crate) fn is_carried_out(&self) -> bool {
        self.carried_out
    }

    /// Returns the bytes to send. `truth` is the true response, if the call was carried out.
    pub(crate) fn outcome(self, truth: Option<&Reply>) -> Outcome {
        let own_end = truth.map_or(End::KeepAlive, Reply::end);
        let whole = self.bytes.or_else(|| truth.map(Reply::bytes)).unwrap_or_default();
        let kept = whole.slice(..self.cut_at.unwrap_or(whole.len()).min(whole.len()));
        let steps = match self.pieces {
            Some((size, pause)) => pieces(&kept, size, pause),
            None => vec![Step::Write(kept)],
        };
        Outcome::Exact(steps, self.end.unwrap_or(own_end))
    }
}

fn pieces(bytes: &Bytes, size: usize, pause: Duration) -> Vec<Step> {
    let mut steps = Vec::new();
    for piece in bytes.chunks(size) {
        if !steps.is_empty() && !pause.is_zero() {
            steps.push(Step::Pause(pause));
        }
        steps.push(Step::Write(bytes.slice_ref(piece)));
    }
    steps
}

impl Canned {
    /// Returns the HTTP status, if enough of the status line is sent.
    pub(crate) fn status(&self, truth: Option<&Reply>) -> Option<u16> {
        let whole = self.bytes.clone().or_else(|| truth.map(Reply::bytes))?;
        let line = whole.get(..12)?;
        let sent = self.cut_at.is_none_or(|cut| cut >= line.len());
        std::str::from_utf8(line).ok().filter(|_| sent)?.get(9..)?.parse().ok()
    }
}
