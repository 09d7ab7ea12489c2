//! Messages that the gateway did not accept. They are submitted again in separate requests, so that other messages do not wait for them.
//!
//! A request that is refused because of one of its messages is divided until that message is alone in a request. The messages of a refused
//! request move to the queue for requests of half that size. Each request takes messages from one such queue, at most as many as the queue
//! allows. A message therefore takes part in at most 8 refused requests, and an accepted half is never submitted again.

use super::{
    load::Load,
    queue::{HELD, Messages, Queue, SHARES},
    sizes::{Size, Sizes, share},
};
use crate::track::{
    clock::{Earliest, PER_SECOND, Tick},
    message::Slot,
    settings::Limits,
    table::SlotId,
};

/// The maximum number of requests in a burst. Only requests with messages that are submitted again count.
const BURST: u8 = 8;
/// The ticks after which another request may be made. Together with a burst, at most 16 requests are made in a minute.
const REFILL_AFTER: u32 = 60 * PER_SECOND / 8;

/// Decides when messages are submitted again, and how many at once.
#[derive(Debug)]
pub(super) struct Again {
    /// The number of requests that may be made now, and the tick at which that number grows by one.
    left: u8,
    refill_at: Tick,
    /// The `share` of [`Queue::apart`] for messages that are put back, and the one for messages of a request with an unclear outcome.
    share: u8,
    unclear_share: u8,
    pub(super) sizes: Sizes,
    /// Whether the request in flight consists of messages that are submitted again.
    pub(super) is_apart: bool,
    /// Whether the gateway has returned a result under a user_id of ours.
    pub(super) names_ids: bool,
}

impl Again {
    /// The state before [`restart`](Self::restart). All bytes are zero, so that this constant takes no flash.
    pub(super) const NONE: Self = Self {
        left: 0,
        refill_at: Tick::ZERO,
        share: 0,
        unclear_share: 0,
        sizes: Sizes::NONE,
        is_apart: false,
        names_ids: false,
    };

    pub(super) fn restart(&mut self) {
        *self = Self { left: BURST, ..Self::NONE };
        self.sizes.restart();
    }

    /// Updates the number of allowed requests and the allowed sizes to the present time.
    pub(super) fn review(&mut self, now: Tick) {
        self.sizes.review(now);
        while self.left < BURST && self.refill_at.is_due(now) {
            self.left = self.left.saturating_add(1);
            self.refill_at = self.refill_at.plus(REFILL_AFTER);
        }
    }

    /// Notes a request with messages that are submitted again.
    pub(super) fn asked(&mut self, now: Tick) {
        if self.left >= BURST {
            self.refill_at = now.plus(REFILL_AFTER);
        }
        self.left = self.left.saturating_sub(1);
    }

    /// Returns the `share` of [`Queue::apart`] for messages that are put back.
    pub(super) const fn share(&self) -> u8 {
        self.share
    }

    /// Notes that the messages to be put back wait for a port.
    pub(super) fn hold(&mut self) {
        self.share = HELD;
    }

    /// Notes a request that was refused because of one of its messages or because of its size.
    pub(super) fn divide(&mut self, size: Size, now: Tick) {
        self.share = half(size.0);
        self.sizes.refused(size, self.is_apart, now);
    }

    /// Notes that the outcome of a request with this number of messages is unclear.
    pub(super) fn unclear(&mut self, messages: u8) {
        self.unclear_share = half(messages);
    }

    /// Notes that messages of a request with an unclear outcome are put back.
    pub(super) fn divide_unclear(&mut self) {
        self.share = self.unclear_share;
    }

    /// Notes that the messages in flight were accepted, or that a single message was refused for good.
    pub(super) fn settle(&mut self, table: &Messages<'_>, now: Tick) {
        if (0..HELD).all(|share| table.first(Queue::apart(share)).is_none()) {
            self.sizes.settled(now);
        }
    }

    /// Returns the first message that may be submitted now, and the maximum number of messages in its request.
    pub(super) fn first(
        &self,
        table: &Messages<'_>,
        (load, limits): (&Load, &Limits),
        now: Tick,
    ) -> Option<(SlotId, u8)> {
        if self.left == 0 || !load.has_room(limits) {
            return None;
        }
        for share in 0..SHARES {
            let mut at = table.first(Queue::apart(share));
            while let Some((id, slot)) = at.and_then(|id| Some((id, table.get(id)?))) {
                if slot.due.is_due(now) && load.port_has_room(limits, slot.ports) {
                    return Some((id, 1 << share));
                }
                at = slot.next();
            }
        }
        None
    }

    /// Adds the times at which the messages may be submitted, and those at which they expire.
    pub(super) fn add_due(
        &self,
        due: &mut Earliest,
        table: &Messages<'_>,
        (load, limits): (&Load, &Limits),
        expire: u32,
    ) {
        let has_room = load.has_room(limits);
        for share in 0..SHARES {
            let mut at = table.first(Queue::apart(share));
            while let Some(slot) = at.and_then(|id| table.get(id)) {
                due.add(slot.since.plus(slot.expires_after(expire)));
                if has_room && load.port_has_room(limits, slot.ports) {
                    due.add(if self.left > 0 { slot.due } else { slot.due.max(self.refill_at) });
                }
                at = slot.next();
            }
        }
    }
}

/// Returns the `share` of [`Queue::apart`] for the messages of a divided request.
fn half(messages: u8) -> u8 {
    share(messages.div_ceil(2))
}

/// If messages wait for busy ports, makes the first unsubmitted messages for the same ports wait with them.
pub(super) fn hold_like_others(table: &mut Messages<'_>, now: Tick) {
    let held = |slot: &&Slot| !slot.due.is_due(now);
    let last = table.last(Queue::apart(HELD)).and_then(|id| table.get(id)).filter(held);
    let Some((ports, due, step)) = last.map(|slot| (slot.ports, slot.due, slot.step)) else { return };
    for queue in Queue::WAITING {
        while let Some(id) = table.first(queue) {
            let Some(slot) = table.get_mut(id).filter(|slot| slot.ports == ports) else { break };
            (slot.due, slot.step) = (due, step);
            table.append(id, Queue::apart(HELD));
        }
    }
}

/// Ends the wait of messages for ports that accept messages again. The messages go to the front of the usual queues. Returns whether
/// there are any such messages.
pub(super) fn end_hold(table: &mut Messages<'_>, ports: u32) -> bool {
    let mut is_any = false;
    let mut at = table.last(Queue::apart(HELD));
    while let Some((id, slot)) = at.and_then(|id| Some((id, table.get_mut(id)?))) {
        at = slot.previous();
        if slot.ports == ports {
            slot.step = 0;
            let queue = Queue::waiting(Some(slot));
            table.prepend(id, queue);
            is_any = true;
        }
    }
    is_any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_divided_into_halves_of_a_power_of_two() {
        let halves = [2, 3, 4, 5, 10, 20, 127, 128].map(|messages| 1 << half(messages));
        assert_eq!(halves, [1, 2, 2, 2, 4, 8, 64, 64]);
    }

    #[test]
    fn requests_are_at_most_16_in_any_minute() {
        let mut again = Again::NONE;
        again.restart();
        let mut asked = std::vec::Vec::new();
        for tick in 0..60_000 {
            let now = Tick::new(tick);
            again.review(now);
            while again.left > 0 && tick > 1000 {
                again.asked(now);
                asked.push(tick);
            }
        }
        assert!(asked.len() > 80);
        assert!(asked.windows(17).all(|window| window[16] - window[0] >= 6000));
    }
}
