//! The calls over TLS: embedded-tls over a transport, to rustls.

#![allow(missing_docs, unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;
mod front;
mod nameless;
mod session;

use common::{
    device, gateway,
    mock::{Device, Reply, Then},
    nine_calls, options, queue, results, send,
    tcp::Tcp,
};
use embedded_tls::TlsError;
use front::{Front, HangUp, Identity, Link, ROOM, before};
use gateway_emulator::Emulator;
use nameless::Instead;
use rand_core::OsRng;
use session::{Desk, Records, SessionError, Tls, Trust, sessions};
use sms_gateway_embassy::core::client::Cause;
use sms_gateway_embassy::{
    Error, Failure, Gateway, Transport,
    core::{call::QuerySmsResult, http::ResponseErrorKind},
};
use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

type Client = Gateway<'static, Tls<'static>>;
type Outcome = Result<(), Error<SessionError>>;

const NAME: &str = "box.example";

/// A gateway with a login by TLS over `below`, in leaked memory, which a test may do.
fn secured(below: impl Transport + 'static, name: &'static str, signer: &[u8]) -> Client {
    let desk: &Desk = Box::leak(Box::default());
    let records = Records { incoming: vec![0; 16_640].leak(), outgoing: vec![0; 512].leak() };
    let trust = Trust { name, signer: signer.to_vec().leak() };
    let sessions = Box::leak(Box::new(sessions(below, records, trust, OsRng, desk)));
    gateway(Tls::new(desk, Pin::static_mut(sessions)), NAME)
}

/// A device behind TLS, and a gateway that trusts it.
fn trusted(device: impl Device + Send + 'static) -> (Front, Client) {
    let identity = Identity::new(NAME, &[]);
    let front = Front::new(identity.acceptor(), device);
    let gateway = secured(Link::to(&front), NAME, identity.der());
    (front, gateway)
}

/// The same, with several records to an answer, over a link that waits amid each.
fn trusted_slowly(piece: usize) -> (Front, Client) {
    let identity = Identity::new(NAME, &[]);
    let front = Front::new(identity.acceptor(), device::Gateway::default()).in_records_of(60);
    let gateway = secured(Link::to(&front).slow(piece), NAME, identity.der());
    (front, gateway)
}

async fn message(gateway: &mut Client) -> Outcome {
    send(gateway, "10086", 1).await.map(|_| ())
}

/// How many messages came to be sent.
fn sent(front: &Front) -> usize {
    front.requests().iter().filter(|request| request.starts_with("POST /api/send_sms")).count()
}

#[tokio::test]
async fn all_nine_on_one_session() {
    let emulator = Emulator::start(options()).await.unwrap();
    let identity = Identity::new(NAME, &[]);
    let addr = before(emulator.addr(), identity.acceptor()).await;
    let mut gateway = secured(Tcp::new(addr), NAME, identity.der());
    nine_calls(&emulator, &mut gateway).await.unwrap();
    let counts = emulator.counts();
    assert_eq!((counts.connections, counts.challenged, counts.refused), (1, 1, 0));
    assert_eq!(counts.requests, 1 + 9, "a challenge, then one request for each call");
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_comes_in_many_records() {
    let records: Vec<_> =
        (0..2000).map(|id| format!(r#"{{"port":2,"number":"10086","user_id":{id}}}"#)).collect();
    let body = format!(r#"{{"error_code":200,"result":[{}]}}"#, records.join(","));
    assert!(body.len() > 4 * 16_384, "more than four of the largest records");
    let mut device = device::Gateway::default();
    let (front, mut gateway) = trusted(move |request: &str| {
        let is_asked = request.contains("query_sms_result") && request.contains("Authorization");
        if is_asked { Reply::json(200, &body) } else { device.answer(request) }
    });
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    for id in 0..2000 {
        assert_eq!(answer.next().await.unwrap().unwrap().user_id.get(), Some(id));
    }
    assert!(answer.next().await.unwrap().is_none());
    queue(&mut gateway).await.unwrap();
    gateway.close().await;
    while front.see(|seen| seen.ended + seen.cut) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(front.see(|seen| (seen.ended, seen.cut)), (1, 0), "its end is told");
    assert_eq!((front.sessions(), front.requests().len()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_is_replaced_before_anything_is_sent() {
    for how in [HangUp::InOrder, HangUp::Cut] {
        let (front, mut gateway) = trusted(device::Gateway::default());
        queue(&mut gateway).await.unwrap();
        front.hang_up(how).await;
        message(&mut gateway).await.unwrap();
        assert_eq!((front.sessions(), sent(&front)), (2, 1));
        assert!(front.requests()[2].contains("nc=00000002"), "the login goes on: {:?}", front.requests());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_is_told_from_one_that_was_ended_too_early() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"error_code\":200";
    for then in [Then::Close, Then::Fail] {
        let mut device = device::Gateway::default();
        let (front, mut gateway) = trusted(move |request: &str| {
            if request.contains("Authorization") { Reply::new(head, then) } else { device.answer(request) }
        });
        let error = gateway.query_sms_in_queue().await.unwrap_err();
        let expected = match &error {
            Error { failure: Failure::Lost(Cause::Response(error)), .. } => {
                then == Then::Close && error.kind == ResponseErrorKind::BodyCutOff
            }
            Error {
                failure: Failure::Lost(Cause::Transport),
                transport: Some(SessionError::Tls(TlsError::IoError)),
                ..
            } => then == Then::Fail,
            _ => false,
        };
        assert!(expected, "{error:?}");
        assert_eq!(front.sessions(), 1);
    }
}

/// Logs in to one who shows `identity`, and trusts `signer` by this name.
async fn meeting(identity: &Identity, name: &'static str, signer: &Identity) -> (Front, Outcome) {
    let front = Front::new(identity.acceptor(), device::Gateway::default());
    let outcome = queue(&mut secured(Link::to(&front), name, signer.der())).await;
    (front, outcome)
}

#[tokio::test(start_paused = true)]
async fn whoever_has_the_right_certificate_is_spoken_to() {
    let authority = Identity::new("signer", &[]);
    let by_authority = authority.signs(NAME);
    let by_itself = Identity::new(NAME, &[]);
    let by_dns_name = Identity::new("other", &[NAME]);
    let at_an_address = Identity::new("192.168.1.9", &[]);
    for (identity, name, signer) in [
        (&by_authority, NAME, &authority),
        (&by_itself, NAME, &by_itself),
        (&by_dns_name, NAME, &by_dns_name),
        (&at_an_address, "192.168.1.9", &at_an_address),
    ] {
        let (front, outcome) = meeting(identity, name, signer).await;
        outcome.unwrap();
        assert_eq!((front.sessions(), front.requests().len()), (1, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_has_not_is_told_nothing() {
    let authority = Identity::new("signer", &[]);
    let trusted = authority.signs(NAME);
    let other_name = authority.signs("other.example");
    // Of the same name, by somebody else, or with no signer but itself.
    let by_another = Identity::new("signer", &[]).signs(NAME);
    let by_itself = Identity::new(NAME, &[]);
    // embedded-tls does not know addresses as such.
    let address = Identity::new("other", &["192.168.1.9"]);
    for (identity, name, signer) in [
        (&trusted, "other.example", &authority),
        (&other_name, NAME, &authority),
        (&by_another, NAME, &authority),
        (&by_itself, NAME, &authority),
        (&by_itself, NAME, &Identity::new(NAME, &[])),
        (&address, "192.168.1.9", &address),
    ] {
        let (front, outcome) = meeting(identity, name, signer).await;
        let error = outcome.unwrap_err();
        let is_refused = matches!(
            error,
            Error {
                failure: Failure::Unreachable(Cause::Transport),
                transport: Some(SessionError::Tls(TlsError::InvalidCertificate)),
                ..
            }
        );
        assert!(is_refused && !error.may_have_arrived(), "{error:?}");
        assert_eq!(front.requests(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_shows_no_certificate_at_all_is_told_nothing() {
    for instead in [Instead::Nothing, Instead::Signature] {
        let (near, far) = tokio::io::duplex(ROOM);
        let nameless = tokio::spawn(nameless::handshake(far, instead));
        let mut near = Some(near);
        let link = Link::new(move || near.take().expect("one try"));
        let error = queue(&mut secured(link, NAME, Identity::new(NAME, &[]).der())).await.unwrap_err();
        let Error { failure: Failure::Unreachable(Cause::Transport), transport: Some(fault), .. } = error
        else {
            panic!("{error:?}")
        };
        let expected = match instead {
            Instead::Nothing => matches!(fault, SessionError::NotVerified),
            Instead::Signature => matches!(fault, SessionError::Tls(TlsError::InvalidHandshake)),
        };
        assert!(expected, "{fault:?}");
        assert_eq!(
            nameless.await.unwrap().map(|request| String::from_utf8_lossy(&request).into_owned()),
            None
        );
    }
}

/// Polls a future up to so many times; in between, the other side goes on.
async fn polled<F: Future>(mut future: Pin<&mut F>, times: usize) -> Option<F::Output> {
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }
    None
}

/// Drops a call after so many polls, and makes others; whether it had come to its end.
async fn dropped_at(call: impl AsyncFn(&mut Client) -> Outcome, polls: usize, is_open: bool) -> bool {
    let (front, mut gateway) = trusted_slowly(100);
    if is_open {
        queue(&mut gateway).await.unwrap();
    }
    let ended = polled(pin!(call(&mut gateway)), polls).await.map(Result::unwrap).is_some();
    assert!(sent(&front) <= 1);
    results(&mut gateway).await.unwrap();
    queue(&mut gateway).await.unwrap();
    message(&mut gateway).await.unwrap();
    assert!(sent(&front) <= 2, "once for each call");
    if is_open {
        let is_kept = ended || polls == 0;
        assert_eq!(
            front.sessions(),
            if is_kept { 1 } else { 2 },
            "one that was left amid a call is not used again"
        );
    }
    ended
}

#[tokio::test(start_paused = true)]
async fn calls_leave_a_gateway_of_use_wherever_they_are_dropped() {
    for is_open in [false, true] {
        let mut polls = 0;
        while !dropped_at(message, polls, is_open).await {
            polls += 1;
        }
        assert!((8..300).contains(&polls), "{polls}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_futures_of_next_lose_nothing() {
    let (front, mut gateway) = trusted_slowly(20);
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    let (mut ports, mut dropped) = (Vec::new(), 0);
    loop {
        match polled(pin!(answer.next()), 1).await {
            None => dropped += 1,
            Some(Ok(Some(result))) => ports.push(result.port.get()),
            Some(Ok(None)) => break,
            Some(Err(error)) => panic!("{error}"),
        }
    }
    assert_eq!(ports, [Some(2), Some(3)]);
    assert!(dropped > 0);
    queue(&mut gateway).await.unwrap();
    assert_eq!(front.sessions(), 1);
}
