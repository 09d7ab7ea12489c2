//! Calls that are dropped after each of their polls.

use std::{
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use crate::{
    harness::Harness,
    on_paused_clock,
    peer::Plan,
    reply::Reply,
    scenarios::printed,
    subject::{Adapter, ApiCall},
};

const PIECE_EVERY: Duration = Duration::from_millis(1);

/// Polls a future up to this number of times, with time for other tasks after each poll. Returns whether the future became ready.
async fn is_ready_after<F: Future>(future: F, polls: usize) -> bool {
    let mut future = pin!(future);
    for _ in 0..polls {
        let mut context = Context::from_waker(Waker::noop());
        if future.as_mut().poll(&mut context).is_ready() {
            return true;
        }
        // The next piece arrives, and other tasks are polled.
        tokio::time::advance(PIECE_EVERY).await;
    }
    false
}

/// Drops a call after a number of polls, and then makes other calls. Returns whether the first call became ready.
async fn drop_at(adapter: Adapter, call: ApiCall, polls: usize) -> bool {
    let mut harness = Harness::new(adapter);
    harness.peer.plan(|_| Plan { piece: 40, ..Plan::default() });
    let most = if call == ApiCall::SendSms { 2 } else { 1 };
    let mut sent = 0;
    harness.peer.script(move |request| {
        let is_let_in = request.has_nonce("n1");
        sent += u32::from(is_let_in && request.call() == "send_sms");
        assert!(sent <= most, "a message is sent again");
        let reply = if is_let_in { printed(request) } else { Reply::digest("n1") };
        reply.drip(40, PIECE_EVERY)
    });
    let is_ready = is_ready_after(harness.call(call), polls).await;
    for next in [ApiCall::Results, ApiCall::SendSms] {
        let end = harness.call_silently_for(next, 60_000).await;
        assert!(end.starts_with("ok "), "{call:?} is dropped after {polls} polls, and {next:?} ends: {end}");
    }
    let text = harness.end().await;
    assert!(!text.contains("left"), "{call:?} is dropped after {polls} polls: {text}");
    is_ready
}

fn check(adapter: Adapter, at_least: usize) {
    for call in [ApiCall::Queue, ApiCall::Results, ApiCall::SendSms] {
        let end = (0..1000).find(|polls| {
            let polls = *polls;
            on_paused_clock(&format!("{call:?} after {polls}"), move || drop_at(adapter, call, polls))
        });
        assert!(end.is_some_and(|end| end >= at_least), "{call:?} with {end:?} polls");
    }
}

#[test]
fn calls_of_adapter_std_can_be_dropped_at_any_poll() {
    check(Adapter::Std, 4);
}

#[test]
fn calls_of_adapter_embassy_can_be_dropped_at_any_poll() {
    check(Adapter::Embassy, 4);
}
