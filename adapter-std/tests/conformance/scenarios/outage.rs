//! Gateways that lose power, or lock a client out.

use std::{ops::Range, time::Duration};

use tokio::time::Instant;

use crate::{
    harness::Harness,
    list,
    peer::{Opening, Plan},
    reply::Reply,
    subject::MessengerSetup,
};

use super::{messenger::sender, model::GatewayModel};

list![
    a_message_is_sent_soon_after_an_outage,
    a_message_is_sent_soon_after_an_outage_before_which_the_connection_was_idle,
    a_connection_that_died_while_idle_carries_no_submission,
    a_gateway_that_locks_out_is_asked_once_a_minute_at_most,
];

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Serves a gateway that is without power for some time. Its connections stop working without being closed.
fn serve_without_power(harness: &Harness, model: GatewayModel, outage: Range<Duration>) {
    let began = Instant::now();
    let is_off = move || outage.contains(&began.elapsed());
    let (is_unreachable, mut died) = (is_off.clone(), 0);
    harness.peer.script(move |request| {
        if is_off() {
            died = died.max(request.connection);
        }
        if request.connection <= died { Reply::never() } else { model.answer(request) }
    });
    harness.peer.plan(move |_| {
        let opening = if is_unreachable() { Opening::Never } else { Opening::Accepted };
        Plan { opening, ..Plan::default() }
    });
}

async fn a_message_is_sent_soon_after_an_outage(harness: &mut Harness) {
    serve_without_power(harness, GatewayModel::new(), seconds(12)..seconds(82));
    let setup = MessengerSetup::INBOX;
    let mut messenger = harness.messenger(setup).await;
    messenger.run(seconds(30)).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(120)).await;
    messenger.shut_down().await;
}

/// The first request after the power cut is a late query for a message that waits in the gateway's queue.
async fn a_message_is_sent_soon_after_an_outage_before_which_the_connection_was_idle(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.content().holds = true;
    serve_without_power(harness, model, seconds(65)..seconds(135));
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(130)).await;
    messenger.send("10010", "Hello again").await;
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
}

async fn a_connection_that_died_while_idle_carries_no_submission(harness: &mut Harness) {
    let model = GatewayModel::new();
    let began = Instant::now();
    harness.peer.script(move |request| {
        let is_dead = request.connection == 1 && began.elapsed() > seconds(50);
        if is_dead { Reply::never() } else { model.answer(request) }
    });
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(60)).await;
    messenger.send("10010", "Hello again").await;
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
}

async fn a_gateway_that_locks_out_is_asked_once_a_minute_at_most(harness: &mut Harness) {
    let (model, began) = (GatewayModel::new(), Instant::now());
    harness.peer.script(move |request| {
        let is_locked_out = began.elapsed() < seconds(600);
        if is_locked_out { Reply::status(403, "forbid to try again") } else { model.answer(request) }
    });
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(1000)).await;
    messenger.shut_down().await;
}
