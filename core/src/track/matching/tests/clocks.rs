//! The facts about clocks that are learnt from a report's time, and the verdicts that the time decides.

use super::*;

#[test]
fn a_report_up_to_45_seconds_after_the_result_shows_the_lead_of_its_clock() {
    for (seconds, expected) in [(44, true), (45, true), (46, false)] {
        let mut rig = Rig::new(QUICK);
        rig.add(|_| {});
        let seen = START.plus(seconds * SECOND);
        let judgement = rig.judge(report(7200), Some(START), seen);
        assert_eq!(judgement.quick, expected.then_some((7200, false)), "{seconds}");
        let exactly = rig.judge(report(0), Some(START), seen);
        assert_eq!(exactly.quick, expected.then_some((0, true)));
        assert_eq!(rig.judge(report(7200), None, seen).quick, None, "it may have arrived at any time");
    }
}

#[test]
fn a_report_shows_the_lead_by_the_message_that_was_sent_last() {
    for is_newest_first in [true, false] {
        let mut rig = Rig::new(QUICK);
        let ages = if is_newest_first { [0, 1] } else { [1, 0] };
        for age in ages {
            rig.add(|slot| {
                slot.located = START.earlier(age * SECOND);
                slot.sent = GatewaySeconds::new(SENT - 100 * age);
            });
        }
        let judgement = rig.judge(report(30), Some(START.earlier(HOUR)), START.plus(SECOND));
        assert_eq!(judgement.quick, Some((30, false)), "{is_newest_first}");
    }
}

#[test]
fn a_report_at_least_300_seconds_after_the_result_shows_whether_late_ones_carry_the_time_of_sending() {
    for (ticks, is_late) in [(300 * SECOND - 1, false), (300 * SECOND, true), (300 * SECOND + 1, true)] {
        for (after, carries) in [(-61, false), (-60, true), (60, true), (61, false)] {
            let mut rig = Rig::new(QUICK);
            rig.add(|_| {});
            let absent = START.plus(ticks);
            assert_eq!(rig.judge(report(7200 + after), Some(absent), absent).late, None);
            rig.learn_lead(7200);
            let late = rig.judge(report(7200 + after), Some(absent), absent).late;
            assert_eq!(late, is_late.then_some(carries), "{ticks} {after}");
        }
    }
}

#[test]
fn each_segment_is_sent_four_seconds_after_the_one_before() {
    for (after, carries) in [(8 - 61, false), (8 - 60, true), (8 + 60, true), (8 + 61, false)] {
        let mut rig = Rig::new(QUICK);
        rig.learn_lead(0);
        rig.add(|slot| (slot.reference, slot.segments) = (7, 3));
        let absent = START.plus(HOUR);
        assert_eq!(rig.judge(report(after), Some(absent), absent).late, Some(carries), "{after}");
    }
}

#[test]
fn a_late_report_carries_the_time_of_sending_if_any_candidate_was_sent_then() {
    let mut rig = Rig::new(QUICK);
    rig.learn_lead(0);
    rig.add(|_| {});
    rig.add(|slot| {
        (slot.located, slot.sent) = (START.plus(1000 * SECOND), GatewaySeconds::new(SENT + 1000));
    });
    let absent = START.plus(HOUR);
    assert_eq!(rig.judge(report(5), Some(absent), absent).late, Some(true));
    assert_eq!(rig.judge(report(500), Some(absent), absent).late, Some(false));
}

/// Returns a strict rig that has learned that late reports carry their segment's send time.
fn timed() -> Rig {
    let mut rig = Rig::new(STRICT);
    rig.learn_lead(0);
    assert!((0..16).any(|_| rig.clock.leads.note_late(true)));
    rig
}

#[test]
fn a_report_that_carries_the_time_of_sending_belongs_to_the_only_message_within_90_seconds() {
    for (after, expected) in [(-91, false), (-90, true), (90, true), (91, false)] {
        let mut rig = timed();
        let id = rig.add(|_| {});
        rig.add(|slot| slot.sent = GatewaySeconds::new(SENT + 1000));
        let verdict = rig.verdict(report(after), START.plus(HOUR));
        assert_eq!(verdict, if expected { own(id) } else { Verdict::Contested }, "{after}");
    }
    let mut rig = timed();
    rig.clock.leads.note_late(false);
    rig.add(|_| {});
    rig.add(|slot| slot.sent = GatewaySeconds::new(SENT + 1000));
    assert_eq!(rig.verdict(report(0), START.plus(HOUR)), Verdict::Contested, "they do not carry it");
}

#[test]
fn the_time_of_sending_decides_nothing_between_two_messages_or_for_one_that_had_its_report() {
    let absent = START.plus(HOUR);
    let mut rig = timed();
    rig.add(|_| {});
    rig.add(|slot| slot.sent = GatewaySeconds::new(SENT + 50));
    assert_eq!(rig.verdict(report(20), absent), Verdict::Contested);
    let mut rig = timed();
    rig.delivered(START.plus(10 * SECOND), 5);
    rig.add(|slot| slot.sent = GatewaySeconds::new(SENT + 1000));
    assert_eq!(rig.verdict(report(20), absent), Verdict::Contested);
}

#[test]
fn equal_times_decide_only_once_they_are_known_to_be_those_of_sending() {
    let absent = START.plus(HOUR);
    let mut rig = Rig::new(STRICT);
    let id = rig.add(|_| {});
    let other = rig.add(|slot| slot.sent = GatewaySeconds::new(SENT + 1000));
    assert_eq!(rig.verdict(report(0), absent), Verdict::Contested);
    rig.learn_equality();
    assert_eq!(rig.verdict(report(0), absent), own(id));
    assert_eq!(rig.verdict(report(1000), absent), own(other));
    assert_eq!(rig.verdict(report(1), absent), Verdict::Unknown { is_foreign: true });
    // A second message was sent at the same time.
    rig.add(|_| {});
    assert_eq!(rig.verdict(report(0), absent), Verdict::Contested);
}

#[test]
fn a_time_that_is_not_known_is_equal_to_none_and_different_from_none() {
    let without_time = RawReport { time: None, ..report(0) };
    for report in [report(5), without_time] {
        for (strictness, is_own) in [(STRICT, false), (EXCLUSIVE, true)] {
            let mut rig = Rig::new(strictness);
            rig.learn_equality();
            rig.add(|slot| slot.sent = None);
            assert_eq!(rig.is_own(report, START, START.plus(SECOND)), is_own, "{strictness:?}");
        }
    }
}
