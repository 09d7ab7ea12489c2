//! The values in requests. Each value can only be built within its limits, so an invalid request can't be sent.

mod id;
mod number;
mod port;
mod timestamp;

pub use id::{TaskId, UserId};
pub use number::Number;
pub use port::{Port, Ports, PortsIter};
pub use timestamp::Timestamp;
pub(crate) use timestamp::{from_seconds, to_seconds};

use core::fmt;

use crate::show::{Decimal, Quoted};

/// Input of the caller that is outside the limits of the gateway's API. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Invalid {
    /// A port outside 0 to 31.
    Port {
        /// The given value.
        port: u32,
    },
    /// A text that is neither a port nor a list of ports such as `1,2,8-15`.
    PortSyntax,
    /// A request that needs at least one port, but has none.
    NoPort,
    /// A phone number that is empty or longer than [`Number::MAX_BYTES`].
    NumberLength {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A phone number without digits, or with a character other than a digit after the optional `+`.
    NumberDigit {
        /// The number of characters before `character`, or 1 if the number is only a `+`.
        at: usize,
        /// The first character that is not a digit, or `None` if the number has no digits.
        character: Option<char>,
    },
    /// A phone number with a country code and `(0)`, such as `+49 (0)151 …`. The 0 is not dialled after a country code.
    NumberTrunk {
        /// The number of characters before the `(`.
        at: usize,
    },
    /// A user_id outside 0 to [`UserId::MAX`].
    UserId {
        /// The given value.
        value: i64,
    },
    /// No recipient, or more than [`crate::call::SendSms::MAX_RECIPIENTS`].
    Recipients {
        /// Number of recipients given.
        count: usize,
    },
    /// A text of more than [`crate::call::SendSms::MAX_TEXT_BYTES`], as written or as expanded for a recipient.
    Text {
        /// Its length in bytes.
        bytes: usize,
        /// The index, from 0, of the recipient whose expanded text is too long, or `None` if the text is too long as written.
        recipient: Option<usize>,
    },
    /// A recipient whose number of parameters differs from the number of `#param#` placeholders in the text.
    TextParams {
        /// The index of the recipient, from 0.
        recipient: usize,
        /// Number of `#param#` placeholders in the text.
        placeholders: usize,
        /// Number of the recipient's parameters.
        params: usize,
    },
    /// A text that is to be sent as GSM 7-bit, but has a character outside that alphabet.
    Alphabet {
        /// The index of the recipient, from 0.
        recipient: usize,
        /// The first such character.
        character: char,
    },
    /// More phone numbers in a query than [`crate::call::MAX_QUERY_NUMBERS`].
    Numbers {
        /// Number of phone numbers given.
        count: usize,
    },
    /// A USSD text longer than [`crate::call::SendUssd::MAX_TEXT_BYTES`].
    UssdLength {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A request to send an empty USSD text.
    UssdEmpty,
    /// A request for port information that names no kind of information.
    NoInfo,
    /// A text that is not a valid time `YYYY-MM-DD HH:MM:SS`.
    Timestamp,
    /// A target of a raw call that does not begin with `/`, or has a character that must be percent-encoded.
    Target {
        /// The byte position of the first such character, or 0 if only the `/` is missing.
        at: usize,
    },
    /// A target of a raw call that is longer than [`crate::call::RawCall::MAX_TARGET_BYTES`].
    TargetLength {
        /// Its length in bytes.
        bytes: usize,
    },
}

impl Invalid {
    /// Replaces the index of the recipient, in an error that has one. For example, converts the index in a request to the index
    /// in the caller's own list.
    ///
    /// ```
    /// use sms_gateway_core::Invalid;
    ///
    /// let error = Invalid::Alphabet { recipient: 1, character: '你' };
    /// assert_eq!(error.map_recipient(|index| index + 128), Invalid::Alphabet { recipient: 129, character: '你' });
    /// ```
    #[must_use]
    pub fn map_recipient(mut self, map: impl FnOnce(usize) -> usize) -> Self {
        if let Self::Text { recipient: Some(recipient), .. }
        | Self::TextParams { recipient, .. }
        | Self::Alphabet { recipient, .. } = &mut self
        {
            *recipient = map(*recipient);
        }
        self
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Port { port } => write!(f, "port {port} is outside 0 to 31"),
            Self::PortSyntax => f.write_str("ports are written as 1,2 or 8-15"),
            Self::NoPort => f.write_str("at least one port is needed"),
            Self::NumberLength { bytes: 0 } => f.write_str("the number is empty"),
            Self::NumberLength { bytes } => too_long("number", bytes, Number::MAX_BYTES, f),
            Self::NumberDigit { character: None, .. } => f.write_str("the number has no digit"),
            Self::NumberDigit { at, character: Some(character) } => {
                let character = Quoted(character);
                write!(f, "the number has {character} as character {}, not a digit", at.saturating_add(1))
            }
            Self::NumberTrunk { at } => {
                let place = at.saturating_add(1);
                write!(
                    f,
                    "the (0) from character {place} on is not dialled after a country code: leave it out"
                )
            }
            Self::UserId { value } => {
                write!(f, "user_id {} is outside 0 to {}", Decimal::from(value), UserId::MAX.get())
            }
            Self::Recipients { count } => write!(f, "{count} recipients, a request takes 1 to 128"),
            Self::Text { bytes, recipient: None } => too_long("text", bytes, 1500, f),
            Self::Text { bytes, recipient: Some(at) } => {
                write!(
                    f,
                    "the text for recipient {at} has {bytes} bytes with its parameters, 1500 are allowed"
                )
            }
            Self::TextParams { recipient, placeholders, params } => write!(
                f,
                "recipient {recipient} has {params} parameters for {placeholders} #param# in the text"
            ),
            Self::Alphabet { recipient, character } => {
                let character = Quoted(character);
                write!(f, "the text for recipient {recipient} has {character}, which GSM 7-bit lacks")
            }
            Self::Numbers { count } => write!(f, "{count} numbers, a query takes at most 32"),
            Self::UssdLength { bytes } => too_long("USSD text", bytes, 60, f),
            Self::UssdEmpty => f.write_str("the USSD text is empty"),
            Self::NoInfo => f.write_str("at least one kind of port information is needed"),
            Self::Timestamp => f.write_str("not a time as YYYY-MM-DD HH:MM:SS"),
            Self::Target { at: 0 } => f.write_str("the path must begin with /"),
            Self::Target { at } => {
                write!(f, "the character at position {at} of the path must be percent-encoded")
            }
            Self::TargetLength { bytes } => too_long("path", bytes, 65_534, f),
        }
    }
}

#[cfg_attr(target_os = "none", inline(never))]
fn too_long(what: &str, bytes: usize, most: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "the {what} has {bytes} bytes, {most} are allowed")
}

impl core::error::Error for Invalid {}
