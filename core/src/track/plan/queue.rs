//! The queues of the table: each message is in at most one.

use crate::track::{
    message::Slot,
    table::{QueueId, Table},
};

/// The maximum number of doublings of a wait, except for messages that were sent.
pub(in crate::track) const SLOWEST_STEP: u8 = 7;
/// The number of steps of a wait. Waits of messages that were sent double up to `STEPS - 1` times.
pub(in crate::track) const STEPS: u8 = 12;

/// The number of queues of messages that are submitted again. The last queue, [`HELD`], contains the messages that wait for a port.
pub(in crate::track) const SHARES: u8 = 8;
pub(in crate::track) const HELD: u8 = SHARES - 1;

/// The number of queues.
pub(in crate::track) const QUEUES: usize = 7 + 2 * STEPS as usize + SHARES as usize;

/// The table of messages with its queues.
pub(in crate::track) type Messages<'m> = Table<'m, Slot, QUEUES>;

/// Names of the queues. All waits in a queue are equally long, so its messages are in the order in which their waits end. After a
/// restart, [`SHORT`](Self::SHORT) and [`LONG`](Self::LONG) are in no order.
pub(in crate::track) struct Queue;

impl Queue {
    /// Slots that hold no message.
    pub(in crate::track) const FREE: QueueId = QueueId::new(0);
    /// Messages to be submitted.
    pub(in crate::track) const UNSENT: QueueId = QueueId::new(1);
    /// Messages of the request in flight.
    pub(in crate::track) const IN_FLIGHT: QueueId = QueueId::new(2);
    /// Finished messages whose last update is not acknowledged.
    pub(in crate::track) const ENDED: QueueId = QueueId::new(3);
    /// Tombstones of messages that have all their reports. If the caller is not strict, also those of messages that requested no report.
    pub(in crate::track) const SHORT: QueueId = QueueId::new(4);
    /// Tombstones of messages whose reports may still arrive.
    pub(in crate::track) const LONG: QueueId = QueueId::new(5);

    /// Returns the queue of messages that wait until their result is queried. `step` is the number of doublings of their wait.
    pub(in crate::track) const fn result(step: u8) -> QueueId {
        QueueId::new(6 + Self::bounded(step))
    }

    /// Returns the queue of messages that wait until their reports are queried. `step` is the number of doublings of their wait.
    pub(in crate::track) const fn report(step: u8) -> QueueId {
        QueueId::new(6 + STEPS + Self::bounded(step))
    }

    /// Returns the queue of messages that the gateway did not accept, and that are to be submitted again. A request contains at most
    /// 2^`share` of them.
    pub(in crate::track) const fn apart(share: u8) -> QueueId {
        QueueId::new(7 + 2 * STEPS + if share < SHARES { share } else { HELD })
    }

    const fn bounded(step: u8) -> u8 {
        if step < STEPS { step } else { STEPS - 1 }
    }

    /// Urgent messages to be submitted.
    pub(in crate::track) const URGENT: QueueId = QueueId::new(6 + 2 * STEPS);
    /// The queues of messages to be submitted, in the order in which they are used.
    pub(in crate::track) const WAITING: [QueueId; 2] = [Self::URGENT, Self::UNSENT];

    /// Returns the queue in which a message waits to be submitted.
    pub(in crate::track) fn waiting(slot: Option<&Slot>) -> QueueId {
        if slot.is_some_and(Slot::is_urgent) { Self::URGENT } else { Self::UNSENT }
    }

    /// Returns whether a queue is one of the queues for results.
    pub(in crate::track) fn is_result(queue: QueueId) -> bool {
        (Self::result(0)..=Self::result(STEPS)).contains(&queue)
    }
}
