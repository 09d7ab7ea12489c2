//! The memory of a messenger.

use core::fmt;

use sms_gateway_core::track::{PendingReport, Slot};

/// The memory that the caller lends to a [`Messenger`](crate::Messenger), in addition to the gateway's [`Buffers`](crate::Buffers).
pub struct MessengerBuffers<'m> {
    /// One slot for each message in progress or kept for late reports.
    pub slots: &'m mut [Slot],
    /// One element for each report that is not matched to a message yet. A few suffice.
    pub pending_reports: &'m mut [PendingReport],
    /// The memory for the texts of one request. A text that does not fit can't be sent; 1500 bytes suffice for any text. The sizes of this
    /// buffer and of [`Buffers::request`](crate::Buffers::request) limit the number of messages in one request.
    pub texts: &'m mut [u8],
    /// The memory for one incoming message: its text, the numbers of the sender and the SMSC, and the IMSI.
    pub incoming: &'m mut [u8],
}

/// Shows only sizes and nothing of the messages.
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
