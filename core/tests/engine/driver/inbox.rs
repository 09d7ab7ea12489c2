//! Incoming messages that cannot be held.

use std::time::Duration;

use sms_gateway_core::{
    call::{Call, QueryIncomingSms},
    client::{Driver, Failure, Read, Session, Step, Taken},
    track::{InboxMark, PendingReport, Settings, Slot, Tracker},
};

/// Lets the driver query an inbox that contains one message. Returns the mark of the message, if it is handed out.
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

/// Reads a response that arrives in two pieces.
fn read_split(body: &str, at: usize) -> (Result<(), Failure>, bool) {
    let mut session = Session::new([0; 256], [0; 256]);
    session.begin(QueryIncomingSms::SPEC, true);
    let (first, second) = body.as_bytes().split_at(at);
    let (mut pieces, mut input) = ([first, second].into_iter(), &b""[..]);
    let outcome = loop {
        match session.read(&mut input) {
            Ok(Read::Record) => {}
            Ok(Read::More) => match pieces.next() {
                Some(piece) => input = piece,
                None => session.body_ended().expect("an end"),
            },
            Ok(Read::Drain) => pieces.by_ref().for_each(|piece| session.keep(piece)),
            Ok(Read::End) => break Ok(()),
            Err(failure) => break Err(failure),
        }
    };
    (outcome, session.page_break().is_some())
}

#[test]
fn a_text_that_ends_the_document_does_not_hide_later_messages() {
    let message = r#"{"error_code":200,"sms":[{"incoming_sms_id":1,"port":1,"number":"1","text":"a"#;
    for (text, is_whole) in
        [(r#""}]} b"},{"incoming_sms_id":2}]}"#, false), (r#""}]}"#, true), ("\"}]}\0\r\n", true)]
    {
        let body = format!("{message}{text}");
        for at in 0..=body.len() {
            let (outcome, has_break) = read_split(&body, at);
            assert_eq!(outcome.is_ok(), is_whole, "{body} at {at}: {outcome:?}");
            assert_eq!(has_break, !is_whole);
        }
    }
}
