use super::*;
use crate::track::{
    clock::{GatewayClock, Sequence},
    message::{HAS_REFERENCE, lifecycle},
    plan::queue::QUEUES,
    settings::Settings,
    table::{SlotId, Table},
};
use std::vec;

const S: u32 = PER_SECOND;
const NOW: Tick = Tick::new(100_000 * S);
/// The time of the gateway's clock at [`NOW`].
const READING: u32 = 1_000_000;

fn time(seconds: u32) -> GatewaySeconds {
    GatewaySeconds::new(seconds).unwrap()
}

fn clock() -> GatewayClock {
    let mut clock = GatewayClock::NEW;
    clock.learn_send_time(time(READING), Sequence::NEVER, NOW, Sequence::new(1));
    clock
}

fn view(clock: &GatewayClock) -> View<'_> {
    View { now: NOW, clock }
}

fn waits() -> Waits {
    let mut waits = Waits::NONE;
    waits.set(&Settings::default());
    waits
}

/// Returns messages that wait for reports, each given by the seconds since it was sent and its port.
fn waiting(messages: &[(u32, u8)]) -> Messages<'static> {
    let mut table: Table<'_, Slot, QUEUES> = Table::empty();
    table.lend(vec![Slot::EMPTY; messages.len() + 1].leak(), Queue::FREE);
    for (index, (ago, port)) in (0..).zip(messages) {
        let id = SlotId::at(index).unwrap();
        let slot = table.get_mut(id).unwrap();
        lifecycle::restore(slot, State::Sent);
        slot.set(HAS_REFERENCE, true);
        (slot.port, slot.sent, slot.due) = (*port, GatewaySeconds::new(READING - ago), NOW);
        table.append(id, Queue::report(0));
    }
    table
}

/// Returns the plan's next request while no look for new arrivals is due.
fn request(table: &mut Messages<'_>, clock: &GatewayClock) -> Request {
    let mut plan = ReportPlan::NEW;
    plan.restart(NOW);
    plan.arrivals_at = NOW.plus(1);
    plan.take(table, &view(clock)).unwrap()
}

/// Returns the ports of a query for old messages, and its limits `after` and `before`, in seconds before [`READING`].
fn limited(request: Request) -> Option<(u32, u32, u32)> {
    match request {
        Request::Reports { ports, after: Some(after), before: Some(before) } => {
            Some((ports.bits(), READING.wrapping_sub(after.get()), READING.wrapping_sub(before.get())))
        }
        Request::Arrivals { .. } => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reports_of_a_message_that_was_sent_more_than_600_seconds_ago_are_queried_by_its_send_time() {
    let ago = |seconds| limited(request(&mut waiting(&[(seconds, 3)]), &clock()));
    // The limits are 1 s before the send time and 601 s after it. So even a gateway that excludes the limits covers 0 to 600 s.
    assert_eq!((ago(600), ago(601)), (None, Some((0b1000, 602, 0))));
    assert_eq!(ago(5000), Some((0b1000, 5001, 4399)));
}

#[test]
fn reports_that_carry_the_send_time_are_queried_by_that_second_alone() {
    let mut clock = clock();
    assert!((0..8).any(|_| clock.learn(true)));
    assert_eq!(limited(request(&mut waiting(&[(5000, 3)]), &clock)), Some((0b1000, 5001, 4999)));
}

#[test]
fn reports_are_queried_by_the_clock_of_their_port() {
    let mut clock = clock();
    clock.leads.vote(3, 7200, NOW);
    let found = limited(request(&mut waiting(&[(9000, 3)]), &clock));
    assert_eq!(found, Some((0b1000, 9001 - 7200, 8399 - 7200)));
}

#[test]
fn old_messages_of_one_zone_that_were_sent_within_600_seconds_share_a_request() {
    let mut clock = clock();
    clock.leads.vote(5, 3600, NOW);
    let mut table = waiting(&[(5000, 3), (4400, 4), (4399, 6), (5001, 7), (4500, 5), (100, 8)]);
    // The query is for messages sent 5000 to 4400 s ago, but not through the port whose clock is an hour ahead.
    assert_eq!(limited(request(&mut table, &clock)), Some((0b1_1000, 5001, 3799)));
    assert_eq!(table.length(Queue::IN_FLIGHT), 2);
}

#[test]
fn old_messages_are_not_part_of_a_look_for_recent_ones() {
    let mut table = waiting(&[(100, 3), (5000, 4)]);
    assert_eq!(limited(request(&mut table, &clock())), None);
    assert_eq!(table.length(Queue::IN_FLIGHT), 1);
}

#[test]
fn no_message_is_old_for_a_gateway_that_selects_reports_by_their_arrival() {
    let mut clock = clock();
    clock.looks.begin(Some(time(READING)), NOW);
    clock.looks.see(Some(time(1)));
    assert_eq!(limited(request(&mut waiting(&[(5000, 3)]), &clock)), None);
}

#[test]
fn what_arrived_is_looked_at_for_old_messages_unless_reports_carry_the_send_time() {
    let mut clock = clock();
    let [recent, old] = [600, 601].map(|ago| waiting(&[(ago, 3)]));
    assert!(!wants_arrivals(&recent, &view(&clock)) && wants_arrivals(&old, &view(&clock)));
    assert!((0..8).any(|_| clock.learn(true)));
    assert!(!wants_arrivals(&old, &view(&clock)));
    assert!(!wants_arrivals(&old, &view(&GatewayClock::NEW)), "the time is not known");
}

#[test]
fn looks_reach_far_back_at_first_and_then_less_and_less_often() {
    let (mut plan, clock, waits) = (ReportPlan::NEW, clock(), waits());
    plan.restart(NOW);
    let reach_at = |plan: &ReportPlan, now: Tick| match plan.look(&View { now, clock: &clock }) {
        Request::Arrivals { reach, .. } => reach,
        other => panic!("{other:?}"),
    };
    let mut now = NOW;
    // The wait grows from 4 s to 68 min, and stays there.
    for step in (0..=10).chain([10, 10]) {
        assert_eq!(reach_at(&plan, now), Reach::Wide, "{step}");
        plan.complete_arrivals(Reach::Wide, now, &waits);
        let next = now.plus((4 * S) << step);
        assert_ne!(reach_at(&plan, next.earlier(1)), Reach::Wide, "{step}");
        now = next;
    }
    plan.clock_jumped(now);
    plan.complete_arrivals(Reach::Wide, now, &waits);
    assert_eq!(reach_at(&plan, now.plus(4 * S)), Reach::Wide, "anew after a jump");
}

#[test]
fn a_look_reaches_back_as_usual_once_in_60_seconds() {
    let (mut plan, clock, waits) = (ReportPlan::NEW, clock(), waits());
    plan.restart(NOW);
    for _ in 0..8 {
        plan.complete_arrivals(Reach::Wide, NOW, &waits);
    }
    for (seconds, completed) in
        [(59, Reach::Near), (60, Reach::Usual), (119, Reach::Near), (120, Reach::Usual)]
    {
        let now = NOW.plus(seconds * S);
        match plan.look(&View { now, clock: &clock }) {
            Request::Arrivals { reach, .. } => assert_eq!(reach, completed, "{seconds}"),
            other => panic!("{other:?}"),
        }
        plan.complete_arrivals(completed, now, &waits);
    }
}

#[test]
fn all_ports_are_looked_at_again_an_hour_after_the_last_look_and_a_minute_after_a_failed_one() {
    let (mut plan, mut clock) = (ReportPlan::NEW, clock());
    plan.restart(NOW);
    clock.looks.begin(None, NOW);
    clock.looks.complete(Some(READING));
    let hour = 3600 * S;
    let mut takes = |is_active, ticks| {
        let view = View { now: NOW.plus(ticks), clock: &clock };
        plan.take_look(is_active, &view).is_some()
    };
    assert!(!takes(true, hour) && !takes(false, hour + 1) && takes(true, hour + 1));
    assert!(!takes(true, hour + 60 * S) && takes(true, hour + 1 + 60 * S));
}
