//! Raw calls: the session logs in for them, and returns every response that is not part of the login.

use std::time::Duration;

use sms_gateway_core::{
    call::{AnyCall, CommaEncoding, RawCall},
    client::{Broken, Cause, Failure, Loss, Next, ResponseHead, Session, Site, Timeouts, Wait},
    http::Credentials,
};

const CREDENTIALS: Credentials<'static> = Credentials::new("admin", "secret");
const TARGET: &str = "/GetSTKView?port=1,2";

/// A session that makes raw calls.
struct Caller {
    session: Session<[u8; 512]>,
    credentials: Option<Credentials<'static>>,
    call: RawCall<'static>,
}

impl Caller {
    fn new(credentials: Option<Credentials<'static>>) -> Self {
        let call = RawCall::get(TARGET).unwrap();
        Self { session: Session::new([0; 512], [0; 512]), credentials, call }
    }

    fn begin(&mut self) {
        let call = AnyCall::from(&self.call);
        self.session.begin(call.spec(), call.is_repeatable());
    }

    /// Returns the request that is due.
    fn write(&mut self) -> Result<String, Failure> {
        let site = Site { host: "box", commas: CommaEncoding::Encoded, credentials: self.credentials };
        let (mut scratch, mut out) = ([0; 1024], [0; 1024]);
        let call = AnyCall::from(&self.call);
        let length = self.session.write(call, &site, Duration::ZERO, &mut scratch, &mut out)?;
        Ok(String::from_utf8(out[..length].to_vec()).unwrap())
    }

    fn respond(&mut self, status: u16, nonce: Option<&str>) -> Result<Next, Failure> {
        let challenge = nonce.map(|nonce| format!(r#"Digest realm="box", nonce="{nonce}", qop="auth""#));
        let head = ResponseHead { status, has_location: (300..400).contains(&status) };
        let challenges = Ok(challenge.as_deref().into_iter());
        self.session.responded(head, challenges, self.credentials.as_ref(), || 7, Duration::ZERO)
    }

    /// Begins a call and logs in for it.
    fn log_in(&mut self) {
        self.begin();
        assert!(self.write().unwrap().starts_with("GET /api/query_sms_in_queue HTTP/1.1\r\n"));
        assert_eq!(self.respond(401, Some("n1")), Ok(Next::Send));
        let request = self.write().unwrap();
        assert!(request.starts_with("GET /GetSTKView?port=1,2 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(r#"nonce="n1", uri="/GetSTKView?port=1,2""#), "{request}");
    }
}

#[test]
fn every_status_but_401_is_returned() {
    for status in (200..600).filter(|status| *status != 401) {
        let mut caller = Caller::new(Some(CREDENTIALS));
        caller.log_in();
        assert_eq!(caller.respond(status, None), Ok(Next::Read), "{status}");
        assert_eq!(caller.session.status(), status);
    }
}

#[test]
fn a_401_without_credentials_is_returned() {
    let mut caller = Caller::new(None);
    for _ in 0..2 {
        caller.begin();
        assert!(!caller.write().unwrap().contains("Authorization"));
        assert_eq!(caller.respond(401, Some("n1")), Ok(Next::Read));
        assert_eq!(caller.session.status(), 401);
    }
}

#[test]
fn a_401_after_a_nonce_that_was_accepted_logs_in_again() {
    let mut caller = Caller::new(Some(CREDENTIALS));
    caller.log_in();
    assert_eq!(caller.respond(404, None), Ok(Next::Read));
    caller.begin();
    assert!(caller.write().unwrap().contains("nc=00000002"));
    assert_eq!(caller.respond(401, Some("n2")), Ok(Next::Send));
    assert!(caller.write().unwrap().contains(r#"nonce="n2""#));
    assert_eq!(caller.respond(200, None), Ok(Next::Read));
}

#[test]
fn after_a_refused_login_nothing_is_written() {
    let mut caller = Caller::new(Some(CREDENTIALS));
    caller.log_in();
    assert_eq!(caller.respond(401, Some("n1")), Err(Failure::LoginRefused));
    for _ in 0..3 {
        caller.begin();
        assert_eq!(caller.write(), Err(Failure::LoginRefused));
    }
    caller.session.reset_login();
    caller.log_in();
}

#[test]
fn a_probe_that_fails_is_not_the_response_of_the_call() {
    for status in [302, 403, 404, 500] {
        let mut caller = Caller::new(Some(CREDENTIALS));
        caller.begin();
        let _ = caller.write().unwrap();
        let expected = match status {
            302 => Failure::Redirect,
            status => Failure::Http { status, request_sent: false },
        };
        assert_eq!(caller.respond(status, None), Err(expected));
    }
}

#[test]
fn a_call_is_repeated_only_if_its_caller_allows_it() {
    let stale = Broken { loss: Loss::Stale, cause: Cause::Transport };
    for is_repeatable in [false, true] {
        let mut caller = Caller::new(Some(CREDENTIALS));
        caller.call = caller.call.repeatable(is_repeatable);
        caller.log_in();
        if is_repeatable {
            assert_eq!(caller.session.lost(stale), Ok(Next::Send));
            assert!(caller.write().unwrap().starts_with("GET /api/query_sms_in_queue "));
            assert_eq!(caller.respond(401, Some("n1")), Ok(Next::Send));
            assert!(caller.write().unwrap().contains("nc=00000002"));
        }
        assert_eq!(caller.session.lost(stale), Err(Failure::Lost(Cause::Transport)));
    }
}

#[test]
fn bytes_and_time_are_limited() {
    let mut caller = Caller::new(Some(CREDENTIALS));
    caller.session.set_timeouts(Timeouts::new().exchange(Duration::from_secs(60)));
    caller.log_in();
    assert_eq!(caller.respond(200, None), Ok(Next::Read));
    caller.session.limit_bytes(10);
    assert_eq!((caller.session.piece(4), caller.session.piece(6)), (Ok(()), Ok(())));
    assert_eq!(caller.session.piece(1), Err(Failure::TooLarge { limit: 10 }));
    assert_eq!(caller.session.piece(0), Err(Failure::Ended));
    caller.begin();
    let _ = caller.write().unwrap();
    assert_eq!(caller.respond(200, None), Ok(Next::Read));
    caller.session.waited(Duration::from_secs(59));
    assert_eq!(caller.session.piece(1000), Ok(()));
    caller.session.waited(Duration::from_secs(1));
    let expired = Cause::TimedOut { wait: Wait::Exchange, limit: Duration::from_secs(60) };
    assert_eq!(caller.session.piece(1), Err(Failure::Lost(expired)));
    assert_eq!(caller.session.piece(1), Err(Failure::Ended));
}
