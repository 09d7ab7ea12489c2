//! An attempt to send an event, and the time of the next one.

use reqwest::{StatusCode, header};

use super::Receiver;
use crate::{
    causes::explain,
    storage::{Time, Waiting},
};

/// The waits after failed attempts, in seconds. The last one repeats.
const WAITS: [u64; 7] = [5, 30, 120, 600, 3600, 10_800, 21_600];

/// The time after which an event becomes a dead letter, in milliseconds.
pub(super) const PATIENCE: u64 = 72 * 3_600_000;

/// The maximum length of a stored reason for a failure, in characters.
const MAX_FAILURE: usize = 200;

/// The outcome of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    Accepted,
    Failed(String),
    /// The receiver wants no more events.
    Gone,
}

impl Attempt {
    /// Returns the name in metrics.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Failed(_) => "failed",
            Self::Gone => "gone",
        }
    }
}

impl Receiver {
    /// Posts an event. The body of the response is not read.
    pub(super) async fn post(&self, id: &str, now: Time, body: Vec<u8>) -> Attempt {
        let timestamp = now.0 / 1000;
        let signature = self.secret.sign(id, timestamp, &body);
        let request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body);
        match request.send().await {
            Ok(response) if response.status().is_success() => Attempt::Accepted,
            Ok(response) if response.status() == StatusCode::GONE => Attempt::Gone,
            Ok(response) => Attempt::Failed(response.status().to_string()),
            // Without the URL, which may contain a token.
            Err(error) => Attempt::Failed(explain(&error.without_url()).chars().take(MAX_FAILURE).collect()),
        }
    }
}

/// Returns the time of the next attempt.
pub(super) fn next(waiting: &Waiting, now: Time) -> Time {
    if now.0.saturating_sub(waiting.since.0) > PATIENCE {
        return Time::NEVER;
    }
    let step = usize::try_from(waiting.attempts).unwrap_or(usize::MAX).min(WAITS.len() - 1);
    let wait = WAITS.get(step).copied().unwrap_or_default();
    now.after(wait * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{IncomingId, Subject};

    #[test]
    fn waits_grow_and_end_after_three_days() {
        let now = Time(1_800_000_000_000);
        let waiting = |attempts, age: u64| Waiting {
            place: 0,
            subject: Subject::Incoming(IncomingId(0)),
            attempts,
            since: Time(now.0 - age),
            failure: None,
        };
        assert_eq!(next(&waiting(0, 0), now), now.after(5000));
        assert_eq!(next(&waiting(3, 0), now), now.after(600_000));
        assert_eq!(next(&waiting(99, 0), now), now.after(21_600_000));
        assert_eq!(next(&waiting(3, PATIENCE + 1), now), Time::NEVER);
    }
}
