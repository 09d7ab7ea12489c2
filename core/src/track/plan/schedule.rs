//! Decides when the gateway is next queried for a message: chooses the queue in which the message waits, and the end of the wait.

use super::{
    queue::{Messages, Queue, SLOWEST_STEP, STEPS},
    waits::Waits,
};
use crate::track::{
    clock::{Earliest, Tick},
    message::{HAS_REFERENCE, NOT_SENT, Slot, State, lifecycle::Next},
    table::{QueueId, SlotId},
};

/// Queues a message as its transition demands. `step` is the initial number of doublings of the wait for its result, or the `share` of
/// [`Queue::apart`] if the message is submitted again.
pub(super) fn follow(
    table: &mut Messages<'_>,
    waits: &Waits,
    (id, next, step): (SlotId, Next, u8),
    now: Tick,
) {
    match next {
        Next::Stay => {}
        Next::InFlight => table.append(id, Queue::IN_FLIGHT),
        Next::SubmitFirst => table.prepend(id, Queue::waiting(table.get(id))),
        Next::SubmitLast => table.append(id, Queue::waiting(table.get(id))),
        Next::SubmitApart => table.append(id, Queue::apart(step)),
        Next::QueryResult | Next::QueryResultOfAccepted | Next::QueryResultOfSending => {
            wait_in(table, waits, id, (false, step), now);
        }
        Next::QueryResultNow => hurry_result(table, id, now),
        Next::QueryReports => wait_in(table, waits, id, (true, 0), now),
        Next::End => table.append(id, Queue::ENDED),
    }
}

/// Queues a message again after a query that brought no news of it. Its usual first wait is doubled `step` times.
pub(super) fn wait(table: &mut Messages<'_>, waits: &Waits, id: SlotId, step: u8, now: Tick) {
    let awaits_report = |slot: &Slot| slot.state() == State::Sent && slot.has(HAS_REFERENCE);
    let is_report = table.get(id).is_some_and(awaits_report);
    wait_in(table, waits, id, (is_report, step), now);
}

/// Queues a message so that its reports or its result are queried after the wait for this `step`.
fn wait_in(table: &mut Messages<'_>, waits: &Waits, id: SlotId, (is_report, step): (bool, u8), now: Tick) {
    let Some(slot) = table.get_mut(id) else { return };
    let is_sent = slot.state() == State::Sent;
    let step = step.min(if is_report || is_sent { STEPS - 1 } else { SLOWEST_STEP });
    let (first, queue) = if is_report {
        (waits.first_report, Queue::report(step))
    } else {
        (waits.first_result, Queue::result(step))
    };
    (slot.step, slot.due) = (step, now.plus(waits.backed_off_sent(first, step)));
    table.append(id, queue);
}

/// Queues a message so that its result is queried as soon as possible, and restarts the doubling of its waits.
pub(in crate::track) fn hurry_result(table: &mut Messages<'_>, id: SlotId, now: Tick) {
    if let Some(slot) = table.get_mut(id) {
        slot.step = 0;
    }
    prefer_result(table, id, now);
}

/// Queues a message so that its result is queried as soon as possible. The doubling of its waits continues.
pub(in crate::track) fn prefer_result(table: &mut Messages<'_>, id: SlotId, now: Tick) {
    if let Some(slot) = table.get_mut(id) {
        slot.due = now;
    }
    table.prepend(id, Queue::result(0));
}

/// Queues a message so that its reports are queried as soon as possible. The doubling of its waits continues from `step`.
pub(in crate::track) fn prefer_report(table: &mut Messages<'_>, id: SlotId, step: u8, now: Tick) {
    if let Some(slot) = table.get_mut(id) {
        (slot.step, slot.due) = (step, now);
    }
    table.append(id, Queue::report(step));
}

/// Puts the messages in flight back at the front of their queues, and clears [`NOT_SENT`]: a truncated response does not prove that a
/// message failed.
pub(in crate::track) fn put_back(table: &mut Messages<'_>, queue: fn(u8) -> QueueId) {
    while let Some(id) = table.last(Queue::IN_FLIGHT) {
        let step = table.get_mut(id).map_or(0, |slot| {
            slot.set(NOT_SENT, false);
            slot.step
        });
        table.prepend(id, queue(step));
    }
}

/// Returns when the first message of all queues for results, or for reports, is due.
pub(super) fn first_due(table: &Messages<'_>, queue: fn(u8) -> QueueId) -> Option<Tick> {
    let mut due = Earliest::NEVER;
    for step in 0..STEPS {
        due.add_some(table.front(queue(step)).map(|slot| slot.due));
    }
    due.get()
}

/// Returns the queue whose first message has been due for longest.
pub(super) fn most_overdue(table: &Messages<'_>, queue: fn(u8) -> QueueId, now: Tick) -> Option<QueueId> {
    let mut most = None;
    let mut longest = 0;
    for queue in (0..STEPS).map(queue) {
        let Some(first) = table.front(queue).filter(|first| first.due.is_due(now)) else { continue };
        let ago = first.due.ago(now);
        // Of two queues whose messages have been due for equally long, the later one is returned.
        if most.is_none() || ago >= longest {
            (most, longest) = (Some(queue), ago);
        }
    }
    most
}
