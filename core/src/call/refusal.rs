//! The gateway's refusal of a request, by the error_code of its response.

use core::fmt;

use serde::Serialize;

use super::Spec;
use crate::json::Field;

/// The record of a response that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Never {}

/// The gateway answered, and refused: its `error_code` is not the one of success. Or it did not say: then
/// [`code`](Self::code) is `None`, and what was asked may have been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Refusal {
    /// The call.
    pub call: &'static str,
    /// The error_code; `None` when the answer has none that is a number.
    pub code: Option<u32>,
    /// What the code means for this call (the "Response Parameter" section of each call in the document).
    pub meaning: &'static str,
}

impl Refusal {
    /// Judges a response by its error_code.
    pub(crate) fn judge(spec: &'static Spec, code: Field<'_, u32>) -> Result<(), Self> {
        let (code, meaning) = match code {
            Field::Known(code) if code == spec.success => return Ok(()),
            Field::Known(code) => {
                let meaning = spec.meanings.iter().find(|known| known.0 == code);
                (Some(code), meaning.map_or("a code that the document does not list", |known| known.1))
            }
            Field::Missing => (None, "it has no error_code"),
            Field::Other(_) => (None, "its error_code is no number"),
        };
        Err(Self { call: spec.name, code, meaning })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "the gateway refused {}: {code}, {}", self.call, self.meaning),
            None => write!(f, "the gateway's answer to {} says nothing: {}", self.call, self.meaning),
        }
    }
}

impl core::error::Error for Refusal {}
