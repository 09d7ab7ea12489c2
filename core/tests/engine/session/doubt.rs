//! Gateways that accept connections but do not respond. A call that must not be repeated waits for a response to a probe.

use std::time::Duration;

use sms_gateway_core::{
    TaskId,
    call::{AnyCall, CommaEncoding, QuerySmsInQueue, RawCall, StopSms},
    client::{Broken, Cause, Failure, Loss, Next, ResponseHead, Session, Site, Wait},
    http::Credentials,
};

const TIMED_OUT: Cause = Cause::TimedOut { wait: Wait::Response, limit: Duration::from_secs(30) };
const CREDENTIALS: Credentials<'static> = Credentials::new("admin", "secret");
const STOP: StopSms = StopSms::new(TaskId::new(1));

type TestSession = Session<[u8; 512]>;

fn session() -> TestSession {
    Session::new([0; 512], [0; 512])
}

fn begin(session: &mut TestSession, call: AnyCall<'_>) {
    session.begin(call.spec(), call.is_repeatable());
}

/// Returns the request that is due.
fn write(
    session: &mut TestSession,
    call: AnyCall<'_>,
    credentials: Option<Credentials<'_>>,
) -> Result<String, Failure> {
    let site = Site { host: "box", commas: CommaEncoding::Encoded, credentials };
    let (mut scratch, mut out) = ([0; 1024], [0; 1024]);
    let length = session.write(call, &site, Duration::ZERO, &mut scratch, &mut out)?;
    Ok(String::from_utf8(out[..length].to_vec()).unwrap())
}

fn respond(session: &mut TestSession, status: u16, nonce: Option<&str>) -> Result<Next, Failure> {
    let challenge = nonce.map(|nonce| format!(r#"Digest realm="box", nonce="{nonce}", qop="auth""#));
    let head = ResponseHead { status, has_location: false };
    let challenges = Ok(challenge.as_deref().into_iter());
    session.responded(head, challenges, Some(&CREDENTIALS), || 7, Duration::ZERO)
}

fn time_out(session: &mut TestSession) -> Result<Next, Failure> {
    session.lost(Broken { loss: Loss::Lost, cause: TIMED_OUT })
}

fn is_probe(request: &str) -> bool {
    request.starts_with("GET /api/query_sms_in_queue")
}

#[test]
fn after_a_timeout_a_call_is_sent_once_the_gateway_responds() {
    let (mut session, stop) = (session(), AnyCall::from(&STOP));
    begin(&mut session, stop);
    assert!(!is_probe(&write(&mut session, stop, None).unwrap()));
    assert_eq!(time_out(&mut session), Err(Failure::Lost(TIMED_OUT)));
    for _ in 0..2 {
        begin(&mut session, stop);
        assert!(is_probe(&write(&mut session, stop, None).unwrap()));
        assert_eq!(time_out(&mut session), Err(Failure::ChallengeLost(TIMED_OUT)));
    }
    begin(&mut session, stop);
    assert!(is_probe(&write(&mut session, stop, None).unwrap()));
    assert_eq!(respond(&mut session, 200, None), Ok(Next::Send));
    for _ in 0..2 {
        assert!(!is_probe(&write(&mut session, stop, None).unwrap()));
        assert_eq!(respond(&mut session, 200, None), Ok(Next::Read));
        begin(&mut session, stop);
    }
}

#[test]
fn a_query_is_not_preceded_by_a_probe() {
    let (mut session, call) = (session(), QuerySmsInQueue);
    session.doubt();
    begin(&mut session, AnyCall::from(&call));
    assert!(write(&mut session, AnyCall::from(&call), None).is_ok());
    assert_eq!(respond(&mut session, 200, None), Ok(Next::Read));
}

#[test]
fn a_raw_call_without_credentials_is_not_preceded_by_a_probe() {
    let (mut session, call) = (session(), RawCall::get("/x").unwrap());
    session.doubt();
    begin(&mut session, AnyCall::from(&call));
    assert!(write(&mut session, AnyCall::from(&call), None).unwrap().starts_with("GET /x "));
}

#[test]
fn a_probe_of_the_connection_continues_the_nonce_count() {
    let (mut session, stop) = (session(), AnyCall::from(&STOP));
    for (nonce, count) in [("n1", "nc=00000001"), ("n1", "nc=00000002"), ("n2", "nc=00000001")] {
        session.doubt();
        begin(&mut session, stop);
        assert!(is_probe(&write(&mut session, stop, Some(CREDENTIALS)).unwrap()));
        assert_eq!(respond(&mut session, 401, Some(nonce)), Ok(Next::Send));
        let request = write(&mut session, stop, Some(CREDENTIALS)).unwrap();
        assert!(request.contains(nonce) && request.contains(count), "{request}");
        assert_eq!(respond(&mut session, 200, None), Ok(Next::Read));
    }
}

#[test]
fn refused_credentials_send_no_probe() {
    let (mut session, stop) = (session(), AnyCall::from(&STOP));
    begin(&mut session, stop);
    for _ in 0..2 {
        assert!(write(&mut session, stop, Some(CREDENTIALS)).is_ok());
        let _ = respond(&mut session, 401, Some("n1"));
    }
    session.doubt();
    begin(&mut session, stop);
    assert_eq!(write(&mut session, stop, Some(CREDENTIALS)), Err(Failure::LoginRefused));
}
