//! A question of the messenger as a call.

use crate::call::{
    AnyCall, QueryIncomingSms, QuerySmsDeliverStatus, QuerySmsInQueue, QuerySmsResult, StopSms,
};

/// A question that the messenger asks. It is the same each time it is built, so a repeated request needs no copy.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// For the results of messages.
    Results(QuerySmsResult<'a>),
    /// For status reports.
    Reports(QuerySmsDeliverStatus<'a>),
    /// For the length of the gateway's queue.
    Queue(QuerySmsInQueue),
    /// For messages that arrived.
    Incoming(QueryIncomingSms),
    /// To stop a task.
    Stop(StopSms),
}

impl Question<'_> {
    /// The call that asks it.
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
