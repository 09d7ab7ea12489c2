//! The core's table of scripted responses. A gateway reads each response several times: with the first read ending at each byte in turn,
//! and byte by byte.

#![allow(missing_docs, unreachable_pub, dead_code)]

mod common;
#[path = "../../core/tests/responses/scripts.rs"]
mod scripts;

use common::mock::{Mock, MockError, MockResponse, NetworkProfile, Then};
use scripts::{End, SCRIPTS, Script};
use sms_gateway_embassy::core::client::Cause;
use sms_gateway_embassy::{
    Error, Failure, Gateway, Memory,
    core::http::{ResponseError, Verdict},
};

type Outcome = Result<Option<u32>, Error<MockError>>;

/// Makes a query to which the script is the response. Returns the outcome, and whether the connection was closed.
async fn query(script: &Script, profile: NetworkProfile) -> (Outcome, bool) {
    let bytes = script.bytes;
    let mock = Mock::new(move |_: &str| MockResponse::new(bytes, Then::Close), profile);
    // The buffer is small, so that a response takes several reads.
    let mut memory = Memory::<256, 64, 64, 512>::new();
    let mut entropy = || 0;
    let mut gateway = Gateway::new(mock.clone(), "box", memory.buffers(), &mut entropy);
    let outcome = gateway.query_sms_in_queue().await;
    assert_eq!(mock.connections(), 1, "{}: {outcome:?}", script.name);
    (outcome, mock.closed() == 1)
}

fn check(script: &Script, outcome: &Outcome, is_closed: bool) {
    let name = script.name;
    let is_success = script.status.is_some_and(|status| status / 100 == 2);
    match outcome {
        Ok(in_queue) => assert_eq!((*in_queue, is_success), (Some(0), true), "{name}"),
        Err(Error { failure: Failure::NoCredentials, .. }) => assert_eq!(script.status, Some(401), "{name}"),
        Err(Error { failure: Failure::Redirect, .. }) => assert!(script.location.is_some(), "{name}"),
        Err(Error { failure: Failure::Http { status, .. }, .. }) => {
            assert_eq!((script.status, is_success), (Some(*status), false), "{name}");
        }
        Err(Error { failure: Failure::Malformed(_) | Failure::Refused(_), .. }) => {
            assert!(is_success, "{name}");
        }
        Err(Error { failure: Failure::Lost(Cause::Response(ResponseError { kind, offset })), .. }) => {
            assert_eq!(script.end, End::Broken(*kind, *offset), "{name}");
        }
        Err(other) => panic!("{name}: {other:?}"),
    }
    let is_read_to_its_end = !matches!(outcome, Err(Error { failure: Failure::Malformed(_), .. }));
    let may_keep = script.end == End::Whole(Verdict::Keep);
    assert_eq!(!is_closed, may_keep && is_read_to_its_end, "{name}: {outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn outcomes_do_not_depend_on_the_pieces_of_a_response() {
    for script in SCRIPTS {
        let (outcome, is_closed) = query(script, NetworkProfile::default()).await;
        check(script, &outcome, is_closed);
        for first in 1..=script.bytes.len() {
            let cut = query(script, NetworkProfile { first, ..NetworkProfile::default() }).await;
            assert_eq!(cut, (outcome, is_closed), "{}, cut at {first}", script.name);
        }
        let by_bytes =
            query(script, NetworkProfile { piece: 1, waits: true, ..NetworkProfile::default() }).await;
        assert_eq!(by_bytes, (outcome, is_closed), "{}, byte by byte", script.name);
    }
}
