//! Events as objects for scripts.

use super::{Harness, Memory, report, result};
use crate::{
    call::{SmsResult, Status},
    json::Field,
    track::Ask,
};

const NOON: &str = "2026-01-01 12:00:00";

#[test]
fn events_have_the_names_of_the_api() {
    let mut memory = Memory::of(4);
    let mut harness = Harness::new(&mut memory);
    let sent = harness.sent("10086", 2, 7, NOON);
    harness.answer_reports(&[report("10010", 3, 9, NOON, 0), report("10086", 2, 7, NOON, 70)]);
    harness.wait(60);
    let failed = SmsResult { status: Field::Known(Status::SentOk), ..result(sent, "10086", 2, 7, NOON) };
    harness.answer_results(&[failed]);
    let refused = harness.add("10000");
    let Ask::Submit(token) = harness.next() else { panic!() };
    harness.tracker.handle_refused(token, 400, harness.now);
    harness.settle();
    let shown: std::vec::Vec<_> =
        harness.events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    let expected = [
        std::format!(
            r#"{{"event":"message","number":"10086","user_id":{sent},"state":"accepted","final":false,"task_id":1,"delivered":0}}"#
        ),
        std::format!(
            r#"{{"event":"message","number":"10086","user_id":{sent},"state":"sent","final":false,"task_id":1,"port":2,"time":"{NOON}","ref_id":7,"count":1,"succ_count":1,"delivered":0}}"#
        ),
        std::format!(
            r#"{{"event":"unmatched_report","port":3,"number":"10010","time":"{NOON}","ref_id":9,"status_code":0}}"#
        ),
        std::format!(
            r#"{{"event":"message","number":"10086","user_id":{sent},"state":"failed","final":true,"task_id":1,"port":2,"time":"{NOON}","ref_id":7,"count":1,"succ_count":1,"delivered":0,"status_code":70,"reason":"status 70, validity expired"}}"#
        ),
        std::format!(
            r#"{{"event":"message","number":"10000","user_id":{refused},"state":"failed","final":true,"delivered":0,"error_code":400,"reason":"the gateway refused it: 400, the request's format is not valid"}}"#
        ),
    ];
    assert_eq!(shown, expected);
    let failure = harness.events.iter().find_map(|event| match event {
        crate::track::Event::Update(message) => message.failure,
        _ => None,
    });
    let shown = serde_json::to_string(&failure.unwrap()).unwrap();
    assert_eq!(shown, r#"{"status_code":70,"reason":"status 70, validity expired"}"#);
}
