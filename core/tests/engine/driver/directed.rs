//! Responses that are too large.

use std::time::Duration;

use sms_gateway_core::{
    Number,
    call::{Call, QuerySmsInQueue, SendSms},
    client::{Driver, Failure, InFlight, Question, Session, Step},
    track::{Draft, PendingReport, Settings, Slot, Tracker},
};

const MIB: u32 = 1024 * 1024;

/// Steps until the next exchange, and stores all changes.
fn next(driver: &mut Driver<'_>, now: &mut Duration) -> InFlight {
    loop {
        let step = driver.step(*now);
        while driver.tracker_mut().next_change().is_some() {}
        while driver.tracker_mut().next_event().is_some() {}
        match step {
            Step::Exchange(in_flight) => return in_flight,
            Step::Wait(until) => *now = until.expect("messages are in flight").max(*now),
        }
    }
}

/// Finishes an exchange whose response has no records.
fn succeed(driver: &mut Driver<'_>, in_flight: InFlight, now: Duration) {
    let mut session = Session::new([0; 256], [0; 256]);
    let (spec, mut body) = if in_flight.is_submission() {
        (SendSms::SPEC, br#"{"error_code":202,"task_id":1}"#.as_slice())
    } else {
        (QuerySmsInQueue::SPEC, br#"{"error_code":200,"in_queue":9}"#.as_slice())
    };
    session.begin(spec, true);
    let _ = session.read(&mut body).expect("a response");
    let _ = driver.finish(in_flight, &session, Ok(()), now);
}

/// Returns the number of messages whose results a request queries.
fn queried(question: &Question<'_>) -> Option<usize> {
    let Question::Results(call) = question else { return None };
    let request = serde_json::to_value(call).expect("a request");
    Some(request["user_id"].as_array().map_or(0, Vec::len))
}

#[test]
fn oversized_responses_narrow_the_query_and_then_raise_the_limit() {
    let (mut slots, mut pending) = ([Slot::EMPTY; 64], [PendingReport::EMPTY; 8]);
    let mut now = Duration::ZERO;
    let mut driver = Driver::new(Tracker::new(&mut slots, &mut pending, Settings::default(), now));
    for index in 0..64 {
        let number = format!("138000000{index:02}");
        let draft = Draft::new(Number::new(&number).expect("a number"));
        driver.tracker_mut().add(&draft, now).expect("a free slot");
    }
    let mut questions = Vec::new();
    let mut failures = 0;
    while questions.len() < 9 {
        let in_flight = next(&mut driver, &mut now);
        let Some(count) = driver.question(&in_flight).as_ref().and_then(queried) else {
            succeed(&mut driver, in_flight, now);
            failures = 0;
            continue;
        };
        questions.push((count, driver.response_bytes() / MIB));
        let limit = driver.response_bytes();
        let _ = driver.fail(in_flight, Failure::TooLarge { limit }, now);
        failures += 1;
        assert_eq!(driver.health().failure, Some(Failure::TooLarge { limit }));
        assert_eq!(driver.health().failures, failures);
    }
    let narrowed = [64, 32, 16, 8, 4, 2, 1].map(|count| (count, 4));
    assert_eq!(questions[..7], narrowed);
    assert_eq!(questions[7..], [(1, 8), (1, 16)]);
}
