//! Which kind of request is next, and when.

use super::{
    backoff::Backoff,
    in_flight::{InFlight, Request},
    load::Load,
    queue::{Messages, Queue, STEPS},
    queue_check::QueueCheck,
    reports::{self, ReportPlan},
    results::ResultPlan,
    schedule,
    stops::Stops,
    submissions::Selection,
    view::View,
    waits::Waits,
};
use crate::{
    TaskId, UserId,
    track::{
        ask::Token,
        clock::{Earliest, GatewaySeconds, Sequence, Tick},
        message::{State, lifecycle::Next},
        settings::{Limits, Settings},
        table::SlotId,
    },
};

/// Decides what to ask next, and when.
#[derive(Debug)]
pub(in crate::track) struct Planner {
    waits: Waits,
    limits: Limits,
    polls_inbox: bool,
    in_flight: InFlight,
    load: Load,
    stops: Stops,
    results: ResultPlan,
    reports: ReportPlan,
    queue: QueueCheck,
    backoff: Backoff,
    /// The earliest time of the next query of the inbox.
    incoming_at: Tick,
}

impl Planner {
    // A function, since a constant that is not zero throughout is copied from flash.
    pub(in crate::track) const fn new() -> Self {
        Self {
            waits: Waits::NONE,
            limits: Limits::NONE,
            polls_inbox: false,
            in_flight: InFlight::NONE,
            load: Load::NONE,
            stops: Stops::NONE,
            results: ResultPlan::NEW,
            reports: ReportPlan::NEW,
            queue: QueueCheck::NONE,
            backoff: Backoff::NONE,
            incoming_at: Tick::ZERO,
        }
    }

    /// Takes the settings over, and makes all due.
    pub(in crate::track) fn configure(&mut self, settings: &Settings, now: Tick) {
        self.waits.set(settings);
        self.limits = settings.limits;
        self.polls_inbox = settings.incoming;
        self.restart(now);
    }

    /// Makes all due, as if nothing had been asked.
    pub(in crate::track) fn restart(&mut self, now: Tick) {
        self.in_flight.reset();
        self.results.restart(now);
        self.reports.restart(now);
        self.queue.restart(now);
        self.backoff.restart(now);
        self.incoming_at = now;
    }

    pub(in crate::track) fn waits(&self) -> &Waits {
        &self.waits
    }

    pub(in crate::track) const fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    /// Counts a change of state.
    pub(in crate::track) fn count(&mut self, from: State, to: State, ports: u32) {
        self.load.count(from, to, ports);
    }

    // The request in flight.

    /// Begins a request, and returns its token.
    pub(in crate::track) fn begin<C>(&mut self, request: Request, now: Tick, started: Sequence) -> Token<C> {
        self.backoff.asked(now, &self.waits);
        Token::new(self.in_flight.begin(request, started))
    }

    /// Returns the request that a token stands for; `None` for a stale token.
    pub(in crate::track) fn in_flight<C>(&self, token: &Token<C>) -> Option<Request> {
        self.in_flight.of(token)
    }

    /// Ends the request in flight.
    pub(in crate::track) fn end(&mut self) -> Option<Request> {
        self.in_flight.take()
    }

    /// Returns the sequence number of the latest request.
    pub(in crate::track) fn started(&self) -> Sequence {
        self.in_flight.started()
    }

    /// Returns the user_ids that the request for results names.
    pub(in crate::track) fn named(&self) -> &[UserId] {
        self.results.named()
    }

    // The next request.

    /// Returns whether a request may be made now.
    pub(in crate::track) fn may_ask(&self, now: Tick) -> bool {
        self.backoff.next_at().is_due(now)
    }

    /// Begins to choose the messages of a send_sms.
    pub(in crate::track) fn select(table: &Messages<'_>) -> Selection {
        Selection::new(table)
    }

    /// Returns the next message of the send_sms.
    pub(in crate::track) fn next_selected(
        &self,
        selection: &mut Selection,
        table: &Messages<'_>,
    ) -> Option<SlotId> {
        selection.next(table, &self.load, &self.limits)
    }

    /// Returns the next query, and puts its messages into flight.
    pub(in crate::track) fn next_query(
        &mut self,
        table: &mut Messages<'_>,
        view: &View<'_>,
    ) -> Option<Request> {
        if self.results.next_at().is_due(view.now) {
            let parts = (&self.load, &self.limits, &self.waits);
            if let Some(request) = self.results.take(table, parts, view) {
                self.results.asked(view.now, &self.waits);
                return Some(request);
            }
        }
        if self.reports.next_at().is_due(view.now)
            && let Some(request) = self.reports.take(table, view)
        {
            self.reports.asked(view.now, &self.waits);
            return Some(request);
        }
        if self.queue.due().is_some_and(|due| due.is_due(view.now)) {
            return Some(Request::Queue);
        }
        if self.polls_inbox && self.incoming_at.is_due(view.now) {
            return Some(Request::Incoming);
        }
        // Last, so that it keeps nothing waiting if it always fails.
        self.reports.take_look(self.load.total() > 0, view)
    }

    /// Returns when the next request is due.
    pub(in crate::track) fn next_due(&self, table: &Messages<'_>, view: &View<'_>) -> Option<Tick> {
        let mut due = Earliest::NEVER;
        let can_submit = table.front(Queue::UNSENT).is_some_and(|slot| {
            self.load.has_room(&self.limits) && self.load.port_has_room(&self.limits, slot.ports)
        });
        if can_submit || !self.stops.is_empty() {
            due.add(view.now);
        }
        let (mut results, mut reports) = (Earliest::NEVER, Earliest::NEVER);
        for step in 0..STEPS {
            results.add_some(table.front(Queue::result(step)).map(|slot| slot.due));
            reports.add_some(table.front(Queue::report(step)).map(|slot| slot.due));
        }
        if results.get().is_none() && self.results.is_by_time(&self.load, &self.limits, view) {
            results.add(view.now);
        }
        due.add_some(self.reports.look_due(self.load.total() > 0, view));
        if reports::wants_arrivals(table, view) {
            reports.add(self.reports.arrivals_at());
        }
        due.add_some(results.get().map(|due| due.max(self.results.next_at())));
        due.add_some(reports.get().map(|due| due.max(self.reports.next_at())));
        due.add_some(self.queue.due());
        if self.polls_inbox {
            due.add(self.incoming_at);
        }
        due.get().map(|due| due.max(self.backoff.next_at()))
    }

    // Outcomes of requests.

    /// Notes a response that reports success.
    pub(in crate::track) fn succeeded(&mut self) {
        self.backoff.succeeded();
    }

    /// Notes a request that failed. The next one waits, the longer the more have failed.
    pub(in crate::track) fn failed(&mut self, now: Tick, sequence: Sequence) {
        self.backoff.failed(now, sequence, &self.waits);
    }

    /// Notes that the client was out of touch with the gateway.
    pub(in crate::track) fn lost_touch(&mut self, sequence: Sequence) {
        self.backoff.lost_touch(sequence);
    }

    /// Returns whether no request failed since a sequence number.
    pub(in crate::track) fn in_touch_since(&self, sequence: Sequence) -> bool {
        self.backoff.in_touch_since(sequence)
    }

    /// Keeps the wait after a failure between two numbers of ticks from now.
    pub(in crate::track) fn bound_wait(&mut self, now: Tick, at_least: u32, at_most: u32) {
        self.backoff.bound(now, at_least, at_most);
    }

    /// Ends the back-off, so that the next request waits only for the usual gap.
    pub(in crate::track) fn retry_now(&mut self, now: Tick) {
        self.backoff.retry_now(now, &self.waits);
    }

    pub(in crate::track) fn want_queue(&mut self) {
        self.queue.want();
    }

    /// Notes the number of messages in the gateway's queue.
    pub(in crate::track) fn queue_seen(&mut self, in_queue: Option<u32>, now: Tick) {
        self.queue.seen(in_queue, self.in_flight.started(), now, &self.waits);
    }

    /// Returns whether the gateway's queue was empty after a message was submitted, and whether the latest request began after
    /// that.
    pub(in crate::track) fn emptied_since(&self, submitted: Sequence) -> Option<bool> {
        Some(self.in_flight.started().is_after(self.queue.emptied_since(submitted)?))
    }

    pub(in crate::track) fn inbox_seen(&mut self, has_more: bool, now: Tick) {
        self.incoming_at = now.plus(if has_more { 0 } else { self.waits.incoming });
    }

    pub(in crate::track) fn complete_by_time(&mut self, after: GatewaySeconds, latest: GatewaySeconds) {
        self.results.complete_by_time(after, latest);
    }

    pub(in crate::track) fn complete_arrivals(&mut self, is_wide: bool, now: Tick) {
        self.reports.complete_arrivals(is_wide, now, &self.waits);
    }

    pub(in crate::track) fn result_progressed(&mut self) {
        self.results.progressed();
    }

    pub(in crate::track) fn clock_jumped(&mut self, now: Tick) {
        self.results.clock_jumped();
        self.reports.clock_jumped(now);
    }

    // Tasks that wait to be stopped.

    pub(in crate::track) fn add_stop(&mut self, task: TaskId) -> bool {
        self.stops.add(task)
    }

    pub(in crate::track) fn repeat_stop(&mut self, task: TaskId) {
        self.stops.restore(task);
    }

    pub(in crate::track) fn take_stop(&mut self) -> Option<TaskId> {
        self.stops.take()
    }

    // The waits of messages.

    /// Queues a message as its transition demands.
    pub(in crate::track) fn follow(&self, table: &mut Messages<'_>, id: SlotId, next: Next, view: &View<'_>) {
        let step = self.results.first_step(next, &self.load, &self.limits, view);
        schedule::follow(table, &self.waits, (id, next, step), view.now);
    }

    /// Queues a message about which nothing is new, after a number of doublings of its wait.
    pub(in crate::track) fn wait(&self, table: &mut Messages<'_>, id: SlotId, step: u8, now: Tick) {
        schedule::wait(table, &self.waits, id, step, now);
    }
}
