//! Decides which kind of request is next, and when it is made.

use super::{
    again::{self, Again},
    backoff::Backoff,
    in_flight::{InFlight, Request},
    load::Load,
    queue::{Messages, Queue},
    queue_check::QueueCheck,
    reports::{self, ReportPlan},
    results::ResultPlan,
    schedule,
    stops::Stops,
    submissions::{self, Selection},
    view::View,
    waits::Waits,
};
use crate::{
    TaskId, UserId,
    track::{
        clock::{Earliest, GatewaySeconds, Reach, Sequence, Tick},
        message::{State, WANTS_REPORT, lifecycle::Next},
        settings::{Limits, Settings},
        table::SlotId,
    },
};

/// The maximum number of consecutive queries for results and reports while a query of a different kind is due. Without a limit, that query
/// might never be made: on a slow link, results and reports may be due again at the end of each query.
const MAX_POLLS: u8 = 4;

/// Decides which request to make next, and when.
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
    again: Again,
    /// The earliest time of the next query of the inbox.
    incoming_at: Tick,
    /// The number of consecutive queries for results and reports that were made while a query of a different kind was due.
    polls: u8,
    /// Whether the last query of a different kind was for the gateway's queue.
    was_queue: bool,
}

impl Planner {
    // A function, because a constant with bytes that are not zero would be copied from flash.
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
            again: Again::NONE,
            incoming_at: Tick::ZERO,
            polls: 0,
            was_queue: false,
        }
    }

    /// Applies the settings, and makes all queries due.
    pub(in crate::track) fn configure(&mut self, settings: &Settings, now: Tick) {
        self.waits.set(settings);
        self.limits = settings.limits;
        self.polls_inbox = settings.incoming;
        self.restart(now);
    }

    /// Makes all queries due, as if no request had been made.
    pub(in crate::track) fn restart(&mut self, now: Tick) {
        self.in_flight.reset();
        self.results.restart(now);
        self.reports.restart(now);
        self.queue.restart(now);
        self.backoff.restart(now);
        self.again.restart();
        self.incoming_at = now;
    }

    pub(in crate::track) fn waits(&self) -> &Waits {
        &self.waits
    }

    pub(in crate::track) const fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    /// Updates the number of messages under way after a change of state.
    pub(in crate::track) fn count(&mut self, from: State, to: State, ports: u32) {
        self.load.count(from, to, ports);
    }

    // The request in flight.

    /// Begins a request, and returns the serial number of its token.
    pub(in crate::track) fn begin(&mut self, request: Request, now: Tick, started: Sequence) -> u32 {
        self.backoff.asked(now, &self.waits);
        self.in_flight.begin(request, started)
    }

    /// Returns the request whose token has this serial number; `None` for a stale token.
    pub(in crate::track) fn in_flight(&self, serial: u32) -> Option<&Request> {
        self.in_flight.of(serial)
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

    /// Begins to choose the messages of a send_sms. Messages that the gateway did not accept in an earlier request come first.
    pub(in crate::track) fn select(&mut self, table: &mut Messages<'_>, now: Tick) -> Selection {
        self.again.review(now);
        let first = self.again.first(table, (&self.load, &self.limits), now);
        self.again.is_apart = first.is_some();
        if let Some((first, most)) = first {
            self.again.asked(now);
            return Selection::apart(first, most);
        }
        again::hold_like_others(table, now);
        Selection::new(table)
    }

    /// Returns the next message of the send_sms.
    pub(in crate::track) fn next_selected(
        &self,
        selection: &mut Selection,
        table: &Messages<'_>,
    ) -> Option<SlotId> {
        selection.next(table, (&self.load, &self.limits), &self.again.sizes)
    }

    /// Returns a look to make before messages that want reports are submitted, if the last look is stale. A report that appears later is
    /// known to be new only because this look did not show it. If this look fails, the messages do not wait for the next one.
    pub(in crate::track) fn take_first_look(
        &mut self,
        table: &Messages<'_>,
        view: &View<'_>,
    ) -> Option<Request> {
        let wants_report = |queue| table.front(queue).is_some_and(|slot| slot.has(WANTS_REPORT));
        self.reports.take_look(Queue::WAITING.into_iter().any(wants_report), view)
    }

    /// Returns the next query, and moves its messages to [`Queue::IN_FLIGHT`].
    pub(in crate::track) fn next_query(
        &mut self,
        table: &mut Messages<'_>,
        view: &View<'_>,
    ) -> Option<Request> {
        let is_queue_due = self.queue.due().is_some_and(|due| due.is_due(view.now));
        let is_inbox_due = self.polls_inbox && self.incoming_at.is_due(view.now);
        if !is_queue_due && !is_inbox_due {
            self.polls = 0;
        }
        if self.polls < MAX_POLLS
            && let Some(request) = self.next_poll(table, view)
        {
            self.polls = self.polls.saturating_add(1);
            return Some(request);
        }
        self.polls = 0;
        self.was_queue = is_queue_due && !(is_inbox_due && self.was_queue);
        if self.was_queue {
            return Some(Request::Queue);
        }
        if is_inbox_due {
            return Some(Request::Incoming);
        }
        // The look is last, so that a look that keeps failing does not delay other queries.
        self.reports.take_look(self.load.total() > 0, view)
    }

    /// Returns the next query of results or reports.
    fn next_poll(&mut self, table: &mut Messages<'_>, view: &View<'_>) -> Option<Request> {
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
        None
    }

    /// Returns when the next request is due.
    pub(in crate::track) fn next_due(&self, table: &Messages<'_>, view: &View<'_>) -> Option<Tick> {
        let mut due = Earliest::NEVER;
        let fronts = Queue::WAITING.into_iter().filter_map(|queue| table.front(queue));
        let can_submit = self.load.has_room(&self.limits)
            && fronts.into_iter().any(|slot| self.load.port_has_room(&self.limits, slot.ports));
        if can_submit || !self.stops.is_empty() {
            due.add(view.now);
        }
        self.again.add_due(&mut due, table, (&self.load, &self.limits), self.waits.expire);
        let is_by_time = self.results.is_by_time(&self.load, &self.limits, view);
        let wants_list = view.clock.ledger.is_wanted() && view.clock.latest().is_some();
        let listed = wants_list.then_some(view.now);
        let results = listed.or_else(|| schedule::first_due(table, Queue::result));
        let results = results.or(is_by_time.then_some(view.now));
        due.add_some(results.map(|due| due.max(self.results.next_at())));
        let mut reports = Earliest::NEVER;
        reports.add_some(schedule::first_due(table, Queue::report));
        if reports::wants_arrivals(table, view) {
            reports.add(self.reports.arrivals_at());
        }
        due.add_some(reports.get().map(|due| due.max(self.reports.next_at())));
        due.add_some(self.reports.look_due(self.load.total() > 0, view));
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

    /// Notes a failed request. The wait before the next one grows with each consecutive failure.
    pub(in crate::track) fn failed(&mut self, now: Tick, sequence: Sequence) {
        self.backoff.failed(now, sequence, &self.waits);
    }

    /// Notes that a request was refused for a reason that may pass. The next request waits as after a failure, but the client counts as in
    /// touch with the gateway.
    pub(in crate::track) fn refused(&mut self, now: Tick) {
        self.backoff.refused(now, &self.waits);
    }

    /// Notes that the client was out of touch with the gateway.
    pub(in crate::track) fn lost_touch(&mut self, sequence: Sequence) {
        self.backoff.lost_touch(sequence);
    }

    /// Returns whether no request has failed since a sequence number.
    pub(in crate::track) fn in_touch_since(&self, sequence: Sequence) -> bool {
        self.backoff.in_touch_since(sequence)
    }

    /// Moves the end of the wait after a failure to at least `at_least` and at most `at_most` ticks from now.
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

    /// Returns whether a query that began after a message was submitted found the gateway's queue empty.
    pub(in crate::track) fn was_emptied_since(&self, submitted: Sequence) -> bool {
        self.queue.was_emptied_since(submitted)
    }

    pub(in crate::track) fn inbox_seen(&mut self, has_more: bool, now: Tick) {
        self.incoming_at = now.plus(if has_more { 0 } else { self.waits.incoming });
    }

    pub(in crate::track) fn complete_by_time(&mut self, after: GatewaySeconds, latest: GatewaySeconds) {
        self.results.complete_by_time(after, latest);
    }

    pub(in crate::track) fn complete_arrivals(&mut self, reach: Reach, now: Tick) {
        self.reports.complete_arrivals(reach, now, &self.waits);
    }

    /// Notes a result under a user_id of ours.
    pub(in crate::track) fn result_named(&mut self) {
        self.again.names_ids = true;
    }

    /// Returns whether the gateway returns results under our user_ids, so that a missing result is evidence of a missing message.
    pub(in crate::track) fn names_ids(&self) -> bool {
        self.again.names_ids
    }

    pub(in crate::track) fn result_progressed(&mut self) {
        self.results.progressed();
    }

    pub(in crate::track) fn clock_jumped(&mut self, now: Tick) {
        self.results.clock_jumped();
        self.reports.clock_jumped(now);
    }

    // Messages in flight that were accepted or refused.

    /// Notes that the messages in flight were accepted. Returns whether this ends the wait of other messages for a port.
    pub(in crate::track) fn accepted(&mut self, table: &mut Messages<'_>) -> bool {
        self.again.sizes.accepted(submissions::size(table));
        let ports = table.front(Queue::IN_FLIGHT).map(|slot| slot.ports);
        ports.is_some_and(|ports| again::end_hold(table, ports))
    }

    /// Notes that the messages in flight were refused because of one of them, or because of their size. Returns whether there is only one
    /// message in flight.
    pub(in crate::track) fn divide(&mut self, table: &Messages<'_>, now: Tick) -> bool {
        let size = submissions::size(table);
        self.again.divide(size, now);
        size.0 < 2
    }

    /// Notes that the messages in flight wait for a port.
    pub(in crate::track) fn hold(&mut self) {
        self.again.hold();
    }

    /// Notes that it is not clear whether the gateway has the messages in flight.
    pub(in crate::track) fn unclear(&mut self, table: &Messages<'_>) {
        self.queue.want();
        self.again.unclear(submissions::size(table).0);
    }

    /// Notes that a message is put back after a request whose outcome was unclear. Returns when the message may be submitted again. The
    /// wait is an eighth of the message's `age` in ticks, within limits, so that attempts become rarer.
    pub(in crate::track) fn divide_unclear(&mut self, age: u32, now: Tick) -> Tick {
        self.again.divide_unclear();
        let Waits { retry, slowest, .. } = self.waits;
        now.plus((age / 8).clamp(retry, slowest.max(retry)))
    }

    /// Notes that the messages in flight were accepted, or that a single message was refused for good.
    pub(in crate::track) fn settle(&mut self, table: &Messages<'_>, now: Tick) {
        self.again.settle(table, now);
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
        let step = match next {
            Next::SubmitApart => self.again.share(),
            _ => self.results.first_step(next, &self.load, &self.limits, view),
        };
        schedule::follow(table, &self.waits, (id, next, step), view.now);
    }

    /// Queues a message again after a query that brought no news of it. Its usual first wait is doubled `step` times.
    pub(in crate::track) fn wait(&self, table: &mut Messages<'_>, id: SlotId, step: u8, now: Tick) {
        schedule::wait(table, &self.waits, id, step, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::clock::{GatewayClock, PER_SECOND};

    #[test]
    fn earlier_queries_by_time_say_nothing_after_the_gateways_clock_jumped() {
        let mut clock = GatewayClock::NEW;
        let time = GatewaySeconds::saturating(1_000_000);
        clock.learn_send_time(time, Sequence::NEVER, Tick::ZERO, Sequence::new(1));
        let view = View { now: Tick::ZERO, clock: &clock };
        let mut planner = Planner::new();
        planner.configure(&Settings::default(), Tick::ZERO);
        planner.count(State::Unsent, State::Accepted, 0);
        planner.complete_by_time(time, time);
        assert!(planner.results.is_by_time(&planner.load, &planner.limits, &view));
        planner.clock_jumped(Tick::ZERO);
        assert!(!planner.results.is_by_time(&planner.load, &planner.limits, &view));
    }

    #[test]
    fn a_message_that_certainly_was_not_accepted_waits_for_an_eighth_of_its_age_from_2_to_300_seconds() {
        for (age, wait) in [(0, 2), (16, 2), (24, 3), (80, 10), (2400, 300), (3600, 300)] {
            let mut planner = Planner::new();
            planner.configure(&Settings::default(), Tick::ZERO);
            let now = Tick::new(1000);
            assert_eq!(planner.divide_unclear(age * PER_SECOND, now), now.plus(wait * PER_SECOND), "{age}");
        }
    }
}
