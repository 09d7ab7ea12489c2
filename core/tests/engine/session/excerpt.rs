//! The beginning of the body of an HTTP error response, which the session keeps in the buffer for records.

use std::time::Duration;

use sms_gateway_core::{
    call::{AnyCall, CommaEncoding, QuerySmsInQueue, RawCall},
    client::{Failure, Next, Read, ResponseHead, Session, Site},
    http::Credentials,
};

const BODY: &[u8] = b"forbid to try again";

/// A session without a login, with a buffer for records of `N` bytes.
struct Caller<const N: usize> {
    session: Session<Vec<u8>>,
}

impl<const N: usize> Caller<N> {
    fn new() -> Self {
        Self { session: Session::new(vec![0; 256], vec![0; N]) }
    }

    fn respond(&mut self, call: AnyCall<'_>, status: u16) -> Result<Next, Failure> {
        self.session.begin(call.spec(), call.is_repeatable());
        let site = Site { host: "box", commas: CommaEncoding::Encoded, credentials: None };
        self.session.write(call, &site, Duration::ZERO, &mut [0; 512], &mut [0; 512])?;
        let head = ResponseHead { status, has_location: (300..400).contains(&status) };
        self.session.responded(head, Ok(std::iter::empty()), None, || 7, Duration::ZERO)
    }

    fn query(&mut self, status: u16) -> Result<Next, Failure> {
        self.respond(AnyCall::from(&QuerySmsInQueue), status)
    }

    fn shown(&self) -> String {
        self.session.excerpt(None).to_string()
    }
}

#[test]
fn body_is_kept_after_an_http_failure_in_any_pieces() {
    for size in 1..=BODY.len() {
        let mut caller = Caller::<64>::new();
        assert_eq!(caller.query(403), Err(Failure::Http { status: 403, request_sent: true }));
        BODY.chunks(size).for_each(|piece| caller.session.keep(piece));
        assert_eq!(caller.shown().as_bytes(), BODY);
    }
}

#[test]
fn body_is_kept_as_far_as_the_buffer_and_the_limit_allow() {
    fn kept<const N: usize>(bytes: usize) -> usize {
        let mut caller = Caller::<N>::new();
        caller.query(500).unwrap_err();
        // Each word has one letter, and takes 32 bytes with the blanks after it.
        let body = format!("x{}", " ".repeat(31)).repeat(bytes / 32);
        body.as_bytes().chunks(7).for_each(|piece| caller.session.keep(piece));
        caller.shown().matches('x').count()
    }
    assert_eq!([kept::<0>(64), kept::<64>(32), kept::<64>(64), kept::<64>(96)], [0, 1, 2, 2]);
    assert_eq!([kept::<4096>(992), kept::<4096>(1024), kept::<4096>(1056)], [31, 32, 32]);
}

#[test]
fn nothing_is_kept_after_another_outcome() {
    let mut caller = Caller::<64>::new();
    for (status, outcome) in
        [(200, Ok(Next::Read)), (302, Err(Failure::Redirect)), (401, Err(Failure::NoCredentials))]
    {
        let next = caller.query(status);
        assert!(next == outcome || status == 401 && next.is_err(), "{status}: {next:?}");
        caller.session.keep(BODY);
        assert_eq!(caller.shown(), "", "{status}");
    }
    let call = RawCall::get("/x").unwrap();
    assert_eq!(caller.respond(AnyCall::from(&call), 403), Ok(Next::Read));
    caller.session.keep(BODY);
    assert!(caller.session.excerpt(None).is_empty());
}

#[test]
fn next_call_begins_without_an_excerpt_and_is_read() {
    let mut caller = Caller::<64>::new();
    caller.query(403).unwrap_err();
    caller.session.keep(BODY);
    assert_eq!(caller.session.read(&mut &b"{}"[..]), Err(Failure::Ended));
    assert_eq!(caller.query(200), Ok(Next::Read));
    assert_eq!(caller.shown(), "");
    let mut body = &br#"{"error_code":200,"in_queue":3}"#[..];
    assert_eq!(caller.session.read(&mut body), Ok(Read::Drain));
    assert_eq!(caller.session.read(&mut body), Ok(Read::End));
    assert_eq!(caller.session.summary::<QuerySmsInQueue>().in_queue.get(), Some(3));
}

#[test]
fn login_that_was_sent_is_not_shown() {
    let mut caller = Caller::<64>::new();
    caller.query(403).unwrap_err();
    caller.session.keep(b"got YWRtaW46c2VjcmV0");
    assert!(!caller.session.excerpt(None).is_empty());
    assert!(caller.session.excerpt(Some(Credentials::new("admin", "secret"))).is_empty());
}

#[test]
fn login_that_was_sent_before_other_credentials_is_not_shown() {
    let mut caller = Caller::<64>::new();
    caller.query(403).unwrap_err();
    caller.session.keep(b"wrong password: secret");
    caller.session.reset_login();
    assert!(caller.session.excerpt(Some(Credentials::new("admin", "other"))).is_empty());
}
