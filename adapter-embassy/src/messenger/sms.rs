//! A message to be sent.

use core::fmt;

use sms_gateway_core::{
    Invalid, Number, Ports,
    call::SendSms,
    text::{Alphabet, Encoding, shape},
    track::Draft,
};

/// What a recipient takes in a request at most, beside the number and the text.
const RECIPIENT: usize = r#"{"number":"","text_param":[""],"user_id":2147483647},"#.len();

/// A message to be sent: a number and a text, and how.
///
/// The text is sent as it is: a `#param#` in it is nothing special.
///
/// ```
/// use sms_gateway_embassy::{Sms, core::{Invalid, text::Encoding}};
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
    pub(super) number: Number<'a>,
    text: &'a str,
    pub(super) ports: Ports,
    pub(super) alphabet: Alphabet,
    pub(super) status_report: bool,
    resend: bool,
}

impl<'a> Sms<'a> {
    /// A message to this number: by any port, GSM 7-bit if all of its characters allow that and else Unicode, with status
    /// reports, never sent twice.
    ///
    /// # Errors
    /// [`Invalid::NumberLength`] or [`Invalid::NumberDigit`]; [`Invalid::Text`] above [`SendSms::MAX_TEXT_BYTES`].
    pub fn new(number: &'a str, text: &'a str) -> Result<Self, Invalid> {
        if text.len() > SendSms::MAX_TEXT_BYTES {
            return Err(Invalid::Text { bytes: text.len(), recipient: None });
        }
        let number = Number::new(number)?;
        let alphabet = Alphabet::Unicode;
        Self { number, text, ports: Ports::NONE, alphabet, status_report: true, resend: false }
            .encoding(Encoding::Auto)
    }

    /// The ports it may be sent through; without any the gateway chooses.
    #[must_use]
    pub fn ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// How it is encoded.
    ///
    /// # Errors
    /// [`Invalid::Alphabet`] when [`Encoding::Gsm7Bit`] does not have a character of the text.
    pub fn encoding(self, encoding: Encoding) -> Result<Self, Invalid> {
        let shape = shape(self.text.chars(), encoding)
            .map_err(|error| Invalid::Alphabet { recipient: 0, character: error.character })?;
        Ok(Self { alphabet: shape.alphabet, ..self })
    }

    /// Whether status reports are asked for. Without, the message's end is that it was sent.
    #[must_use]
    pub fn status_report(self, request: bool) -> Self {
        Self { status_report: request, ..self }
    }

    /// Whether it is sent again when the answer to its request was lost and the gateway, its queue empty, twice does not
    /// know it. Then it may be sent twice; otherwise it ends [`Unresolved`](sms_gateway_core::track::State::Unresolved).
    #[must_use]
    pub fn resend(self, allowed: bool) -> Self {
        Self { resend: allowed, ..self }
    }

    /// The text.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn draft(&self) -> Draft<'a> {
        let bytes =
            RECIPIENT.saturating_add(self.number.as_str().len()).saturating_add(written_bytes(self.text));
        Draft::new(self.number)
            .ports(self.ports)
            .alphabet(self.alphabet)
            .status_report(self.status_report)
            .resend(self.resend)
            .text_bytes(u16::try_from(bytes).unwrap_or(u16::MAX))
    }
}

/// Shows neither number nor text, which are nobody's business in a log.
impl fmt::Debug for Sms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sms").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// How many bytes a text takes in a request's JSON at most.
fn written_bytes(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1_usize,
    });
    bytes.sum()
}
