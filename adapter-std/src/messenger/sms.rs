//! An outgoing message.

use std::{fmt, sync::Arc, time::Duration};

use sms_gateway_core::{
    Invalid, Ports,
    client::{self, json_bytes},
    text::Encoding,
    track::Draft,
};

/// A message to send: a number, a text, and options.
///
/// The text is sent unchanged: a `#param#` in it has no special meaning.
///
/// ```
/// use sms_gateway::{Sms, core::{Invalid, Number, text::Encoding}};
///
/// let sms = Sms::new("+8613800138000", "Your parcel is here.")?.reference("order-17");
/// assert_eq!(sms.number(), "+8613800138000");
/// assert_eq!(
///     Sms::new("10086", "你好")?.encoding(Encoding::Gsm7Bit).unwrap_err(),
///     Invalid::Alphabet { recipient: 0, character: '你' }
/// );
/// # Ok::<(), Invalid>(())
/// ```
#[derive(Clone)]
pub struct Sms {
    number: Box<str>,
    pub(super) text: Arc<str>,
    ports: Ports,
    encoding: Encoding,
    status_report: bool,
    resend: bool,
    valid_for: Option<Duration>,
    urgent: bool,
    pub(super) reference: Option<Arc<str>>,
    pub(super) idempotency_key: Option<Arc<str>>,
}

impl Sms {
    /// The maximum length of a [`reference`](Self::reference), in bytes.
    pub const MAX_REFERENCE_BYTES: usize = 255;
    /// The maximum length of an [`idempotency_key`](Self::idempotency_key), in bytes.
    pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

    /// Creates a message to a number. By default it may be sent through any port, requests status reports, and is never sent
    /// twice. It is encoded in GSM 7-bit if all of its characters allow that, and otherwise in Unicode.
    ///
    /// # Errors
    /// [`Invalid::NumberLength`] or [`Invalid::NumberDigit`]; [`Invalid::Text`] for a text longer than
    /// [`SendSms::MAX_TEXT_BYTES`](sms_gateway_core::call::SendSms::MAX_TEXT_BYTES).
    pub fn new(number: &str, text: impl Into<Arc<str>>) -> Result<Self, Invalid> {
        let sms = Self {
            number: number.into(),
            text: text.into(),
            ports: Ports::NONE,
            encoding: Encoding::Auto,
            status_report: true,
            resend: false,
            valid_for: None,
            urgent: false,
            reference: None,
            idempotency_key: None,
        };
        sms.encoding(Encoding::Auto)
    }

    /// Sets the ports through which the message may be sent. If none is set, the gateway chooses.
    #[must_use]
    pub const fn ports(mut self, ports: Ports) -> Self {
        self.ports = ports;
        self
    }

    /// Sets the encoding.
    ///
    /// # Errors
    /// [`Invalid::Alphabet`] if [`Encoding::Gsm7Bit`] lacks a character of the text.
    pub fn encoding(mut self, encoding: Encoding) -> Result<Self, Invalid> {
        self.encoding = encoding;
        self.draft()?;
        Ok(self)
    }

    /// Sets whether status reports are requested. Without them, the message is finished as soon as it is sent.
    #[must_use]
    pub const fn status_report(mut self, request: bool) -> Self {
        self.status_report = request;
        self
    }

    /// Sets whether the message may be sent again after the response to its request was lost. It is sent again after the gateway,
    /// with an empty queue, has twice reported no result for it. The recipient may then receive it twice. If this is `false`, the
    /// default, the message is not sent again, and ends [`Unresolved`](sms_gateway_core::track::State::Unresolved).
    #[must_use]
    pub const fn resend(mut self, allowed: bool) -> Self {
        self.resend = allowed;
        self
    }

    /// Sets whether the message is submitted before all waiting messages that are not urgent. It does not overtake messages that the
    /// gateway already has.
    #[must_use]
    pub const fn urgent(mut self, urgent: bool) -> Self {
        self.urgent = urgent;
        self
    }

    /// Sets the time for which the message may wait to be submitted, for example because the gateway cannot be reached. After this
    /// time, the message ends [`Expired`](sms_gateway_core::track::State::Expired), and is not sent. A message that was submitted in
    /// time is not affected. The time is rounded down by less than a sixteenth, and is between 8.5 s and 5.8 days; see
    /// [`Draft::valid_for`]. The default and the maximum are [`Timing::expire`](sms_gateway_core::track::Timing::expire). Only the time
    /// during which the program runs counts.
    #[must_use]
    pub const fn valid_for(mut self, limit: Duration) -> Self {
        self.valid_for = Some(limit);
        self
    }

    /// Sets a reference, by which the caller recognises the message after a restart. Its length is at most
    /// [`MAX_REFERENCE_BYTES`](Self::MAX_REFERENCE_BYTES). An empty reference is ignored.
    #[must_use]
    pub fn reference(mut self, reference: &str) -> Self {
        self.reference = (!reference.is_empty()).then(|| reference.into());
        self
    }

    /// Sets a key that makes a repeated call of [`Messenger::send`](super::Messenger::send) harmless. The key must not be empty, and
    /// its length is at most [`MAX_IDEMPOTENCY_KEY_BYTES`](Self::MAX_IDEMPOTENCY_KEY_BYTES).
    ///
    /// If the messenger knows a message with this key, it sends nothing and returns another handle of that message. It refuses the
    /// call if that message has another text, or if its number is spelt differently. All other settings may differ and are ignored.
    ///
    /// A messenger knows a key for as long as it keeps the message: until the message's outcome is acknowledged, and after that for
    /// as long as status reports may still arrive. If the reports are complete or not requested, the messenger keeps the message until
    /// 2 h after its end ([`Timing::reported`](crate::core::track::Timing::reported)). If reports are missing, it keeps the message until
    /// 72 h after its end ([`Timing::late`](crate::core::track::Timing::late)). If no part of the message was sent, the key ends with
    /// the acknowledgement. Keys of different messengers are independent. Without a durable [store](super::Builder::store), keys end with
    /// the messenger.
    ///
    /// ```
    /// # async fn example(messenger: sms_gateway::Messenger) -> Result<(), Box<dyn std::error::Error>> {
    /// use sms_gateway::Sms;
    ///
    /// let sms = Sms::new("10086", "Your order is on its way.")?.idempotency_key("order-17/sent");
    /// let first = messenger.send(sms.clone()).await?;
    /// // The program may call `send` again, for example because its own client did not receive a response.
    /// let again = messenger.send(sms).await?;
    /// assert_eq!(first.id(), again.id());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn idempotency_key(mut self, key: &str) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Returns the recipient's number.
    pub fn number(&self) -> &str {
        &self.number
    }

    pub(super) fn draft(&self) -> Result<Draft<'_>, Invalid> {
        let sms = client::Sms::new(&self.number, &self.text)?.encoding(self.encoding)?;
        let mut sms =
            sms.ports(self.ports).status_report(self.status_report).resend(self.resend).urgent(self.urgent);
        if let Some(limit) = self.valid_for {
            sms = sms.valid_for(limit);
        }
        Ok(sms.draft().text_bytes(u16::try_from(json_bytes(&self.text)).unwrap_or(u16::MAX)))
    }
}

/// Shows neither the number nor the text, which do not belong in logs.
impl fmt::Debug for Sms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sms").field("reference", &self.reference).finish_non_exhaustive()
    }
}
