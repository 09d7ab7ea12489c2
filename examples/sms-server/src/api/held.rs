//! Held messages, for operators: those that were queued in a backup that was restored.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use super::{
    Api,
    auth::Operator,
    body::Entire,
    page::{self, Page},
    params::Params,
    problem::Problem,
};
use crate::{
    mask,
    storage::{HistoryEntry, Message, MessageId, Place, State as MessageState, Time},
};

/// The maximum number of messages that are released in one commit.
const AT_ONCE: usize = 500;

/// The maximum number of messages that a request releases or cancels.
const MAX_MOVED: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    limit: Option<usize>,
    cursor: Option<String>,
    account: Option<String>,
}

/// A held message as operators see it.
#[derive(Serialize)]
struct Shown {
    id: String,
    account: Arc<str>,
    to: String,
    /// In milliseconds since 1970.
    created: u64,
    expires: u64,
    /// Why it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Box<str>>,
}

/// A page of held messages.
#[derive(Serialize)]
pub(super) struct Listed {
    messages: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Lists held messages, oldest first.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Params(query): Params<Query>,
) -> Result<Json<Listed>, Problem> {
    let account = query.account.map(|name| api.account(&name)).transpose()?;
    let (limit, after) = Page::new(query.limit, query.cursor).check(MessageId::parse)?;
    let held = api.storage.held(account, after, limit).await?;
    let next = page::next(&held, limit, |(id, _)| id.to_string());
    let mut messages = Vec::with_capacity(held.len());
    for (id, message) in held {
        let last = api.storage.history_entry(id, message.entries.saturating_sub(1)).await?;
        messages.push(Shown {
            id: id.to_string(),
            account: api.names.of_account(message.account),
            to: mask::number(&message.to),
            created: message.created.0,
            expires: message.expires.0,
            detail: last.and_then(|entry| entry.detail),
        });
    }
    Ok(Json(Listed { messages, next }))
}

/// A choice of held messages, in exactly one way.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    messages: Option<Vec<String>>,
    account: Option<String>,
    #[serde(default)]
    all: bool,
}

impl Choice {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let choice: Self =
            serde_json::from_slice(body).map_err(|error| Problem::invalid(format!("The body: {error}.")))?;
        let ways = [choice.messages.is_some(), choice.account.is_some(), choice.all];
        if ways.into_iter().filter(|way| *way).count() != 1 {
            return Err(Problem::invalid("Choose either messages, or an account, or all."));
        }
        if choice.messages.as_ref().is_some_and(|messages| messages.len() > MAX_MOVED) {
            return Err(Problem::invalid(format!("messages: at most {MAX_MOVED}.")));
        }
        Ok(choice)
    }

    /// Returns the first of the chosen messages that are held.
    async fn find(self, api: &Api) -> Result<Vec<(MessageId, Message)>, Problem> {
        let account = self.account.map(|name| api.account(&name)).transpose()?;
        let Some(ids) = self.messages else {
            return Ok(api.storage.held(account, None, MAX_MOVED).await?);
        };
        let unknown = || Problem::invalid("messages: one is not an id.");
        let mut found = Vec::new();
        for id in ids {
            let id = MessageId::parse(&id).ok_or_else(unknown)?;
            found.extend(api.storage.message(id).await?.map(|message| (id, message)));
        }
        found.retain(|(_, message)| message.place == Place::Held);
        Ok(found)
    }
}

/// The number of messages that were released or cancelled. The others of the choice wait for another request.
#[derive(Serialize)]
pub(super) struct Moved {
    messages: usize,
    has_more: bool,
}

impl Moved {
    const fn new(messages: usize) -> Json<Self> {
        Json(Self { messages, has_more: messages == MAX_MOVED })
    }
}

/// Returns held messages to the queue.
pub(super) async fn release(
    State(api): State<Arc<Api>>,
    Operator(operator): Operator,
    Entire(body): Entire,
) -> Result<Json<Moved>, Problem> {
    let chosen: Vec<_> = Choice::read(&body)?.find(&api).await?.into_iter().map(|(id, _)| id).collect();
    let mut count = 0;
    for ids in chosen.chunks(AT_ONCE) {
        count += api.storage.release(ids.to_vec(), Time::now()).await?.len();
    }
    // The queue may have read later messages of their lanes already.
    api.queue.refresh().await?;
    tracing::info!(operator = &*operator, messages = count, "an operator released held messages");
    Ok(Moved::new(count))
}

/// Cancels held messages.
pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    Operator(operator): Operator,
    Entire(body): Entire,
) -> Result<Json<Moved>, Problem> {
    let mut count = 0;
    for (id, message) in Choice::read(&body)?.find(&api).await? {
        let entry = HistoryEntry::new(Time::now(), MessageState::Cancelled);
        let place = api.queue.end(id, message, entry).await?;
        count += usize::from(place == Some(Place::Held));
    }
    tracing::info!(operator = &*operator, messages = count, "an operator cancelled held messages");
    Ok(Moved::new(count))
}
