//! Webhooks: events are sent to the receivers of their accounts.
//!
//! An event is sent until its receiver accepts it, so a receiver may get it several times, each time with the same id. Each account has
//! a task of its own, so that a slow receiver delays no other.

mod address;
mod body;
mod signature;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use reqwest::{Client, StatusCode, Url, header, redirect::Policy};
use tokio::{task::JoinHandle, time::sleep};

pub use signature::Secret;

use crate::{
    names::Names,
    storage::{AccountId, Storage, StorageError, Time, Waiting},
};

/// The time for an attempt, from the lookup of the name to the response.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The maximum number of events of an account that are sent at a time.
const AT_ONCE: usize = 4;

/// The maximum number of events of an account that are read at a time.
const PAGE: usize = 64;

/// The time between two looks for events of an account.
const POLL: Duration = Duration::from_millis(500);

/// The waits after failed attempts, in seconds. The last one repeats.
const WAITS: [u64; 7] = [5, 30, 120, 600, 3600, 10_800, 21_600];

/// The time after which an event is given up, in milliseconds.
const PATIENCE: u64 = 72 * 3_600_000;

/// The receiver of an account's events.
pub struct Receiver {
    /// The account.
    pub account: AccountId,
    url: Url,
    secret: Secret,
    client: Client,
    names: Names,
}

/// The reason a receiver cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The URL cannot be read.
    #[error("`{0}` is not a URL")]
    Url(String),
    /// The URL is not HTTPS.
    #[error("`{0}` does not begin with https://; set `allow-http = true` to send events without TLS")]
    Http(String),
    /// The URL names an address that is not public.
    #[error("`{0}` is not a public address; set `allow-private = true` to send events to it")]
    Private(String),
    /// The secret cannot be read.
    #[error("the secret is not whsec_ and 24 to 64 bytes in Base64")]
    Secret,
    /// The system does not allow connections.
    #[error("no connections can be made: {0}")]
    Client(String),
}

impl Receiver {
    /// Creates a receiver.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn new(
        account: AccountId,
        url: &str,
        secret: &str,
        (allows_http, allows_private): (bool, bool),
        names: Names,
    ) -> Result<Self, Unfit> {
        let parsed = Url::parse(url).map_err(|_| Unfit::Url(url.to_owned()))?;
        match parsed.scheme() {
            "https" => {}
            "http" if allows_http => {}
            _ => return Err(Unfit::Http(url.to_owned())),
        }
        // A name is checked when it is resolved.
        let address = parsed.host_str().and_then(|host| host.trim_matches(['[', ']']).parse().ok());
        if !allows_private && address.is_some_and(|address| !address::is_public(address)) {
            return Err(Unfit::Private(url.to_owned()));
        }
        let secret = Secret::parse(secret).ok_or(Unfit::Secret)?;
        // It may be installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .dns_resolver(address::Resolver { allows_private })
            .user_agent(concat!("sms-server/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Unfit::Client(error.to_string()))?;
        Ok(Self { account, url: parsed, secret, client, names })
    }

    /// Sends its events as long as the task runs.
    pub fn start(self, storage: Arc<dyn Storage>) -> JoinHandle<()> {
        tokio::spawn(async move {
            loop {
                match self.send_due(&*storage, Time::now()).await {
                    Ok(Progress::Sent) => {}
                    Ok(Progress::Idle) => sleep(POLL).await,
                    Ok(Progress::Gone) => {
                        let account = self.account.0;
                        tracing::error!(
                            account,
                            "the webhook responds with 410: no event is sent until the next start"
                        );
                        return;
                    }
                    Err(error) => {
                        tracing::error!(%error, "events cannot be read");
                        sleep(POLL).await;
                    }
                }
            }
        })
    }

    /// Sends the events whose time has come.
    async fn send_due(&self, storage: &dyn Storage, now: Time) -> Result<Progress, StorageError> {
        let due = storage.due(self.account, now, PAGE).await?;
        if due.is_empty() {
            return Ok(Progress::Idle);
        }
        let attempts = stream::iter(due).map(|waiting| self.send(storage, waiting)).buffer_unordered(AT_ONCE);
        let outcomes: Vec<_> = attempts.collect().await;
        let mut progress = Progress::Sent;
        for outcome in outcomes {
            if outcome? == Attempt::Gone {
                progress = Progress::Gone;
            }
        }
        Ok(progress)
    }

    /// Sends an event, and notes the outcome.
    async fn send(&self, storage: &dyn Storage, waiting: Waiting) -> Result<Attempt, StorageError> {
        let now = Time::now();
        let Some(body) = body::of(storage, waiting.subject, &self.names).await? else {
            // Its message was purged.
            storage.finish(self.account, waiting.place).await?;
            return Ok(Attempt::Accepted);
        };
        let attempt = self.post(&waiting.subject.to_string(), now, body).await;
        match &attempt {
            Attempt::Accepted => storage.finish(self.account, waiting.place).await?,
            Attempt::Failed(why) => {
                tracing::warn!(event = %waiting.subject, why, "an event was not accepted");
                storage.postpone(self.account, waiting.place, next(&waiting, now)).await?;
            }
            // The event stays where it is.
            Attempt::Gone => {}
        }
        Ok(attempt)
    }

    async fn post(&self, id: &str, now: Time, body: Vec<u8>) -> Attempt {
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
            Err(error) => Attempt::Failed(error.without_url().to_string()),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Sent,
    Idle,
    Gone,
}

#[derive(Debug, PartialEq, Eq)]
enum Attempt {
    Accepted,
    Failed(String),
    /// The receiver wants no more events.
    Gone,
}

/// Returns the time of the next attempt.
fn next(waiting: &Waiting, now: Time) -> Time {
    if now.0.saturating_sub(waiting.since().0) > PATIENCE {
        return Time::NEVER;
    }
    let step = usize::try_from(waiting.attempts).unwrap_or(usize::MAX).min(WAITS.len() - 1);
    now.after(WAITS[step] * 1000)
}
