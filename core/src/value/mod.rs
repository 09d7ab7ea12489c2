//! The values in requests. Each can only be built within its limits, so an invalid request can't be sent.

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

/// An input of the caller that exceeds a limit of the gateway's API. Nothing was sent.
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
    /// A request without ports that needs at least one.
    NoPort,
    /// A number that is empty or longer than [`Number::MAX_BYTES`].
    NumberLength {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A number without digits, or with other characters after an optional `+`.
    NumberDigit {
        /// The number of characters before the first other character, or in the whole text if it only lacks digits.
        at: usize,
        /// The first other character.
        character: Option<char>,
    },
    /// A number with a country code and `(0)`, which is not dialled after it: `+49 (0)151 …`.
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
        /// The given number.
        count: usize,
    },
    /// A text of more than [`crate::call::SendSms::MAX_TEXT_BYTES`], as written or as expanded for a recipient.
    Text {
        /// Its length in bytes.
        bytes: usize,
        /// The recipient, counted from 0, for whom the expanded text is too long, or `None` if it is too long as written.
        recipient: Option<usize>,
    },
    /// A recipient with more or fewer parameters than the text has `#param#`.
    TextParams {
        /// The recipient, counted from 0.
        recipient: usize,
        /// Number of `#param#` in the text.
        placeholders: usize,
        /// Number of the recipient's parameters.
        params: usize,
    },
    /// A text to be sent as GSM 7-bit with a character that the alphabet lacks.
    Alphabet {
        /// The recipient, counted from 0.
        recipient: usize,
        /// The first such character.
        character: char,
    },
    /// More phone numbers in a query than [`crate::call::MAX_QUERY_NUMBERS`].
    Numbers {
        /// The given number.
        count: usize,
    },
    /// A USSD text longer than [`crate::call::SendUssd::MAX_TEXT_BYTES`].
    UssdLength {
        /// Its length in bytes.
        bytes: usize,
    },
    /// An empty USSD text in a request to send one.
    UssdEmpty,
    /// A request for port information without a kind of information.
    NoInfo,
    /// A text that is not a valid time `YYYY-MM-DD HH:MM:SS`.
    Timestamp,
    /// The target of a raw call does not begin with `/`, or has a character that must be percent-encoded.
    Target {
        /// The byte position of the first such character.
        at: usize,
    },
    /// The target of a raw call is longer than [`crate::call::RawCall::MAX_TARGET_BYTES`].
    TargetLength {
        /// Its length in bytes.
        bytes: usize,
    },
}

impl Invalid {
    /// Replaces the index of the recipient at fault, in an error that names one: for example the index in a request by the index
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
