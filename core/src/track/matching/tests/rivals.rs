//! Rivals: messages that may own a report as well, because their port and reference are not known yet.

use super::*;

/// Judges a report that fits a message, in the presence of a rival. Returns `None` if the report is assigned to the message.
fn beside(rig: &mut Rig, id: SlotId) -> Option<Verdict> {
    let verdict = rig.verdict(report(5), START);
    (verdict != own(id)).then_some(verdict)
}

#[test]
fn a_report_waits_for_a_message_that_may_have_been_sent_by_its_port_before_it_was_seen() {
    let awaits = |change: fn(&mut Slot)| {
        let mut rig = Rig::new(EXCLUSIVE);
        let id = rig.add(|_| {});
        let rival = rig.unlocated(State::Accepted, change);
        let verdict = beside(&mut rig, id);
        assert!(verdict.is_none_or(|it| it == Verdict::Claimed { rival: Some(rival), wants_list: false }));
        verdict.is_some()
    };
    assert!(awaits(|_| {}), "through any port");
    assert!(awaits(|slot| slot.ports = 0b1000));
    assert!(!awaits(|slot| slot.ports = 0b10111), "through other ports");
    assert!(awaits(|slot| slot.not_begun = Sequence::new(FIRST - 1)));
    assert!(!awaits(|slot| slot.not_begun = Sequence::new(FIRST + 1)), "it had not begun to be sent");
}

#[test]
fn a_report_is_contested_by_a_message_that_ends_without_a_reference_if_it_may_have_been_sent() {
    for (state, is_rival) in [
        (State::Sent, true),
        (State::Expired, true),
        (State::Unresolved, true),
        (State::Delivered, true),
        (State::Failed, false),
        (State::Stopped, false),
    ] {
        let mut rig = Rig::new(EXCLUSIVE);
        let id = rig.add(|_| {});
        rig.unlocated(state, |_| {});
        assert_eq!(beside(&mut rig, id), is_rival.then_some(Verdict::Contested), "{state:?}");
    }
    // For a message that has ended, the field `submitted` decides, and `not_begun` does not matter.
    let mut rig = Rig::new(EXCLUSIVE);
    let id = rig.add(|_| {});
    rig.unlocated(State::Unresolved, |slot| slot.not_begun = Sequence::new(FIRST + 1));
    assert_eq!(beside(&mut rig, id), Some(Verdict::Contested));
    let mut rig = Rig::new(EXCLUSIVE);
    let id = rig.add(|_| {});
    rig.unlocated(State::Unresolved, |slot| slot.submitted = Sequence::new(FIRST + 1));
    assert_eq!(beside(&mut rig, id), None, "it was submitted later");
}

#[test]
fn a_report_waits_if_more_messages_may_own_it_than_are_looked_at() {
    for (count, expected) in
        [(255, None), (256, None), (257, Some(Verdict::Claimed { rival: None, wants_list: false }))]
    {
        let mut rig = Rig::new(EXCLUSIVE);
        let id = rig.add(|_| {});
        (0..count).for_each(|_| _ = rig.unlocated(State::Accepted, |slot| slot.ports = 1));
        assert_eq!(beside(&mut rig, id), expected, "{count}");
    }
}
