//! Time and order: the caller's clock in ticks, sequence numbers, and the gateway's clock as its responses show it. A *life* is the time
//! between two restarts of the client.

mod gateway;
mod gateway_seconds;
mod history;
mod leads;
mod ledger;
mod looks;
mod ports;
mod runs;
mod sequence;
mod tick;

pub(super) use gateway::{GatewayClock, SentAt};
pub(super) use gateway_seconds::GatewaySeconds;
pub(super) use leads::Leads;
pub(super) use ledger::Ledger;
pub(super) use looks::{Looks, Mark, Reach};
pub(super) use runs::Runs;
pub(super) use sequence::{Sequence, SequenceCounter};
pub(super) use tick::{Earliest, PER_SECOND, Tick, seconds, ticks};
