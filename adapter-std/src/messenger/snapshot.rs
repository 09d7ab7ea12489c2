//! The changing part of a message.

use std::sync::Arc;

use sms_gateway_core::track::Message;

/// The facts about a message that change.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) message: Message,
    /// The text, until the gateway has accepted the message, or the message is finished.
    pub(super) text: Option<Arc<str>>,
    /// The IMSI of the SIM card that sent the message.
    pub(super) imsi: Option<Arc<str>>,
}
