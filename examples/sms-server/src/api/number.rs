//! Numbers as clients write them.

use sms_gateway::core::{Invalid, Number};

use super::problem::Problem;

/// Returns a number in the form that messages have.
pub(super) fn read(written: &str) -> Result<Box<str>, Invalid> {
    let mut buffer = [0; Number::MAX_BYTES];
    Ok(Number::from_written(written, &mut buffer)?.as_str().into())
}

/// As [`read`], for the number in the field `to`.
pub(super) fn recipient(written: &str) -> Result<Box<str>, Problem> {
    read(written).map_err(|error| Problem::invalid(format!("to: {error}.")).with("field", "to"))
}
