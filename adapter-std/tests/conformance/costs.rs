//! The number of requests for messages whose reports never arrive.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::{
    harness::Harness,
    on_paused_clock,
    scenarios::GatewayModel,
    subject::{Adapter, Draft, MessengerSetup},
};

const MESSAGES: u32 = 400;
const HOUR: Duration = Duration::from_secs(3600);

/// Sends messages all at once, and returns the number of queries within an hour.
async fn queries(adapter: Adapter) -> u32 {
    let harness = Harness::new(adapter);
    let model = GatewayModel::new();
    model.content().report = None;
    let queries = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&queries);
    model.serve_but(&harness, move |request| {
        if request.call() != "send_sms" {
            seen.fetch_add(1, Ordering::Relaxed);
        }
        None
    });
    let capacity = MESSAGES.try_into().unwrap();
    let mut messenger = harness.messenger(MessengerSetup { capacity, ..MessengerSetup::SENDER }).await;
    let numbers: Vec<String> = (1..=MESSAGES).map(|number| number.to_string()).collect();
    let drafts: Vec<_> = numbers.iter().map(|number| Draft::new(number, "Hello")).collect();
    messenger.send_all(&drafts).await;
    messenger.run(HOUR).await;
    messenger.shut_down().await;
    assert_eq!(harness.logged(": Sent").len(), drafts.len());
    queries.load(Ordering::Relaxed)
}

#[test]
fn messages_without_reports_cost_few_queries_in_each_adapter() {
    for adapter in Adapter::ALL {
        let queries = on_paused_clock("costs", move || queries(adapter));
        assert!(f64::from(queries) <= 0.3 * f64::from(MESSAGES), "{}: {queries}", adapter.name());
    }
}
