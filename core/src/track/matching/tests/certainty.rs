//! The conditions under which the only candidate owns a report: no other program can have sent the report's message.

use super::*;

#[test]
fn a_report_arrived_soon_if_it_was_absent_30_seconds_and_there_60_seconds_after_the_result() {
    let s = SECOND;
    for (absent, seen, expected) in [
        (0, 60 * s, true),
        (30 * s, 60 * s, true),
        (30 * s + 1, 60 * s, false),
        (30 * s, 60 * s + 1, false),
        (29 * s + 99, 59 * s + 99, true),
    ] {
        let mut rig = Rig::new(QUICK);
        rig.add(|_| {});
        assert_eq!(rig.is_own(report(5), START.plus(absent), START.plus(seen)), expected, "{absent} {seen}");
        let mut rig = Rig::new(STRICT);
        rig.add(|_| {});
        assert!(!rig.is_own(report(5), START.plus(absent), START.plus(seen)));
    }
}

#[test]
fn a_look_more_than_an_hour_before_the_result_does_not_show_that_a_report_arrived_soon() {
    for (before, expected) in [(HOUR - 1, true), (HOUR, true), (HOUR + 1, false)] {
        let mut rig = Rig::new(QUICK);
        rig.add(|_| {});
        assert_eq!(rig.is_own(report(5), START.earlier(before), START.plus(SECOND)), expected, "{before}");
    }
}

#[test]
fn a_report_arrived_soon_only_by_a_clock_that_went_on_since_the_look_and_the_result() {
    let (result, look) = (START, START.plus(SECOND));
    for (result, look, started, expected) in [
        (result, look, result, true),
        (result, look, look, false),
        (look, result, result, true),
        (look, result, look, false),
    ] {
        let mut rig = Rig::new(QUICK);
        rig.add(|slot| slot.located = result);
        rig.clock.looks.start(started, None);
        assert_eq!(rig.is_own(report(5), look, START.plus(2 * SECOND)), expected, "{started:?}");
    }
}

#[test]
fn another_programs_report_to_the_number_in_the_last_146_hours_leaves_no_report_certain() {
    for (before, expected) in [(146 * HOUR - 1, false), (146 * HOUR, true), (146 * HOUR + 1, true)] {
        let mut rig = Rig::new(QUICK);
        rig.add(|_| {});
        let at = START.earlier(before);
        rig.matching.note_foreign(
            &RawReport { reference: 77, ..report(0) },
            Sighting { at, first: Sequence::new(1), absent: Some(at) },
        );
        assert_eq!(rig.is_own(report(5), START, START.plus(SECOND)), expected, "{before}");
    }
}

#[test]
fn other_programs_in_the_last_146_hours_before_a_restart_leave_no_late_report_certain() {
    for (before, expected) in [(146 * HOUR - 1, false), (146 * HOUR, true)] {
        let mut rig = Rig::new(QUICK);
        rig.add(|_| {});
        let absent = START.plus(60 * SECOND);
        let mark = Mark { highest: 0, at: START.earlier(HOUR), foreign: Some(absent.earlier(before)) };
        rig.clock.looks.start(START, Some(mark));
        let sent = GatewaySeconds::new(SENT).unwrap();
        rig.clock.note_jump(sent, START, START);
        rig.clock.runs.note_place((3, 9, 1), Some(sent), START);
        // The report did not arrive soon, but it was seen before any program can have used its reference again.
        assert_eq!(rig.is_own(report(100), absent, START.plus(120 * SECOND)), expected, "{before}");
    }
}

#[test]
fn only_a_port_without_a_gap_for_75_hours_is_this_clients_alone() {
    for (before, expected) in [(75 * HOUR - 1, false), (75 * HOUR, false), (75 * HOUR + 1, true)] {
        let mut rig = Rig::new(STRICT);
        rig.add(|_| {});
        let sent = GatewaySeconds::new(SENT);
        rig.clock.runs.note_place((3, 1, 8), sent, START.earlier(before));
        rig.clock.runs.note_place((3, 9, 1), sent, START);
        assert_eq!(rig.is_own(report(5), START, START.plus(SECOND)), expected, "{before}");
    }
}

#[test]
#[cfg_attr(sms_gateway_small, ignore = "a microcontroller does not remember the messages of others")]
fn a_list_of_results_proves_nothing_of_reports_that_were_absent_in_an_earlier_life() {
    for (started, expected, wants_list) in [(START, true, true), (START.plus(1), false, false)] {
        let mut rig = Rig::new(STRICT);
        rig.add(|_| {});
        rig.clock.looks.start(started, None);
        let before = rig.judge(report(5), Some(START), START.plus(SECOND)).verdict;
        assert_eq!(matches!(before, Verdict::Claimed { wants_list: true, .. }), wants_list);
        rig.clock.ledger.begin(START.plus(2 * SECOND));
        rig.clock.ledger.note((3, 8, 1), SENT, false);
        rig.clock.ledger.complete();
        assert_eq!(rig.is_own(report(5), START, START.plus(SECOND)), expected);
    }
}

#[test]
#[cfg_attr(sms_gateway_small, ignore = "a microcontroller does not remember the messages of others")]
fn no_list_of_results_is_asked_for_if_no_other_program_sends() {
    let mut rig = Rig::new(EXCLUSIVE);
    rig.add(|_| {});
    rig.clock.forget_message();
    // The report may have arrived at any time, so it may belong to a forgotten message.
    assert_eq!(rig.judge(report(5), None, START.plus(SECOND)).verdict, Verdict::Contested);
}

/// Returns whether a report that may have arrived at any time is assigned.
fn of_any_time(rig: &mut Rig, after: i32) -> bool {
    matches!(rig.judge(report(after), None, START.plus(SECOND)).verdict, Verdict::Own { .. })
}

#[test]
fn a_report_that_may_have_arrived_at_any_time_needs_a_gateway_of_this_clients_own() {
    for (strictness, expected) in [(EXCLUSIVE, true), (QUICK, false), (STRICT, false)] {
        let mut rig = Rig::new(strictness);
        rig.add(|_| {});
        assert_eq!(of_any_time(&mut rig, 5), expected, "{strictness:?}");
    }
}

#[test]
fn a_report_of_any_time_is_assigned_after_messages_were_forgotten_if_it_carries_a_time_soon_after_sending() {
    for (after, expected) in [(-61, false), (-60, true), (0, true), (600, true), (601, false)] {
        let mut rig = Rig::new(EXCLUSIVE);
        rig.add(|_| {});
        rig.clock.forget_message();
        assert!(!of_any_time(&mut rig, 0), "the lead of the clock of reports is unknown");
        rig.clock.leads.vote(3, 7200, START);
        assert_eq!(of_any_time(&mut rig, 7200 + after), expected, "{after}");
    }
}

#[test]
fn a_report_of_any_time_is_compared_only_with_a_send_time_of_this_life_and_era() {
    let is_own = |started: Tick, era: u8| {
        let mut rig = Rig::new(EXCLUSIVE);
        rig.add(|slot| slot.era = era);
        rig.clock.forget_message();
        rig.clock.leads.vote(3, 0, START);
        rig.clock.looks.start(started, None);
        of_any_time(&mut rig, 5)
    };
    assert!(is_own(START, 0));
    assert!(!is_own(START.plus(1), 0), "another life");
    assert!(!is_own(START, 1), "another era");
}
