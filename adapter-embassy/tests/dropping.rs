//! The futures of calls are dropped at each of their polls.

#![allow(missing_docs)]

mod common;

use common::{
    device,
    mock::{Mock, MockError, NetworkProfile},
    mock_gateway, poll_times, query_queue, query_results, recipient,
};
use sms_gateway_embassy::{
    Error, Failure, Gateway, UssdWait,
    core::{
        Port,
        call::{QuerySmsResult, SendSms},
    },
};
use std::pin::pin;

type Client = Gateway<'static, Mock>;
type Outcome = Result<(), Error<MockError>>;

const PROFILE: NetworkProfile = NetworkProfile { piece: 200, waits: true, ..NetworkProfile::CLEAR };

async fn send_message(gateway: &mut Client) -> Outcome {
    let recipients = [recipient("10086", 1)];
    let accepted = gateway.send_sms(&SendSms::new("Hello", &recipients)?).await?;
    assert_eq!(accepted.sms_in_queue, Some(2));
    Ok(())
}

async fn ussd(gateway: &mut Client) -> Outcome {
    let wait =
        UssdWait { interval: std::time::Duration::from_secs(0), limit: std::time::Duration::from_secs(1) };
    let mut reply = [0; 20];
    // The device always returns the same reply.
    gateway.ussd(Port::new(0)?, "*1#", wait, &mut reply[..]).await.map(|_| ())
}

/// Drops a call after `polls` polls and a query after `query_polls` polls, and checks that later calls succeed. Returns whether the first
/// call ended.
async fn drop_at(
    call: impl AsyncFn(&mut Client) -> Outcome,
    polls: usize,
    query_polls: usize,
    nonce_uses: Option<u32>,
) -> bool {
    let (mock, mut gateway) =
        mock_gateway(device::DigestGateway { nonce_uses, ..device::DigestGateway::default() }, PROFILE);
    let has_ended = poll_times(pin!(call(&mut gateway)), polls).is_some_and(|outcome| outcome.is_ok());
    let sent = mock.targets().iter().filter(|target| target.starts_with("send")).count();
    assert!(sent <= 1, "a call sends once");
    let _ = poll_times(pin!(query_results(&mut gateway)), query_polls);
    query_results(&mut gateway).await.unwrap();
    query_queue(&mut gateway).await.unwrap();
    send_message(&mut gateway).await.unwrap();
    let open = mock.connections() - mock.closed();
    assert_eq!(open, 1, "only the last connection is open");
    has_ended
}

/// Drops a call at each of its polls. Returns the number of polls that it needs.
async fn drop_at_each_poll(call: impl AsyncFn(&mut Client) -> Outcome, nonce_uses: Option<u32>) -> usize {
    for polls in 0..500 {
        let mut has_ended = false;
        for query_polls in [0, 1, 2, 3, 5, 8, 13, 21] {
            has_ended = drop_at(&call, polls, query_polls, nonce_uses).await;
        }
        if has_ended {
            return polls;
        }
    }
    panic!("the call does not end");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_works_after_a_call_is_dropped_at_any_poll() {
    for nonce_uses in [None, Some(1), Some(2)] {
        // Connecting, the query for a challenge and the call are each pending several times.
        for polls in [
            drop_at_each_poll(query_queue, nonce_uses).await,
            drop_at_each_poll(query_results, nonce_uses).await,
            drop_at_each_poll(send_message, nonce_uses).await,
        ] {
            assert!(polls >= 8, "{polls}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_works_after_ussd_is_dropped_at_any_poll() {
    for polls in 0..60 {
        drop_at(ussd, polls, 0, None).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_record_is_lost_if_futures_of_next_are_dropped() {
    let (mock, mut gateway) =
        mock_gateway(device::DigestGateway::default(), NetworkProfile { piece: 7, ..PROFILE });
    let mut response = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    let mut ports = Vec::new();
    loop {
        // Each future is polled twice, and dropped if it is still pending.
        match poll_times(pin!(response.next()), 2) {
            None => {}
            Some(Ok(Some(result))) => ports.push(result.port.get()),
            Some(Ok(None)) => break,
            Some(Err(error)) => panic!("{error}"),
        }
    }
    assert_eq!(ports, [Some(2), Some(3)]);
    assert_eq!((mock.connections(), mock.closed()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_once_by_each_dropped_call() {
    for polls in 0..60 {
        let (mock, mut gateway) = mock_gateway(
            device::DigestGateway { refuses_logins: true, ..device::DigestGateway::default() },
            PROFILE,
        );
        for _ in 0..6 {
            let _ = poll_times(pin!(send_message(&mut gateway)), polls);
        }
        assert_eq!(send_message(&mut gateway).await, Err(Error::from(Failure::LoginRefused)));
        let attempts = mock.requests().iter().filter(|request| request.contains("Authorization")).count();
        // A call that is dropped before its response arrives does not notice the refusal.
        assert!(attempts <= 7, "{attempts} attempts with {polls} polls each");
        assert!(mock.targets().iter().filter(|target| *target == "send_sms").count() == attempts);
    }
}
