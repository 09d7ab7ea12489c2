//! The gateway's refusal of a request, by the error_code of its response.

use core::fmt;

use serde::Serialize;

use super::Spec;
use crate::json::Field;

/// The record type of a response without records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Never {}

/// The gateway's refusal of a request: the error_code of the response is not the code for success.
///
/// If the response has no readable error_code, [`code`](Self::code) is `None`, and the gateway may have carried out the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Refusal {
    /// The call's name.
    pub call: &'static str,
    /// The error_code, or `None` if it is missing or not a number.
    pub code: Option<u32>,
    /// The meaning of the code for this call (the "Response Parameter" section of each call in the document).
    pub meaning: &'static str,
}

impl Refusal {
    /// Checks the error_code of a response. Any code except the call's success code is a refusal.
    pub(crate) fn judge(spec: &'static Spec, code: Field<'_, u32>) -> Result<(), Self> {
        let (code, meaning) = match code {
            Field::Known(code) if code == spec.success => return Ok(()),
            Field::Known(code) => {
                let meaning = spec.meanings.iter().find(|known| known.0 == code);
                (Some(code), meaning.map_or("a code that the document does not list", |known| known.1))
            }
            Field::Missing => (None, "it has no error_code"),
            Field::Other(_) => (None, "its error_code is not a number"),
        };
        Err(Self { call: spec.name, code, meaning })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "the gateway refused {}: {code}, {}", self.call, self.meaning),
            None => write!(f, "the gateway's response to {} is unclear: {}", self.call, self.meaning),
        }
    }
}

impl core::error::Error for Refusal {}
