//! Settings and commands of callers for single messages: urgency, validity, and stopping one of several messages.

use std::time::Duration;

use tokio::time::Instant;

use crate::{harness::Harness, list, reply::Reply, subject::Draft};

use super::{messenger::sender, model::GatewayModel};

list![
    an_urgent_message_is_submitted_first,
    a_message_expires_while_no_port_is_available,
    a_message_that_shares_its_task_is_stopped,
];

const MINUTE: Duration = Duration::from_secs(60);

fn numbers(model: &GatewayModel) -> Vec<String> {
    model.messages().into_iter().map(|(_, number)| number).collect()
}

async fn an_urgent_message_is_submitted_first(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.serve_all(harness);
    let mut messenger = sender(harness).await;
    let [first, second, third] = ["1", "2", "3"].map(|number| Draft::new(number, "Hello"));
    messenger.send_all(&[first, second, Draft { is_urgent: true, ..third }]).await;
    messenger.run(MINUTE).await;
    messenger.shut_down().await;
    assert_eq!(numbers(&model), ["3", "1", "2"]);
}

/// No port is available for a minute. One message is valid for half a minute, and another one for longer.
async fn a_message_expires_while_no_port_is_available(harness: &mut Harness) {
    let model = GatewayModel::new();
    let began = Instant::now();
    let this = model.clone();
    harness.peer.script(move |request| {
        let is_submission = request.call() == "send_sms" && request.has_nonce("n1");
        let is_refused = is_submission && began.elapsed() < MINUTE;
        if is_refused { Reply::json(r#"{"error_code":550}"#) } else { this.answer(request) }
    });
    let mut messenger = sender(harness).await;
    let short = Draft { valid_for: Some(MINUTE / 2), ..Draft::new("1", "Hello") };
    messenger.send_all(&[short, Draft::new("2", "Hello")]).await;
    messenger.run(3 * MINUTE).await;
    messenger.shut_down().await;
    assert_eq!(numbers(&model), ["2"]);
    let [(expired, _)] = harness.logged("message 4096: Expired, the end")[..] else { panic!("it expires") };
    assert!((29..=31).contains(&expired.as_secs()), "{expired:?}");
    assert_eq!(harness.logged("message 4097: Delivered, the end").len(), 1);
}

async fn a_message_that_shares_its_task_is_stopped(harness: &mut Harness) {
    let model = GatewayModel::new();
    model.content().holds = true;
    model.serve_all(harness);
    let mut messenger = sender(harness).await;
    messenger.send_all(&["1", "2", "3"].map(|number| Draft::new(number, "Hello"))).await;
    messenger.run(Duration::from_secs(2)).await;
    messenger.stop(1).await;
    messenger.run(Duration::from_secs(2)).await;
    assert_eq!(harness.logged("SharedTask { messages: 3 }").len(), 1);
    assert_eq!(harness.logged(", the end").len(), 0, "no message is stopped with it");
    // The gateway forgets what it stops.
    model.content().hides = true;
    messenger.stop_task(1).await;
    messenger.run(MINUTE).await;
    messenger.shut_down().await;
    assert_eq!(harness.logged(": Stopped, the end").len(), 3);
}
