//! Futures that are dropped wherever they wait.

#![allow(missing_docs)]

mod common;

use common::{
    device,
    mock::{Mock, MockError, NetworkProfile},
    mocked, poll_times, queue, recipient, results,
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

async fn message(gateway: &mut Client) -> Outcome {
    let recipients = [recipient("10086", 1)];
    let accepted = gateway.send_sms(&SendSms::new("Hello", &recipients)?).await?;
    assert_eq!(accepted.sms_in_queue, Some(2));
    Ok(())
}

async fn ussd(gateway: &mut Client) -> Outcome {
    let wait =
        UssdWait { interval: std::time::Duration::from_secs(0), limit: std::time::Duration::from_secs(1) };
    let mut reply = [0; 20];
    // The device shows the same reply all the time.
    gateway.ussd(Port::new(0)?, "*1#", wait, &mut reply[..]).await.map(|_| ())
}

/// Drops a call after so many polls, and another one, and makes a third; whether the first had come to its end.
async fn dropped_at(
    first: impl AsyncFn(&mut Client) -> Outcome,
    polls: usize,
    then: usize,
    life: Option<u32>,
) -> bool {
    let (mock, mut gateway) = mocked(device::Gateway { life, ..device::Gateway::default() }, PROFILE);
    let ended = match poll_times(pin!(first(&mut gateway)), polls) {
        Some(outcome) => outcome.is_ok(),
        None => false,
    };
    let sent = mock.targets().iter().filter(|target| target.starts_with("send")).count();
    assert!(sent <= 1, "once for each call");
    let _ = poll_times(pin!(results(&mut gateway)), then);
    results(&mut gateway).await.unwrap();
    queue(&mut gateway).await.unwrap();
    message(&mut gateway).await.unwrap();
    let open = mock.connections() - mock.closed();
    assert_eq!(open, 1, "none is left open but the last");
    ended
}

/// Drops a call at each of its polls.
async fn dropped_everywhere(call: impl AsyncFn(&mut Client) -> Outcome, life: Option<u32>) -> usize {
    for polls in 0..500 {
        let mut ended = false;
        for then in [0, 1, 2, 3, 5, 8, 13, 21] {
            ended = dropped_at(&call, polls, then, life).await;
        }
        if ended {
            return polls;
        }
    }
    panic!("it has no end");
}

#[tokio::test(start_paused = true)]
async fn calls_leave_a_gateway_of_use_wherever_they_are_dropped() {
    for life in [None, Some(1), Some(2)] {
        // Connecting, the question for a challenge, the call: each waits several times.
        for polls in [
            dropped_everywhere(queue, life).await,
            dropped_everywhere(results, life).await,
            dropped_everywhere(message, life).await,
        ] {
            assert!(polls >= 8, "{polls}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ussd_leaves_a_gateway_of_use_while_it_asks() {
    for polls in 0..60 {
        dropped_at(ussd, polls, 0, None).await;
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_futures_of_next_lose_nothing() {
    let (mock, mut gateway) = mocked(device::Gateway::default(), NetworkProfile { piece: 7, ..PROFILE });
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    let mut ports = Vec::new();
    loop {
        // Each future is polled twice, and dropped unless it is ready.
        match poll_times(pin!(answer.next()), 2) {
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
async fn wrong_passwords_are_tried_once_even_if_calls_are_dropped() {
    for polls in 0..60 {
        let (mock, mut gateway) =
            mocked(device::Gateway { refuses: true, ..device::Gateway::default() }, PROFILE);
        for _ in 0..6 {
            let _ = poll_times(pin!(message(&mut gateway)), polls);
        }
        assert_eq!(message(&mut gateway).await, Err(Error::from(Failure::LoginRefused)));
        let tries = mock.requests().iter().filter(|request| request.contains("Authorization")).count();
        // A try that was dropped before its answer was there tells nothing.
        assert!(tries <= 7, "{tries} tries with {polls} polls each");
        assert!(mock.targets().iter().filter(|target| *target == "send_sms").count() == tries);
    }
}
