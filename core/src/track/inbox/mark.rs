//! Marks, which identify incoming messages.

use crate::{call::IncomingSms, json::Text, value::to_seconds};

/// Identifies an incoming message, to [acknowledge](crate::track::Tracker::acknowledge_incoming) it and to recognise repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InboxMark {
    /// The gateway's id of the message. Ids may restart.
    pub id: i64,
    /// A hash of port, sender, time and text. It stays the same if ids restart. It is odd if the sender or the text did not fit.
    pub hash: u32,
}

impl InboxMark {
    /// Returns the mark of a message; `None` without an id.
    pub(super) fn of(sms: &IncomingSms<'_>) -> Option<Self> {
        // A text that did not fit has another hash with a larger buffer.
        let is_whole =
            !matches!(sms.text, Text::TooLong { .. }) && !matches!(sms.number, Text::TooLong { .. });
        let hash = hash(sms) & !1 | u32::from(!is_whole);
        Some(Self { id: sms.incoming_sms_id.get()?, hash })
    }
}

/// Hashes a message with FNV-1a.
fn hash(sms: &IncomingSms<'_>) -> u32 {
    let mut hash = 0x811C_9DC5_u32;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
        // Separates this field from the next one.
        hash = (hash ^ 0xFF).wrapping_mul(0x0100_0193);
    };
    add(&sms.port.get().unwrap_or(u32::MAX).to_le_bytes());
    add(sms.number.as_str().as_bytes());
    add(&sms.timestamp.get().map_or(u32::MAX, to_seconds).to_le_bytes());
    add(sms.text.as_str().as_bytes());
    hash
}
