//! Metrics in the text format of Prometheus.
//!
//! Labels name only what the configuration names, states, and endpoints, so that their number is bounded. They never contain numbers, texts,
//! or ids of messages. Counters begin at 0 when the process starts.

use std::sync::OnceLock;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub use metrics::{counter, gauge, histogram};

use crate::storage::State;

/// Requests by method, path and status.
pub const REQUESTS: &str = "sms_server_requests_total";
/// The durations of requests, by method and path.
pub const REQUEST_DURATION: &str = "sms_server_request_duration_seconds";
/// Connections that are open.
pub const CONNECTIONS: &str = "sms_server_connections";
/// Accepted messages, by account.
pub const ACCEPTED: &str = "sms_server_messages_accepted_total";
/// Ended messages, by state.
pub const ENDED: &str = "sms_server_messages_ended_total";
/// Messages that returned to the queue, by gateway.
pub const RETURNED: &str = "sms_server_messages_returned_total";
/// Incoming messages, by gateway.
pub const INCOMING: &str = "sms_server_messages_incoming_total";
/// Queued messages, by pool.
pub const QUEUED: &str = "sms_server_queue_messages";
/// The age of the oldest queued message, by pool.
pub const OLDEST: &str = "sms_server_queue_oldest_age_seconds";
/// Messages that are bound and not sent, by gateway.
pub const BOUND: &str = "sms_server_gateway_bound_messages";
/// Whether requests to a gateway succeed.
pub const HEALTHY: &str = "sms_server_gateway_healthy";
/// Whether a gateway is paused or drained.
pub const PAUSED: &str = "sms_server_gateway_paused";
/// The ports of a gateway that are registered in a network.
pub const REGISTERED: &str = "sms_server_gateway_registered_ports";
/// The ports of a gateway whose SIM cards are quarantined.
pub const QUARANTINED: &str = "sms_server_gateway_quarantined_sims";
/// Attempts to send events to webhooks, by account and outcome.
pub const WEBHOOK_ATTEMPTS: &str = "sms_server_webhook_attempts_total";
/// Events that were not accepted yet.
pub const WEBHOOK_WAITING: &str = "sms_server_webhook_waiting_events";
/// Commits of the storage, by outcome.
pub const COMMITS: &str = "sms_server_storage_commits_total";
/// The durations of commits.
pub const COMMIT_DURATION: &str = "sms_server_storage_commit_duration_seconds";
/// Changes that were merged into commits.
pub const CHANGES: &str = "sms_server_storage_changes_total";
/// The size of the storage.
pub const STORAGE_SIZE: &str = "sms_server_storage_size_bytes";

/// The upper bounds of the buckets of durations, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Counts a message that has ended.
pub fn message_ended(state: State) {
    counter!(ENDED, "state" => label(state)).increment(1);
}

fn label(state: State) -> String {
    format!("{state:?}").to_lowercase()
}

/// The recorder of this process.
static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();

/// Installs the recorder of this process, if it is not installed yet, and returns it.
///
/// # Errors
/// A recorder of another library is installed.
pub fn install() -> Result<&'static PrometheusHandle, &'static str> {
    RECORDER.get_or_init(|| build().map_err(|error| error.to_string())).as_ref().map_err(String::as_str)
}

fn build() -> Result<PrometheusHandle, BuildError> {
    let durations = Matcher::Suffix("_duration_seconds".to_owned());
    let handle = PrometheusBuilder::new().set_buckets_for_metric(durations, &BUCKETS)?.install_recorder()?;
    describe();
    // A counter that begins at its first event shows no increase by it.
    for state in State::FINAL {
        counter!(ENDED, "state" => label(state)).increment(0);
    }
    for outcome in ["ok", "failed"] {
        counter!(COMMITS, "outcome" => outcome).increment(0);
    }
    Ok(handle)
}

fn describe() {
    describe_counter!(REQUESTS, "Requests by method, path and status.");
    describe_histogram!(REQUEST_DURATION, Unit::Seconds, "Durations of requests.");
    describe_gauge!(CONNECTIONS, "Open connections.");
    describe_counter!(ACCEPTED, "Messages that were accepted.");
    describe_counter!(ENDED, "Messages that have ended, by state.");
    describe_counter!(
        RETURNED,
        "Messages that a gateway provably did not accept, and that returned to the queue."
    );
    describe_counter!(INCOMING, "Incoming messages that were stored.");
    describe_gauge!(QUEUED, "Queued messages.");
    describe_gauge!(OLDEST, Unit::Seconds, "Age of the oldest queued message; 0 without one.");
    describe_gauge!(BOUND, "Messages that are bound to a gateway and not sent yet.");
    describe_gauge!(HEALTHY, "1 if requests to the gateway succeed and its ports are known.");
    describe_gauge!(PAUSED, "1 if an operator has paused or drained the gateway.");
    describe_gauge!(REGISTERED, "Ports that are registered in a network.");
    describe_gauge!(QUARANTINED, "Ports whose SIM cards are quarantined.");
    describe_counter!(WEBHOOK_ATTEMPTS, "Attempts to send events, by outcome.");
    describe_gauge!(WEBHOOK_WAITING, "Events that were not accepted yet, including dead letters.");
    describe_counter!(COMMITS, "Commits of the storage, by outcome.");
    describe_histogram!(COMMIT_DURATION, Unit::Seconds, "Durations of commits.");
    describe_counter!(CHANGES, "Changes that were merged into commits.");
    describe_gauge!(STORAGE_SIZE, Unit::Bytes, "Size of the storage's file.");
}
