//! What transports do, and what becomes of calls and connections.

#![allow(missing_docs)]

mod common;

use common::{
    device, gateway,
    mock::{Device, Mock, MockError, NetworkProfile, Reply, Then},
    mocked, send, stranger,
};
use embassy_time::Instant;
use sms_gateway_embassy::core::client::{Cause, Wait};
use sms_gateway_embassy::{
    Buffer, Buffers, Error, Failure, Gateway, Memory, Opened, OpenedError, Timeouts,
    core::{
        Ports,
        call::{Flag, QueryIncomingSms, QuerySmsResult},
        http::{ResponseError, ResponseErrorKind},
        json::Text,
    },
};

fn anyone(request: &str) -> Reply {
    device::truth(request)
}

#[tokio::test(start_paused = true)]
async fn a_request_leaves_in_one_write_on_a_connection_that_is_kept() {
    let (mock, mut gateway) = mocked(device::Gateway::default(), NetworkProfile::default());
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
async fn single_bytes_both_ways_and_a_moment_for_each() {
    let (mock, mut gateway) = mocked(
        device::Gateway::default(),
        NetworkProfile { piece: 1, waits: true, ..NetworkProfile::default() },
    );
    send(&mut gateway, "10086", 1).await.unwrap();
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    let mut ports = Vec::new();
    while let Some(result) = answer.next().await.unwrap() {
        ports.push(result.port.get());
    }
    assert_eq!(ports, [Some(2), Some(3)]);
    assert_eq!((mock.connections(), mock.closed()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn limits_end_waits() {
    let second = std::time::Duration::from_secs;
    let timeouts = Timeouts::new().connect(second(1)).response(second(2)).idle(second(4));
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n";
    let lost = |wait, limit| Failure::Lost(Cause::TimedOut { wait, limit }).into();
    for (bytes, expected, after) in [
        ("", lost(Wait::Response, timeouts.response), 2),
        ("HTTP/1.1 2", lost(Wait::Response, timeouts.response), 2),
        (head, lost(Wait::Body, timeouts.idle), 4),
    ] {
        let mock = Mock::new(move |_: &str| Reply::new(bytes, Then::Stall), NetworkProfile::default());
        let mut gateway = stranger(mock.clone(), "box").timeouts(timeouts);
        let begin = Instant::now();
        assert_eq!(gateway.query_sms_in_queue().await, Err(expected));
        assert_eq!((begin.elapsed().as_secs(), mock.closed()), (after, 1));
        mock.0.borrow_mut().device = Box::new(anyone);
        assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)), "the next one is well");
    }
}

#[tokio::test(start_paused = true)]
async fn connecting_has_a_limit_too_and_so_has_the_question_for_a_challenge() {
    let limit = std::time::Duration::from_secs(10);
    let (mock, mut gateway) = mocked(anyone, NetworkProfile { stalls: true, ..NetworkProfile::default() });
    let begin = Instant::now();
    let fault = Cause::TimedOut { wait: Wait::Connect, limit };
    assert_eq!(gateway.query_sms_in_queue().await, Err(Error::from(Failure::Unreachable(fault))));
    assert_eq!(begin.elapsed().as_secs(), limit.as_secs());
    mock.set_road(|profile| profile.stalls = false);
    mock.0.borrow_mut().device = Box::new(|_: &str| Reply::new("", Then::Stall));
    let error = send(&mut gateway, "10086", 1).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error { failure: Failure::ChallengeLost(Cause::TimedOut { wait: Wait::Response, .. }), .. }
        ),
        "{error:?}"
    );
    assert!(!error.may_have_arrived() && error.may_pass());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stops_is_told_after_the_records_before_it() {
    let body = r#"{"error_code":200,"result":[{"port":1},{"port":2},{"po"#;
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{body}");
    for then in [Then::Stall, Then::Close, Then::Fail] {
        let bytes = answer.clone();
        let device = move |request: &str| {
            if request.contains("result") { Reply::new(bytes.clone(), then) } else { anyone(request) }
        };
        let (mock, mut gateway) = mocked(device, NetworkProfile::default());
        let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
        assert_eq!(answer.next().await.unwrap().unwrap().port.get(), Some(1));
        assert_eq!(answer.next().await.unwrap().unwrap().port.get(), Some(2));
        let limit = std::time::Duration::from_secs(30);
        let fault = match then {
            Then::Stall => Cause::TimedOut { wait: Wait::Body, limit },
            Then::Fail => Cause::Transport,
            _ => Cause::Response(ResponseError { offset: 94, kind: ResponseErrorKind::BodyCutOff }),
        };
        let transport = (then == Then::Fail).then_some(MockError::Broken);
        assert_eq!(answer.next().await.err(), Some(Error::new(Failure::Lost(fault), transport)));
        assert_eq!(answer.next().await.err(), Some(Error::from(Failure::Ended)));
        assert_eq!(answer.summary().error_code.get(), Some(200));
        assert_eq!(mock.closed(), 1, "at once");
        assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
    }
}

/// Answers once, and then takes a request without an answer.
fn forgetful(then: Then) -> impl Device {
    let mut count = 0;
    move |request: &str| {
        count += 1;
        if count == 2 { Reply::new("", then) } else { anyone(request) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_went_stale_is_replaced_and_questions_are_asked_again() {
    for then in [Then::Close, Then::Fail] {
        let (mock, mut gateway) = mocked(forgetful(then), NetworkProfile::default());
        assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)), "after the probe");
        assert_eq!((mock.targets().len(), mock.connections()), (3, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_never_sent_again_blindly() {
    for then in [Then::Close, Then::Fail] {
        let (mock, mut gateway) = mocked(forgetful(then), NetworkProfile::default());
        let error = send(&mut gateway, "10086", 1).await.unwrap_err();
        assert!(
            matches!(error, Error { failure: Failure::Lost(_), .. }) && error.may_have_arrived(),
            "{error:?}"
        );
        assert_eq!(mock.targets(), ["query_sms_in_queue", "send_sms"]);
        send(&mut gateway, "10086", 2).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_which_nothing_left_is_sent_on_a_new_connection() {
    // What is seen beforehand costs no request at all.
    let (mock, mut gateway) = mocked(anyone, NetworkProfile::default());
    gateway.query_sms_in_queue().await.unwrap();
    mock.hang_up(Then::Close);
    send(&mut gateway, "10086", 1).await.unwrap();
    // What is not is told by the first write, which takes nothing.
    mock.set_road(|profile| profile.sees_end = false);
    mock.hang_up(Then::Fail);
    send(&mut gateway, "10086", 2).await.unwrap();
    assert_eq!(mock.connections(), 3);
    assert_eq!(mock.targets().iter().filter(|target| *target == "send_sms").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn writing_that_breaks_off() {
    for limit in 0..300 {
        let (mock, mut gateway) = mocked(anyone, NetworkProfile::default());
        gateway.query_sms_in_queue().await.unwrap();
        gateway.close().await;
        mock.set_road(|profile| profile.write_limit = Some(limit));
        let length = mock.requests()[0].len();
        let Err(error) = send(&mut gateway, "10086", 1).await else { break };
        assert_eq!(error.may_have_arrived(), limit > 0, "{error:?} after {limit} of {length}");
        let broken = if limit == 0 { Failure::Unreachable } else { Failure::Lost };
        assert_eq!(error, Error::new(broken(Cause::Transport), Some(MockError::Broken)));
        mock.set_road(|profile| profile.write_limit = None);
        send(&mut gateway, "10086", 2).await.unwrap();
        assert!(limit < 299, "it fits by now");
    }
}

#[tokio::test(start_paused = true)]
async fn no_connection_is_told_and_tried_again_with_the_next_call() {
    let (mock, mut gateway) = mocked(anyone, NetworkProfile { refuses: true, ..NetworkProfile::default() });
    let error = send(&mut gateway, "10086", 1).await.unwrap_err();
    assert_eq!(error, Error::new(Failure::Unreachable(Cause::Transport), Some(MockError::Refused)));
    assert!(!error.may_have_arrived() && error.may_pass());
    mock.set_road(|profile| profile.refuses = false);
    send(&mut gateway, "10086", 1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn surplus_is_no_part_of_the_next_answer() {
    let surplus = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n";
    let behind = |request: &str| {
        let mut reply = anyone(request);
        reply.bytes.extend(surplus.as_bytes());
        reply
    };
    let (mock, mut gateway) = mocked(behind, NetworkProfile::default());
    for _ in 0..2 {
        assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
    }
    assert_eq!(mock.connections(), mock.closed());
    // Later, it is seen before the next request.
    let (mock, mut gateway) = mocked(anyone, NetworkProfile::default());
    for _ in 0..2 {
        assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
        mock.push(surplus.as_bytes());
    }
    assert_eq!(mock.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_read_to_its_end_costs_the_connection() {
    let (mock, mut gateway) = mocked(anyone, NetworkProfile { piece: 60, ..NetworkProfile::default() });
    let mut answer = gateway.query_sms_result(&QuerySmsResult::new()).await.unwrap();
    assert!(answer.next().await.unwrap().is_some());
    assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
    assert_eq!((mock.connections(), mock.closed()), (2, 1));
}

/// Answers with another head, and does not close the connection.
fn headed(head: &'static str) -> impl Fn(&str) -> Reply {
    move |request| {
        let json = anyone(request).bytes;
        let at = json.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
        Reply::new([head.as_bytes(), &json[at..]].concat(), Then::Stall)
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_without_a_length_ends_with_its_document() {
    let (mock, mut gateway) = mocked(headed("HTTP/1.1 200 OK"), NetworkProfile::default());
    let begin = Instant::now();
    assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
    assert_eq!(begin.elapsed().as_millis(), 0, "it is not waited for");
    assert_eq!((mock.connections(), mock.closed()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_body_whose_end_does_not_come_is_waited_for_briefly() {
    let (mock, mut gateway) =
        mocked(headed("HTTP/1.1 200 OK\r\nContent-Length: 900"), NetworkProfile::default());
    let begin = Instant::now();
    assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
    assert_eq!(begin.elapsed().as_millis(), 1000, "of the probe and of the call");
    assert_eq!(mock.connections(), mock.closed());
}

/// Calls with buffers of these sizes; what is too small.
async fn with_sizes(sizes: [usize; 4]) -> Result<(), (Buffer, usize)> {
    let mut arrays = sizes.map(|size| vec![0; size]);
    let [request, response, record, challenge] = arrays.each_mut().map(Vec::as_mut_slice);
    let mut entropy = || 0;
    let buffers = Buffers { request, response, record, challenge };
    let mock = Mock::new(device::Gateway::default(), NetworkProfile::default());
    let mut gateway = Gateway::new(mock, "box", buffers, &mut entropy).credentials("admin", "admin");
    let outcome = async {
        send(&mut gateway, "10086", 1).await?;
        gateway.query_ussd_reply(Ports::ALL).await?.finish().await?;
        let mut answer = gateway.query_incoming_sms(&QueryIncomingSms::new(Flag::All)).await?;
        let sms = answer.next().await?.expect("a message");
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
async fn buffers_that_are_too_small_say_which_and_how_much_is_needed() {
    for (place, buffer) in
        [Buffer::Request, Buffer::Response, Buffer::Record, Buffer::Challenge].into_iter().enumerate()
    {
        let mut sizes = [600; 4];
        sizes[place] = 0;
        let mut steps = 0;
        while let Err((which, needed)) = with_sizes(sizes).await {
            assert_eq!(which, buffer);
            assert!(needed > sizes[place], "{which:?}: {needed} of {}", sizes[place]);
            sizes[place] = needed;
            steps += 1;
        }
        assert!((1..6).contains(&steps), "{buffer:?} in {steps} steps");
        let needed = sizes[place];
        // Two halves are of one size if the whole is even.
        sizes[place] -= if buffer == Buffer::Challenge { 2 } else { 1 };
        assert_eq!(with_sizes(sizes).await, Err((buffer, needed)), "no smaller one does");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_with_a_line_break_is_not_sent() {
    for host in ["a\r\nX: y", "a b", "é"] {
        let mock = Mock::new(anyone, NetworkProfile::default());
        assert_eq!(gateway(mock.clone(), host).query_sms_in_queue().await, Err(Error::from(Failure::Host)));
        assert!(mock.requests().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_connection_is_used_and_the_next_one_goes_on_with_the_login() {
    let mock = Mock::new(device::Gateway::default(), NetworkProfile::default());
    let open = async || {
        let mut mock = mock.clone();
        sms_gateway_embassy::Transport::close(&mut mock).await;
        sms_gateway_embassy::Transport::connect(&mut mock).await.unwrap();
        Opened::new(mock)
    };
    let mut gateway = gateway(open().await, "box");
    assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
    mock.hang_up(Then::Close);
    let error = gateway.query_sms_in_queue().await.unwrap_err();
    assert_eq!(error, Error::new(Failure::Unreachable(Cause::Transport), Some(OpenedError::Gone)));
    assert!(gateway.transport().is_gone());
    let (mut gateway, _) = gateway.with_transport(open().await);
    assert_eq!(gateway.query_sms_in_queue().await, Ok(Some(3)));
    assert!(mock.requests().last().unwrap().contains("nc=00000004"), "{:?}", mock.requests());
}

#[test]
fn memory_has_sizes() {
    let mut memory: Memory = Memory::default();
    let buffers = memory.buffers();
    assert_eq!((buffers.request.len(), buffers.response.len()), (2048, 1536));
    assert_eq!((buffers.record.len(), buffers.challenge.len()), (2048, 512));
}
