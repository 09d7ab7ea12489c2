//! Messages: accepted, shown, listed, cancelled.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use sms_gateway::Sms;

use super::{
    Api, Caller, MAX_MESSAGES,
    auth::Account,
    body::Entire,
    number,
    page::{Listed, Page},
    params::Params,
    problem::{Kind, Problem},
};
use crate::{
    hash::short,
    mask, metrics,
    names::Names,
    storage::{
        Acceptance, AccountId, HistoryEntry, IdempotencyKey, Lane, Message, MessageId, NewMessage, Place,
        Priority, State as MessageState, Time,
    },
};

type Shared = State<Arc<Api>>;

/// The time for which an idempotency key is known, in milliseconds.
const KEY_LIFE: u64 = 72 * 3_600_000;

/// The usual and longest validity.
const LONGEST_VALIDITY: Duration = Duration::from_secs(72 * 3600);

/// The maximum length of a label in bytes.
const MAX_REFERENCE: usize = 255;

/// A message as clients write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    to: String,
    text: String,
    reference: Option<String>,
    priority: Option<u8>,
    /// In seconds.
    valid_for: Option<u64>,
}

/// Several messages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    messages: Vec<Written>,
}

/// Shows which of both a body is, so that an error is about that one.
#[derive(Deserialize)]
struct Probe {
    messages: Option<IgnoredAny>,
}

/// The acceptance of a message.
#[derive(Serialize)]
pub(super) struct Accepted {
    id: String,
}

/// The acceptance of one message, or of several.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Acceptances {
    One(Accepted),
    Many { messages: Vec<Accepted> },
}

/// Reads a body. Returns whether it is one message, not a batch.
fn read(body: &[u8]) -> Result<(bool, Vec<Written>), serde_json::Error> {
    let probe: Probe = serde_json::from_slice(body)?;
    if probe.messages.is_some() {
        let batch: Batch = serde_json::from_slice(body)?;
        return Ok((false, batch.messages));
    }
    Ok((true, vec![serde_json::from_slice(body)?]))
}

/// Accepts messages. They are stored when this responds.
pub(super) async fn accept(
    State(api): Shared,
    Account(account): Account,
    headers: HeaderMap,
    Entire(body): Entire,
) -> Result<(StatusCode, Json<Acceptances>), Problem> {
    let (is_one, written) = read(&body).map_err(|error| {
        Problem::invalid(format!("The body is not a message or a batch of messages: {error}."))
    })?;
    if written.is_empty() || written.len() > MAX_MESSAGES {
        return Err(Problem::invalid(format!("A request has 1 to {MAX_MESSAGES} messages.")));
    }
    let now = Time::now();
    let mut messages = Vec::with_capacity(written.len());
    for (index, message) in written.into_iter().enumerate() {
        messages.push(check(&api, account, message, now).map_err(|problem| problem.with("index", index))?);
    }
    let lanes = messages.iter().map(|new| lane(new, account)).collect::<std::collections::BTreeSet<_>>();
    let key = idempotency_key(&headers, &body, now)?;
    let accepted = match api.storage.accept(account, key, messages, now).await? {
        Acceptance::New(ids) => {
            let account = api.names.of_account(account).to_string();
            metrics::counter!(metrics::ACCEPTED, "account" => account).increment(ids.len() as u64);
            for lane in lanes {
                api.queue.added(lane);
            }
            ids
        }
        Acceptance::Known(ids) => ids,
        Acceptance::OptedOut(index) => {
            let detail = "to: the recipient opted out of this account's messages. Nothing was accepted.";
            return Err(Problem::new(Kind::OptedOut, detail).with("field", "to").with("index", index));
        }
        Acceptance::Conflict => {
            let detail = "The same Idempotency-Key was used for another request.";
            return Err(Problem::new(Kind::KeyReused, detail));
        }
    };
    let mut accepted = accepted.into_iter().map(|id| Accepted { id: id.to_string() });
    let body = match accepted.next() {
        Some(only) if is_one => Acceptances::One(only),
        first => Acceptances::Many { messages: first.into_iter().chain(accepted).collect() },
    };
    Ok((StatusCode::ACCEPTED, Json(body)))
}

const fn lane(new: &NewMessage, account: AccountId) -> Lane {
    Lane { pool: new.pool, priority: new.priority, account }
}

/// Checks a message and chooses its pool.
fn check(api: &Api, account: AccountId, written: Written, now: Time) -> Result<NewMessage, Problem> {
    let to = number::recipient(&written.to)?;
    // This checks the length of the text.
    Sms::new(&to, written.text.as_str())
        .map_err(|error| Problem::invalid(format!("text: {error}.")).with("field", "text"))?;
    if written.text.is_empty() {
        return Err(Problem::invalid("text: it is empty.").with("field", "text"));
    }
    if written.reference.as_ref().is_some_and(|reference| reference.len() > MAX_REFERENCE) {
        let detail = format!("reference: it is longer than {MAX_REFERENCE} bytes.");
        return Err(Problem::invalid(detail).with("field", "reference"));
    }
    let priority = written.priority.map_or(Some(Priority::USUAL), Priority::new);
    let priority =
        priority.ok_or_else(|| Problem::invalid("priority: it is 0 to 9.").with("field", "priority"))?;
    let validity = written.valid_for.map_or(LONGEST_VALIDITY, Duration::from_secs);
    if validity.is_zero() || validity > LONGEST_VALIDITY {
        return Err(Problem::invalid("valid_for: it is 1 to 259200 seconds.").with("field", "valid_for"));
    }
    let pool = api.routes.pool(account, &to).ok_or_else(|| {
        let detail = "to: no route of this server leads to this number.";
        Problem::new(Kind::NoRoute, detail).with("field", "to")
    })?;
    Ok(NewMessage {
        pool,
        to,
        text: written.text.into(),
        reference: written.reference.map(Into::into),
        priority,
        expires: now.after(u64::try_from(validity.as_millis()).unwrap_or(u64::MAX)),
    })
}

fn idempotency_key(headers: &HeaderMap, body: &[u8], now: Time) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    if key.is_empty() || key.len() > 255 {
        return Err(Problem::invalid("An Idempotency-Key has 1 to 255 bytes."));
    }
    Ok(Some(IdempotencyKey { key: short(key), request: short(body), until: now.after(KEY_LIFE) }))
}

/// A message as clients see it.
#[derive(Serialize)]
pub(super) struct Shown {
    id: String,
    /// Only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Arc<str>>,
    /// Only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<Arc<str>>,
    /// Masked for operators.
    to: Box<str>,
    /// Not for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Box<str>>,
    /// Not for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Box<str>>,
    priority: u8,
    state: MessageState,
    is_final: bool,
    /// In milliseconds since 1970.
    created: u64,
    expires: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<Change>>,
}

/// An entry of a message's history.
#[derive(Serialize)]
struct Change {
    /// In milliseconds since 1970.
    at: u64,
    state: MessageState,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Box<str>>,
}

impl Change {
    fn new(entry: HistoryEntry, names: &Names) -> Self {
        Self {
            at: entry.at.0,
            state: entry.state,
            gateway: entry.gateway.map(|gateway| names.of(gateway)),
            port: entry.port,
            detail: entry.detail,
        }
    }
}

impl Shown {
    fn new(
        id: MessageId,
        message: Message,
        caller: &Caller,
        names: &Names,
        history: Option<Vec<Change>>,
    ) -> Self {
        let is_operator = matches!(caller, Caller::Operator { .. });
        Self {
            id: id.to_string(),
            account: is_operator.then(|| names.of_account(message.account)),
            pool: is_operator.then(|| names.of_pool(message.pool)),
            to: if is_operator { mask::number(&message.to).into() } else { message.to },
            text: (!is_operator).then_some(message.text),
            reference: message.reference.filter(|_| !is_operator),
            priority: message.priority.number(),
            state: message.state,
            is_final: message.place == Place::Ended,
            created: message.created.0,
            expires: message.expires.0,
            history,
        }
    }
}

/// Returns a message of the caller's account, or any message to an operator.
async fn find(api: &Api, caller: &Caller, id: &str) -> Result<(MessageId, Message), Problem> {
    let unknown = || Problem::new(Kind::NotFound, "There is no such message.");
    let id = MessageId::parse(id).ok_or_else(unknown)?;
    let message = api.storage.message(id).await?;
    let message = message
        .filter(|message| caller.account().is_none_or(|account| account == message.account))
        .ok_or_else(unknown)?;
    Ok((id, message))
}

/// Shows a message with its history.
pub(super) async fn show(
    State(api): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let (id, message) = find(&api, &caller, &id).await?;
    let history = api.storage.history(id).await?.into_iter();
    let history = history.map(|entry| Change::new(entry, &api.names)).collect();
    Ok(Json(Shown::new(id, message, &caller, &api.names, Some(history))))
}

/// Lists the account's messages, or to an operator those of all accounts, newest first.
pub(super) async fn list(
    State(api): Shared,
    caller: Caller,
    Params(page): Params<Page>,
) -> Result<Json<Listed<Shown>>, Problem> {
    let (limit, before) = page.check(MessageId::parse)?;
    let found = api.storage.list(caller.account(), before, limit).await?;
    Ok(Json(Listed::new(found, limit, |id, message| Shown::new(id, message, &caller, &api.names, None))))
}

/// Cancels a message. One that was given to a gateway already is cancelled if its messenger can still stop it.
pub(super) async fn cancel(
    State(api): Shared,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Shown>), Problem> {
    let (id, message) = find(&api, &caller, &id).await?;
    let entry = HistoryEntry::new(Time::now(), MessageState::Cancelled);
    let place = api.queue.end(id, message, entry).await?;
    if let Some(Place::Bound { gateway, key }) = place
        && let Some(gateway) = api.gateways.get(&gateway)
    {
        gateway.cancel(key);
    }
    let (id, message) = find(&api, &caller, &id.to_string()).await?;
    let status = match place {
        Some(Place::Queued | Place::Held) => StatusCode::OK,
        Some(Place::Bound { .. }) => StatusCode::ACCEPTED,
        _ => StatusCode::CONFLICT,
    };
    Ok((status, Json(Shown::new(id, message, &caller, &api.names, None))))
}
