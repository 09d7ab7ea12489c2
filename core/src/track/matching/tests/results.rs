//! Matching results to messages.

use super::*;
use crate::{
    UserId,
    call::SmsResult,
    json::{Field, Text},
    track::{
        clock::GatewaySeconds,
        matching::{insert, message_of},
    },
};

/// Returns a result with the first message's user_id, this number, and a time `after` seconds after [`SENT`].
fn result(number: &str, after: i32) -> SmsResult<'_> {
    SmsResult {
        user_id: Field::Known(1),
        number: Text::Exact(number),
        time: Field::Known(GatewaySeconds::saturating(SENT.wrapping_add_signed(after)).to_time()),
        ..crate::track::tests::result(UserId::ZERO, number, 3, 9, "2026-01-01 12:00:00")
    }
}

/// Returns whether a result belongs to a message with this state and send time. The gateway's clock showed [`SENT`] when the message was
/// added.
fn is_of(state: State, sent: Option<i32>, result: &SmsResult<'_>) -> bool {
    let mut rig = Rig::new(QUICK);
    let now = GatewaySeconds::saturating(SENT);
    rig.clock.learn_send_time(now, Sequence::NEVER, START, Sequence::new(1));
    let id = rig.add(|slot| {
        lifecycle::restore(slot, state);
        slot.sent = sent.map(|after| GatewaySeconds::saturating(SENT.wrapping_add_signed(after)));
    });
    insert(&mut rig.table, id);
    message_of(&rig.table, &mut rig.clock, result) == Some(id)
}

#[test]
fn a_result_belongs_to_a_message_that_was_submitted_and_has_not_ended() {
    for (state, expected) in [
        (State::Unsent, false),
        (State::Accepted, true),
        (State::Uncertain, true),
        (State::Sent, true),
        (State::Delivered, false),
        (State::Expired, false),
    ] {
        assert_eq!(is_of(state, None, &result("13800000007", 0)), expected, "{state:?}");
    }
}

#[test]
fn a_result_belongs_to_a_message_unless_its_number_is_certainly_another() {
    for (number, expected) in
        [("+8613800000007", true), ("93800000007", true), ("138****0007", true), ("13800000008", false)]
    {
        assert_eq!(is_of(State::Accepted, None, &result(number, 0)), expected, "{number}");
    }
}

#[test]
fn a_result_of_more_than_two_hours_before_its_message_is_another_programs_unless_that_time_is_known() {
    let ago = |seconds: i32| result("13800000007", -seconds);
    assert!(is_of(State::Accepted, None, &ago(7200)) && !is_of(State::Accepted, None, &ago(7201)));
    assert!(is_of(State::Sent, Some(-7201), &ago(7201)));
}
