//! The number of messages under way: those that the gateway has accepted, or may have accepted, but has not sent yet.

use crate::track::{message::State, settings::Limits};

/// The number of messages under way: in total, and for each port those that may be sent only through that port.
#[derive(Debug)]
pub(super) struct Load {
    total: u32,
    by_port: [u16; 32],
}

impl Load {
    pub(super) const NONE: Self = Self { total: 0, by_port: [0; 32] };

    pub(super) fn total(&self) -> u32 {
        self.total
    }

    /// Counts a message whose state changed, or that was restored (`from` is [`State::Unsent`]).
    pub(super) fn count(&mut self, from: State, to: State, ports: u32) {
        if from.is_under_way() == to.is_under_way() {
            return;
        }
        let add = to.is_under_way();
        self.total = if add { self.total.saturating_add(1) } else { self.total.saturating_sub(1) };
        if let Some(count) = only_port(ports).and_then(|port| self.by_port.get_mut(port)) {
            *count = if add { count.saturating_add(1) } else { count.saturating_sub(1) };
        }
    }

    pub(super) fn has_room(&self, limits: &Limits) -> bool {
        self.total < limits.under_way
    }

    /// Returns whether another message may be submitted for these ports.
    pub(super) fn port_has_room(&self, limits: &Limits, ports: u32) -> bool {
        let count = only_port(ports).and_then(|port| self.by_port.get(port));
        count.is_none_or(|count| *count < limits.under_way_per_port)
    }
}

/// Returns the port of a set that consists of one port.
fn only_port(ports: u32) -> Option<usize> {
    ports.is_power_of_two().then(|| ports.trailing_zeros() as usize)
}
