//! Planning: chooses the next request and its time. One request serves as many messages as possible.
//!
//! | file | question that it answers |
//! |---|---|
//! | [`planner`] | which kind of request is next |
//! | [`backoff`] | when the next request may be made |
//! | [`schedule`] | when the gateway is queried for a message |
//! | [`in_flight`] | which request is in flight, and whether a token belongs to it |
//! | [`submissions`] | which messages share a send_sms |
//! | [`again`] | which messages that were not accepted are submitted again, and when |
//! | [`sizes`] | how large a send_sms may be |
//! | [`results`] | which results are queried, by user_id or by time |
//! | [`reports`] | which reports are queried |
//! | [`load`] | how many messages the gateway has and has not sent |
//! | [`waits`] | how long to wait |
//! | [`queue`] | which queues there are |
//! | [`queue_check`] | when the gateway's own queue is queried |
//! | [`stops`] | which tasks are stopped |

mod again;
mod backoff;
mod in_flight;
mod load;
mod planner;
mod queue;
mod queue_check;
mod reports;
mod results;
pub(super) mod schedule;
mod sizes;
mod stops;
mod submissions;
mod view;
mod waits;

pub(super) use in_flight::Request;
pub(super) use planner::Planner;
pub(super) use queue::{Messages, Queue, SHARES};
pub(super) use view::View;
pub(super) use waits::Waits;
