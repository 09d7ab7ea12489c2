//! A message to send, borrowed from the caller.

use core::{fmt, time::Duration};

use crate::{
    Invalid, Number, Ports, UserId,
    call::{Recipient, SendSms},
    text::{Alphabet, Encoding, shape},
    track::Draft,
};

use super::send_sms;

/// The maximum number of bytes of a recipient in a request, without its number and text.
const RECIPIENT: usize = r#"{"number":"","text_param":[""],"user_id":2147483647},"#.len();

/// A message to send: a number, a text, and options.
///
/// The text is sent as it is: a `#param#` in it has no special meaning.
///
/// ```
/// use sms_gateway_core::{Invalid, client::Sms, text::Encoding};
///
/// let sms = Sms::new("+8613800138000", "Your parcel is here.")?;
/// assert_eq!(sms.text(), "Your parcel is here.");
/// assert_eq!(
///     Sms::new("10086", "你好")?.encoding(Encoding::Gsm7Bit).unwrap_err(),
///     Invalid::Alphabet { recipient: 0, character: '你' }
/// );
/// # Ok::<(), Invalid>(())
/// ```
#[derive(Clone, Copy)]
pub struct Sms<'a> {
    number: Number<'a>,
    text: &'a str,
    ports: Ports,
    alphabet: Alphabet,
    status_report: bool,
    resend: bool,
    valid_for: Option<Duration>,
    urgent: bool,
}

impl<'a> Sms<'a> {
    /// Creates a message with the default options: any port, status reports, no second submission. The encoding is GSM 7-bit if
    /// that alphabet has all characters of the text, otherwise Unicode.
    ///
    /// # Errors
    /// [`Invalid::NumberLength`] or [`Invalid::NumberDigit`] for an invalid number, [`Invalid::Text`] for a text of more than
    /// [`SendSms::MAX_TEXT_BYTES`].
    pub fn new(number: &'a str, text: &'a str) -> Result<Self, Invalid> {
        if text.len() > SendSms::MAX_TEXT_BYTES {
            return Err(Invalid::Text { bytes: text.len(), recipient: None });
        }
        let number = Number::new(number)?;
        let alphabet = Alphabet::Unicode;
        let (status_report, resend, valid_for) = (true, false, None);
        Self { number, text, ports: Ports::NONE, alphabet, status_report, resend, valid_for, urgent: false }
            .encoding(Encoding::Auto)
    }

    /// Sets the ports through which the message may be sent. If none is set, the gateway chooses.
    #[must_use]
    pub fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// Sets the encoding.
    ///
    /// # Errors
    /// [`Invalid::Alphabet`] for [`Encoding::Gsm7Bit`], if its alphabet lacks a character of the text.
    pub fn encoding(self, encoding: Encoding) -> Result<Self, Invalid> {
        let shape = shape(self.text.chars(), encoding)
            .map_err(|error| Invalid::Alphabet { recipient: 0, character: error.character })?;
        Ok(Self { alphabet: shape.alphabet, ..self })
    }

    /// Sets whether status reports are requested. Without them, the message is finished as soon as it is sent.
    #[must_use]
    pub fn status_report(self, request: bool) -> Self {
        Self { status_report: request, ..self }
    }

    /// Sets whether the message may be submitted again after the response to its submission was lost. Before the second submission,
    /// two queries must show that the gateway does not know the message while its queue is empty. Even so, the message may be sent
    /// twice. If a second submission is not allowed, the message ends as [`Unresolved`](crate::track::State::Unresolved) instead.
    #[must_use]
    pub fn resend(self, allowed: bool) -> Self {
        Self { resend: allowed, ..self }
    }

    /// Sets whether the message is submitted before all messages that are not urgent.
    #[must_use]
    pub fn urgent(self, urgent: bool) -> Self {
        Self { urgent, ..self }
    }

    /// Sets the maximum time for which the message may wait to be submitted. See [`Draft::valid_for`].
    #[must_use]
    pub fn valid_for(self, limit: Duration) -> Self {
        Self { valid_for: Some(limit), ..self }
    }

    /// Returns the text.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Returns the draft of the message for the tracker.
    pub fn draft(&self) -> Draft<'a> {
        let bytes =
            RECIPIENT.saturating_add(self.number.as_str().len()).saturating_add(json_bytes(self.text));
        let draft = Draft::new(self.number)
            .ports(self.ports)
            .alphabet(self.alphabet)
            .status_report(self.status_report)
            .resend(self.resend)
            .urgent(self.urgent)
            .text_bytes(u16::try_from(bytes).unwrap_or(u16::MAX));
        match self.valid_for {
            Some(limit) => draft.valid_for(limit),
            None => draft,
        }
    }

    /// Calls `read` with the request that submits this message alone, with the longest user_id.
    pub(super) fn with_request<R>(&self, read: impl FnOnce(&SendSms<'_>) -> R) -> Result<R, Invalid> {
        let text = [self.text];
        let recipients = [Recipient::new(self.number).params(&text).user_id(UserId::MAX)];
        send_sms(&recipients, self.ports, Some(self.alphabet), self.status_report)
            .map(|request| read(&request))
    }
}

/// Shows neither the number nor the text, which are private.
impl fmt::Debug for Sms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sms").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// Returns the maximum number of bytes that a text takes in a JSON string.
pub fn json_bytes(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1_usize,
    });
    bytes.sum()
}
