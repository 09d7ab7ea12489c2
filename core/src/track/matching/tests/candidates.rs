//! Candidates: messages that may own a report, and messages that already had their own report.

use super::*;
use crate::track::{
    matching::{LISTED, Stage},
    message::AMBIGUOUS,
};

const FOREIGN: Verdict = Verdict::Unknown { is_foreign: true };

#[test]
fn a_message_may_own_a_report_up_to_an_hour_later_than_reports_are_late() {
    for (ticks, is_candidate) in [(LATE + HOUR - 1, true), (LATE + HOUR, true), (LATE + HOUR + 1, false)] {
        let mut rig = Rig::new(EXCLUSIVE);
        let id = rig.add(|_| {});
        let expected = if is_candidate { own(id) } else { FOREIGN };
        assert_eq!(rig.verdict(report(5), START.plus(ticks)), expected, "{ticks}");
    }
}

#[test]
fn a_segment_may_have_its_report_repeated_as_long_after_the_end_of_its_message_as_reports_are_doubled() {
    let end = START.plus(10 * HOUR);
    for (ticks, is_candidate) in [(DOUBLED - 1, true), (DOUBLED, true), (DOUBLED + 1, false)] {
        let mut rig = Rig::new(EXCLUSIVE);
        let id = rig.delivered(end, 5);
        let expected = if is_candidate { Verdict::Repeated { of: Some(id) } } else { FOREIGN };
        assert_eq!(rig.verdict(report(6), end.plus(ticks)), expected, "{ticks}");
    }
}

#[test]
fn a_segment_is_not_ruled_out_before_its_message_ended_and_it_had_its_report() {
    let mut rig = Rig::new(EXCLUSIVE);
    let id = rig.add(|slot| (slot.segments, slot.fates) = (2, Fates::new(1, 0, 0)));
    let absent = START.plus(2 * HOUR);
    assert_eq!(rig.verdict(report(6), absent), Verdict::Repeated { of: Some(id) }, "the other is awaited");
    let mut rig = Rig::new(EXCLUSIVE);
    let id = rig.add(|slot| lifecycle::restore(slot, State::Failed));
    assert_eq!(rig.verdict(report(6), absent), own(id), "its report is still to come");
}

#[test]
fn a_repeated_report_is_not_assigned_to_another_message() {
    // Status 0x20 means that the SMS centre is still trying.
    for status in [0, 0x20] {
        let mut rig = Rig::new(EXCLUSIVE);
        rig.delivered(START.plus(20 * SECOND), 5);
        rig.add(|_| {});
        let again = RawReport { status, ..report(5) };
        let absent = START.plus(30 * SECOND);
        assert_eq!(rig.verdict(again, absent), Verdict::Repeated { of: None }, "{status}");
        assert_eq!(rig.verdict(RawReport { status, ..report(6) }, absent), Verdict::Contested, "{status}");
    }
}

#[test]
fn the_time_of_a_repeated_report_is_noted_only_if_one_message_may_own_it() {
    let mut rig = Rig::new(EXCLUSIVE);
    let absent = START.plus(30 * SECOND);
    let first = rig.delivered(START, 5);
    assert_eq!(rig.verdict(report(6), absent), Verdict::Repeated { of: Some(first) });
    rig.delivered(START, 5);
    assert_eq!(rig.verdict(report(6), absent), Verdict::Repeated { of: None });
}

#[test]
fn an_earlier_report_that_waits_keeps_a_later_one_waiting() {
    for (first, is_earlier) in [(FIRST - 1, true), (FIRST + 1, false)] {
        let mut rig = Rig::new(EXCLUSIVE);
        let id = rig.add(|_| {});
        let sighting = Sighting { at: START, first: Sequence::new(first), absent: None };
        rig.matching.pending.put(&report(1), Stage::Claimed, sighting, START);
        let expected = if is_earlier { Verdict::Claimed { rival: None, wants_list: false } } else { own(id) };
        assert_eq!(rig.verdict(report(5), START), expected, "{first}");
    }
}

/// A description of a change to a message, and the function that makes it.
type Case = (&'static str, fn(&mut Slot));

#[test]
fn a_contested_report_marks_each_message_that_may_own_it_once() {
    let is_contested = |change: fn(&mut Slot)| {
        let mut rig = Rig::new(QUICK);
        rig.learn_equality();
        let id = rig.add(change);
        let sighting = Sighting { at: START, first: Sequence::new(FIRST), absent: Some(START.plus(SECOND)) };
        rig.evidence().is_contested(rig.table.get(id).unwrap(), 0, &report(0), sighting)
    };
    assert!(is_contested(|_| {}));
    let others: [Case; 6] = [
        ("it was sent too long before", |slot| slot.located = START.earlier(LATE + 2 * HOUR)),
        ("it was sent at another time", |slot| slot.sent = GatewaySeconds::new(SENT + 1)),
        ("it had its report", |slot| slot.fates = Fates::new(1, 0, 0)),
        ("it is marked already", |slot| slot.set(AMBIGUOUS, true)),
        ("it has ended", |slot| lifecycle::restore(slot, State::Expired)),
        ("it was submitted later", |slot| slot.submitted = Sequence::new(FIRST + 1)),
    ];
    for (why, change) in others {
        assert!(!is_contested(change), "{why}");
    }
}

/// Notes segments of other programs in the gateway's list of results.
fn list(rig: &mut Rig, times: &[i32]) {
    for time in times {
        let entry = RawReport { status: LISTED, ..report(*time) };
        rig.matching.list(&entry, Sighting { at: START, first: Sequence::new(1), absent: None });
    }
}

#[test]
#[cfg_attr(sms_gateway_small, ignore = "a microcontroller does not remember the messages of others")]
fn a_listed_segment_of_another_program_may_own_a_report() {
    let absent = START.plus(SECOND);
    let mut rig = Rig::new(EXCLUSIVE);
    list(&mut rig, &[0]);
    assert_eq!(
        rig.verdict(RawReport { status: 0x20, ..report(5) }, absent),
        Verdict::Unknown { is_foreign: false }
    );
    rig.add(|_| {});
    assert_eq!(rig.verdict(report(6), absent), Verdict::Contested);
    let mut rig = Rig::new(EXCLUSIVE);
    list(&mut rig, &[0]);
    rig.delivered(START, 5);
    assert_eq!(rig.verdict(report(6), absent), Verdict::Repeated { of: None }, "it may be the stranger's");
}

#[test]
#[cfg_attr(sms_gateway_small, ignore = "a microcontroller does not remember the messages of others")]
fn a_listed_segment_is_ruled_out_once_a_final_report_is_certainly_its_own() {
    for (strangers, status, is_ended) in [(&[0][..], 0, true), (&[0], 0x20, false), (&[0, 1], 0, false)] {
        let mut rig = Rig::new(EXCLUSIVE);
        list(&mut rig, strangers);
        rig.judge(RawReport { status, ..report(5) }, Some(START), START.plus(1));
        let later = START.plus(2 * HOUR);
        let id = rig.add(|slot| slot.located = later);
        let expected = if is_ended { own(id) } else { Verdict::Contested };
        assert_eq!(rig.verdict(report(7200), later), expected, "{strangers:?} {status}");
    }
}

#[test]
#[cfg_attr(sms_gateway_small, ignore = "a microcontroller does not remember the messages of others")]
fn a_listed_segment_may_own_a_report_as_long_after_it_was_listed_as_a_message() {
    for (ticks, is_candidate) in [(LATE + HOUR, true), (LATE + HOUR + 1, false)] {
        let mut rig = Rig::new(EXCLUSIVE);
        list(&mut rig, &[0]);
        let absent = START.plus(ticks);
        let id = rig.add(|slot| slot.located = absent);
        let expected = if is_candidate { Verdict::Contested } else { own(id) };
        assert_eq!(rig.verdict(report(5), absent), expected, "{ticks}");
    }
}

#[test]
#[cfg_attr(sms_gateway_small, ignore = "a microcontroller does not remember the messages of others")]
fn a_listed_segment_of_another_port_or_reference_owns_no_report() {
    for (port, reference) in [(3, 10), (4, 9)] {
        let mut rig = Rig::new(EXCLUSIVE);
        // With 8 entries, all reports share one group.
        rig.matching.lend(vec![PendingReport::EMPTY; 8].leak(), EXCLUSIVE);
        let id = rig.add(|_| {});
        let entry = RawReport { status: LISTED, port, reference, ..report(0) };
        rig.matching.list(&entry, Sighting { at: START, first: Sequence::new(1), absent: None });
        assert_eq!(rig.verdict(report(5), START), own(id), "{port} {reference}");
    }
}
