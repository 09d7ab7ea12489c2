//! A message as the caller submits it to the tracker.

use core::time::Duration;

use super::{
    entry::{GSM_7BIT, MAY_RESEND, Slot, UNICODE, WANTS_REPORT},
    lifecycle,
    validity::Validity,
};
use crate::{
    Number, Ports, UserId,
    text::Alphabet,
    track::{clock::Tick, number::PackedNumber},
};

/// A message to be sent, without its text. The caller keeps the text until the gateway has accepted the message.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    number: Number<'a>,
    ports: Ports,
    alphabet: Option<Alphabet>,
    text_bytes: u16,
    status_report: bool,
    resend: bool,
    validity: Validity,
    urgent: bool,
}

impl<'a> Draft<'a> {
    /// Creates a draft of a message to this number. By default, it is sent through any port, in the gateway's default encoding, with
    /// status reports, and never twice.
    pub const fn new(number: Number<'a>) -> Self {
        let validity = Validity::NONE;
        Self {
            number,
            ports: Ports::NONE,
            alphabet: None,
            text_bytes: 0,
            status_report: true,
            resend: false,
            validity,
            urgent: false,
        }
    }

    /// Sets the ports through which the message may be sent.
    #[must_use]
    pub const fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// Sets the encoding of the message. All messages of a request have the same encoding.
    #[must_use]
    pub const fn alphabet(self, alphabet: Alphabet) -> Self {
        Self { alphabet: Some(alphabet), ..self }
    }

    /// Sets the number of bytes that the text takes in a request. [`Limits::request_bytes`](crate::track::Limits::request_bytes) bounds
    /// the sum of these numbers over the messages of a request.
    #[must_use]
    pub const fn text_bytes(self, bytes: u16) -> Self {
        Self { text_bytes: bytes, ..self }
    }

    /// Sets whether status reports are requested. A message without them is finished as soon as it is sent.
    #[must_use]
    pub const fn status_report(self, request: bool) -> Self {
        Self { status_report: request, ..self }
    }

    /// Sets whether the message may be sent again after the response to its submission was lost. It is sent again if two responses in a
    /// row, requested after the gateway's queue was empty, lack its result. The message may then be sent twice, and its outcome is that of
    /// the second submission. By default it is not sent again, and ends as [`State::Unresolved`](crate::track::State::Unresolved).
    #[must_use]
    pub const fn resend(self, allowed: bool) -> Self {
        Self { resend: allowed, ..self }
    }

    /// Sets whether the message is submitted before all messages that are not urgent. Its request contains messages that are not urgent
    /// only if there is room left. An urgent message does not overtake messages that the gateway already has.
    #[must_use]
    pub const fn urgent(self, urgent: bool) -> Self {
        Self { urgent, ..self }
    }

    /// Sets how long the message may wait to be submitted. After that time it ends as [`State::Expired`](crate::track::State::Expired),
    /// or as [`State::Unresolved`](crate::track::State::Unresolved) if it waits to be [resent](Self::resend). A message that was
    /// submitted in time is not affected. The default and maximum is [`Timing::expire`](crate::track::Timing::expire).
    ///
    /// The time is rounded down by less than a sixteenth, to between 8.5 s and 5.8 days. After the time has passed, the message is not
    /// submitted any more, but it may take another second to end. While the program does not run, the time stands still.
    #[must_use]
    pub fn valid_for(self, limit: Duration) -> Self {
        Self { validity: Validity::new(limit), ..self }
    }
}

impl Slot {
    /// Fills an empty slot with a new message.
    pub(in crate::track) fn begin(&mut self, draft: &Draft<'_>, id: UserId, now: Tick) {
        self.user_id = id.get();
        self.set_number(&PackedNumber::parse(draft.number.as_str()).unwrap_or(PackedNumber::NONE));
        (self.ports, self.text_bytes, self.validity) = (draft.ports.bits(), draft.text_bytes, draft.validity);
        for (flag, is_on) in [
            (WANTS_REPORT, draft.status_report),
            (MAY_RESEND, draft.resend),
            (UNICODE, draft.alphabet == Some(Alphabet::Unicode)),
            (GSM_7BIT, draft.alphabet == Some(Alphabet::Gsm7Bit)),
        ] {
            self.set(flag, is_on);
        }
        self.set_urgent(draft.urgent);
        lifecycle::begin(self, now);
    }
}
