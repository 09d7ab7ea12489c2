//! The parts of a messenger's life other than sending: its inbox, outages, logins and restarts.

use std::time::Duration;

use crate::{
    harness::Harness,
    list,
    peer::{Opening, Plan},
    reply::Reply,
    subject::{GatewaySetup, MessengerSetup},
};

use super::{messenger::sender, model::GatewayModel};

list![
    an_empty_inbox_is_polled,
    an_inbox_has_several_pages,
    messages_arrive_while_a_message_is_sent,
    an_inbox_begins_anew,
    an_incoming_text_is_too_long,
    responses_name_the_gateway_and_its_sim_cards,
    an_inbox_response_is_cut,
    acknowledged_messages_do_not_come_again_after_a_restart,
    the_gateway_is_unreachable_for_a_while,
    the_gateway_answers_with_500_for_a_while,
    the_gateway_refuses_questions_for_a_while,
    the_gateway_refuses_11_questions_in_a_row,
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

const INBOX: MessengerSetup = MessengerSetup::INBOX;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

async fn poll(harness: &Harness, time: Duration) {
    let mut messenger = harness.messenger(INBOX).await;
    messenger.run(time).await;
    messenger.shut_down().await;
}

async fn an_empty_inbox_is_polled(harness: &mut Harness) {
    GatewayModel::new().serve_all(harness);
    poll(harness, seconds(45)).await;
}

fn inbox() -> GatewayModel {
    let model = GatewayModel::new();
    model.fill_inbox(&["one", "two", "three", "four", "five"]);
    model.content().page = 2;
    model
}

async fn an_inbox_has_several_pages(harness: &mut Harness) {
    inbox().serve_all(harness);
    poll(harness, seconds(60)).await;
}

async fn messages_arrive_while_a_message_is_sent(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.serve_all(harness);
    let mut messenger = harness.messenger(INBOX).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(9)).await;
    model.fill_inbox(&["one", "two"]);
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
}

async fn an_inbox_begins_anew(harness: &mut Harness) {
    let model = inbox();
    model.content().page = 100;
    model.serve_all(harness);
    let mut messenger = harness.messenger(INBOX).await;
    messenger.run(seconds(15)).await;
    model.fill_inbox(&["six", "seven"]);
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
}

async fn an_incoming_text_is_too_long(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.fill_inbox(&["one", &"x".repeat(20_000), "three"]);
    model.serve_all(harness);
    poll(harness, seconds(30)).await;
}

/// In later versions of the API, responses contain the gateway's serial number and the IMSIs of its SIM cards.
async fn responses_name_the_gateway_and_its_sim_cards(harness: &mut Harness) {
    const RESULT: &str = r#"{"error_code":200,"sn":"da00-15","result":[{"port":0,"user_id":4096,"number":"10086","time":"2026-01-01 10:00:00","status":"SENT_OK","count":1,"succ_count":1,"ref_id":10,"imsi":"460016529802202"}]}"#;
    const INCOMING: &str = r#"{"error_code":200,"sn":"da00-15","sms":[{"incoming_sms_id":1,"port":0,"number":"10000","timestamp":"2026-01-01 10:00:00","text":"Hi","imsi":"460016529802202"}],"read":0,"unread":1}"#;
    GatewayModel::new().serve_but(harness, |request| match request.call() {
        "query_sms_result" => Some(Reply::json(RESULT)),
        "query_incoming_sms" if !request.target.contains("_id=") => Some(Reply::json(INCOMING)),
        _ => None,
    });
    let mut messenger = harness.messenger(INBOX).await;
    assert_eq!(messenger.serial_number(), "");
    messenger.send("10086", "Hello").await;
    // Run until the result has arrived.
    messenger.run(Duration::from_millis(8150)).await;
    assert_eq!(messenger.serial_number(), "da00-15");
    messenger.run(seconds(30)).await;
    messenger.shut_down().await;
    assert_eq!(harness.logged("\"Hi\", through the SIM card 460016529802202").len(), 1);
}

async fn an_inbox_response_is_cut(harness: &mut Harness) {
    let model = inbox();
    let mut is_first = true;
    let this = model.clone();
    model.serve_but(harness, move |request| {
        let is_cut = request.call() == "query_incoming_sms" && std::mem::take(&mut is_first);
        is_cut.then(|| this.serve(request).cut(200).close())
    });
    poll(harness, seconds(60)).await;
}

async fn acknowledged_messages_do_not_come_again_after_a_restart(harness: &mut Harness) {
    let model = inbox();
    model.content().page = 100;
    model.serve_all(harness);
    poll(harness, seconds(5)).await;
    model.content().inbox.push("six".to_owned());
    poll(harness, seconds(30)).await;
}

async fn send_through(harness: &Harness, time: Duration) {
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(time).await;
    messenger.send("10010", "Hello again").await;
    messenger.run(time).await;
    messenger.shut_down().await;
}

async fn the_gateway_is_unreachable_for_a_while(harness: &mut Harness) {
    GatewayModel::new().serve_all(harness);
    harness.peer.plan(|number| {
        let opening = if number < 5 { Opening::Refused } else { Opening::Accepted };
        Plan { opening, ..Plan::default() }
    });
    send_through(harness, seconds(120)).await;
}

/// Answers the first three requests other than the submission with this reply.
async fn meet(harness: &mut Harness, reply: impl Fn() -> Reply + Send + 'static) {
    let model = GatewayModel::new();
    let mut count = 0;
    model.serve_but(harness, move |request| {
        count += u32::from(request.call() != "send_sms");
        (request.call() != "send_sms" && count < 4).then(&reply)
    });
    send_through(harness, seconds(120)).await;
}

async fn the_gateway_answers_with_500_for_a_while(harness: &mut Harness) {
    meet(harness, || Reply::status(500, "broken")).await;
}

async fn the_gateway_refuses_questions_for_a_while(harness: &mut Harness) {
    meet(harness, || Reply::json(r#"{"error_code":500}"#)).await;
}

/// The error is reported from the first refusal to the last one.
async fn the_gateway_refuses_11_questions_in_a_row(harness: &mut Harness) {
    let model = GatewayModel::new();
    let mut count = 0;
    model.serve_but(harness, move |request| {
        let is_question = request.call() != "send_sms";
        count += u32::from(is_question);
        (is_question && (2..=12).contains(&count)).then(|| Reply::json(r#"{"error_code":500}"#))
    });
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(60)).await;
    assert_eq!(harness.logged("error: refused").len(), 1);
    messenger.run(seconds(3600)).await;
    assert_eq!(harness.logged("error: none").len(), 1);
    messenger.shut_down().await;
    assert_eq!(harness.logged(": Delivered, the end").len(), 1);
}

async fn the_gateway_falls_silent(harness: &mut Harness) {
    meet(harness, Reply::never).await;
}

async fn a_messenger_whose_login_is_refused(harness: &mut Harness) {
    let model = GatewayModel::new();
    harness.peer.script(|request| Reply::digest(&format!("n{}", request.index + 100)));
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(600)).await;
    model.serve_all(harness);
    messenger.set_password("other");
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
}

async fn a_messenger_whose_first_probe_meets_500(harness: &mut Harness) {
    let model = GatewayModel::new();
    harness.peer.script(move |request| match request.index {
        1 => Reply::status(500, "broken"),
        _ => model.answer(request),
    });
    send_through(harness, seconds(300)).await;
}

async fn a_messenger_whose_nonce_expires(harness: &mut Harness) {
    let model = GatewayModel::new();
    let (mut nonce, mut used) = (1, 0);
    harness.peer.script(move |request| {
        if !request.has_nonce(&format!("n{nonce}")) {
            return Reply::digest(&format!("n{nonce}"));
        }
        used += 1;
        if used == 2 {
            (nonce, used) = (nonce + 1, 0);
        }
        model.serve(request)
    });
    send_through(harness, seconds(60)).await;
}

async fn a_restart_before_the_submission(harness: &mut Harness) {
    let model = GatewayModel::new();
    harness.peer.script(|_| Reply::never().close());
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(1)).await;
    messenger.shut_down().await;
    model.serve_all(harness);
    let mut messenger = sender(harness).await;
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
}

async fn a_restart_after_the_submission(harness: &mut Harness) {
    GatewayModel::new().serve_all(harness);
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(5)).await;
    messenger.shut_down().await;
    harness.wait(600_000).await;
    let mut messenger = sender(harness).await;
    messenger.send("10010", "Hello again").await;
    messenger.run(seconds(120)).await;
    messenger.shut_down().await;
}

async fn a_restart_while_a_submission_is_uncertain(harness: &mut Harness) {
    let model = GatewayModel::new();
    let this = model.clone();
    let mut is_first = true;
    harness.peer.script(move |request| {
        let reply = this.answer(request);
        if request.call() == "send_sms" && request.has_nonce("n1") && std::mem::take(&mut is_first) {
            return Reply::never().close();
        }
        reply
    });
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(1)).await;
    messenger.shut_down().await;
    let mut messenger = sender(harness).await;
    messenger.run(seconds(120)).await;
    messenger.shut_down().await;
}

async fn a_restart_after_the_end(harness: &mut Harness) {
    GatewayModel::new().serve_all(harness);
    let mut messenger = sender(harness).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(60)).await;
    messenger.shut_down().await;
    let mut messenger = sender(harness).await;
    messenger.run(seconds(600)).await;
    messenger.shut_down().await;
}

async fn a_shutdown_during_a_request(harness: &mut Harness) {
    let setup = GatewaySetup { response: seconds(20), ..GatewaySetup::default() };
    harness.peer.script(|_| Reply::json(r#"{"error_code":200,"in_queue":0}"#).drip(30, seconds(4)));
    let mut messenger = harness.messenger_with(MessengerSetup::SENDER, &setup).await;
    messenger.send("10086", "Hello").await;
    messenger.run(seconds(1)).await;
    messenger.shut_down().await;
}
