//! The messages of a trial: numbers, texts and fates.

use std::time::Duration;

use fastrand::Rng;
use gateway_emulator::{Fate, Plan};

/// The beginning of the numbers. Each message has a number of its own.
const PREFIX: &str = "+8613";

/// Returns the number of a message's recipient.
pub fn number(index: usize) -> String {
    format!("{PREFIX}{index:09}")
}

/// Returns the text of a message, which no other message has.
pub fn text(index: usize) -> String {
    format!("Message {index}")
}

/// Returns the message with this text.
pub fn index(text: &str) -> Option<usize> {
    text.strip_prefix("Message ")?.parse().ok()
}

/// Returns the text of an incoming message.
pub(crate) fn incoming(gateway: usize, count: usize) -> String {
    format!("Incoming {gateway}-{count}")
}

/// Draws the fate of a message; `None` for a usual delivery.
pub(crate) fn fate(chance: &mut Rng) -> Option<Plan> {
    Some(match chance.u32(..1000) {
        0..20 => Fate::Fail.into(),
        20..30 => Fate::Undelivered(70).into(),
        30..50 => Fate::NoReport.into(),
        50..70 => Fate::Deliver.late(Duration::from_secs(10 + chance.u64(..50))),
        70..90 => Fate::Deliver.doubled(),
        90..100 => Fate::Deliver.temporary(33),
        100..110 => Fate::Deliver.early(),
        110..113 => Fate::Hidden.into(),
        _ => return None,
    })
}
