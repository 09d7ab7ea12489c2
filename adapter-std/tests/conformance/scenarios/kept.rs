//! Connections that are kept, and end before or during the next request.

use crate::{
    harness::Harness,
    list,
    peer::{Opening, Plan},
    reply::Reply,
    subject::ApiCall,
};
use std::time::Duration;

use super::calls::printed;

list![
    the_end_of_a_kept_connection_is_seen,
    a_kept_connection_is_reset_while_idle,
    a_kept_connection_takes_no_byte,
    a_kept_connection_breaks_while_a_request_is_written,
    a_new_connection_takes_no_byte,
    a_new_connection_breaks_while_a_request_is_written,
    every_connection_closes_after_a_response,
    a_kept_connection_ends_and_there_is_no_other,
    every_kept_connection_closes_without_a_response,
    unasked_bytes_arrive_on_a_kept_connection,
    a_response_arrives_twice,
];

const CALLS: [ApiCall; 4] = [ApiCall::Queue, ApiCall::SendSms, ApiCall::StopSms, ApiCall::Unread];

async fn idle(harness: &mut Harness, end: impl Fn(Reply) -> Reply) {
    harness.set_up_open();
    harness.peer.script(printed);
    for call in CALLS {
        harness.call(ApiCall::UssdReply).await;
        harness.peer.push(&end(Reply::never().after(Duration::from_millis(500))));
        harness.wait(1000).await;
        harness.call(call).await;
    }
}

async fn the_end_of_a_kept_connection_is_seen(harness: &mut Harness) {
    idle(harness, Reply::close).await;
}

async fn a_kept_connection_is_reset_while_idle(harness: &mut Harness) {
    idle(harness, Reply::reset).await;
}

async fn a_kept_connection_takes_no_byte(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(printed);
    for (connection, call) in (1..).zip(CALLS) {
        harness.call(ApiCall::UssdReply).await;
        harness.peer.change(connection, |plan| plan.write_limit = 0);
        harness.call(call).await;
    }
}

async fn a_kept_connection_breaks_while_a_request_is_written(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(printed);
    // The first request on each connection has at least 64 bytes.
    harness.peer.plan(|number| {
        if number % 2 == 1 { Plan { write_limit: 100, ..Plan::default() } } else { Plan::default() }
    });
    for call in CALLS {
        harness.call(ApiCall::UssdReply).await;
        harness.call(call).await;
        harness.peer.push(&Reply::never().close());
        harness.wait(10).await;
    }
}

async fn a_new_connection_takes_no_byte(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(printed);
    harness.peer.plan(|_| Plan { write_limit: 0, ..Plan::default() });
    for call in CALLS {
        harness.call(call).await;
    }
}

async fn a_new_connection_breaks_while_a_request_is_written(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(printed);
    harness.peer.plan(|_| Plan { write_limit: 40, piece: 16, ..Plan::default() });
    for call in CALLS {
        harness.call(call).await;
    }
}

async fn every_connection_closes_after_a_response(harness: &mut Harness) {
    harness.peer.script(|request| {
        let reply = if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") };
        reply.close()
    });
    for call in CALLS {
        harness.call(call).await;
    }
}

async fn a_kept_connection_ends_and_there_is_no_other(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.plan(|number| {
        if number == 1 { Plan::default() } else { Plan { opening: Opening::Refused, ..Plan::default() } }
    });
    harness.peer.script(|request| if request.index == 1 { printed(request) } else { Reply::never().close() });
    for call in [ApiCall::UssdReply, ApiCall::Queue, ApiCall::SendSms] {
        harness.call(call).await;
    }
}

async fn every_kept_connection_closes_without_a_response(harness: &mut Harness) {
    // The first request on each connection is answered.
    let mut last = 0;
    harness.peer.script(move |request| {
        let is_first = std::mem::replace(&mut last, request.connection) != request.connection;
        match is_first {
            true if request.has_nonce("n1") => printed(request),
            true => Reply::digest("n1"),
            false => Reply::never().close(),
        }
    });
    for call in [ApiCall::Queue, ApiCall::Queue, ApiCall::SendSms, ApiCall::SendSms, ApiCall::Unread] {
        harness.call(call).await;
    }
}

async fn unasked_bytes_arrive_on_a_kept_connection(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(printed);
    for call in CALLS {
        harness.call(ApiCall::UssdReply).await;
        harness.peer.push(&Reply::status(408, "too slow"));
        harness.wait(10).await;
        harness.call(call).await;
    }
}

async fn a_response_arrives_twice(harness: &mut Harness) {
    harness.set_up_open();
    harness.peer.script(|request| {
        let reply = printed(request);
        if request.call() == "query_ussd_reply" {
            let twice = reply.steps.iter().chain(&reply.steps).cloned().collect();
            return Reply { steps: twice };
        }
        reply
    });
    for call in CALLS {
        harness.call(ApiCall::UssdReply).await;
        harness.call(call).await;
    }
}
