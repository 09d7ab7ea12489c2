//! Which kind of request is next, and when.

use super::{
    in_flight::{InFlight, Request},
    load::Load,
    queue::{Messages, Queue, SLOWEST_STEP, STEPS},
    reports::{self, ReportPlan},
    results::ResultPlan,
    stops::Stops,
    submissions::Selection,
    waits::Waits,
};
use crate::{
    TaskId, UserId,
    track::{
        ask::Token,
        clock::{GatewayClock, GatewaySeconds, Sequence, Tick},
        message::{HAS_REFERENCE, Slot, State, lifecycle::Next},
        settings::{Limits, Settings},
        table::SlotId,
    },
};

/// The time and the gateway's clock, as the planner needs them.
pub(in crate::track) struct View<'a> {
    pub(in crate::track) now: Tick,
    pub(in crate::track) clock: &'a GatewayClock,
}

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
    /// The earliest time of the next request of any kind.
    next_request: Tick,
    incoming_at: Tick,
    /// Whether the gateway's queue is to be queried, from when on, and how often it was not empty.
    queue_wanted: bool,
    queue_at: Tick,
    queue_step: u8,
    /// The latest query that found the gateway's queue empty.
    emptied: Option<Sequence>,
    /// The number of consecutive requests that failed, and when the latest one failed.
    failures: u8,
    failed: Option<Sequence>,
}

impl Planner {
    pub(in crate::track) const NEW: Self = Self {
        waits: Waits::NONE,
        limits: Limits::NONE,
        polls_inbox: false,
        in_flight: InFlight::NONE,
        load: Load::NONE,
        stops: Stops::NONE,
        results: ResultPlan::NEW,
        reports: ReportPlan::NEW,
        next_request: Tick::ZERO,
        incoming_at: Tick::ZERO,
        queue_wanted: false,
        queue_at: Tick::ZERO,
        queue_step: 0,
        emptied: None,
        failures: 0,
        failed: None,
    };

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
        (self.next_request, self.incoming_at, self.queue_at) = (now, now, now);
        (self.queue_wanted, self.queue_step, self.emptied) = (false, 0, None);
        (self.failures, self.failed) = (0, None);
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
        self.next_request = now.plus(self.waits.request_gap);
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

    // What is next.

    /// Returns whether a request may be made now.
    pub(in crate::track) fn may_ask(&self, now: Tick) -> bool {
        self.next_request.is_due(now)
    }

    pub(in crate::track) fn select(&self, table: &Messages<'_>) -> Selection {
        Selection::new(table)
    }

    /// Returns the next message of a send_sms.
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
        if self.queue_wanted && self.queue_at.is_due(view.now) {
            return Some(Request::Queue);
        }
        (self.polls_inbox && self.incoming_at.is_due(view.now)).then_some(Request::Incoming)
    }

    /// Returns when the next request is due.
    pub(in crate::track) fn next_due(&self, table: &Messages<'_>, view: &View<'_>) -> Option<Tick> {
        let mut due = Earliest(None);
        let can_submit = table.front(Queue::UNSENT).is_some_and(|slot| {
            self.load.has_room(&self.limits) && self.load.port_has_room(&self.limits, slot.ports)
        });
        if can_submit || !self.stops.is_empty() {
            due.add(view.now);
        }
        let mut results = Earliest(None);
        let mut reports = Earliest(None);
        for step in 0..STEPS {
            results.add_front(table, Queue::result(step));
            reports.add_front(table, Queue::report(step));
        }
        if results.0.is_none() && self.results.is_by_time(&self.load, &self.limits, view) {
            results.add(view.now);
        }
        if reports::wants_arrivals(table, view) {
            reports.add(self.reports.arrivals_at());
        }
        if let Some(results) = results.0 {
            due.add(results.max(self.results.next_at()));
        }
        if let Some(reports) = reports.0 {
            due.add(reports.max(self.reports.next_at()));
        }
        if self.queue_wanted {
            due.add(self.queue_at);
        }
        if self.polls_inbox {
            due.add(self.incoming_at);
        }
        due.0.map(|due| due.max(self.next_request))
    }

    // What came of requests.

    /// Notes a response that says that all is well.
    pub(in crate::track) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Notes a request that failed. The next one waits, the longer the more have failed.
    pub(in crate::track) fn failed(&mut self, now: Tick, sequence: Sequence) {
        self.failed = Some(sequence);
        let wait = self.waits.backed_off(self.waits.retry, self.failures);
        self.failures = self.failures.saturating_add(1);
        self.next_request = now.plus(wait);
    }

    /// Notes that the client was out of touch with the gateway.
    pub(in crate::track) fn lost_touch(&mut self, sequence: Sequence) {
        self.failed = Some(sequence);
    }

    /// Returns whether no request failed since a sequence number.
    pub(in crate::track) fn in_touch_since(&self, sequence: Sequence) -> bool {
        self.failed.is_none_or(|failed| sequence.is_after(failed))
    }

    /// Ends the back-off, so that the next request waits only for the usual gap.
    pub(in crate::track) fn retry_now(&mut self, now: Tick) {
        self.failures = 0;
        self.next_request = self.next_request.min(now.plus(self.waits.request_gap));
    }

    /// Notes the number of messages in the gateway's queue.
    pub(in crate::track) fn queue_seen(&mut self, in_queue: Option<u32>, now: Tick) {
        self.queue_wanted = false;
        let step = self.queue_step;
        if in_queue == Some(0) {
            self.emptied = Some(self.in_flight.started());
            self.queue_step = 0;
        } else {
            self.queue_step = step.saturating_add(1);
        }
        self.queue_at = now.plus(self.waits.backed_off(self.waits.first_result, step));
    }

    /// Returns whether the gateway's queue was empty after a message was submitted, and whether the request in flight began after
    /// that.
    pub(in crate::track) fn emptied_since(&self, submitted: Sequence) -> Option<bool> {
        let emptied = self.emptied.filter(|emptied| emptied.is_after(submitted))?;
        Some(self.in_flight.started().is_after(emptied))
    }

    pub(in crate::track) fn want_queue(&mut self) {
        self.queue_wanted = true;
    }

    pub(in crate::track) fn inbox_seen(&mut self, has_more: bool, now: Tick) {
        self.incoming_at = now.plus(if has_more { 0 } else { self.waits.incoming });
    }

    pub(in crate::track) fn complete_by_time(&mut self, after: GatewaySeconds, latest: GatewaySeconds) {
        self.results.complete_by_time(after, latest);
    }

    pub(in crate::track) fn complete_arrivals(&mut self, reading: GatewaySeconds, now: Tick) {
        self.reports.complete_arrivals(reading, now, &self.waits);
    }

    pub(in crate::track) fn result_progressed(&mut self) {
        self.results.progressed();
    }

    pub(in crate::track) fn clock_jumped(&mut self, to: GatewaySeconds) {
        self.results.clock_jumped();
        self.reports.clock_jumped(to);
    }

    // Tasks to be stopped.

    pub(in crate::track) fn add_stop(&mut self, task: TaskId) -> bool {
        self.stops.add(task)
    }

    pub(in crate::track) fn repeat_stop(&mut self, task: TaskId) {
        self.stops.restore(task);
    }

    pub(in crate::track) fn take_stop(&mut self) -> Option<TaskId> {
        self.stops.take()
    }

    // When a message is asked for.

    /// Queues a message as its transition demands.
    pub(in crate::track) fn follow(&self, table: &mut Messages<'_>, id: SlotId, next: Next, view: &View<'_>) {
        match next {
            Next::Stay => {}
            Next::InFlight => table.append(id, Queue::IN_FLIGHT),
            Next::SubmitFirst => table.prepend(id, Queue::UNSENT),
            Next::SubmitLast => table.append(id, Queue::UNSENT),
            Next::QueryResult | Next::QueryResultOfAccepted | Next::QueryResultOfSending => {
                let step = self.results.first_step(next, &self.load, &self.limits, view);
                self.await_result(table, id, step, view.now);
            }
            Next::QueryResultNow => self.hurry_result(table, id, view.now),
            Next::QueryReports => self.await_report(table, id, 0, view.now),
            Next::End => table.append(id, Queue::ENDED),
        }
    }

    /// Queues a message about which nothing is new, after a number of doublings of its wait.
    pub(in crate::track) fn wait(&self, table: &mut Messages<'_>, id: SlotId, step: u8, now: Tick) {
        let awaits_report = |slot: &Slot| slot.state() == State::Sent && slot.has(HAS_REFERENCE);
        if table.get(id).is_some_and(awaits_report) {
            self.await_report(table, id, step, now);
        } else {
            self.await_result(table, id, step, now);
        }
    }

    /// Queues a message for its result.
    pub(in crate::track) fn await_result(&self, table: &mut Messages<'_>, id: SlotId, step: u8, now: Tick) {
        let Some(slot) = table.get_mut(id) else { return };
        let step = step.min(if slot.state() == State::Sent { STEPS - 1 } else { SLOWEST_STEP });
        let wait = self.waits.backed_off_sent(self.waits.first_result, step);
        (slot.step, slot.due) = (step, now.plus(wait));
        table.append(id, Queue::result(step));
    }

    /// Queues a message for its result as soon as possible; its waits begin anew.
    pub(in crate::track) fn hurry_result(&self, table: &mut Messages<'_>, id: SlotId, now: Tick) {
        if let Some(slot) = table.get_mut(id) {
            slot.step = 0;
        }
        self.prefer_result(table, id, now);
    }

    /// Queues a message for its result as soon as possible; its waits go on growing.
    pub(in crate::track) fn prefer_result(&self, table: &mut Messages<'_>, id: SlotId, now: Tick) {
        if let Some(slot) = table.get_mut(id) {
            slot.due = now;
        }
        table.prepend(id, Queue::result(0));
    }

    /// Queues a message for its reports.
    pub(in crate::track) fn await_report(&self, table: &mut Messages<'_>, id: SlotId, step: u8, now: Tick) {
        let Some(slot) = table.get_mut(id) else { return };
        let step = step.min(STEPS - 1);
        let wait = self.waits.backed_off_sent(self.waits.first_report, step);
        (slot.step, slot.due) = (step, now.plus(wait));
        table.append(id, Queue::report(step));
    }

    /// Queues a message for its reports as soon as possible, with waits of a number of doublings.
    pub(in crate::track) fn prefer_report(&self, table: &mut Messages<'_>, id: SlotId, step: u8, now: Tick) {
        if let Some(slot) = table.get_mut(id) {
            (slot.step, slot.due) = (step, now);
        }
        table.append(id, Queue::report(step));
    }
}

/// The earliest of several times.
pub(in crate::track) struct Earliest(Option<Tick>);

impl Earliest {
    pub(in crate::track) fn of(due: Option<Tick>) -> Self {
        Self(due)
    }

    pub(in crate::track) fn get(self) -> Option<Tick> {
        self.0
    }

    pub(in crate::track) fn add(&mut self, due: Tick) {
        self.0 = Some(self.0.map_or(due, |earliest| earliest.min(due)));
    }

    /// Adds the time at which the first message of a queue is due.
    pub(in crate::track) fn add_front(&mut self, table: &Messages<'_>, queue: crate::track::table::QueueId) {
        if let Some(slot) = table.front(queue) {
            self.add(slot.due);
        }
    }
}
