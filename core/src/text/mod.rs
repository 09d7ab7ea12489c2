//! SMS text: the message of each recipient, as it will be sent.
//!
//! - [`gsm7`]: the characters of the GSM 7-bit default alphabet.
//! - [`shape`]: the alphabet, the number of segments and the unused units, in one pass over the characters.
//! - [`Template`]: the `#param#` placeholders of `send_sms`, filled as the gateway fills them.
//!
//! No text is copied. A template is expanded piece by piece, and each piece is counted when it is read.
//!
//! # Example
//! ```
//! use sms_gateway_core::text::{Alphabet, Encoding, Template};
//!
//! let template = Template::new("Dear #param#, your code is #param#.");
//! let message = template.expand(&["Zoë", "4711"])?;
//! assert_eq!(message.to_string(), "Dear Zoë, your code is 4711.");
//!
//! // ë is not in the GSM alphabet, so this recipient needs Unicode; the next one does not.
//! let shape = message.shape(Encoding::Auto)?;
//! assert_eq!((shape.alphabet, shape.segments, shape.room), (Alphabet::Unicode, 1, 42));
//! let shape = template.expand(&["Zoé", "4711"])?.shape(Encoding::Auto)?;
//! assert_eq!((shape.alphabet, shape.segments, shape.room), (Alphabet::Gsm7Bit, 1, 132));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod gsm7;
mod segment;
mod template;

pub use segment::{NotInAlphabet, Shape, shape};
pub use template::{Expansion, PLACEHOLDER, Pieces, Template, WrongCount, placeholders};

/// The caller's choice of encoding.
///
/// The gateway has two encodings: see [`Alphabet`]. `Auto` itself is never sent: the text decides which of the two is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// GSM 7-bit if every character of the text is in that alphabet, otherwise Unicode.
    Auto,
    /// GSM 7-bit. A text with other characters is an error.
    Gsm7Bit,
    /// Unicode for any text; the gateway's default.
    #[default]
    Unicode,
}

impl From<Alphabet> for Encoding {
    fn from(alphabet: Alphabet) -> Self {
        match alphabet {
            Alphabet::Gsm7Bit => Self::Gsm7Bit,
            Alphabet::Unicode => Self::Unicode,
        }
    }
}

/// The alphabet of a message (3GPP TS 23.038 §4, §6.2): a value of the `encoding` parameter of `send_sms`.
///
/// It serializes as the [gateway's word](Self::as_str) for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Alphabet {
    /// The GSM 7-bit default alphabet with its extension table: 160 septets in a message of one segment.
    #[serde(rename = "gsm-7bit")]
    Gsm7Bit,
    /// UCS-2, in practice UTF-16: 70 units in a message of one segment. The gateway's default.
    #[default]
    #[serde(rename = "unicode")]
    Unicode,
}

impl Alphabet {
    /// Returns the gateway's word for the alphabet: `gsm-7bit` or `unicode`.
    ///
    /// ```
    /// use sms_gateway_core::text::{Encoding, shape};
    ///
    /// let shape = shape("Grüße".chars(), Encoding::Auto)?;
    /// assert_eq!(shape.alphabet.as_str(), "gsm-7bit");
    /// # Ok::<(), sms_gateway_core::text::NotInAlphabet>(())
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7Bit => "gsm-7bit",
            Self::Unicode => "unicode",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphabets_serialize_as_their_wire_words() {
        for alphabet in [Alphabet::Gsm7Bit, Alphabet::Unicode] {
            assert_eq!(serde_json::to_value(alphabet).unwrap(), alphabet.as_str());
        }
    }

    #[test]
    fn unicode_is_the_default_of_both() {
        assert_eq!(Encoding::from(Alphabet::default()), Encoding::default());
        assert_eq!(Alphabet::default().as_str(), "unicode");
    }

    #[test]
    fn forced_encoding_sets_the_alphabet() {
        for alphabet in [Alphabet::Gsm7Bit, Alphabet::Unicode] {
            assert_eq!(shape("abc".chars(), alphabet.into()).unwrap().alphabet, alphabet);
        }
    }
}
