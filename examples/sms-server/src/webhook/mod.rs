//! Webhooks: events are sent to the receivers of their accounts.
//!
//! An event is sent until its receiver accepts it, so a receiver may get it several times, each time with the same id. Each account has
//! a task of its own, so that a slow receiver delays no other.
//!
//! A receiver that responds with 410 gets no more events until a person or a changed configuration enables its webhook. An event that is
//! not accepted for 72 hours becomes a dead letter, which a person can retry.

mod address;
mod attempt;
mod body;
mod signature;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use reqwest::{Client, Url, redirect::Policy};
use tokio::{task::JoinHandle, time::sleep};

pub use signature::Secret;

use self::{
    address::Resolver,
    attempt::{Attempt, next},
};
use crate::{
    hash::short,
    metrics,
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

/// The receiver of an account's events.
pub struct Receiver {
    /// The account.
    pub account: AccountId,
    /// A hash of its configuration. A receiver that wanted no more events gets them again once it has changed.
    pub configured: [u8; 16],
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
        let configured = short(format!("{url}\n{secret}\n{allows_http}\n{allows_private}"));
        let resolver = Resolver::new(allows_private);
        let url = check(url, allows_http, resolver.permits)?;
        let secret = Secret::parse(secret).ok_or(Unfit::Secret)?;
        let client = client(resolver, TIMEOUT)?;
        Ok(Self { account, configured, url, secret, client, names })
    }

    /// Sends its events as long as the task runs.
    pub fn start(self, storage: Arc<dyn Storage>) -> JoinHandle<()> {
        tokio::spawn(async move {
            loop {
                match self.send_due(&*storage, Time::now()).await {
                    Ok(Progress::Sent) => {}
                    Ok(Progress::Idle) => sleep(POLL).await,
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
        let mut attempts =
            stream::iter(due).map(|waiting| self.send(storage, waiting)).buffer_unordered(AT_ONCE);
        while let Some(attempt) = attempts.next().await {
            if attempt? == Attempt::Gone {
                // The rest stays as it is.
                break;
            }
        }
        Ok(Progress::Sent)
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
        let account = self.names.of_account(self.account).to_string();
        metrics::counter!(metrics::WEBHOOK_ATTEMPTS, "account" => account.clone(), "outcome" => attempt.label())
            .increment(1);
        match &attempt {
            Attempt::Accepted => storage.finish(self.account, waiting.place).await?,
            Attempt::Failed(why) => {
                let due = next(&waiting, now);
                let again_in_s = due.0.saturating_sub(now.0) / 1000;
                let is_dead = due == Time::NEVER;
                tracing::warn!(account, event = %waiting.subject, why, is_dead, again_in_s, "an event was not accepted");
                storage.postpone(self.account, waiting.place, due, why.as_str().into()).await?;
            }
            Attempt::Gone => {
                tracing::error!(
                    account,
                    "the webhook responds with 410, and is disabled: its events wait until a person or a changed \
                     configuration enables it"
                );
                storage.disable_webhook(self.account, now).await?;
            }
        }
        Ok(attempt)
    }
}

/// Reads a URL and checks its scheme and its address. A name is checked when it is resolved.
fn check(url: &str, allows_http: bool, permits: fn(IpAddr) -> bool) -> Result<Url, Unfit> {
    let parsed = Url::parse(url).map_err(|_| Unfit::Url(url.to_owned()))?;
    match parsed.scheme() {
        "https" => {}
        "http" if allows_http => {}
        _ => return Err(Unfit::Http(url.to_owned())),
    }
    let address = parsed.host_str().and_then(|host| host.trim_matches(['[', ']']).parse().ok());
    if address.is_some_and(|address| !permits(address)) {
        return Err(Unfit::Private(url.to_owned()));
    }
    Ok(parsed)
}

/// Creates a client that connects to permitted addresses only, and directly: a proxy would resolve the name again.
fn client(resolver: Resolver, timeout: Duration) -> Result<Client, Unfit> {
    // It may be installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(timeout)
        .dns_resolver(resolver)
        .user_agent(concat!("sms-server/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Unfit::Client(error.to_string()))
}

#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Sent,
    Idle,
}
