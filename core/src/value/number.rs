//! Phone numbers in requests.

use core::fmt;

use serde::Serialize;

use super::Invalid;

/// A phone number in a request: digits, at most 24 bytes (document §2.2). Gateways also accept a leading `+`.
///
/// ```
/// use sms_gateway_core::{Invalid, Number};
/// assert_eq!(Number::new("+8613800123456")?.as_str(), "+8613800123456");
/// assert_eq!(Number::new("12a"), Err(Invalid::NumberDigit { at: 2 }));
/// # Ok::<(), Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Number<'a>(&'a str);

impl<'a> Number<'a> {
    /// Maximum length in bytes, including a `+`.
    pub const MAX_BYTES: usize = 24;

    /// Creates a number for a request.
    ///
    /// # Errors
    /// [`Invalid::NumberLength`] if it is empty or too long, [`Invalid::NumberDigit`] if it is not a number.
    pub fn new(number: &'a str) -> Result<Self, Invalid> {
        let bytes = number.len();
        let digits = number.strip_prefix('+').unwrap_or(number);
        if bytes == 0 || bytes > Self::MAX_BYTES {
            return Err(Invalid::NumberLength { bytes });
        }
        if digits.is_empty() {
            return Err(Invalid::NumberDigit { at: bytes });
        }
        match number.bytes().skip(bytes.saturating_sub(digits.len())).position(|byte| !byte.is_ascii_digit())
        {
            Some(at) => {
                Err(Invalid::NumberDigit { at: at.saturating_add(bytes.saturating_sub(digits.len())) })
            }
            None => Ok(Self(number)),
        }
    }

    /// Creates a number that was validated before.
    pub(crate) const fn of_valid(number: &'a str) -> Self {
        Self(number)
    }

    /// Returns the number as it was given.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_1_to_24_bytes() {
        let digits = "1234567890123456789012345";
        assert!(Number::new(&digits[..23]).is_ok());
        assert!(Number::new(&digits[..24]).is_ok());
        assert_eq!(Number::new(digits), Err(Invalid::NumberLength { bytes: 25 }));
        assert_eq!(Number::new(""), Err(Invalid::NumberLength { bytes: 0 }));
        assert_eq!(Number::new("+"), Err(Invalid::NumberDigit { at: 1 }));
        assert_eq!(Number::new("+1+"), Err(Invalid::NumberDigit { at: 2 }));
        assert_eq!(Number::new("١٢"), Err(Invalid::NumberDigit { at: 0 }));
    }
}
