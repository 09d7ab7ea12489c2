//! The verdict on the connection, step by step.

use sms_gateway_core::http::{
    CloseReason::{self, Asked, BodyToEnd, Closed, NotRead, Surplus, Unreadable},
    Part, Response, ResponseErrorKind, Verdict,
};

/// Reads all of the input, and returns the verdict on the connection.
fn feed(response: &mut Response<[u8; 0]>, mut input: &[u8]) -> Verdict {
    while let Ok(Some(_)) = response.next(&mut input) {}
    response.verdict()
}

const fn close(reason: CloseReason) -> Verdict {
    Verdict::Close(reason)
}

#[test]
fn connection_is_not_kept_before_the_end_of_the_response() {
    let mut response = Response::new([]);
    assert_eq!((response.verdict(), response.status(), response.remaining()), (close(NotRead), None, None));
    assert_eq!(feed(&mut response, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), close(NotRead));
    assert_eq!((response.status(), response.remaining()), (Some(200), Some(5)));
    assert_eq!(feed(&mut response, b"hell"), close(NotRead));
    assert_eq!((response.remaining(), response.is_complete()), (Some(1), false));
    assert_eq!(feed(&mut response, b"o"), Verdict::Keep);
    assert_eq!((response.remaining(), response.is_complete()), (Some(0), true));
    assert_eq!(feed(&mut response, b""), Verdict::Keep);
    assert_eq!(response.closed(), Ok(()));
    assert_eq!(response.verdict(), close(Closed));
}

#[test]
fn connection_is_not_kept_before_the_end_is_returned() {
    let mut response = Response::new([]);
    let mut input = &b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1"[..];
    assert_eq!(response.next(&mut input), Ok(Some(Part::Head { status: 204 })));
    assert_eq!((response.is_complete(), response.verdict()), (true, close(NotRead)));
    assert_eq!(response.next(&mut input), Ok(Some(Part::End)));
    assert_eq!((response.verdict(), input), (close(Surplus), &b"HTTP/1.1"[..]));
    assert_eq!((response.next(&mut input), input), (Ok(None), &b"HTTP/1.1"[..]));
}

#[test]
fn surplus_bytes_may_arrive_later() {
    let mut response = Response::new([]);
    assert_eq!(feed(&mut response, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"), Verdict::Keep);
    assert_eq!(feed(&mut response, b"b"), close(Surplus));
    assert_eq!(feed(&mut response, b""), close(Surplus));
}

#[test]
fn permanent_reasons_are_known_after_the_head() {
    for (fields, reason) in [
        ("Connection: close\r\nContent-Length: 9\r\n", Asked),
        ("Connection: close\r\nTransfer-Encoding: chunked\r\n", Asked),
        ("", BodyToEnd),
        ("Connection: close\r\n", BodyToEnd),
    ] {
        let mut response = Response::new([]);
        assert_eq!(feed(&mut response, format!("HTTP/1.1 401 No\r\n{fields}\r\n").as_bytes()), close(reason));
        assert!(!response.is_complete());
    }
}

#[test]
fn errors_are_permanent() {
    let mut response = Response::new([]);
    assert_eq!(feed(&mut response, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\0"), close(Unreadable));
    let error = response.closed().unwrap_err();
    assert_eq!((error.offset, error.kind), (36, ResponseErrorKind::Field));
    assert_eq!(response.next(&mut &b""[..]), Err(error));
    assert_eq!(feed(&mut response, b"\r\n\r\n"), close(Unreadable));
    assert_eq!(error.to_string(), "unreadable HTTP response at byte 36: no header field");
    assert_eq!(
        format!("{response:?}"),
        "Response { status: None, offset: 36, verdict: Close(Unreadable), .. }"
    );
}

#[test]
fn lost_response_without_a_byte_is_distinguished() {
    let mut response = Response::new([]);
    let error = response.closed().unwrap_err();
    assert_eq!((error.kind, error.offset), (ResponseErrorKind::NoAnswer, 0));
    assert_eq!(response.next(&mut &b"HTTP"[..]), Err(error));
}

#[test]
fn reasons_have_different_texts() {
    let reasons = [Unreadable, BodyToEnd, Asked, CloseReason::Http10, Closed, NotRead, Surplus];
    let texts: std::collections::BTreeSet<_> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), reasons.len());
    assert_eq!(Asked.to_string(), "the connection is closed: the gateway asked for it");
}
