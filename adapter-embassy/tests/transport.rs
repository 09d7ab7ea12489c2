//! Requests and connections over a transport, and the sizes of lent buffers.

#![allow(missing_docs)]

mod common;

use common::{
    device, gateway,
    mock::{Mock, MockResponse, NetworkProfile, Then},
    mock_gateway, send,
};
use sms_gateway_embassy::core::client::Cause;
use sms_gateway_embassy::{
    Buffer, Buffers, Error, Failure, Gateway, Memory, Opened, OpenedError,
    core::{
        Ports,
        call::{Flag, QueryIncomingSms},
        json::Text,
    },
};

fn without_login(request: &str) -> MockResponse {
    device::documented_response(request)
}

#[tokio::test(start_paused = true)]
async fn each_request_is_one_write_on_the_same_connection() {
    let (mock, mut gateway) = mock_gateway(device::DigestGateway::default(), NetworkProfile::default());
    send(&mut gateway, "10086", 1).await.unwrap();
    assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
    assert_eq!(mock.targets(), ["query_sms_in_queue", "send_sms", "query_sms_in_queue"]);
    assert_eq!((mock.0.borrow().writes, mock.connections(), mock.closed()), (3, 1, 0));
    let requests = mock.requests();
    assert!(
        requests[1].ends_with(r#"{"text":"Hello","param":[{"number":"10086","user_id":1}]}"#),
        "{}",
        requests[1]
    );
    assert!(requests[1].contains("nc=00000001") && requests[2].contains("nc=00000002"));
    gateway.close().await;
    assert_eq!(mock.closed(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_read_long_after_its_arrival_does_not_prove_its_connection() {
    for (held, connections) in [(1, 1), (600, 2)] {
        let (mock, mut gateway) = mock_gateway(device::DigestGateway::default(), NetworkProfile::default());
        let call = QueryIncomingSms::new(Flag::All);
        let mut response = gateway.query_incoming_sms(&call).await.unwrap();
        assert!(response.next().await.unwrap().is_some());
        tokio::time::sleep(std::time::Duration::from_secs(held)).await;
        response.finish().await.unwrap();
        send(&mut gateway, "10086", 1).await.unwrap();
        assert_eq!(mock.connections(), connections, "after {held} s");
    }
}

/// Makes calls with buffers of these sizes. The error is the buffer that is too small, and the size that it needs.
async fn call_with_sizes(sizes: [usize; 4]) -> Result<(), (Buffer, usize)> {
    let mut arrays = sizes.map(|size| vec![0; size]);
    let [request, response, record, challenge] = arrays.each_mut().map(Vec::as_mut_slice);
    let mut entropy = || 0;
    let buffers = Buffers { request, response, record, challenge };
    let mock = Mock::new(device::DigestGateway::default(), NetworkProfile::default());
    let mut gateway = Gateway::new(mock, "box", buffers, &mut entropy).credentials("admin", "admin");
    let outcome = async {
        send(&mut gateway, "10086", 1).await?;
        gateway.query_ussd_reply(Ports::ALL).await?.finish().await?;
        let mut response = gateway.query_incoming_sms(&QueryIncomingSms::new(Flag::All)).await?;
        let sms = response.next().await?.expect("a message");
        match sms.text {
            Text::TooLong { needed } => Err(Failure::TooSmall { buffer: Buffer::Record, needed }.into()),
            text => {
                assert_eq!(text.as_str(), "😀");
                Ok(())
            }
        }
    };
    outcome.await.map_err(|error| match error {
        Error { failure: Failure::TooSmall { buffer, needed }, .. } => (buffer, needed),
        other => panic!("{sizes:?}: {other:?}"),
    })
}

#[tokio::test(start_paused = true)]
async fn a_too_small_buffer_is_named_with_the_size_it_needs() {
    for (place, buffer) in
        [Buffer::Request, Buffer::Response, Buffer::Record, Buffer::Challenge].into_iter().enumerate()
    {
        let mut sizes = [600; 4];
        sizes[place] = 0;
        let mut steps = 0;
        while let Err((which, needed)) = call_with_sizes(sizes).await {
            assert_eq!(which, buffer);
            assert!(needed > sizes[place], "{which:?}: {needed} of {}", sizes[place]);
            sizes[place] = needed;
            steps += 1;
        }
        assert!((1..6).contains(&steps), "{buffer:?} in {steps} steps");
        let needed = sizes[place];
        // A challenge takes half of the buffer, so the buffer's size changes in steps of 2.
        sizes[place] -= if buffer == Buffer::Challenge { 2 } else { 1 };
        assert_eq!(call_with_sizes(sizes).await, Err((buffer, needed)), "a smaller buffer is refused");
    }
}

#[tokio::test(start_paused = true)]
async fn an_invalid_host_is_not_sent() {
    for host in ["a\r\nX: y", "a b", "é"] {
        let mock = Mock::new(without_login, NetworkProfile::default());
        assert_eq!(gateway(mock.clone(), host).query_sms_in_queue().await, Err(Error::from(Failure::Host)));
        assert!(mock.requests().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_opened_connection_is_used_and_its_successor_keeps_the_login() {
    let mock = Mock::new(device::DigestGateway::default(), NetworkProfile::default());
    let open = async || {
        let mut mock = mock.clone();
        sms_gateway_embassy::Transport::close(&mut mock).await;
        sms_gateway_embassy::Transport::connect(&mut mock).await.unwrap();
        Opened::new(mock)
    };
    let mut gateway = gateway(open().await, "box");
    assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
    mock.end_connection(Then::Close);
    let error = gateway.query_sms_in_queue().await.unwrap_err();
    assert_eq!(error, Error::new(Failure::Unreachable(Cause::Transport), Some(OpenedError::Gone)));
    assert!(gateway.transport().is_gone());
    let (mut gateway, _) = gateway.with_transport(open().await);
    assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
    assert!(mock.requests().last().unwrap().contains("nc=00000004"), "{:?}", mock.requests());
}

#[test]
fn memory_has_the_documented_sizes() {
    let mut memory: Memory = Memory::default();
    let buffers = memory.buffers();
    assert_eq!((buffers.request.len(), buffers.response.len()), (2048, 1536));
    assert_eq!((buffers.record.len(), buffers.challenge.len()), (2048, 512));
}
