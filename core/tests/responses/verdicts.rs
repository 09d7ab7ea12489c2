//! What becomes of the connection, step by step.

use sms_gateway_core::http::{
    CloseReason::{self, Asked, BodyToEnd, Closed, NotRead, Surplus, Unreadable},
    Part, Response, ResponseErrorKind, Verdict,
};

/// Reads all that there is, and says what it means for the connection.
fn fed(answer: &mut Response<[u8; 0]>, mut input: &[u8]) -> Verdict {
    while let Ok(Some(_)) = answer.next(&mut input) {}
    answer.verdict()
}

const fn close(reason: CloseReason) -> Verdict {
    Verdict::Close(reason)
}

#[test]
fn an_answer_has_to_be_read_to_its_end() {
    let mut answer = Response::new([]);
    assert_eq!((answer.verdict(), answer.status(), answer.remaining()), (close(NotRead), None, None));
    assert_eq!(fed(&mut answer, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), close(NotRead));
    assert_eq!((answer.status(), answer.remaining()), (Some(200), Some(5)));
    assert_eq!(fed(&mut answer, b"hell"), close(NotRead));
    assert_eq!((answer.remaining(), answer.is_complete()), (Some(1), false));
    assert_eq!(fed(&mut answer, b"o"), Verdict::Keep);
    assert_eq!((answer.remaining(), answer.is_complete()), (Some(0), true));
    assert_eq!(fed(&mut answer, b""), Verdict::Keep);
    assert_eq!(answer.closed(), Ok(()));
    assert_eq!(answer.verdict(), close(Closed));
}

#[test]
fn the_end_has_to_be_told() {
    let mut answer = Response::new([]);
    let mut input = &b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1"[..];
    assert_eq!(answer.next(&mut input), Ok(Some(Part::Head { status: 204 })));
    assert_eq!((answer.is_complete(), answer.verdict()), (true, close(NotRead)));
    assert_eq!(answer.next(&mut input), Ok(Some(Part::End)));
    assert_eq!((answer.verdict(), input), (close(Surplus), &b"HTTP/1.1"[..]));
    assert_eq!((answer.next(&mut input), input), (Ok(None), &b"HTTP/1.1"[..]));
}

#[test]
fn surplus_may_come_later() {
    let mut answer = Response::new([]);
    assert_eq!(fed(&mut answer, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"), Verdict::Keep);
    assert_eq!(fed(&mut answer, b"b"), close(Surplus));
    assert_eq!(fed(&mut answer, b""), close(Surplus));
}

#[test]
fn what_reading_on_does_not_change_is_known_early() {
    for (fields, reason) in [
        ("Connection: close\r\nContent-Length: 9\r\n", Asked),
        ("Connection: close\r\nTransfer-Encoding: chunked\r\n", Asked),
        ("", BodyToEnd),
        ("Connection: close\r\n", BodyToEnd),
    ] {
        let mut answer = Response::new([]);
        assert_eq!(fed(&mut answer, format!("HTTP/1.1 401 No\r\n{fields}\r\n").as_bytes()), close(reason));
        assert!(!answer.is_complete());
    }
}

#[test]
fn an_error_stays() {
    let mut answer = Response::new([]);
    assert_eq!(fed(&mut answer, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\0"), close(Unreadable));
    let error = answer.closed().unwrap_err();
    assert_eq!((error.offset, error.kind), (36, ResponseErrorKind::Field));
    assert_eq!(answer.next(&mut &b""[..]), Err(error));
    assert_eq!(fed(&mut answer, b"\r\n\r\n"), close(Unreadable));
    assert_eq!(error.to_string(), "unreadable HTTP answer at byte 36: no header field");
    assert_eq!(
        format!("{answer:?}"),
        "Response { status: None, offset: 36, verdict: Close(Unreadable), .. }"
    );
}

#[test]
fn a_lost_answer_says_whether_any_of_it_came() {
    let mut answer = Response::new([]);
    let error = answer.closed().unwrap_err();
    assert_eq!((error.kind, error.offset), (ResponseErrorKind::NoAnswer, 0));
    assert_eq!(answer.next(&mut &b"HTTP"[..]), Err(error));
}

#[test]
fn reasons_are_for_people_too() {
    let reasons = [Unreadable, BodyToEnd, Asked, CloseReason::Http10, Closed, NotRead, Surplus];
    let texts: std::collections::BTreeSet<_> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), reasons.len());
    assert_eq!(Asked.to_string(), "the connection is closed: the gateway asked for it");
}
