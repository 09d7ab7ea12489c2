//! Decides which reports are queried: those of recent messages together, those of old messages in groups, or all that arrived lately.

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
        clock::{GatewaySeconds, PER_SECOND, Reach, Tick},
        message::{Slot, State},
        table::QueueId,
    },
};

/// The maximum number of messages whose reports share one query. The limit keeps a step short.
const MAX_MESSAGES: u32 = 256;

/// The maximum number of waiting messages that are checked in a queue.
const MAX_LOOKS: u32 = 512;

/// The age in seconds, by the gateway's clock, above which a message is old. Reports may carry the send time. Reports of old messages are
/// therefore queried separately: otherwise every response would reach back to their send times.
const OLD: u32 = 600;

/// The maximum number of doublings of the wait between two looks with [`Reach::Wide`]. By default, the wait grows from 4 s to 68 min.
const WIDE_STEPS: u8 = 10;

/// The ticks after which a look has [`Reach::Usual`] again instead of [`Reach::Near`]: 60 s.
const USUAL_EVERY: u32 = 60 * PER_SECOND;

/// The ticks after which a failed look is repeated: 60 s. Other queries are made meanwhile.
const RETRY: u32 = 60 * PER_SECOND;

/// Decides which reports are queried.
#[derive(Debug)]
pub(super) struct ReportPlan {
    next_at: Tick,
    arrivals_at: Tick,
    /// The earliest time of the next look that is made because the last one is stale.
    look_at: Tick,
    /// The time from which the next look has [`Reach::Wide`].
    wide_at: Tick,
    /// The number of times that the wait after that wide look, until the next wide one, is doubled.
    wide_step: u8,
    /// The time from which the next look has at least [`Reach::Usual`].
    usual_at: Tick,
}

impl ReportPlan {
    pub(super) const NEW: Self = Self {
        next_at: Tick::ZERO,
        arrivals_at: Tick::ZERO,
        look_at: Tick::ZERO,
        wide_at: Tick::ZERO,
        wide_step: 0,
        usual_at: Tick::ZERO,
    };

    /// Makes all queries due.
    pub(super) fn restart(&mut self, now: Tick) {
        *self =
            Self { next_at: now, arrivals_at: now, look_at: now, wide_at: now, wide_step: 0, usual_at: now };
    }

    pub(super) fn next_at(&self) -> Tick {
        self.next_at
    }

    pub(super) fn arrivals_at(&self) -> Tick {
        self.arrivals_at
    }

    /// Returns when a look is due because the last one is stale.
    pub(super) fn look_due(&self, is_active: bool, view: &View<'_>) -> Option<Tick> {
        (is_active && view.clock.looks.is_stale(view.now)).then_some(self.look_at)
    }

    pub(super) fn asked(&mut self, now: Tick, waits: &Waits) {
        self.next_at = now.plus(waits.reports_every);
    }

    /// Notes a complete response with the reports of all ports.
    pub(super) fn complete_arrivals(&mut self, reach: Reach, now: Tick, waits: &Waits) {
        self.arrivals_at = now.plus(waits.slowest);
        if reach != Reach::Near {
            self.usual_at = now.plus(USUAL_EVERY);
        }
        if reach == Reach::Wide {
            self.wide_at = now.plus(waits.first_report.saturating_mul(1 << self.wide_step));
            self.wide_step = self.wide_step.saturating_add(1).min(WIDE_STEPS);
        }
    }

    /// Notes that the gateway's clock jumped: reports may carry times long before the latest ones.
    pub(super) fn clock_jumped(&mut self, now: Tick) {
        (self.arrivals_at, self.wide_at, self.wide_step) = (now, now, 0);
    }

    /// Returns a look if messages are under way or to be submitted (`is_active`) and the last look is stale. A report is known to be new
    /// only if an earlier look did not show it.
    pub(super) fn take_look(&mut self, is_active: bool, view: &View<'_>) -> Option<Request> {
        self.look_due(is_active, view).filter(|due| due.is_due(view.now))?;
        self.look_at = view.now.plus(RETRY);
        Some(self.look(view))
    }

    /// Returns a look at all reports that may be new.
    fn look(&self, view: &View<'_>) -> Request {
        let reach = if self.wide_at.is_due(view.now) {
            Reach::Wide
        } else if self.usual_at.is_due(view.now) {
            Reach::Usual
        } else {
            Reach::Near
        };
        Request::Arrivals { after: view.clock.reports_after(reach), reach }
    }

    /// Returns the next query for reports, if one is due, and moves the messages that wait for these reports to [`Queue::IN_FLIGHT`].
    pub(super) fn take(&self, table: &mut Messages<'_>, view: &View<'_>) -> Option<Request> {
        let queue = most_overdue(table, Queue::report, view.now);
        let first = queue.and_then(|queue| table.front(queue));
        let old = first.filter(|slot| is_old(slot, view)).and_then(|slot| slot.sent);
        match queue.zip(old) {
            _ if wants_arrivals(table, view) && self.arrivals_at.is_due(view.now) => {
                take_recent(table, view);
            }
            Some((queue, sent)) => return Some(take_old(table, queue, sent, view)),
            None => _ = first?,
        }
        take_recent(table, view);
        Some(self.look(view))
    }
}

/// The seconds by which a query begins earlier, for gateways that exclude the limit itself.
const WIDER: u32 = 1;

fn is_old(slot: &Slot, view: &View<'_>) -> bool {
    if view.clock.looks.shows_late() {
        return false;
    }
    let Some(sent) = slot.sent else { return false };
    let reading = view.clock.reading(view.now).filter(|_| view.clock.is_current(slot.sent_at()));
    reading.is_none_or(|reading| reading.saturating_sub(sent.get()) > OLD)
}

/// Returns whether looks are needed for an old message that still waits for reports. Its report may carry the time of arrival, and then a
/// query by send time may miss the report.
pub(super) fn wants_arrivals(table: &Messages<'_>, view: &View<'_>) -> bool {
    if view.clock.reports_equal() || view.clock.latest().is_none() {
        return false;
    }
    let is_old =
        |queue| table.front(queue).is_some_and(|slot| slot.state() == State::Sent && is_old(slot, view));
    (0..STEPS).any(|step| is_old(Queue::report(step)) || is_old(Queue::result(step)))
}

/// Moves the due messages that are not old to [`Queue::IN_FLIGHT`].
fn take_recent(table: &mut Messages<'_>, view: &View<'_>) {
    for queue in (0..STEPS).map(Queue::report) {
        let mut at = table.first(queue);
        for _ in 0..MAX_LOOKS {
            let Some((id, slot)) = at.and_then(|id| Some((id, table.get(id)?))) else { break };
            if table.length(Queue::IN_FLIGHT) >= MAX_MESSAGES || !slot.due.is_due(view.now) {
                break;
            }
            at = slot.next();
            if !is_old(slot, view) {
                table.append(id, Queue::IN_FLIGHT);
            }
        }
    }
}

fn port_bit(port: u8) -> u32 {
    1_u32.checked_shl(port.into()).unwrap_or(0)
}

/// Moves an old message to [`Queue::IN_FLIGHT`], together with messages of its queue that were sent soon after it through ports with the
/// same lead. Returns the query for their reports. The query finds reports that carry the send time, or a time soon after.
fn take_old(table: &mut Messages<'_>, queue: QueueId, from: GatewaySeconds, view: &View<'_>) -> Request {
    let leads = &view.clock.leads;
    let mut at = table.first(queue);
    let width = if view.clock.reports_equal() { 0 } else { OLD };
    let (mut ports, mut to, mut lead) = (0, from.get(), None);
    for _ in 0..MAX_MESSAGES {
        let Some((id, slot)) = at.and_then(|id| Some((id, table.get(id)?))) else { break };
        at = slot.next();
        let sent = slot.sent.map_or(0, GatewaySeconds::get);
        let is_soon_after = (from.get()..=from.plus(OLD)).contains(&sent);
        if is_old(slot, view)
            && is_soon_after
            && *lead.get_or_insert(leads.zone(slot.port)) == leads.zone(slot.port)
        {
            ports |= port_bit(slot.port);
            to = to.max(sent);
            table.append(id, Queue::IN_FLIGHT);
        }
    }
    let lead = lead.unwrap_or(0);
    let before = GatewaySeconds::saturating(to.saturating_add(width).saturating_add(1)).moved(lead);
    let ports = Ports::from_bits(ports);
    Request::Reports { ports, after: Some(from.minus(WIDER).moved(lead)), before: Some(before) }
}

#[cfg(test)]
mod tests;
