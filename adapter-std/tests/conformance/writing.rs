//! Connections that break at each byte of a request. A message that may have been sent is not sent again.

use crate::{
    harness::Harness,
    on_paused_clock,
    peer::Plan,
    scenarios::printed,
    subject::{Adapter, ApiCall},
};

const MINUTE_MS: u64 = 60_000;

/// Submits a message over a connection that takes this number of bytes of the request. Returns the outcome and the number of
/// connections.
async fn submit(adapter: Adapter, is_kept: bool, bytes: usize) -> (String, usize) {
    let mut harness = Harness::new(adapter);
    harness.set_up_open();
    let mut sent = 0;
    harness.peer.script(move |request| {
        sent += u32::from(request.call() == "send_sms");
        assert!(sent <= 2, "a message is sent again");
        printed(request)
    });
    if is_kept {
        harness.call_silently_for(ApiCall::Queue, MINUTE_MS).await;
        harness.peer.limit_writes(1, bytes);
    } else {
        let limit = move |number| if number == 1 { bytes } else { usize::MAX };
        harness.peer.plan(move |number| Plan { write_limit: limit(number), ..Plan::default() });
    }
    let end = harness.call_silently_for(ApiCall::SendSms, MINUTE_MS).await;
    let connections = harness.peer.connections();
    let next = harness.call_silently_for(ApiCall::SendSms, MINUTE_MS).await;
    assert!(next.starts_with("ok ") || end.starts_with("ok "), "after {bytes} bytes: {next}");
    (end, connections)
}

fn check(adapter: Adapter, is_kept: bool) {
    for bytes in 0..300 {
        let (end, connections) =
            on_paused_clock(&format!("{bytes} bytes"), move || submit(adapter, is_kept, bytes));
        match (bytes, is_kept) {
            (0, true) => assert!(end.starts_with("ok ") && connections == 2, "{end}, {connections}"),
            (0, false) => assert_eq!((end.as_str(), connections), ("unreachable", 1)),
            _ if end.starts_with("ok ") => return assert!(bytes > 100, "{bytes} bytes are enough"),
            _ => assert_eq!((end.as_str(), connections), ("lost, may have arrived", 1), "{bytes} bytes"),
        }
    }
    panic!("it never fits");
}

#[test]
fn adapter_std_sends_nothing_twice_if_writing_breaks() {
    check(Adapter::Std, false);
    check(Adapter::Std, true);
}

#[test]
fn adapter_embassy_sends_nothing_twice_if_writing_breaks() {
    check(Adapter::Embassy, false);
    check(Adapter::Embassy, true);
}
