//! Connections that are kept, and end before or during the next request.

use crate::{
    list,
    peer::{Opening, Plan},
    reply::Reply,
    stage::Stage,
    subject::Ask,
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

const ASKS: [Ask; 3] = [Ask::Queue, Ask::SendSms, Ask::StopSms];

async fn idle(stage: &mut Stage, end: impl Fn(Reply) -> Reply) {
    stage.set_up_open();
    stage.peer.script(printed);
    for ask in ASKS {
        stage.call(Ask::UssdReply).await;
        stage.peer.push(&end(Reply::never().after(Duration::from_millis(500))));
        stage.wait(1000).await;
        stage.call(ask).await;
    }
}

async fn the_end_of_a_kept_connection_is_seen(stage: &mut Stage) {
    idle(stage, Reply::close).await;
}

async fn a_kept_connection_is_reset_while_idle(stage: &mut Stage) {
    idle(stage, Reply::reset).await;
}

async fn a_kept_connection_takes_no_byte(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.script(printed);
    for (connection, ask) in (1..).zip(ASKS) {
        stage.call(Ask::UssdReply).await;
        stage.peer.change(connection, |plan| plan.write_limit = 0);
        stage.call(ask).await;
    }
}

async fn a_kept_connection_breaks_while_a_request_is_written(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.script(printed);
    // The first request on each connection has 64 bytes at least.
    stage.peer.plan(|number| {
        if number % 2 == 1 { Plan { write_limit: 100, ..Plan::default() } } else { Plan::default() }
    });
    for ask in ASKS {
        stage.call(Ask::UssdReply).await;
        stage.call(ask).await;
        stage.peer.push(&Reply::never().close());
        stage.wait(10).await;
    }
}

async fn a_new_connection_takes_no_byte(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.script(printed);
    stage.peer.plan(|_| Plan { write_limit: 0, ..Plan::default() });
    for ask in ASKS {
        stage.call(ask).await;
    }
}

async fn a_new_connection_breaks_while_a_request_is_written(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.script(printed);
    stage.peer.plan(|_| Plan { write_limit: 40, piece: 16, ..Plan::default() });
    for ask in ASKS {
        stage.call(ask).await;
    }
}

async fn every_connection_closes_after_a_response(stage: &mut Stage) {
    stage.peer.script(|request| {
        let reply = if request.has_nonce("n1") { printed(request) } else { Reply::digest("n1") };
        reply.close()
    });
    for ask in ASKS {
        stage.call(ask).await;
    }
}

async fn a_kept_connection_ends_and_there_is_no_other(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.plan(|number| {
        if number == 1 { Plan::default() } else { Plan { opening: Opening::Refused, ..Plan::default() } }
    });
    stage.peer.script(|request| if request.index == 1 { printed(request) } else { Reply::never().close() });
    for ask in [Ask::UssdReply, Ask::Queue, Ask::SendSms] {
        stage.call(ask).await;
    }
}

async fn every_kept_connection_closes_without_a_response(stage: &mut Stage) {
    // The first request on each connection is answered.
    let mut last = 0;
    stage.peer.script(move |request| {
        let is_first = std::mem::replace(&mut last, request.connection) != request.connection;
        match is_first {
            true if request.has_nonce("n1") => printed(request),
            true => Reply::digest("n1"),
            false => Reply::never().close(),
        }
    });
    for ask in [Ask::Queue, Ask::Queue, Ask::SendSms, Ask::SendSms] {
        stage.call(ask).await;
    }
}

async fn unasked_bytes_arrive_on_a_kept_connection(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.script(printed);
    for ask in ASKS {
        stage.call(Ask::UssdReply).await;
        stage.peer.push(&Reply::status(408, "too slow"));
        stage.wait(10).await;
        stage.call(ask).await;
    }
}

async fn a_response_arrives_twice(stage: &mut Stage) {
    stage.set_up_open();
    stage.peer.script(|request| {
        let reply = printed(request);
        if request.call() == "query_ussd_reply" {
            let twice = reply.steps.iter().chain(&reply.steps).cloned().collect();
            return Reply { steps: twice };
        }
        reply
    });
    for ask in ASKS {
        stage.call(Ask::UssdReply).await;
        stage.call(ask).await;
    }
}
