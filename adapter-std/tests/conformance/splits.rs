//! The core's table of responses through both adapters. The outcome does not depend on the pieces in which a response arrives.

use crate::{
    harness::Harness,
    on_paused_clock,
    peer::Request,
    reply::{Reply, Step},
    scenarios::printed,
    scripts::{SCRIPTS, Script},
    subject::{Adapter, ApiCall},
};
use std::time::Duration;

/// Serves a script in these pieces, and then ordinary responses. Returns the outcomes of two calls and the number of connections.
async fn outcome(adapter: Adapter, script: &Script, pieces: Vec<Vec<u8>>) -> (String, String, usize) {
    let mut harness = Harness::new(adapter);
    harness.set_up_open();
    let steps = pieces.into_iter().map(Step::Bytes).chain([Step::Wait(Duration::from_secs(5)), Step::Close]);
    let mut first = Some(Reply { steps: steps.collect() });
    harness.peer.script(move |request: &Request| first.take().unwrap_or_else(|| printed(request)));
    let first = harness.call_silently_for(ApiCall::SendSms, 60_000).await;
    let second = harness.call_silently_for(ApiCall::Queue, 60_000).await;
    assert!(second.starts_with("ok "), "{}: {second}", script.name);
    (first, second, harness.peer.connections())
}

async fn check(adapter: Adapter, script: &Script) {
    let whole = outcome(adapter, script, vec![script.bytes.to_vec()]).await;
    for place in 1..script.bytes.len() {
        let (begin, end) = script.bytes.split_at(place);
        let cut = outcome(adapter, script, vec![begin.to_vec(), end.to_vec()]).await;
        assert_eq!(cut, whole, "{} with adapter-{}, cut at {place}", script.name, adapter.name());
    }
    let bytes = script.bytes.iter().map(|byte| vec![*byte]).collect();
    let single = outcome(adapter, script, bytes).await;
    assert_eq!(single, whole, "{} with adapter-{}, byte by byte", script.name, adapter.name());
}

fn check_all(adapter: Adapter) {
    for script in SCRIPTS {
        on_paused_clock(script.name, move || check(adapter, script));
    }
}

#[test]
fn adapter_std_reads_responses_alike_in_any_pieces() {
    check_all(Adapter::Std);
}

#[test]
fn adapter_embassy_reads_responses_alike_in_any_pieces() {
    check_all(Adapter::Embassy);
}
