//! Requests that fail to be written on a kept connection. A message that may have been sent is not sent again.

#![allow(missing_docs)]

mod common;

use common::{
    device, gateway,
    mock::{Mock, MockError, NetworkProfile},
    send,
};
use embedded_io_async::{ErrorType, Read, Write};
use sms_gateway_embassy::core::client::Cause;
use sms_gateway_embassy::{Error, Failure, Opened, OpenedError, Transport};

fn count_sent(mock: &Mock) -> usize {
    mock.targets().iter().filter(|target| *target == "send_sms").count()
}

/// Leaves a kept connection on which only `remaining` more bytes can be written.
async fn keep_connection(
    mock: &Mock,
    gateway: &mut sms_gateway_embassy::Gateway<'_, impl Transport>,
    remaining: usize,
) {
    // These requests take more bytes than a message, so that a message fits on a new connection.
    for _ in 0..3 {
        gateway.query_sms_in_queue().await.map_err(|_| "a response").unwrap();
    }
    let written = mock.requests().iter().map(String::len).sum::<usize>();
    mock.set_profile(|profile| profile.write_limit = Some(written + remaining));
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_on_an_opened_connection_is_reported_and_not_repeated() {
    for remaining in [0, 1, 50] {
        let mut mock = Mock::new(device::DigestGateway::default(), NetworkProfile::default());
        mock.connect().await.unwrap();
        let mut gateway = gateway(Opened::new(mock.clone()), "box");
        keep_connection(&mock, &mut gateway, remaining).await;
        let expected = match remaining {
            0 => Error::new(Failure::Unreachable(Cause::Transport), Some(OpenedError::Gone)),
            _ => Error::new(Failure::Lost(Cause::Transport), Some(OpenedError::Io(MockError::Broken))),
        };
        assert_eq!(send(&mut gateway, "10086", 1).await.unwrap_err(), expected);
        assert_eq!(count_sent(&mock), 0);
    }
}

/// A transport whose flush fails after a message was sent.
struct FailingFlush {
    mock: Mock,
    is_message: bool,
}

impl ErrorType for FailingFlush {
    type Error = MockError;
}

impl Read for FailingFlush {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, MockError> {
        self.mock.read(buffer).await
    }
}

impl Write for FailingFlush {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, MockError> {
        self.is_message = bytes.windows(8).any(|name| name == b"send_sms");
        self.mock.write(bytes).await
    }

    async fn flush(&mut self) -> Result<(), MockError> {
        if self.is_message { Err(MockError::Broken) } else { Ok(()) }
    }
}

impl Transport for FailingFlush {
    async fn connect(&mut self) -> Result<(), MockError> {
        self.mock.connect().await
    }

    async fn close(&mut self) {
        self.mock.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_may_have_arrived_if_the_flush_fails() {
    let mock = Mock::new(device::DigestGateway::default(), NetworkProfile::default());
    let mut gateway = gateway(FailingFlush { mock: mock.clone(), is_message: false }, "box");
    gateway.query_sms_in_queue().await.unwrap();
    let error = send(&mut gateway, "10086", 1).await.unwrap_err();
    assert!(error.may_have_arrived(), "{error:?}");
    assert_eq!(count_sent(&mock), 1);
}
