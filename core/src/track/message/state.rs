//! The states of a message.

/// The state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// Handed to the tracker, not yet to the gateway.
    Unsent,
    /// On its way to the gateway.
    Submitted,
    /// The response to its send_sms is missing: the gateway may have it or not, and is queried.
    Uncertain,
    /// The gateway has it.
    Accepted,
    /// A port is sending it.
    Sending,
    /// The network has it. This state is final if no status report was requested.
    Sent,
    /// All segments are delivered. Final.
    Delivered,
    /// It failed: see [`MessageFailure`](super::MessageFailure). Final.
    Failed,
    /// It was stopped before it was sent. Final.
    Stopped,
    /// No outcome arrived in time. Final.
    Expired,
    /// The outcome cannot be known: the gateway's response was lost and the gateway does not have the message, or has forgotten it.
    /// Final.
    Unresolved,
}

impl State {
    /// Returns whether the state is final for every message; [`Sent`](Self::Sent) is final only for some.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Stopped | Self::Expired | Self::Unresolved)
    }

    /// Returns whether the gateway has the message, or may have it, and has not sent it.
    pub(in crate::track) const fn is_under_way(self) -> bool {
        matches!(self, Self::Submitted | Self::Uncertain | Self::Accepted | Self::Sending)
    }

    /// All states; a saved record contains the place in this list.
    pub(in crate::track) const ALL: [Self; 11] = [
        Self::Unsent,
        Self::Submitted,
        Self::Uncertain,
        Self::Accepted,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Failed,
        Self::Stopped,
        Self::Expired,
        Self::Unresolved,
    ];
}
