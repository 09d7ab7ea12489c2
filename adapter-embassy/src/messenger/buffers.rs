//! The memory of a messenger.

use core::fmt;

use sms_gateway_core::track::{PendingReport, Slot};

/// The memory that a [`Messenger`](crate::Messenger) works in besides its gateway's, lent by the caller.
pub struct MessengerBuffers<'m> {
    /// One slot for each message that is under way or kept for late reports.
    pub slots: &'m mut [Slot],
    /// One for each report that is not matched to a message yet: a few suffice.
    pub pending_reports: &'m mut [PendingReport],
    /// The memory for the texts of one request. A longer text can't be sent: 1500 bytes suffice for all. Its size and that of
    /// [`Buffers::request`](crate::Buffers::request) limit the number of messages in one request.
    pub texts: &'m mut [u8],
    /// The memory for one message that arrived: its text and two numbers.
    pub incoming: &'m mut [u8],
}

/// Shows sizes, and nothing of the messages.
impl fmt::Debug for MessengerBuffers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessengerBuffers")
            .field("slots", &self.slots.len())
            .field("pending_reports", &self.pending_reports.len())
            .field("texts", &self.texts.len())
            .field("incoming", &self.incoming.len())
            .finish()
    }
}
