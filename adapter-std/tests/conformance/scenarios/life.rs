//! What a messenger does beside sending: its inbox, outages, logins and restarts.

use std::time::Duration;

use crate::{
    list,
    peer::{Opening, Plan},
    reply::Reply,
    stage::Stage,
    subject::{MessengerSetup, Setup},
};

use super::{messenger::sender, station::Station};

list![
    an_empty_inbox_is_polled,
    an_inbox_has_several_pages,
    messages_arrive_while_a_message_is_sent,
    an_inbox_begins_anew,
    an_inbox_response_is_cut,
    acknowledged_messages_do_not_come_again_after_a_restart,
    the_gateway_is_unreachable_for_a_while,
    the_gateway_answers_with_500_for_a_while,
    the_gateway_refuses_questions_for_a_while,
    the_gateway_falls_silent,
    a_messenger_whose_login_is_refused,
    a_messenger_whose_first_probe_meets_500,
    a_messenger_whose_nonce_expires,
    a_restart_before_the_submission,
    a_restart_after_the_submission,
    a_restart_while_a_submission_is_uncertain,
    a_restart_after_the_end,
    a_shutdown_during_a_request,
];

const INBOX: MessengerSetup = MessengerSetup { incoming: true };

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

async fn poll(stage: &Stage, time: Duration) {
    let mut messenger = stage.messenger(INBOX).await;
    messenger.run(time).await;
    messenger.shut_down().await;
}

async fn an_empty_inbox_is_polled(stage: &mut Stage) {
    Station::new().serve_all(stage);
    poll(stage, seconds(45)).await;
}

fn inbox() -> Station {
    let station = Station::new();
    station.content().inbox = vec!["one", "two", "three", "four", "five"];
    station.content().page = 2;
    station
}

async fn an_inbox_has_several_pages(stage: &mut Stage) {
    inbox().serve_all(stage);
    poll(stage, seconds(60)).await;
}

async fn messages_arrive_while_a_message_is_sent(stage: &mut Stage) {
    let station = Station::new();
    station.serve_all(stage);
    let mut messenger = stage.messenger(INBOX).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(9)).await;
    station.content().inbox = vec!["one", "two"];
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
}

async fn an_inbox_begins_anew(stage: &mut Stage) {
    let station = inbox();
    station.content().page = 100;
    station.serve_all(stage);
    let mut messenger = stage.messenger(INBOX).await;
    messenger.run(seconds(15)).await;
    station.content().inbox = vec!["six", "seven"];
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
}

async fn an_inbox_response_is_cut(stage: &mut Stage) {
    let station = inbox();
    let mut is_first = true;
    let this = station.clone();
    station.serve_but(stage, move |request| {
        let is_cut = request.call() == "query_incoming_sms" && std::mem::take(&mut is_first);
        is_cut.then(|| this.serve(request).cut(200).close())
    });
    poll(stage, seconds(60)).await;
}

async fn acknowledged_messages_do_not_come_again_after_a_restart(stage: &mut Stage) {
    let station = inbox();
    station.content().page = 100;
    station.serve_all(stage);
    poll(stage, seconds(5)).await;
    station.content().inbox.push("six");
    poll(stage, seconds(30)).await;
}

async fn send_through(stage: &Stage, time: Duration) {
    let mut messenger = sender(stage).await;
    messenger.send("10086", "Hello").await;
    messenger.run(time).await;
    messenger.send("10010", "Hello again").await;
    messenger.run(time).await;
    messenger.shut_down().await;
}

async fn the_gateway_is_unreachable_for_a_while(stage: &mut Stage) {
    Station::new().serve_all(stage);
    stage.peer.plan(|number| {
        let opening = if number < 5 { Opening::Refused } else { Opening::Accepted };
        Plan { opening, ..Plan::default() }
    });
    send_through(stage, seconds(120)).await;
}

/// Meets some questions after the submission with this.
async fn meet(stage: &mut Stage, reply: impl Fn() -> Reply + Send + 'static) {
    let station = Station::new();
    let mut count = 0;
    station.serve_but(stage, move |request| {
        count += u32::from(request.call() != "send_sms");
        (request.call() != "send_sms" && count < 4).then(&reply)
    });
    send_through(stage, seconds(120)).await;
}

async fn the_gateway_answers_with_500_for_a_while(stage: &mut Stage) {
    meet(stage, || Reply::status(500, "broken")).await;
}

async fn the_gateway_refuses_questions_for_a_while(stage: &mut Stage) {
    meet(stage, || Reply::json(r#"{"error_code":500}"#)).await;
}

async fn the_gateway_falls_silent(stage: &mut Stage) {
    meet(stage, Reply::never).await;
}

async fn a_messenger_whose_login_is_refused(stage: &mut Stage) {
    let station = Station::new();
    stage.peer.script(|request| Reply::digest(&format!("n{}", request.index + 100)));
    let mut messenger = sender(stage).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(600)).await;
    station.serve_all(stage);
    messenger.set_password("other").await;
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
}

async fn a_messenger_whose_first_probe_meets_500(stage: &mut Stage) {
    let station = Station::new();
    stage.peer.script(move |request| match request.index {
        1 => Reply::status(500, "broken"),
        _ => station.answer(request),
    });
    send_through(stage, seconds(300)).await;
}

async fn a_messenger_whose_nonce_expires(stage: &mut Stage) {
    let station = Station::new();
    let (mut nonce, mut used) = (1, 0);
    stage.peer.script(move |request| {
        if !request.has_nonce(&format!("n{nonce}")) {
            return Reply::digest(&format!("n{nonce}"));
        }
        used += 1;
        if used == 2 {
            (nonce, used) = (nonce + 1, 0);
        }
        station.serve(request)
    });
    send_through(stage, seconds(60)).await;
}

async fn a_restart_before_the_submission(stage: &mut Stage) {
    let station = Station::new();
    stage.peer.script(|_| Reply::never().close());
    let mut messenger = sender(stage).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(1)).await;
    messenger.shut_down().await;
    station.serve_all(stage);
    let mut messenger = sender(stage).await;
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
}

async fn a_restart_after_the_submission(stage: &mut Stage) {
    Station::new().serve_all(stage);
    let mut messenger = sender(stage).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(5)).await;
    messenger.shut_down().await;
    stage.wait(600_000).await;
    let mut messenger = sender(stage).await;
    messenger.send("10010", "Hello again").await;
    messenger.run(seconds(120)).await;
    messenger.shut_down().await;
}

async fn a_restart_while_a_submission_is_uncertain(stage: &mut Stage) {
    let station = Station::new();
    let this = station.clone();
    let mut is_first = true;
    stage.peer.script(move |request| {
        let reply = this.answer(request);
        if request.call() == "send_sms" && request.has_nonce("n1") && std::mem::take(&mut is_first) {
            return Reply::never().close();
        }
        reply
    });
    let mut messenger = sender(stage).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(1)).await;
    messenger.shut_down().await;
    let mut messenger = sender(stage).await;
    messenger.run(seconds(120)).await;
    messenger.shut_down().await;
}

async fn a_restart_after_the_end(stage: &mut Stage) {
    Station::new().serve_all(stage);
    let mut messenger = sender(stage).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
    let mut messenger = sender(stage).await;
    messenger.run(seconds(600)).await;
    messenger.shut_down().await;
}

async fn a_shutdown_during_a_request(stage: &mut Stage) {
    let setup = Setup { response: seconds(20), ..Setup::default() };
    stage.peer.script(|_| Reply::json(r#"{"error_code":200,"in_queue":0}"#).drip(30, seconds(4)));
    let mut messenger = stage.messenger_with(MessengerSetup::default(), &setup).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(1)).await;
    messenger.shut_down().await;
}
