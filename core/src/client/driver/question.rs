//! The calls of the messenger other than submissions.

use crate::call::{
    AnyCall, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, StopSms,
};

/// A query, or a request to stop a task. It can be built again for the same exchange, so repeating the request requires no copy.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// Queries the results of messages.
    Results(QuerySmsResult<'a>),
    /// Queries status reports.
    Reports(QuerySmsDeliverStatus<'a>),
    /// Queries the length of the gateway's queue.
    Queue(QuerySmsInQueue),
    /// Queries incoming messages.
    Incoming(QueryIncomingSms),
    /// Stops a task.
    Stop(StopSms),
}

impl Question<'_> {
    /// Returns the call to perform.
    pub fn call(&self) -> AnyCall<'_> {
        match self {
            Self::Results(call) => call.into(),
            Self::Reports(call) => call.into(),
            Self::Queue(call) => call.into(),
            Self::Incoming(call) => call.into(),
            Self::Stop(call) => call.into(),
        }
    }
}
