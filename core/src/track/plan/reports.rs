//! Which reports are queried: those of recent messages together, those of old messages in groups, and all that arrived lately.

use super::{
    in_flight::Request,
    queue::{Messages, Queue, STEPS},
    schedule::most_overdue,
    view::View,
    waits::Waits,
};
use crate::{
    Ports,
    track::{
        clock::{GatewaySeconds, Tick},
        message::{Slot, State},
        table::QueueId,
    },
};

/// The maximum number of messages for which one request for reports is made, so that a step stays short.
const MAX_MESSAGES: u32 = 256;

/// The maximum number of waiting messages that are looked at in a queue.
const MAX_LOOKS: u32 = 512;

/// The age in seconds of the gateway's clock from which a message is old. A report that carries the send time carries an earlier
/// time, so reports of old messages are queried separately: otherwise every response would reach back to them.
pub(in crate::track) const OLD: u32 = 600;

/// The overlap in seconds of two queries for arrived reports, in case the clock was put back by an hour between them.
const PUT_BACK: u32 = 3700;

/// Decides which reports are queried.
#[derive(Debug)]
pub(super) struct ReportPlan {
    next_at: Tick,
    arrivals_at: Tick,
    /// The gateway's time up to which arrived reports were queried.
    arrived: Option<GatewaySeconds>,
}

impl ReportPlan {
    pub(super) const NEW: Self = Self { next_at: Tick::ZERO, arrivals_at: Tick::ZERO, arrived: None };

    /// Makes all due.
    pub(super) fn restart(&mut self, now: Tick) {
        *self = Self { next_at: now, arrivals_at: now, arrived: None };
    }

    pub(super) fn next_at(&self) -> Tick {
        self.next_at
    }

    pub(super) fn arrivals_at(&self) -> Tick {
        self.arrivals_at
    }

    pub(super) fn asked(&mut self, now: Tick, waits: &Waits) {
        self.next_at = now.plus(waits.reports_every);
    }

    /// Notes a complete response with the reports that arrived.
    pub(super) fn complete_arrivals(&mut self, reading: GatewaySeconds, now: Tick, waits: &Waits) {
        self.arrived = Some(reading);
        self.arrivals_at = now.plus(waits.slowest);
    }

    /// Notes that the gateway's clock jumped back to a time.
    pub(super) fn clock_jumped(&mut self, to: GatewaySeconds) {
        self.arrived = self.arrived.map(|arrived| arrived.min(to));
    }

    /// Puts messages whose reports are due into flight.
    pub(super) fn take(&self, table: &mut Messages<'_>, view: &View<'_>) -> Option<Request> {
        if wants_arrivals(table, view) && self.arrivals_at.is_due(view.now) {
            return Some(self.arrivals(table, view));
        }
        let queue = most_overdue(table, Queue::report, view.now)?;
        let first = table.front(queue)?;
        if is_old(first, view) {
            Some(take_old(table, queue, first.sent?, view))
        } else {
            Some(take_recent(table, queue, view))
        }
    }

    /// Queries the reports that arrived since the last such query. The first one reaches back to the first message that waits,
    /// unless the clock was put back since.
    fn arrivals(&self, table: &Messages<'_>, view: &View<'_>) -> Request {
        let reading = GatewaySeconds::saturating(view.clock.reading(view.now).unwrap_or(0));
        let waits = |slot: &Slot| slot.sent.filter(|_| slot.state() == State::Sent);
        let after = match self.arrived {
            Some(arrived) => arrived.minus(PUT_BACK),
            None => table.all().iter().filter_map(waits).fold(reading, GatewaySeconds::min),
        };
        Request::Arrivals { after: after.minus(WIDER), reading }
    }
}

/// One second more, for gateways that leave out the second that is named.
const WIDER: u32 = 1;

fn is_old(slot: &Slot, view: &View<'_>) -> bool {
    let Some(sent) = slot.sent else { return false };
    let reading = view.clock.reading(view.now).filter(|_| view.clock.is_current(slot.sent_at()));
    reading.is_none_or(|reading| reading.saturating_sub(sent.get()) > OLD)
}

/// Returns whether messages have waited for so long that a report may have arrived that carries the time of its arrival.
pub(super) fn wants_arrivals(table: &Messages<'_>, view: &View<'_>) -> bool {
    if view.clock.reports_equal() || view.clock.latest().is_none() {
        return false;
    }
    let is_old =
        |queue| table.front(queue).is_some_and(|slot| slot.state() == State::Sent && is_old(slot, view));
    (0..STEPS).any(|step| is_old(Queue::report(step)) || is_old(Queue::result(step)))
}

/// The ports and times of the messages that a request for reports serves.
struct Span {
    ports: u32,
    from: u32,
}

impl Span {
    fn add(&mut self, slot: &Slot) {
        self.ports |= 1_u32.checked_shl(slot.port.into()).unwrap_or(0);
        // Without a send time there is no limit.
        self.from = self.from.min(slot.sent.map_or(0, GatewaySeconds::get));
    }

    fn request(&self, before: Option<GatewaySeconds>) -> Request {
        let from = self.from.saturating_sub(WIDER);
        let after = if from == 0 { None } else { GatewaySeconds::new(from) };
        let before = before.filter(|_| after.is_some());
        Request::Reports { ports: Ports::from_bits(self.ports), after, before }
    }
}

/// Takes messages that are due and not old: those that have waited longest, and all that were sent more recently.
fn take_recent(table: &mut Messages<'_>, last: QueueId, view: &View<'_>) -> Request {
    let mut span = Span { ports: 0, from: u32::MAX };
    for queue in (0..STEPS).map(Queue::report).take_while(|queue| *queue <= last) {
        let mut at = table.first(queue);
        for _ in 0..MAX_LOOKS {
            let Some((id, slot)) = at.and_then(|id| Some((id, table.get(id)?))) else { break };
            if table.length(Queue::IN_FLIGHT) >= MAX_MESSAGES || !slot.due.is_due(view.now) {
                break;
            }
            at = slot.next();
            if !is_old(slot, view) {
                span.add(slot);
                table.append(id, Queue::IN_FLIGHT);
            }
        }
    }
    span.request(None)
}

/// Takes an old message, and others of the queue that were sent soon after it.
fn take_old(table: &mut Messages<'_>, queue: QueueId, from: GatewaySeconds, view: &View<'_>) -> Request {
    let mut at = table.first(queue);
    let width = if view.clock.reports_equal() { 0 } else { OLD };
    let mut span = Span { ports: 0, from: from.get() };
    let mut to = from.get();
    for _ in 0..MAX_MESSAGES {
        let Some((id, slot)) = at.and_then(|id| Some((id, table.get(id)?))) else { break };
        at = slot.next();
        let sent = slot.sent.map_or(0, GatewaySeconds::get);
        if is_old(slot, view) && (from.get()..=from.plus(OLD)).contains(&sent) {
            span.add(slot);
            to = to.max(sent);
            table.append(id, Queue::IN_FLIGHT);
        }
    }
    let before = to.saturating_add(width).saturating_add(1);
    span.request(GatewaySeconds::new(before))
}
