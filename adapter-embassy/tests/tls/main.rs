//! Calls over TLS: a client of embedded-tls and servers of rustls.

#![allow(missing_docs, unreachable_pub)]

#[path = "../common/mod.rs"]
mod common;
mod no_certificate;
mod server;
mod session;

use common::{
    device, gateway,
    mock::{Device, MockResponse, Then},
    nine_calls, options, query_queue, query_results, send,
    tcp::Tcp,
};
use embedded_tls::TlsError;
use gateway_emulator::Emulator;
use no_certificate::Substitute;
use rand_core::OsRng;
use server::{Identity, LINK_CAPACITY, Link, SessionEnd, TlsServer, start_proxy};
use session::{Channel, Records, SessionError, Tls, Trust, sessions};
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

/// A gateway that is reached by TLS over `transport`. It leaks its memory, as a test may do.
fn secured(transport: impl Transport + 'static, name: &'static str, signer: &[u8]) -> Client {
    let channel: &Channel = Box::leak(Box::default());
    let records = Records { incoming: vec![0; 16_640].leak(), outgoing: vec![0; 512].leak() };
    let trust = Trust { name, signer: signer.to_vec().leak() };
    let sessions = Box::leak(Box::new(sessions(transport, records, trust, OsRng, channel)));
    gateway(Tls::new(channel, Pin::static_mut(sessions)), NAME)
}

/// A TLS server for a device, and a gateway that trusts it.
fn trusted(device: impl Device + Send + 'static) -> (TlsServer, Client) {
    let identity = Identity::self_signed(NAME, &[]);
    let server = TlsServer::new(identity.acceptor(), device);
    let gateway = secured(Link::to(&server), NAME, identity.der());
    (server, gateway)
}

/// Like [`trusted`], but each response takes several records, and the link is pending within each record.
fn trusted_slowly(piece: usize) -> (TlsServer, Client) {
    let identity = Identity::self_signed(NAME, &[]);
    let server = TlsServer::new(identity.acceptor(), device::DigestGateway::default()).record_bytes(60);
    let gateway = secured(Link::to(&server).slow(piece), NAME, identity.der());
    (server, gateway)
}

async fn send_message(gateway: &mut Client) -> Outcome {
    send(gateway, "10086", 1).await.map(|_| ())
}

/// The number of messages that arrived at the server.
fn count_sent(server: &TlsServer) -> usize {
    server.requests().iter().filter(|request| request.starts_with("POST /api/send_sms")).count()
}

#[tokio::test]
async fn the_nine_calls_need_one_session_and_one_challenge() {
    let emulator = Emulator::start(options()).await.unwrap();
    let identity = Identity::self_signed(NAME, &[]);
    let addr = start_proxy(emulator.addr(), identity.acceptor()).await;
    let mut gateway = secured(Tcp::new(addr), NAME, identity.der());
    nine_calls(&emulator, &mut gateway).await.unwrap();
    let counts = emulator.counts();
    assert_eq!((counts.connections, counts.challenged, counts.refused), (1, 1, 0));
    assert_eq!(counts.requests, 1 + 9, "a challenge, then one request for each call");
}

#[tokio::test(start_paused = true)]
async fn a_response_of_many_records_is_read_to_its_end() {
    let records: Vec<_> =
        (0..2000).map(|id| format!(r#"{{"port":2,"number":"10086","user_id":{id}}}"#)).collect();
    let body = format!(r#"{{"error_code":200,"result":[{}]}}"#, records.join(","));
    assert!(body.len() > 4 * 16_384, "more than four of the largest records");
    let mut device = device::DigestGateway::default();
    let (server, mut gateway) = trusted(move |request: &str| {
        let is_queried = request.contains("query_sms_result") && request.contains("Authorization");
        if is_queried { MockResponse::json(200, &body) } else { device.respond(request) }
    });
    let mut response = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    for id in 0..2000 {
        assert_eq!(response.next().await.unwrap().unwrap().user_id.get(), Some(id));
    }
    assert!(response.next().await.unwrap().is_none());
    query_queue(&mut gateway).await.unwrap();
    gateway.close().await;
    while server.inspect(|observed| observed.closed + observed.cut) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        server.inspect(|observed| (observed.closed, observed.cut)),
        (1, 0),
        "the client sends close_notify"
    );
    assert_eq!((server.sessions(), server.requests().len()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn an_ended_session_is_replaced_before_a_message_is_sent() {
    for end in [SessionEnd::CloseNotify, SessionEnd::Cut] {
        let (server, mut gateway) = trusted(device::DigestGateway::default());
        query_queue(&mut gateway).await.unwrap();
        server.end_session(end).await;
        send_message(&mut gateway).await.unwrap();
        assert_eq!((server.sessions(), count_sent(&server)), (2, 1));
        assert!(server.requests()[2].contains("nc=00000002"), "the login is kept: {:?}", server.requests());
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_cut_response_differs_from_that_of_a_response_closed_too_early() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"error_code\":200";
    for then in [Then::Close, Then::Fail] {
        let mut device = device::DigestGateway::default();
        let (server, mut gateway) = trusted(move |request: &str| {
            if request.contains("Authorization") {
                MockResponse::new(head, then)
            } else {
                device.respond(request)
            }
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
        assert_eq!(server.sessions(), 1);
    }
}

/// Makes a call to a server that presents `identity`, with a client that trusts `signer` for this name.
async fn call(identity: &Identity, name: &'static str, signer: &Identity) -> (TlsServer, Outcome) {
    let server = TlsServer::new(identity.acceptor(), device::DigestGateway::default());
    let outcome = query_queue(&mut secured(Link::to(&server), name, signer.der())).await;
    (server, outcome)
}

#[tokio::test(start_paused = true)]
async fn a_server_with_the_right_certificate_is_accepted() {
    let authority = Identity::self_signed("signer", &[]);
    let by_authority = authority.sign(NAME);
    let by_itself = Identity::self_signed(NAME, &[]);
    let by_dns_name = Identity::self_signed("other", &[NAME]);
    let at_an_address = Identity::self_signed("192.168.1.9", &[]);
    for (identity, name, signer) in [
        (&by_authority, NAME, &authority),
        (&by_itself, NAME, &by_itself),
        (&by_dns_name, NAME, &by_dns_name),
        (&at_an_address, "192.168.1.9", &at_an_address),
    ] {
        let (server, outcome) = call(identity, name, signer).await;
        outcome.unwrap();
        assert_eq!((server.sessions(), server.requests().len()), (1, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_with_a_wrong_certificate_receives_nothing() {
    let authority = Identity::self_signed("signer", &[]);
    let trusted = authority.sign(NAME);
    let other_name = authority.sign("other.example");
    // The right name, but signed by another authority, or self-signed.
    let by_another = Identity::self_signed("signer", &[]).sign(NAME);
    let by_itself = Identity::self_signed(NAME, &[]);
    // embedded-tls does not support IP addresses as further names of a certificate.
    let address = Identity::self_signed("other", &["192.168.1.9"]);
    for (identity, name, signer) in [
        (&trusted, "other.example", &authority),
        (&other_name, NAME, &authority),
        (&by_another, NAME, &authority),
        (&by_itself, NAME, &authority),
        (&by_itself, NAME, &Identity::self_signed(NAME, &[])),
        (&address, "192.168.1.9", &address),
    ] {
        let (server, outcome) = call(identity, name, signer).await;
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
        assert_eq!(server.requests(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_certificate_receives_nothing() {
    for substitute in [Substitute::Nothing, Substitute::Signature] {
        let (near, far) = tokio::io::duplex(LINK_CAPACITY);
        let server = tokio::spawn(no_certificate::handshake(far, substitute));
        let mut near = Some(near);
        let link = Link::new(move || near.take().expect("one try"));
        let error =
            query_queue(&mut secured(link, NAME, Identity::self_signed(NAME, &[]).der())).await.unwrap_err();
        let Error { failure: Failure::Unreachable(Cause::Transport), transport: Some(fault), .. } = error
        else {
            panic!("{error:?}")
        };
        let expected = match substitute {
            Substitute::Nothing => matches!(fault, SessionError::NotVerified),
            Substitute::Signature => matches!(fault, SessionError::Tls(TlsError::InvalidHandshake)),
        };
        assert!(expected, "{fault:?}");
        assert_eq!(server.await.unwrap().map(|request| String::from_utf8_lossy(&request).into_owned()), None);
    }
}

/// Polls a future at most `times` times, and lets the server proceed in between.
async fn poll_times<F: Future>(mut future: Pin<&mut F>, times: usize) -> Option<F::Output> {
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

/// Drops a call after `polls` polls, and checks that later calls succeed. Returns whether the first call ended.
async fn drop_at(call: impl AsyncFn(&mut Client) -> Outcome, polls: usize, is_open: bool) -> bool {
    let (server, mut gateway) = trusted_slowly(100);
    if is_open {
        query_queue(&mut gateway).await.unwrap();
    }
    let has_ended = poll_times(pin!(call(&mut gateway)), polls).await.map(Result::unwrap).is_some();
    assert!(count_sent(&server) <= 1);
    query_results(&mut gateway).await.unwrap();
    query_queue(&mut gateway).await.unwrap();
    send_message(&mut gateway).await.unwrap();
    assert!(count_sent(&server) <= 2, "each call sends once");
    if is_open {
        let is_kept = has_ended || polls == 0;
        assert_eq!(
            server.sessions(),
            if is_kept { 1 } else { 2 },
            "a session is not used again after a dropped call"
        );
    }
    has_ended
}

#[tokio::test(start_paused = true)]
async fn a_gateway_works_after_a_call_is_dropped_at_any_poll() {
    for is_open in [false, true] {
        let mut polls = 0;
        while !drop_at(send_message, polls, is_open).await {
            polls += 1;
        }
        assert!((8..300).contains(&polls), "{polls}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_record_is_lost_if_futures_of_next_are_dropped() {
    let (server, mut gateway) = trusted_slowly(20);
    let mut response = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    let (mut ports, mut dropped) = (Vec::new(), 0);
    loop {
        match poll_times(pin!(response.next()), 1).await {
            None => dropped += 1,
            Some(Ok(Some(result))) => ports.push(result.port.get()),
            Some(Ok(None)) => break,
            Some(Err(error)) => panic!("{error}"),
        }
    }
    assert_eq!(ports, [Some(2), Some(3)]);
    assert!(dropped > 0);
    query_queue(&mut gateway).await.unwrap();
    assert_eq!(server.sessions(), 1);
}
