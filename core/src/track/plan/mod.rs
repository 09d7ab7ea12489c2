//! What to ask next, and when: one request for as many messages as it can serve, and only for messages that are due.
//!
//! | file | decides |
//! |---|---|
//! | [`planner`] | which kind of request is next, and when |
//! | [`in_flight`] | which request was asked, and whether a token is its own |
//! | [`submissions`] | which messages share a send_sms |
//! | [`results`] | which results are queried, by user_id or by time |
//! | [`reports`] | which reports are queried |
//! | [`load`] | how many messages the gateway has |
//! | [`waits`] | how long to wait |
//! | [`queue`] | in which queue a message waits |
//! | [`stops`] | which tasks are stopped |

mod in_flight;
mod load;
mod planner;
mod queue;
mod reports;
mod results;
mod stops;
mod submissions;
mod waits;

pub(super) use in_flight::Request;
pub(super) use planner::{Earliest, Planner, View};
pub(super) use queue::{Messages, Queue};
pub(super) use reports::OLD;
pub(super) use waits::Waits;
