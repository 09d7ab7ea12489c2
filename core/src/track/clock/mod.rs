//! Time and order: the caller's clock in ticks, sequence numbers, and the gateway's clock as its responses show it.

mod gateway;
mod looks;
mod sequence;
mod tick;

pub(super) use gateway::{GatewayClock, GatewaySeconds, SentAt};
pub(super) use looks::{Looks, Mark};
pub(super) use sequence::{Sequence, SequenceCounter};
pub(super) use tick::{Earliest, PER_SECOND, Tick, seconds, ticks};
