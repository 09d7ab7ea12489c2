//! Webhooks and their dead letters, for operators.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};

use super::{
    Api,
    body::Entire,
    page::{self, Page},
    params::Params,
    problem::{Kind, Problem},
};
use crate::storage::{AccountId, Time};

/// The maximum number of dead letters that a request retries.
const MAX_RETRIED: usize = 10_000;

/// A webhook.
#[derive(Serialize)]
struct Shown {
    account: Arc<str>,
    /// The time at which its receiver responded with 410, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<u64>,
}

/// All webhooks.
#[derive(Serialize)]
pub(super) struct All {
    webhooks: Vec<Shown>,
}

/// Lists the webhooks.
pub(super) async fn list(State(api): State<Arc<Api>>) -> Result<Json<All>, Problem> {
    let found = api.storage.webhooks().await?.into_iter();
    let shown = found.map(|webhook| Shown {
        account: api.names.of_account(webhook.account),
        disabled: webhook.disabled.map(|time| time.0),
    });
    Ok(Json(All { webhooks: shown.collect() }))
}

fn unknown() -> Problem {
    Problem::new(Kind::NotFound, "There is no such webhook.")
}

async fn find(api: &Api, name: &str) -> Result<AccountId, Problem> {
    let account = api.names.account(name).ok_or_else(unknown)?;
    let is_known = api.storage.webhooks().await?.iter().any(|webhook| webhook.account == account);
    is_known.then_some(account).ok_or_else(unknown)
}

/// Enables a webhook whose receiver wanted no more events.
pub(super) async fn enable(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
) -> Result<Json<All>, Problem> {
    let account = find(&api, &name).await?;
    api.storage.enable_webhook(account).await?;
    list(State(api)).await
}

/// A dead letter: an event that was not accepted for 72 hours.
#[derive(Serialize)]
struct Letter {
    id: String,
    event: String,
    attempts: u32,
    /// In milliseconds since 1970.
    since: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Box<str>>,
}

/// A page of dead letters.
#[derive(Serialize)]
pub(super) struct Letters {
    letters: Vec<Letter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists the dead letters of an account, oldest first.
pub(super) async fn dead_letters(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Params(page): Params<Page>,
) -> Result<Json<Letters>, Problem> {
    let account = find(&api, &name).await?;
    let (limit, after) = page.check(parse)?;
    let found = api.storage.dead_letters(account, after, limit).await?;
    let next = page::next(&found, limit, |last| id(last.place));
    let show = |waiting: crate::storage::Waiting| Letter {
        id: id(waiting.place),
        event: waiting.subject.to_string(),
        attempts: waiting.attempts,
        since: waiting.since.0,
        failure: waiting.failure,
    };
    Ok(Json(Letters { letters: found.into_iter().map(show).collect(), next }))
}

fn id(place: u64) -> String {
    format!("{place:016x}")
}

fn parse(id: &str) -> Option<u64> {
    let is_canonical = id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_canonical.then(|| u64::from_str_radix(id, 16).ok()).flatten()
}

/// The dead letter to retry; all if it is missing.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    letter: Option<String>,
}

/// The number of retried dead letters.
#[derive(Serialize)]
pub(super) struct Retried {
    letters: usize,
    has_more: bool,
}

/// Makes dead letters due again. They get another 72 hours.
pub(super) async fn retry(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    Entire(body): Entire,
) -> Result<Json<Retried>, Problem> {
    let account = find(&api, &name).await?;
    let choice: Choice = if body.is_empty() {
        Choice::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| Problem::invalid(format!("The body: {error}.")))?
    };
    let wrong = || Problem::invalid("letter: it is not an id of a dead letter.");
    let place = choice.letter.map(|letter| parse(&letter).ok_or_else(wrong)).transpose()?;
    let letters = api.storage.retry(account, place, MAX_RETRIED, Time::now()).await?;
    Ok(Json(Retried { letters, has_more: letters == MAX_RETRIED }))
}
