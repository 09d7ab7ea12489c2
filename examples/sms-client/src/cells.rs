//! Values of responses as table cells.

use std::fmt::Display;

use sms_gateway::core::json::{Field, Text};

/// Formats a text, with a mark if it is incomplete.
pub(crate) fn text(text: Text<'_>) -> String {
    match text {
        Text::Missing => String::new(),
        Text::Exact(text) => text.to_owned(),
        Text::Lossy(text) => format!("{text} [unreadable in part]"),
        Text::TooLong { needed } => format!("[too long: {needed} bytes]"),
    }
}

/// Formats a value. A value that could not be parsed is shown as the gateway sent it.
pub(crate) fn field<T: Copy + Display>(field: Field<'_, T>) -> String {
    match field {
        Field::Missing => String::new(),
        Field::Known(value) => value.to_string(),
        Field::Other(other) => text(other),
    }
}

/// Formats a count with its noun: `1 message`, `2 messages`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
