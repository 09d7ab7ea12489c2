//! The time and the gateway's clock, as planning and matching see them.

use crate::track::clock::{GatewayClock, Tick};

#[derive(Clone, Copy, Debug)]
pub(in crate::track) struct View<'a> {
    pub(in crate::track) now: Tick,
    pub(in crate::track) clock: &'a GatewayClock,
}
