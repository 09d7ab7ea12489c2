//! The states of a message.

/// The state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// Added to the tracker, and waiting to be submitted to the gateway.
    Unsent,
    /// On its way to the gateway.
    Submitted,
    /// The response to its send_sms was lost or unclear, so the gateway may or may not have the message. The gateway is queried.
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
    /// The outcome cannot be known. The gateway's response was lost and the gateway does not have the message, or the gateway has
    /// forgotten the message. Final.
    Unresolved,
}

impl State {
    /// Returns whether the state is final for every message; [`Sent`](Self::Sent) is final only for some.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Stopped | Self::Expired | Self::Unresolved)
    }

    /// Returns whether the gateway has or may have the message, and is not known to have sent it.
    pub(in crate::track) const fn is_under_way(self) -> bool {
        matches!(self, Self::Submitted | Self::Uncertain | Self::Accepted | Self::Sending)
    }

    /// All states. A saved record contains the index of the state in this list.
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
