//! Decides which results are queried: those of messages named by user_id, or all after a time if a request cannot name all messages.

use super::{
    in_flight::Request,
    load::Load,
    queue::{Messages, Queue, SLOWEST_STEP, STEPS},
    schedule::most_overdue,
    view::View,
    waits::Waits,
};
use crate::{
    UserId,
    track::{
        clock::{GatewaySeconds, Tick},
        message::{Slot, lifecycle::Next},
        settings::{Limits, MAX_IDS},
        table::SlotId,
    },
};

/// The seconds from a message's send time until all of the message has usually been sent, with a margin (document §11: 5 to 8).
const SENDING_SECONDS: u32 = 16;

/// The maximum number of consecutive queries by time without news. After these, results are queried by user_id only, if
/// one request can name all messages under way.
const MAX_QUIET: u8 = 4;

/// The maximum span of a query by time in seconds. The response to a longer one is not worth its size.
const LONGEST_SPAN: u32 = 600;

/// The number of times that the first wait for the result of a message that is being sent is doubled, while results are queried by time.
const SENDING_STEP: u8 = 2;
/// The same number for a message that the gateway has accepted, but not begun to send.
const ACCEPTED_STEP: u8 = 3;

/// Decides which results are queried.
///
/// A response to a query by time may lack a message that was sent, because the gateway's clock may have shown 1970 when the message
/// was sent. Messages are therefore queried by user_id as well, but less often.
#[derive(Debug)]
pub(super) struct ResultPlan {
    next_at: Tick,
    /// The user_ids of the messages that the request in flight names.
    named: [UserId; MAX_IDS],
    named_count: usize,
    /// The gateway's time up to which results were queried without a gap; `None` if unknown, as after a jump of its clock.
    reached: Option<GatewaySeconds>,
    /// The number of consecutive queries by time without news.
    quiet: u8,
    /// Whether the latest request was by time.
    was_by_time: bool,
}

impl ResultPlan {
    pub(super) const NEW: Self = Self {
        next_at: Tick::ZERO,
        named: [UserId::ZERO; MAX_IDS],
        named_count: 0,
        reached: None,
        quiet: 0,
        was_by_time: false,
    };

    /// Makes all queries due.
    pub(super) fn restart(&mut self, now: Tick) {
        (self.next_at, self.named_count, self.was_by_time) = (now, 0, false);
    }

    pub(super) fn next_at(&self) -> Tick {
        self.next_at
    }

    pub(super) fn asked(&mut self, now: Tick, waits: &Waits) {
        self.next_at = now.plus(waits.results_every);
    }

    /// Returns whether results are queried by time. They are while more messages are under way than a request can name. After that, they
    /// still are until [`MAX_QUIET`] consecutive queries by time brought no news, the gateway's clock jumps, or no message is under way.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn is_by_time(&self, load: &Load, limits: &Limits, view: &View<'_>) -> bool {
        let many = load.total() > limits.ids.into();
        let lately = self.reached.is_some() && self.quiet < MAX_QUIET && load.total() > 0;
        (many || lately) && view.clock.latest().is_some()
    }

    fn by_time(&self, load: &Load, limits: &Limits, view: &View<'_>) -> Option<Request> {
        let ledger = &view.clock.ledger;
        let latest = view.clock.latest()?;
        if ledger.is_wanted() {
            return Some(Request::ResultsByTime { after: ledger.after(latest), latest, is_list: true });
        }
        if !self.is_by_time(load, limits, view) {
            return None;
        }
        let joined = |reached: &GatewaySeconds| latest.get().saturating_sub(reached.get()) < LONGEST_SPAN;
        // Messages that were being sent at the last query are queried once more.
        let from = self.reached.filter(joined).unwrap_or(latest);
        Some(Request::ResultsByTime { after: from.minus(SENDING_SECONDS), latest, is_list: false })
    }

    /// Notes a complete response by time.
    pub(super) fn complete_by_time(&mut self, after: GatewaySeconds, latest: GatewaySeconds) {
        let is_joined = self.reached.is_some_and(|reached| after.get() <= reached.get());
        let quiet = if is_joined { self.quiet } else { 0 };
        (self.reached, self.quiet) = (Some(latest), quiet.saturating_add(1));
    }

    /// Notes a result with news.
    pub(super) fn progressed(&mut self) {
        self.quiet = 0;
    }

    /// Notes a jump of the gateway's clock: earlier queries by time prove nothing any more.
    pub(super) fn clock_jumped(&mut self) {
        self.reached = None;
    }

    /// Returns the number of times that the first wait for a message's result is doubled.
    pub(super) fn first_step(&self, next: Next, load: &Load, limits: &Limits, view: &View<'_>) -> u8 {
        let step = match next {
            Next::QueryResultOfAccepted => ACCEPTED_STEP,
            Next::QueryResultOfSending => SENDING_STEP,
            _ => return 0,
        };
        if self.is_by_time(load, limits, view) { step } else { 0 }
    }

    /// Returns the next query, if one is due: a query by time, or one by user_id. The messages of a query by user_id are moved to
    /// [`Queue::IN_FLIGHT`].
    pub(super) fn take(
        &mut self,
        table: &mut Messages<'_>,
        (load, limits, waits): (&Load, &Limits, &Waits),
        view: &View<'_>,
    ) -> Option<Request> {
        let by_time = self.by_time(load, limits, view);
        if by_time.is_some() && !self.was_by_time {
            self.was_by_time = true;
            return by_time;
        }
        self.was_by_time = false;
        self.named_count = 0;
        while let Some(queue) = most_overdue(table, Queue::result, view.now) {
            if !self.name(table, table.first(queue)?, limits) {
                return Some(Request::Results);
            }
        }
        if self.named_count > 0 {
            self.name_soon_due(table, limits, view.now.plus(waits.slowest / 2));
            return Some(Request::Results);
        }
        self.was_by_time = by_time.is_some();
        by_time
    }

    /// Adds a message to the request, if the request has room.
    fn name(&mut self, table: &mut Messages<'_>, id: SlotId, limits: &Limits) -> bool {
        let most = usize::from(limits.ids).max(1);
        let place = self.named.iter_mut().take(most).nth(self.named_count);
        let user_id = table.get(id).and_then(Slot::id);
        let (Some(place), Some(user_id)) = (place, user_id) else { return false };
        *place = user_id;
        self.named_count += 1;
        table.append(id, Queue::IN_FLIGHT);
        true
    }

    /// Adds messages that are rarely queried and soon due, so that they need no request of their own.
    fn name_soon_due(&mut self, table: &mut Messages<'_>, limits: &Limits, soon: Tick) {
        for queue in (SLOWEST_STEP..STEPS).map(Queue::result) {
            while let Some(id) = table.first(queue) {
                let is_due = table.get(id).is_some_and(|slot| slot.due.is_due(soon));
                if !is_due || !self.name(table, id, limits) {
                    break;
                }
            }
        }
    }

    /// Returns the user_ids that the request names.
    pub(super) fn named(&self) -> &[UserId] {
        self.named.get(..self.named_count).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::{
        clock::{GatewayClock, Sequence},
        message::State,
    };

    const LIMITS: Limits = Limits { ids: 2, ..Limits::metered() };
    const LATEST: u32 = 1_000_000;

    fn time(seconds: u32) -> GatewaySeconds {
        GatewaySeconds::new(seconds).unwrap()
    }

    /// Returns a clock that shows [`LATEST`].
    fn clock() -> GatewayClock {
        let mut clock = GatewayClock::NEW;
        clock.learn_send_time(time(LATEST), Sequence::NEVER, Tick::ZERO, Sequence::new(1));
        clock
    }

    fn load(messages: u32) -> Load {
        let mut load = Load::NONE;
        (0..messages).for_each(|_| load.count(State::Unsent, State::Accepted, 0));
        load
    }

    fn view(clock: &GatewayClock) -> View<'_> {
        View { now: Tick::ZERO, clock }
    }

    /// Returns the time after which results are queried.
    fn after(plan: &ResultPlan, messages: u32) -> Option<u32> {
        match plan.by_time(&load(messages), &LIMITS, &view(&clock()))? {
            Request::ResultsByTime { after, is_list: false, .. } => Some(after.get()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn results_are_queried_by_time_if_a_request_cannot_name_all_messages() {
        let plan = ResultPlan::NEW;
        assert_eq!([2, 3].map(|messages| after(&plan, messages)), [None, Some(LATEST - 16)]);
        let unknown = GatewayClock::NEW;
        assert!(plan.by_time(&load(3), &LIMITS, &view(&unknown)).is_none(), "the time is not known");
    }

    #[test]
    fn results_are_queried_by_time_until_four_queries_brought_nothing_new() {
        let mut plan = ResultPlan::NEW;
        for quiet in 0..4 {
            assert_eq!(after(&plan, 1).is_some(), quiet > 0, "{quiet}");
            plan.complete_by_time(time(LATEST - 16), time(LATEST));
        }
        assert_eq!(after(&plan, 1), None);
        plan.progressed();
        assert!(after(&plan, 1).is_some() && after(&plan, 0).is_none());
        // If a query leaves a gap after the queries before it, the count of queries without news restarts.
        for _ in 0..5 {
            plan.complete_by_time(time(LATEST + 1), time(LATEST));
        }
        assert!(after(&plan, 1).is_some());
    }

    #[test]
    fn a_query_by_time_continues_where_the_last_one_ended_unless_that_was_600_seconds_ago() {
        for (ago, expected) in [(599, LATEST - 599 - 16), (600, LATEST - 16)] {
            let mut plan = ResultPlan::NEW;
            plan.complete_by_time(time(1), time(LATEST - ago));
            assert_eq!(after(&plan, 3), Some(expected), "{ago}");
            plan.clock_jumped();
            assert_eq!(after(&plan, 3), Some(LATEST - 16));
        }
    }

    #[test]
    fn messages_are_named_later_while_results_are_queried_by_time() {
        let (plan, clock) = (ResultPlan::NEW, clock());
        let steps = |messages| {
            [Next::QueryResultOfAccepted, Next::QueryResultOfSending, Next::QueryResult]
                .map(|next| plan.first_step(next, &load(messages), &LIMITS, &view(&clock)))
        };
        assert_eq!((steps(2), steps(3)), ([0; 3], [3, 2, 0]));
    }
}
