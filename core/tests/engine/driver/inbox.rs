//! Incoming messages that cannot be held.

use std::time::Duration;

use sms_gateway_core::{
    call::{Call, QueryIncomingSms},
    client::{Driver, Read, Session, Step, Taken},
    track::{InboxMark, PendingReport, Settings, Slot, Tracker},
};

/// Lets the driver query the inbox, which contains one message, and returns the mark of the message if it is handed out.
fn query(
    driver: &mut Driver<'_>,
    now: &mut Duration,
    id: i64,
    text: &str,
    has_room: bool,
) -> Option<InboxMark> {
    let in_flight = loop {
        driver.set_inbox_room(has_room);
        let step = driver.step(*now);
        while driver.tracker_mut().next_change().is_some() {}
        while driver.tracker_mut().next_event().is_some() {}
        match step {
            Step::Exchange(in_flight) => break in_flight,
            Step::Wait(until) => *now = until.expect("the inbox is queried").max(*now),
        }
    };
    let mut session = Session::new([0; 256], [0; 256]);
    session.begin(QueryIncomingSms::SPEC, true);
    let body = format!(
        r#"{{"error_code":200,"sms":[{{"incoming_sms_id":{id},"port":1,"number":"1","timestamp":"2026-01-31 08:00:00","text":"{text}"}}]}}"#
    );
    let (mut body, mut handed_out) = (body.as_bytes(), None);
    while session.read(&mut body).expect("a response") == Read::Record {
        if let Taken::Incoming { mark, .. } = driver.take(&in_flight, &session, *now) {
            handed_out = Some(mark);
        }
    }
    let _ = driver.finish(in_flight, &session, Ok(()), *now);
    handed_out
}

#[test]
fn a_message_without_room_is_not_handed_out_although_the_last_one_was_deleted() {
    let (mut slots, mut pending) = ([Slot::EMPTY; 1], [PendingReport::EMPTY; 1]);
    let mut now = Duration::ZERO;
    let settings = Settings { incoming: true, ..Settings::default() };
    let mut driver = Driver::new(Tracker::new(&mut slots, &mut pending, settings, now));
    assert!(query(&mut driver, &mut now, 1, "first", true).is_some());
    for _ in 0..20 {
        assert_eq!(query(&mut driver, &mut now, 2, "second", false), None);
    }
    for _ in 0..20 {
        assert_eq!(query(&mut driver, &mut now, 1, "third", false), None);
    }
    assert!((0..20).any(|_| query(&mut driver, &mut now, 1, "third", true).is_some()));
}
