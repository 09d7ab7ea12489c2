//! A response that outlives the next call of its session.

use std::time::Duration;

use sms_gateway_core::{
    call::{AnyCall, QuerySmsInQueue},
    client::{Due, Failure, Next, Read, ResponseHead, Session},
};

/// Makes a call whose response has this body, and reads it to its end.
fn call(session: &mut Session<Vec<u8>>, body: &str) -> Result<Read, Failure> {
    let call = AnyCall::from(&QuerySmsInQueue);
    session.begin(call.spec(), call.is_repeatable());
    let due = session.authorize(None, "GET", "/", Duration::ZERO, &mut []);
    assert_eq!(due, Ok(Due::Call(None)));
    let head = ResponseHead { status: 200, has_location: false };
    let next = session.responded(head, Ok(std::iter::empty()), None, || 0, Duration::ZERO);
    assert_eq!(next, Ok(Next::Read));
    let mut input = body.as_bytes();
    assert_eq!(session.read(&mut input)?, Read::Drain);
    session.read(&mut input)
}

fn in_queue(session: &Session<Vec<u8>>) -> Option<u32> {
    session.summary::<QuerySmsInQueue>().in_queue.get()
}

#[test]
fn a_detached_response_outlives_the_next_call() {
    let mut session = Session::new(vec![0; 64], vec![0; 64]);
    assert_eq!(call(&mut session, r#"{"error_code":200,"in_queue":3}"#), Ok(Read::End));
    let mut detached = Session::new(Vec::new(), vec![0; 32]);
    session.detach_response(&mut detached);
    assert_eq!((session.record_len(), detached.record_len()), (32, 64));
    assert_eq!(call(&mut session, r#"{"error_code":200,"in_queue":4}"#), Ok(Read::End));
    assert_eq!((in_queue(&detached), in_queue(&session)), (Some(3), Some(4)));
    assert_eq!((detached.read(&mut &b""[..]), detached.status()), (Ok(Read::End), 200));
}

#[test]
fn a_detached_refusal_stays_one() {
    let mut session = Session::new(vec![0; 64], vec![0; 64]);
    let refused = call(&mut session, r#"{"error_code":500}"#);
    assert!(matches!(refused, Err(Failure::Refused(_))), "{refused:?}");
    let mut detached = Session::new(Vec::new(), vec![0; 64]);
    session.detach_response(&mut detached);
    assert_eq!(call(&mut session, r#"{"error_code":200,"in_queue":4}"#), Ok(Read::End));
    assert_eq!(detached.read(&mut &b""[..]), refused);
}
