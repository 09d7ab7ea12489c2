//! The response to an accepted send_sms.

use crate::{TaskId, call::SendSmsSummary};

/// The gateway's response to an accepted send_sms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Accepted {
    /// The id by which stop_sms can stop the messages.
    pub task_id: Option<TaskId>,
    /// The number of messages in the gateway's queue.
    pub sms_in_queue: Option<u32>,
}

impl From<SendSmsSummary<'_>> for Accepted {
    fn from(summary: SendSmsSummary<'_>) -> Self {
        Self { task_id: summary.task_id.get().map(TaskId::new), sms_in_queue: summary.sms_in_queue.get() }
    }
}
