//! Requests whose writing fails on a connection that was kept: what may have left is not sent again.

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

fn sent(mock: &Mock) -> usize {
    mock.targets().iter().filter(|target| *target == "send_sms").count()
}

/// A kept connection that takes so many more bytes.
async fn kept(mock: &Mock, gateway: &mut sms_gateway_embassy::Gateway<'_, impl Transport>, more: usize) {
    // So much that a message fits in the same on the next one.
    for _ in 0..3 {
        gateway.query_sms_in_queue().await.map_err(|_| "an answer").unwrap();
    }
    let taken = mock.requests().iter().map(String::len).sum::<usize>();
    mock.set_road(|profile| profile.write_limit = Some(taken + more));
}

#[tokio::test(start_paused = true)]
async fn an_opened_connection_takes_as_much_as_what_it_holds() {
    for more in [0, 1, 50] {
        let mut mock = Mock::new(device::Gateway::default(), NetworkProfile::default());
        mock.connect().await.unwrap();
        let mut gateway = gateway(Opened::new(mock.clone()), "box");
        kept(&mock, &mut gateway, more).await;
        let expected = match more {
            0 => Error::new(Failure::Unreachable(Cause::Transport), Some(OpenedError::Gone)),
            _ => Error::new(Failure::Lost(Cause::Transport), Some(OpenedError::Io(MockError::Broken))),
        };
        assert_eq!(send(&mut gateway, "10086", 1).await.unwrap_err(), expected);
        assert_eq!(sent(&mock), 0);
    }
}

/// Takes all, and then fails to send it although it did.
struct Late(Mock, bool);

impl ErrorType for Late {
    type Error = MockError;
}

impl Read for Late {
    async fn read(&mut self, room: &mut [u8]) -> Result<usize, MockError> {
        self.0.read(room).await
    }
}

impl Write for Late {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, MockError> {
        self.1 = bytes.windows(8).any(|name| name == b"send_sms");
        self.0.write(bytes).await
    }

    async fn flush(&mut self) -> Result<(), MockError> {
        if self.1 { Err(MockError::Broken) } else { Ok(()) }
    }
}

impl Transport for Late {
    async fn connect(&mut self) -> Result<(), MockError> {
        self.0.connect().await
    }

    async fn close(&mut self) {
        self.0.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_that_fails_may_have_sent_the_message() {
    let mock = Mock::new(device::Gateway::default(), NetworkProfile::default());
    let mut gateway = gateway(Late(mock.clone(), false), "box");
    gateway.query_sms_in_queue().await.unwrap();
    let error = send(&mut gateway, "10086", 1).await.unwrap_err();
    assert!(error.may_have_arrived(), "{error:?}");
    assert_eq!(sent(&mock), 1);
}
